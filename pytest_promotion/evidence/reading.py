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
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import secret_files

if TYPE_CHECKING:
    from pytest_promotion.evidence.vault import Vault

HELD_BYTES: Final = 64 * 2**20  # a larger file is streamed into the vault and never held in memory
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
    """One file as it was read. `content` is None where it was streamed; then `stored` is the vault's copy."""

    sha256: str
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    content: bytes | None
    stored: Path | None = None
    secret: bool = False  # nothing of it was kept


class Root:
    """
    The promotion root: turns a gate's path into a file below it, or refuses.

    Refused are absolute paths and `..`, symbolic links that lead outside, directories,
    FIFOs, sockets and devices. Links that stay inside are followed.
    """

    __slots__ = ("_folders", "path", "real")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.real = os.path.realpath(path)
        # A folder is resolved once, its files are then opened without following links: the
        # check costs a dictionary look-up a file instead of an lstat a path component.
        self._folders: dict[str, str] = {}

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

    What is secret, by its name, by what is in it or because *secret* says so, is never kept.

    Raises:
        Unproven: saying what was found instead of a readable file.
        FileNotFoundError: where there is nothing at that path.
    """
    path = root.locate(relative)
    secret = secret or secret_files.is_secret(relative)
    try:
        try:
            handle = os.open(path, _OPEN_FLAGS)
        except OSError as problem:
            if problem.errno != errno.ELOOP:  # the last component is a link
                raise
            handle = os.open(root.follow(path, relative), _OPEN_FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(relative) from None
    except OSError as problem:
        raise Unproven(f"{relative} cannot be read: {_plain(problem)}") from None
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise Unproven(f"{relative} is {_kind(facts.st_mode)}, not a file")
        if facts.st_size > HELD_BYTES:
            streamed = _stream(handle, relative, facts, None if secret else vault)
            return streamed._replace(secret=secret)
        content = _all(handle, facts.st_size)
    except OSError as problem:
        raise Unproven(f"{relative} cannot be read: {_plain(problem)}") from None
    finally:
        os.close(handle)
    if len(content) != facts.st_size:
        raise Unproven(f"{relative} changed while it was read: {facts.st_size} bytes, then {len(content)}")
    digest = sha256(content).hexdigest()
    secret = secret or secret_files.holds_private_key(content)
    if vault is not None and not secret:
        vault.keep(digest, content)
    return Reading(digest, len(content), facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, content, None, secret)


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


def _stream(handle: int, relative: str, facts: os.stat_result, vault: Vault | None) -> Reading:
    state = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    if vault is not None and state in vault.streamed:
        # By what tells at the session's end whether a file changed. The bytes are those of the first reading.
        digest, stored = vault.streamed[state]
        return Reading(digest, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, None, stored)
    begun = time.time_ns()
    copied: Path | None = None
    if vault is None:
        digest, size = _digest(handle, facts.st_size)
    else:
        digest, size, copied = vault.keep_stream(handle, facts.st_size)
    after = os.fstat(handle)
    if (after.st_mtime_ns, after.st_size) != (facts.st_mtime_ns, facts.st_size) or size != facts.st_size:
        raise Unproven(f"{relative} changed while it was read")
    if vault is not None and copied is not None and begun - facts.st_ctime_ns > _SETTLED_NS:
        vault.streamed[state] = digest, copied
    return Reading(digest, size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, None, copied)


def _digest(handle: int, expected: int) -> tuple[str, int]:
    running, size = sha256(), 0
    buffer = bytearray(2**18)
    view = memoryview(buffer)
    while size <= expected and (count := os.readv(handle, [buffer])):
        running.update(view[:count])
        size += count
    return running.hexdigest(), size


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
