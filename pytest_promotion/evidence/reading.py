"""
Reading a file once: safely below a root, hashed from the very bytes that are judged.

Paths are checked before they are opened and again by the file descriptor that was opened,
so what is refused is refused even if someone swaps the file in between.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import secret_files
from pytest_promotion.evidence.large_files import Hashed, LargeFile

if TYPE_CHECKING:
    from pytest_promotion.evidence.vault import Vault

HELD_BYTES: Final = 64 * 2**20  # a larger file is streamed into the vault and never held in memory
APPENDED: Final = (".jsonl", ".ndjson", ".csv")  # files that may grow while they are judged, where they are not kept
_FIRST_READ: Final = 64 * 2**10  # one system call for a typical report; 1 MiB would allocate 1 MiB each time
_SETTLED_NS: Final = 2 * 10**9  # a file younger than its clock's tick could change and keep its times; git says racy
_OPEN_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO without a writer would otherwise hang the gate
    | getattr(os, "O_BINARY", 0)
)


class Reading(NamedTuple):
    """One file as it was read. `content` is None where it is too large to be held; then it is read again by `large`."""

    sha256: str
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    content: bytes | None
    large: LargeFile | None = None
    secret: bool = False  # nothing of it was kept
    kept: bool = True  # False where the policy lets it be recorded by its digest only


class Root:
    """
    The promotion root: turns a gate's path into a file below it, or refuses.

    Refused are absolute paths and `..`, symbolic links that lead outside, directories,
    FIFOs, sockets and devices. Links that stay inside are followed.
    """

    __slots__ = ("_by_digest", "_folders", "path", "read_first", "real")

    def __init__(self, path: Path, by_digest: Sequence[str] = ()) -> None:
        """
        Args:
            by_digest: patterns of files that are recorded by their digest and kept in no vault.
        """
        self.path = path
        self._by_digest = tuple(by_digest)
        # Of files that are not kept: what was read first, with its device, for all gates of a session.
        self.read_first: dict[str, tuple[int, Reading]] = {}
        self.real = os.path.realpath(path)
        # A folder is resolved once, its files are then opened without following links: the
        # check costs a dictionary look-up a file instead of an lstat a path component.
        self._folders: dict[str, str] = {}

    def unread(self) -> Root:
        """The same root, of which nothing was read yet."""
        return Root(self.path, self._by_digest)

    def keeps(self, relative: str) -> bool:
        """Whether the file at *relative* is to be kept byte for byte."""
        return not any(fnmatchcase(relative, pattern) for pattern in self._by_digest)

    def relative(self, asked: str | os.PathLike[str]) -> str:
        """The POSIX form of *asked* relative to the root. Raises `Unproven` for what leaves it."""
        text = os.fspath(asked)
        if os.path.isabs(text):
            try:
                text = os.path.relpath(text, self.path)
            except ValueError:  # another drive
                raise Unproven(f"{text} is outside the promotion root") from None
        pure = PurePosixPath(text.replace(os.sep, "/"))
        if "\0" in text or not pure.parts:
            raise Unproven(f"{text!r} is not the path of a file")
        if ".." in pure.parts:
            raise Unproven(f"{text} is outside the promotion root: evidence lies below it, without '..'")
        return str(pure)

    def locate(self, relative: str) -> str:
        """The real path of a file below the root. Raises `Unproven` where a link leads outside."""
        folder, _, name = relative.rpartition("/")
        real = self._folders.get(folder)
        if real is None:
            real = os.path.realpath(os.path.join(self.real, folder))
            self._inside(real, relative)
            self._folders[folder] = real
        return f"{real}/{name}"

    def follow(self, path: str, relative: str) -> str:
        """Where the link at *path* leads, if that is inside. Raises `Unproven` otherwise."""
        real = os.path.realpath(path)
        self._inside(real, relative)
        return real

    def _inside(self, real: str, relative: str) -> None:
        if real != self.real and not real.startswith(self.real.rstrip(os.sep) + os.sep):
            raise Unproven(f"{relative} is a link that leads outside the promotion root, to {real}")


def read(root: Root, relative: str, vault: Vault | None = None, *, secret: bool = False) -> Reading:
    """
    Reads the file once and hashes what was read; keeps the bytes in *vault* where one is given.

    What is secret, by its name, by what is in it or because *secret* says so, is never kept, nor what the root does not
    keep. Rows may be appended to such a file: what counts is the beginning that was read first.

    Raises:
        Unproven: saying what was found instead of a readable file.
        FileNotFoundError: where there is nothing at that path.
    """
    secret = secret or secret_files.is_secret(relative)
    handle, path = _opened(root, relative)
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise Unproven(f"{relative} is {_kind(facts.st_mode)}, not a file")
        if root.keeps(relative):
            return _whole(handle, relative, path, facts, vault, secret=secret)
        return _beginning(handle, root, relative, path, facts, secret=secret)
    except OSError as problem:
        raise Unproven(f"{relative} cannot be read: {_plain(problem)}") from None
    finally:
        os.close(handle)


def _opened(root: Root, relative: str) -> tuple[int, str]:
    path = root.locate(relative)
    try:
        try:
            return os.open(path, _OPEN_FLAGS), path
        except OSError as problem:
            if problem.errno != errno.ELOOP:  # the last component is a link
                raise
            path = root.follow(path, relative)
            return os.open(path, _OPEN_FLAGS), path
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(relative) from None
    except OSError as problem:
        raise Unproven(f"{relative} cannot be read: {_plain(problem)}") from None


def _whole(
    handle: int,
    relative: str,
    path: str,
    facts: os.stat_result,
    vault: Vault | None,
    *,
    secret: bool,
    grows: bool = False,
) -> Reading:
    if facts.st_size > HELD_BYTES:
        found = _stream(handle, relative, path, facts, None if secret else vault, grows=grows)
        return found._replace(secret=secret)
    content = _all(handle, facts.st_size)
    if grows:
        content = content[: facts.st_size]
    if len(content) != facts.st_size:
        raise Unproven(f"{relative} changed while it was read: {facts.st_size} bytes, then {len(content)}")
    digest = sha256(content).hexdigest()
    secret = secret or secret_files.holds_private_key(content)
    if vault is not None and not secret:
        vault.keep(digest, content)
    return Reading(digest, len(content), facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, content, None, secret)


def _beginning(handle: int, root: Root, relative: str, path: str, facts: os.stat_result, *, secret: bool) -> Reading:
    """A file that is not kept: of rows, those that were there when a gate of this session read it first."""
    grows = relative.endswith(APPENDED)
    device, first = root.read_first.get(relative, (0, None))
    if first is not None and not _continues(facts, device, first, grows=grows):
        first = None
    if first is not None and first.large is not None:
        return first._replace(secret=secret)
    found = _whole(handle, relative, path, facts, None, secret=secret, grows=grows)._replace(kept=False)
    if first is not None and found.content is not None:
        content = found.content[: first.size_bytes]
        if sha256(content).hexdigest() == first.sha256:
            return first._replace(content=content, secret=found.secret)
    root.read_first[relative] = facts.st_dev, found._replace(content=None)
    return found


def _continues(facts: os.stat_result, device: int, first: Reading, *, grows: bool) -> bool:
    """Whether the file may be the one that was read first, with rows appended to it where it *grows*."""
    if (facts.st_dev, facts.st_ino) != (device, first.inode):
        return False
    same = (first.size_bytes, first.mtime_ns, first.ctime_ns) == (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    return same or (grows and facts.st_size > first.size_bytes)


def _all(handle: int, size: int) -> bytes:
    first = os.read(handle, _FIRST_READ)
    if len(first) == size < _FIRST_READ:
        return first
    parts, count = [first], len(first)
    # No further than one byte beyond its size: a writer may append as fast as this reads.
    while count <= size and (part := os.read(handle, min(2**20, size + 1 - count))):
        parts.append(part)
        count += len(part)
    return b"".join(parts)


def _stream(
    handle: int, relative: str, path: str, facts: os.stat_result, vault: Vault | None, *, grows: bool
) -> Reading:
    state = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    times = facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino
    copied = f"{relative}: its copy in the vault is not what was read"
    if vault is not None and state in vault.streamed:
        # By what tells at the session's end whether a file changed. The bytes are those of the first reading.
        hashed, place = vault.streamed[state]
        return Reading(hashed.sha256, hashed.size, *times, None, LargeFile(place, hashed, copied))
    begun = time.time_ns()
    if vault is None:
        hashed = Hashed(handle, facts.st_size)
        large = LargeFile(Path(path), hashed, f"{relative} changed after it was read: it is not what was hashed")
    else:
        hashed, place = vault.keep_stream(handle, facts.st_size)
        large = LargeFile(place, hashed, copied)
    after = os.fstat(handle)
    appended = grows and after.st_size > facts.st_size
    same = (after.st_mtime_ns, after.st_size) == (facts.st_mtime_ns, facts.st_size)
    if not (same or appended) or hashed.size != facts.st_size:
        raise Unproven(f"{relative} changed while it was read")
    if vault is not None and begun - facts.st_ctime_ns > _SETTLED_NS:
        vault.streamed[state] = hashed, place
    return Reading(hashed.sha256, hashed.size, *times, None, large)


def _kind(mode: int) -> str:
    for test, name in (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISLNK, "a link"),
    ):
        if test(mode):
            return name
    return "a device"


def _plain(problem: OSError) -> str:
    return (problem.strerror or type(problem).__name__).lower()
