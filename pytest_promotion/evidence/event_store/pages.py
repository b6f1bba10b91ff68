"""
Reading a store page by page, each page whole lines, no further than the store went when it was opened.

A path is a file; with a scheme (`s3://…`, `memory://…`) it is whatever fsspec finds there.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import IO, Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.event_store.rows import LONGEST_LINE

PAGE: Final = (
    64 * 2**10
)  # bytes; stays in the processor's cache, and the allocator reuses it: three times as fast as 1 MiB


State = tuple[int | str, ...]  # equal where nothing was written in between
_BLOCK: Final = 8 * 2**20  # bytes that are fetched at once of a store elsewhere


@dataclass(frozen=True, slots=True)
class Opened:
    """A store that was opened: its bytes, and what was there at that moment."""

    name: str
    file: IO[bytes]
    size: int
    state: State  # device, inode, size, mtime, ctime; elsewhere one text, such as of an ETag

    def again(self) -> AbstractContextManager[IO[bytes]]:
        """The open file, to be read once more and left open."""
        return nullcontext(self.file)


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Opened]:
    """The store at *path*. Raises `Unproven` where there is none or it is not a file."""
    name = os.fspath(path)
    if "://" in name:
        file, size, state = _remote(name)
        with file:
            yield Opened(name, file, size, (state,))
        return
    try:
        # Without O_NONBLOCK a FIFO that nobody writes to would hang whoever asks.
        handle = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as problem:
        missing = problem.errno in (errno.ENOENT, errno.ENOTDIR)
        what = "is missing" if missing else f"cannot be read: {(problem.strerror or 'failed').lower()}"
        raise Unproven(f"the event store {name} {what}") from None
    facts = os.fstat(handle)
    if not stat.S_ISREG(facts.st_mode):
        os.close(handle)
        raise Unproven(f"the event store {name} is not a file")
    with os.fdopen(handle, "rb", buffering=0) as local:
        yield Opened(name, local, facts.st_size, state_of(facts))


def remote_matches(pattern: str) -> list[str]:
    """The objects that match *pattern*, a glob of URLs, sorted. Raises `Unproven`."""
    try:
        filesystem, place = _filesystem(pattern)
        return sorted(map(filesystem.unstrip_protocol, filesystem.glob(place)))
    except Unproven:
        raise
    except Exception as problem:  # noqa: BLE001 - each kind of store has errors of its own
        raise _unreadable(pattern, problem) from None


def _filesystem(name: str) -> tuple[Any, str]:
    try:
        import fsspec  # type: ignore[import-untyped]  # has no types; only for paths that need it
    except ImportError:
        raise Unproven(f"{name} needs fsspec: pip install 'pytest-promotion[store]'") from None
    filesystem, place = fsspec.core.url_to_fs(name)
    filesystem.invalidate_cache()  # of a worker that lives longer than what it has listed
    return filesystem, place


def _remote(name: str) -> tuple[Any, int, str]:
    try:
        filesystem, place = _filesystem(name)
        size = filesystem.size(place)
        if size is None:
            raise Unproven(f"the event store {name} does not say how large it is")
        return filesystem.open(place, "rb", block_size=_BLOCK), size, filesystem.ukey(place)
    except Unproven:
        raise
    except Exception as problem:  # noqa: BLE001 - each kind of store has errors of its own
        raise _unreadable(name, problem) from None


def _unreadable(name: str, problem: Exception) -> Unproven:
    return Unproven(f"the event store {name} cannot be read: {str(problem) or type(problem).__name__}")


def read_part(source: IO[bytes], name: str, count: int) -> bytes:
    """At most *count* bytes from where *source* stands. Raises `Unproven` where the disk or the network fails."""
    try:
        return source.read(count)
    except Unproven:
        raise
    except Exception as problem:  # noqa: BLE001 - each kind of store has errors of its own
        raise _unreadable(name, problem) from None


def state_of(facts: os.stat_result) -> State:
    """What tells one state of a local file from another."""
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def pages(source: IO[bytes], name: str, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """
    The bytes from *start*, where a line begins, to *end*, as (offset, whole lines).

    Only the last page may lack its line end.

    Raises:
        Unproven: for a line longer than `LONGEST_LINE`, with its offset; and where the bytes
            end before *end*, because someone has cut the store meanwhile.
    """
    source.seek(start)
    held, offset = b"", start
    while (rest := end - offset - len(held)) > 0:
        part = read_part(source, name, min(PAGE, rest))
        if not part:
            raise Unproven(f"{name} became shorter while it was read: {end} bytes, then {offset + len(held)}")
        first = part.find(b"\n")
        if len(held) + (len(part) if first < 0 else first) > LONGEST_LINE:
            raise Unproven(f"{name} has a line longer than {LONGEST_LINE >> 20} MB at byte {offset}")
        cut = part.rfind(b"\n") + 1
        if cut:
            page = b"".join((held, memoryview(part)[:cut]))
            yield offset, page
            held, offset = part[cut:], offset + len(page)
        else:
            held += part
    if held:
        yield offset, held


def line_start(source: IO[bytes], name: str, near: int, end: int) -> int:
    """Where the first line at or after byte *near* begins, at most *end*."""
    if near <= 0:
        return 0
    at = near - 1
    source.seek(at)
    while at < end:
        part = read_part(source, name, min(PAGE, end - at))
        if not part:
            return end
        found = part.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(part)
    return end
