"""
The event store at size: what a gate wants to know of a JSON-lines store, in one strict pass.

`scan` reads a store of any size once, page by page: every row is decoded strictly and
counted, and the digest is that of the very bytes that were counted. `store_tail.tail`
reads only the newest row, `store_checkpoint.rescan` only what is new.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final, Literal

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.store_pages import Opened, line_start, opened, pages, state_of
from pytest_promotion.evidence.store_rows import ROWS, Event, Row
from pytest_promotion.evidence.store_tally import Tally, decode, refuse_empty

__all__ = ["Event", "StoreFacts", "scan", "scan_opened"]

Duplicates = Literal["refuse", "count"]
_COUNTED_AT_ONCE: Final = 2_000  # rows; counting a handful at a time costs more than decoding them
_HASHED_AT_ONCE: Final = 32  # pages; handing one over costs as much as hashing a tenth of it


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What a store holds. Moments are UTC-aware; `bytes` is how much of it was judged."""

    name: str
    rows: int
    by_stream: dict[str, int]
    missing_correlation: int
    duplicate_ids: int
    newest_ingest: datetime
    oldest_ingest: datetime
    newest_by_stream: dict[str, datetime]
    out_of_order: int  # rows taken in before the row above them
    future: int  # rows dated after the `now` that was given
    later: int  # rows after `until`, which count nowhere else
    sha256: str | None  # of all bytes; None where a checkpoint spared reading them
    bytes: int

    @classmethod
    def of(cls, name: str, tally: Tally, duplicates: int, digest: str | None, size: int) -> StoreFacts:
        """The facts that a finished tally amounts to. Raises `Unproven` for a tally of nothing."""
        refuse_empty(tally, name)
        if tally.newest is None or tally.oldest is None:
            raise Unproven(
                f"the event store {name} has no rows that were taken in by then, only {tally.later} later ones"
            )
        return cls(
            name=name,
            rows=tally.rows,
            by_stream=dict(sorted(tally.by_stream.items())),
            missing_correlation=tally.missing_correlation,
            duplicate_ids=duplicates,
            newest_ingest=tally.newest,
            oldest_ingest=tally.oldest,
            newest_by_stream=dict(sorted(tally.newest_by_stream.items())),
            out_of_order=tally.out_of_order,
            future=tally.future,
            later=tally.later,
            sha256=digest,
            bytes=size,
        )


