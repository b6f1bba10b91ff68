"""
Archives of plain files: `.zip` and `.tar.zst`, written so that the same files give the same bytes.

A zip is not compressed, so that it is the same wherever it is written; a `.tar.zst` is, and is the same from
the same version of Zstandard. Reading gives what claims to be there, one member after the other, and
refuses whatever is no plain file: no link, no folder, no device, no sparse file, nothing encrypted.
"""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Final, cast

from pytest_promotion.errors import Unproven

_BLOCK: Final = tarfile.BLOCKSIZE
_LEVEL: Final = 10
_WINDOW: Final = 2**27  # bytes that a compressed file may make its reader hold
_MEMBERS: Final = 200_000
_MODE: Final = 0o644
_STEP: Final = 2**20


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive, as it says of itself."""

    name: str
    size_bytes: int


Add = Callable[[Member, IO[bytes]], None]


def is_archive(name: str) -> bool:
    """Whether a file of that name is taken for an archive."""
    return name.endswith((".zip", ".tar.zst"))


@contextmanager
def writer(name: str, file: IO[bytes]) -> Iterator[Add]:
    """What adds members to the archive *file*, of the kind that *name* says. Raises `Unproven` for another."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            yield lambda member, content: _add_to_zip(archive, member, content)
    elif name.endswith(".tar.zst"):
        compressor = _zstandard().ZstdCompressor(level=_LEVEL, threads=0)
        with compressor.stream_writer(file, closefd=False) as stream:
            yield lambda member, content: _add_to_tar(stream, member, content)
            stream.write(bytes(2 * _BLOCK))
    else:
        raise Unproven(f"{name} is no name of a bundle: expected .zip or .tar.zst")


def reader(name: str, file: IO[bytes]) -> Iterator[tuple[Member, IO[bytes]]]:
    """
    Each member of the archive *file* with what it holds, in order. Raises `Unproven` and `OSError`.

    Some damage shows only when a member is read: both are done within `undamaged`.
    """
    return _read_zip(name, file) if name.endswith(".zip") else _read_tar(name, file)


@contextmanager
def undamaged(name: str) -> Iterator[None]:
    """Raises `Unproven` where reading the archive *name* within it shows that it is not what was written."""
    zstandard = None if name.endswith(".zip") else _zstandard()
    try:
        yield
    except (zipfile.BadZipFile, zipfile.LargeZipFile, tarfile.TarError, NotImplementedError) as problem:
        raise Unproven(f"{name} is damaged: {problem}") from None
    except EOFError:
        raise Unproven(f"{name} ends too early") from None
    except Exception as problem:
        if zstandard is not None and isinstance(problem, zstandard.ZstdError):
            raise Unproven(f"{name} is damaged: {problem}") from None
        raise


def _add_to_zip(archive: zipfile.ZipFile, member: Member, content: IO[bytes]) -> None:
    facts = zipfile.ZipInfo(member.name)  # dated 1980, as nothing in it depends on when it was packed
    facts.create_system = 3
    facts.external_attr = (stat.S_IFREG | _MODE) << 16
    facts.file_size = member.size_bytes
    with archive.open(facts, "w") as target:
        _pour(content, target.write)


def _add_to_tar(stream: Any, member: Member, content: IO[bytes]) -> None:
    facts = tarfile.TarInfo(member.name)
    facts.size, facts.mode = member.size_bytes, _MODE
    stream.write(facts.tobuf(tarfile.GNU_FORMAT))
    _pour(content, stream.write)
    stream.write(bytes(-member.size_bytes % _BLOCK))


def _pour(content: IO[bytes], write: Callable[[bytes], object]) -> None:
    while part := content.read(_STEP):
        write(part)


def _read_zip(name: str, file: IO[bytes]) -> Iterator[tuple[Member, IO[bytes]]]:
    with zipfile.ZipFile(file) as archive:
        if len(archive.infolist()) > _MEMBERS:
            raise Unproven(f"{name} holds {len(archive.infolist())} members, which no bundle does")
        for facts in archive.infolist():
            mode = facts.external_attr >> 16
            if facts.flag_bits & 1 or facts.is_dir() or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
                raise Unproven(f"{name}: {facts.filename[:100]!r} is no plain file")
            if facts.compress_type != zipfile.ZIP_STORED:
                raise Unproven(f"{name}: {facts.filename[:100]!r} is compressed, which nothing in a bundle is")
            with archive.open(facts) as source:
                yield Member(facts.filename, facts.file_size), source


def _read_tar(name: str, file: IO[bytes]) -> Iterator[tuple[Member, IO[bytes]]]:
    """
    Our own loop over the headers, because `tarfile` reads those of extended formats whole into memory, however long
    a compressed one says it is; a bundle has none.
    """
    zstandard = _zstandard()
    try:
        with zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(file, closefd=False) as stream:
            for _ in range(_MEMBERS):
                header = _exactly(stream, _BLOCK)
                if not any(header):
                    return
                facts = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
                if facts.type != tarfile.REGTYPE or facts.size < 0:
                    raise Unproven(f"{name}: {facts.name[:100]!r} is no plain file")
                source = _Part(stream, facts.size)
                yield Member(facts.name, facts.size), cast("IO[bytes]", source)
                if source.left:
                    raise Unproven(f"{name} ends too early")
                _exactly(stream, -facts.size % _BLOCK)
            raise Unproven(f"{name} holds more members than any bundle")
    except UnicodeDecodeError as problem:
        raise Unproven(f"{name} is damaged: {problem}") from None


class _Part(io.RawIOBase):
    """The next *left* bytes of a stream."""

    def __init__(self, stream: Any, left: int) -> None:
        self._stream = stream
        self.left = left

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found: bytes = self._stream.read(self.left if size < 0 else min(size, self.left))
        self.left -= len(found)
        return found


def _exactly(stream: Any, size: int) -> bytes:
    parts = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    if size:
        raise EOFError
    return b"".join(parts)


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise Unproven("a .tar.zst needs zstandard: pip install 'pytest-promotion[bundle]'; a .zip does not") from None
    return zstandard
