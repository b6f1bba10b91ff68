"""
The event store at size: what a gate wants to know of a JSON-lines store, in one strict pass.

`scan` reads a store of any size once, page by page: every row is decoded strictly and
counted, and the digest is that of the very bytes that were counted. `tail.tail`
reads only the newest row, `checkpoint.counted` only what is new in a store that was counted before.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.event_store.count import Counted, Progress, Source, count
from pytest_promotion.evidence.event_store.hashes import twice
from pytest_promotion.evidence.event_store.pages import opened
from pytest_promotion.evidence.event_store.rows import Event
from pytest_promotion.evidence.event_store.sharing import count_shared
from pytest_promotion.evidence.event_store.tally import Tally, refuse_empty

__all__ = ["Event", "StoreFacts", "scan"]

Duplicates = Literal["refuse", "count"]


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What a store holds. Moments are in UTC; `bytes` is how much of it was judged."""

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
            newest_ingest=_utc(tally.newest, name),
            oldest_ingest=_utc(tally.oldest, name),
            newest_by_stream={stream: _utc(at, name) for stream, at in sorted(tally.newest_by_stream.items())},
            out_of_order=tally.out_of_order,
            future=tally.future,
            later=tally.later,
            sha256=digest,
            bytes=size,
        )

    @classmethod
    def counted(
        cls,
        name: str,
        counted: Counted,
        source: Source,
        until: datetime | None = None,
        duplicates: Duplicates = "refuse",
    ) -> StoreFacts:
        """The facts of the rows taken in by *until*; duplicate ids are looked for in all rows. Raises `Unproven`."""
        if counted.twice and duplicates == "refuse":
            raise Unproven(twice(name, counted.twice))
        extra = counted.twice.total() - len(counted.twice)
        return cls.of(name, counted.tally(name, source, until), extra, counted.sha256, counted.size)


def _utc(moment: datetime, name: str) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Unproven(f"{name} has the moment {moment.isoformat()}, which is outside the calendar") from None


def scan(
    path: str | os.PathLike[str],
    *,
    now: datetime | None = None,
    until: datetime | None = None,
    duplicates: Duplicates = "refuse",
    executor: Executor | None = None,
    parts: int = 0,
    progress: Progress | None = None,
) -> StoreFacts:
    """
    Counts every row of the store at *path*, a file or an fsspec URL, as long as it is when it is opened.

    To compare event ids, 8 bytes a row are held, and some 80 more for up to four million rows at a time.

    Args:
        now: rows dated after it are counted as `future`; add the skew you tolerate.
        until: rows taken in after it are left out and counted as `later`.
        duplicates: an event id that stands twice is refused, or only counted.
        executor: shares the store among its workers, in *parts* pieces (default: by its size).
        progress: called with bytes done and bytes to do.

    Raises:
        Unproven: where the store is missing, empty, cut while it was read, or has a line that
            is no event, half written, not UTF-8 or longer than 1 MB: with the place.
    """
    names = [os.fspath(path)]
    [facts] = scan_all(
        names, now=now, until=until, duplicates=duplicates, executor=executor, parts=parts, progress=progress
    )
    return facts


def scan_all(
    names: Collection[str],
    *,
    now: datetime | None = None,
    until: datetime | None = None,
    duplicates: Duplicates = "refuse",
    executor: Executor | None = None,
    parts: int = 0,
    progress: Progress | None = None,
) -> Iterator[StoreFacts]:
    """As `scan`, of one store after the other; an *executor* begins the next ones before the first is done."""
    shared = None if executor is None else count_shared(names, executor, now, parts, progress)
    for name in names:
        with opened(name) as store:
            counted = next(shared) if shared is not None else count(store, now, progress=progress)
            yield StoreFacts.counted(store.name, counted, store.again, until, duplicates)
