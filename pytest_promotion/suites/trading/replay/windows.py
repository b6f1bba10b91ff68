"""
Windows: the last events of a store, pinned by the digest of exactly those bytes.

All windows of a run are cut from one reading of the store, so that a store that grows
meanwhile gives every window the same last event.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_promotion.canonical import digest
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.event_store.pages import Opened, opened, pages
from pytest_promotion.evidence.event_store.rows import event
from pytest_promotion.evidence.event_store.tail import tail

STORE: Final = "reports/event_store/events_*.jsonl"
_BLOCK: Final = 2**20


@dataclass(frozen=True, slots=True)
class StoreFile:
    """One file of a store as it was when it was read: its path, its size and the SHA-256 of so many bytes."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Window:
    """The last `asked` events, or all there are where those are fewer: then it is not `complete`."""

    asked: int
    lines: tuple[bytes, ...]  # as they stand in the store, with their line ends
    event_ids: tuple[str, ...]
    sources: tuple[str, ...]  # the files they come from, oldest first

    @property
    def complete(self) -> bool:
        """Whether it has as many events as were asked for."""
        return len(self.lines) == self.asked

    @property
    def content(self) -> bytes:
        """Its bytes, which are what is replayed."""
        return b"".join(self.lines)

    @property
    def sha256(self) -> str:
        """The digest of `content`: its address."""
        return sha256(self.content).hexdigest()


def store_files(root: Path, pattern: str = STORE) -> list[Path]:
    """The files of a store below *root*, oldest first by their last row's time, never by name. Raises `Unproven`."""
    found = [path for path in root.glob(pattern) if path.is_file()]
    if not found:
        raise Unproven(f"nothing matches {pattern} below {root}")
    return sorted(found, key=lambda path: (tail(path).ingest_ts_utc, path.name))


def state_of(files: Sequence[str | os.PathLike[str]]) -> list[StoreFile]:
    """Each of *files* with its size and digest by now. Raises `Unproven`."""
    found = []
    for path in files:
        with opened(path) as store:
            running = sha256()
            for _, page in pages(store.file, store.name, 0, store.size):
                running.update(page)
            found.append(StoreFile(store.name, store.size, running.hexdigest()))
    return found


def store_reference(found: Sequence[StoreFile], root: Path) -> dict[str, Any]:
    """
    What a report says of the store it is about: its files, by paths below *root*, and one digest of them all.

    The digest is the SHA-256 of the RFC 8785 form of the sorted list of path, SHA-256 and size in bytes.
    """
    files = sorted([relative(one.path, root), one.sha256, one.size_bytes] for one in found)
    return {
        "sha256": digest(files),
        "files": [{"path": path, "sha256": value, "size_bytes": size} for path, value, size in files],
    }


def relative(path: str, root: Path) -> str:
    """*path* below *root*, POSIX; as it is where it lies elsewhere."""
    try:
        return Path(path).resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path


def pin(files: Sequence[str | os.PathLike[str]], sizes: Sequence[int], seen: Sequence[StoreFile] = ()) -> list[Window]:
    """
    The last events of the store in *files* (oldest first), one window for each of *sizes*.

    Args:
        seen: the files as they were looked at; what was written to them since is left alone.

    Raises:
        Unproven: for a line in them that is no event, with its place; for an event id that
            stands twice; and for a size below 1.
    """
    if not sizes or min(sizes) < 1:
        raise Unproven(f"a window has at least one event, found {list(sizes)}")
    wanted = max(sizes)
    lines: list[bytes] = []
    ids: list[str] = []
    origins: list[str] = []
    ends = {one.path: one.size_bytes for one in seen}
    for path in reversed(files):
        with opened(path) as current:
            store = replace(current, size=ends.get(current.name, current.size))
            if current.size < store.size:
                raise Unproven(f"{store.name} became shorter while it was read")
            more = _last_lines(store, wanted - len(lines))
        ids[:0] = [
            event(line, f"{store.name}, {len(more) - place} lines from its end").event_id
            for place, line in enumerate(more)
        ]
        lines[:0] = more
        origins[:0] = [store.name] * len(more)
        if len(lines) >= wanted:
            break
    if len(set(ids)) != len(ids):
        twice = next(key for key in ids if ids.count(key) > 1)
        raise Unproven(f"the event id {twice!r} stands twice among the last {len(ids)} events")
    # A window that ends a file without a line end must not swallow the first event of the next.
    lines = [line if line.endswith(b"\n") else line + b"\n" for line in lines]
    return [
        Window(size, tuple(lines[-size:]), tuple(ids[-size:]), tuple(dict.fromkeys(origins[-size:]))) for size in sizes
    ]


def _last_lines(store: Opened, count: int) -> list[bytes]:
    start, blocks, ends, wanted = store.size, list[bytes](), 0, count
    while True:
        while start and ends <= wanted:
            begin = max(0, start - _BLOCK)
            store.file.seek(begin)
            block = store.file.read(start - begin)
            if len(block) != start - begin:
                raise Unproven(f"{store.name} became shorter while it was read")
            blocks.append(block)
            ends += block.count(b"\n")
            start = begin
        # Cut at line feeds only: a lone carriage return is white space in JSON.
        *lines, last = b"".join(reversed(blocks)).split(b"\n")
        whole = [line + b"\n" for line in lines] + [last]
        found = [line for line in (whole[1:] if start else whole) if line.strip()]
        if len(found) >= count or not start:
            return found[-count:]
        wanted += count - len(found)  # blank lines are no events
