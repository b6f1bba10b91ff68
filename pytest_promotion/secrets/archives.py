"""
Compressed files and archives as the files that are in them: gzip, bzip2, xz, zip and tar, also inside of each other.

What is unfolded is bounded in bytes, in ratio, in number and in depth. Where a bound is reached, and where a member is
encrypted or damaged, what came before was scanned and the rest was not.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, Final

from pytest_promotion.secrets import texts

MOST_BYTES: Final = 1 << 30  # unfolded from one file
MOST_RATIO: Final = 250  # a log of heartbeats has 100, a bomb 1,000 and more
_RATIO_FROM: Final = 1 << 26  # bytes; below that, any ratio is harmless
MOST_MEMBERS: Final = 50_000
MOST_DEPTH: Final = 5  # `a.tar.gz` has two
_IN_MEMORY: Final = 1 << 23
HEAD: Final = 1 << 10
BUFFER: Final = 1 << 16
# Kinds that are unfolded, and kinds whose content nothing here can read.
_KINDS: Final = re.compile(
    rb"(?P<gzip>\x1f\x8b\x08)|(?P<bzip2>BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90))|(?P<xz>\xfd7zXZ\x00)|"
    rb"(?P<zip>PK(?:\x03\x04|\x05\x06|\x07\x08))|(?P<tar>.{257}ustar)|(?P<sevenzip>7z\xbc\xaf\x27\x1c)|(?P<rar>Rar!\x1a\x07)|"
    rb"(?P<zstandard>\x28\xb5\x2f\xfd)|(?P<lz4>\x04\x22\x4d\x18)|(?P<compress>\x1f[\x9d\xa0])|(?P<cabinet>MSCF\x00)|"
    rb"(?P<lzip>LZIP\x01)|(?P<parquet>PAR1)|(?P<pdf>%PDF-\d\.\d)",
    re.DOTALL,
)
_NAMES: Final = {"sevenzip": "a 7z archive", "pdf": "a PDF document", "parquet": "a Parquet file"}
_STREAMS: Final[dict[str, Callable[[Any], Any]]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
_DAMAGE: Final = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)

Read = Callable[[str, io.BufferedReader], None]


class Unread(Exception):
    """A file, or a part of it, could not be looked at. The message says why."""


class _BoundReached(Unread):
    """One of the bounds of a whole file: nothing more of it is unfolded."""


def kind_of(head: bytes) -> str:
    """The kind of archive or compressed file that begins with *head*, "" for any other file."""
    found = _KINDS.match(head)
    if found is None or found.lastgroup is None:
        return ""
    if found.lastgroup in ("pdf", "parquet"):  # a text may begin with such letters
        try:
            texts.encoding_of(head)
        except texts.Binary:
            return found.lastgroup
        return ""
    return found.lastgroup


def unfold(name: str, file: io.BufferedReader, size: int, read: Read) -> list[tuple[str, str]]:
    """
    Hands each file in *file* to *read*, with its name, as `a.zip!b/c.txt`, and its stream.

    *file* is an archive or a compressed file of *size* bytes.

    Returns:
        what was not looked at: the name of the file or of its member, and why.
    """
    unfolding = _Unfolding(size, read)
    unfolding.within(name, file, 0)
    return unfolding.unread


@dataclass(slots=True)
class _Unfolding:
    """One file being unfolded, within its bounds."""

    stored: int  # bytes of the file itself
    read: Read
    unread: list[tuple[str, str]] = field(default_factory=list)
    unfolded: int = 0
    members: int = 0

    def within(self, name: str, file: io.BufferedReader, depth: int) -> None:
        """Reads *file*, or what is in it; what cannot be read is noted."""
        try:
            self._open(name, file, depth)
            if isinstance(file.raw, _Counted) and file.raw.failure is not None:
                raise file.raw.failure
        except _BoundReached as problem:
            if depth:
                raise
            self.unread.append((name, str(problem)))
        except Unread as problem:
            self.unread.append((name, str(problem)))
        except _DAMAGE:
            self.unread.append((name, "it is damaged, or was cut"))

    def _open(self, name: str, file: io.BufferedReader, depth: int) -> None:
        kind = kind_of(file.peek(HEAD)[:HEAD])
        if kind and depth >= MOST_DEPTH:
            raise Unread(f"it is nested deeper than {MOST_DEPTH}")
        if kind in _STREAMS:
            self.within(name, self._counted(_STREAMS[kind](file)), depth + 1)
        elif kind == "zip":
            self._zip(name, file, depth)
        elif kind == "tar":
            self._tar(name, file, depth)
        elif kind:
            raise Unread(f"it is {_NAMES.get(kind, f'compressed by {kind}')}, which the scan does not read")
        else:
            self.read(name, file)

    def _zip(self, name: str, file: io.BufferedReader, depth: int) -> None:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spooled:
            while part := file.read(BUFFER):
                spooled.write(part)
            try:
                archive = zipfile.ZipFile(spooled)
            except (ValueError, struct.error, NotImplementedError):
                raise Unread("it is damaged, or was cut") from None
            with archive:
                for member in archive.infolist():
                    if not member.is_dir():
                        self._enter()
                        self._zip_member(f"{name}!{member.filename}", archive, member, depth)

    def _zip_member(self, name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, depth: int) -> None:
        if member.flag_bits & 1:
            self.unread.append((name, "it is encrypted"))
            return
        try:
            with archive.open(member) as opened:
                self.within(name, self._counted(opened), depth + 1)
        except NotImplementedError:
            self.unread.append((name, "it is compressed in a way that the scan does not read"))
        except zipfile.BadZipFile:
            self.unread.append((name, "it is damaged, or was cut"))

    def _tar(self, name: str, file: io.BufferedReader, depth: int) -> None:
        with tarfile.open(fileobj=file, mode="r|") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                self._enter()
                opened = archive.extractfile(member)
                if opened is not None:
                    self.within(f"{name}!{member.name}", self._counted(opened, bytes_are_new=False), depth + 1)

    def _enter(self) -> None:
        self.members += 1
        if self.members > MOST_MEMBERS:
            raise _BoundReached(f"it has more than {MOST_MEMBERS} members")

    def take(self, size: int) -> None:
        """Counts *size* bytes that were unfolded."""
        self.unfolded += size
        if self.unfolded > MOST_BYTES:
            raise _BoundReached(f"it unfolds to more than {MOST_BYTES >> 20} MB")
        if self.unfolded > _RATIO_FROM and self.unfolded > MOST_RATIO * self.stored:
            raise _BoundReached(f"it unfolds to more than {MOST_RATIO} times its size")

    def _counted(self, source: IO[bytes], *, bytes_are_new: bool = True) -> io.BufferedReader:
        return io.BufferedReader(_Counted(source, self.take if bytes_are_new else None), BUFFER)


class _Counted(io.RawIOBase):
    """
    A stream of unfolded bytes that tells how many it gave.

    It ends where unfolding fails, so that what came before is looked at, and keeps the `failure`.
    """

    def __init__(self, source: IO[bytes], take: Callable[[int], None] | None) -> None:
        self._source, self._take = source, take
        self.failure: Exception | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills *buffer*; 0 is the end."""
        filled = 0
        while self.failure is None and filled < len(buffer):
            try:
                part = self._source.read(len(buffer) - filled)
                if self._take is not None:
                    self._take(len(part))
            except (*_DAMAGE, Unread) as problem:
                self.failure = problem
                break
            if not part:
                break
            buffer[filled : filled + len(part)] = part
            filled += len(part)
        return filled