def scan(
    path: str | os.PathLike[str],
    *,
    now: datetime | None = None,
    until: datetime | None = None,
    duplicates: Duplicates = "refuse",
    executor: Executor | None = None,
    parts: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> StoreFacts:
    """
    Counts every row of the store at *path*, a file or an fsspec URL, as long as it is when it is opened.

    Event ids are held in memory to compare them: about 150 bytes a row.

    Args:
        now: rows dated after it are counted as `future`; add the skew you tolerate.
        until: rows taken in after it are left out and counted as `later`.
        duplicates: an event id that stands twice is refused, or only counted.
        executor: shares a local file among its workers, in *parts* pieces (default: two a core).
        progress: called with bytes done and bytes to do.

    Raises:
        Unproven: where the store is missing, empty, cut while it was read, or has a line that
            is no event, half written, not UTF-8 or longer than 1 MB: with the place.
    """
    with opened(path) as store:
        shared = executor is not None and store.state and store.size
        if shared and executor is not None:
            found = _shared(store, now, until, executor, parts or 2 * (os.cpu_count() or 1), progress)
            if found is not None:
                return _facts(store, *found, duplicates)
        return scan_opened(store, now=now, until=until, duplicates=duplicates, progress=progress)


def scan_opened(
    store: Opened,
    *,
    now: datetime | None = None,
    until: datetime | None = None,
    duplicates: Duplicates = "refuse",
    progress: Callable[[int, int], None] | None = None,
) -> StoreFacts:
    """As `scan`, for bytes that somebody else has opened: an artifact counts those that were hashed as evidence."""
    return _facts(store, *_alone(store, now, until, progress), duplicates)


def _facts(store: Opened, tally: Tally, ids: list[str], digest: str, duplicates: Duplicates) -> StoreFacts:
    extra = len(ids) - len(set(ids))
    if extra and duplicates == "refuse":
        raise Unproven(twice(store.name, ids))
    return StoreFacts.of(store.name, tally, extra, digest, store.size)


def twice(name: str, ids: list[str]) -> str:
    """The sentence for event ids that stand twice; *ids* holds some that do."""
    repeated = [key for key, count in Counter(ids).items() if count > 1]
    more = f" and {len(repeated) - 1} more" if len(repeated) > 1 else ""
    return f"{name} has the event id {repeated[0]!r} twice{more}: rows were written twice, or ids are not unique"


def tally_pages(
    found: Iterator[tuple[int, bytes]],
    name: str,
    now: datetime | None,
    until: datetime | None,
    seen: Callable[[bytes], object],
    *,
    numbered: bool = True,
) -> tuple[Tally, list[str]]:
    """Counts pages; *seen* is given each page. Returns the tally and the event ids, in order."""
    tally, ids = Tally(), []
    rows: list[Row] = []
    for offset, page in found:
        seen(page)
        more, ends = decode(page, name, offset, ROWS, tally.lines if numbered else -1)
        rows += more
        tally.lines += ends
        if len(rows) >= _COUNTED_AT_ONCE:
            ids += [row.event_id for row in rows]
            tally.count(rows, now, until)
            rows = []
    ids += [row.event_id for row in rows]
    tally.count(rows, now, until)
    return tally, ids


def _alone(
    store: Opened, now: datetime | None, until: datetime | None, progress: Callable[[int, int], None] | None
) -> tuple[Tally, list[str], str]:
    running, done = sha256(), 0
    # Hashing releases the interpreter: on a second core it costs nothing, on one core no more than before.
    with ThreadPoolExecutor(1, thread_name_prefix="store-sha256") as aside:
        waiting: Future[None] | None = None
        batch: list[bytes] = []

        def seen(page: bytes) -> None:
            nonlocal done, waiting, batch
            batch.append(page)
            done += len(page)
            if len(batch) < _HASHED_AT_ONCE:
                return
            if waiting is not None:
                waiting.result()  # so that no more than two batches are ever held
            waiting, batch = aside.submit(_update, running, batch), []
            if progress:
                progress(done, store.size)

        tally, ids = tally_pages(pages(store.file, store.name, 0, store.size), store.name, now, until, seen)
        if waiting is not None:
            waiting.result()
        _update(running, batch)
    return tally, ids, running.hexdigest()


def _update(running: Any, batch: list[bytes]) -> None:
    # As one piece: taking the interpreter back after every page would make both threads wait in turn.
    running.update(b"".join(batch))


def _shared(
    store: Opened,
    now: datetime | None,
    until: datetime | None,
    executor: Executor,
    parts: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[Tally, list[str], str] | None:
    """As `_alone`; None where the file was written to meanwhile, so that nobody knows who read what."""
    step = -(-store.size // parts)
    starts = sorted({line_start(store.file, number * step, store.size) for number in range(parts)} | {store.size})
    jobs = [executor.submit(_part, store.name, begin, end, now, until) for begin, end in pairwise(starts)]
    try:
        running = sha256()
        for offset, page in pages(store.file, store.name, 0, store.size):
            running.update(page)
            if progress:
                progress(offset + len(page), store.size)
        tally, ids = Tally(), []
        for job in jobs:
            one, more = job.result()
            tally.add(one)
            ids += more
    finally:
        for job in jobs:
            job.cancel()
    if state_of(os.fstat(store.file.fileno())) != store.state:
        return None
    return tally, ids, running.hexdigest()


def _part(name: str, begin: int, end: int, now: datetime | None, until: datetime | None) -> tuple[Tally, list[str]]:
    with opened(name) as store:
        return tally_pages(pages(store.file, name, begin, end), name, now, until, _nothing, numbered=False)


def _nothing(_page: Any) -> None:
    """A worker does not hash: whoever gave it the work does."""
