"""
A store that is one file a day: which days are there, which are not, and what lies under the wrong day.

A day is judged by its rows: a service that never notices midnight writes Tuesday's events
into Monday's file, and whoever looks for Tuesday finds nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from glob import glob
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.event_store.count import Progress
from pytest_promotion.evidence.event_store.pages import remote_matches
from pytest_promotion.evidence.event_store.scan import Duplicates, StoreFacts, scan_all

_DAY: Final = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a store, oldest first, and what is wrong with them as sentences."""

    days: dict[date, StoreFacts]
    gaps: tuple[date, ...]  # days between the first and the last that have no file
    rotated: tuple[
        str, ...
    ]  # files of those days set aside by a log rotation or compressed: their rows are not counted
    misfiled: tuple[str, ...]  # files with rows that were taken in on another day than they are named for

    @classmethod
    def of(cls, names: Mapping[date, str], days: Mapping[date, StoreFacts], aside: Iterable[str] = ()) -> Days:
        """Judges the days that were counted: *names* of their files, *aside* those of files that may be rotated."""
        first, last = min(days), max(days)
        between = (first + timedelta(number) for number in range((last - first).days))
        return cls(
            days=dict(sorted(days.items())),
            gaps=tuple(day for day in between if day not in days),
            # One whose day nobody can tell may be any day's.
            rotated=tuple(name for name in sorted(aside) if (_found_day(name) or last) >= first),
            misfiled=tuple(names[day] for day, facts in sorted(days.items()) if not _within(day, facts)),
        )

    @property
    def rows(self) -> int:
        """How many rows all days have."""
        return sum(facts.rows for facts in self.days.values())

    @property
    def newest_ingest(self) -> datetime:
        """When the youngest row of any day was taken in."""
        return max(facts.newest_ingest for facts in self.days.values())

    @property
    def problems(self) -> tuple[str, ...]:
        """What a gate should not overlook, a sentence each; none for a whole store."""
        return (
            *(f"no file holds the events of {day:%Y-%m-%d}" for day in self.gaps),
            *(f"{name} was rotated away and is not counted" for name in self.rotated),
            *(f"{name} holds rows of another day than its name says" for name in self.misfiled),
        )


def matches(pattern: str) -> list[str]:
    """
    The files that match *pattern*, a glob of paths or of an fsspec URL, sorted.

    Raises:
        Unproven: where what lies at the URL cannot be listed.
    """
    if "://" not in pattern:
        return sorted(name for name in glob(pattern) if os.path.isfile(name))
    return remote_matches(pattern)


def scan_days(
    pattern: str,
    *,
    back: int | None = None,
    now: datetime | None = None,
    executor: Executor | None = None,
    duplicates: Duplicates = "refuse",
    progress: Progress | None = None,
) -> Days:
    """
    Counts every file that matches *pattern* and has a day in its name (20260222 or 2026-02-22).

    Args:
        pattern: as of `matches`, such as `reports/event_store/events_*.jsonl`.
        back: count the youngest day and so many days before it; default all.
        executor: shares days, and parts of them, among its workers.
        progress: called with the bytes done and those to do, of the day whose turn it is.

    Raises:
        Unproven: where nothing matches, a name has no day or two names have the same, and
            for whatever `store.scan` refuses in a file.
    """
    names = by_day(matches(pattern), back)
    if not names:
        raise Unproven(f"nothing matches {pattern}")
    facts = scan_all(names.values(), now=now, duplicates=duplicates, executor=executor, progress=progress)
    return Days.of(names, dict(zip(names, facts, strict=True)), matches(set_aside(pattern)))


def by_day(names: Iterable[str], back: int | None = None) -> dict[date, str]:
    """
    The files of a store by the day in their name, oldest first: the youngest and *back* days before it.

    Raises:
        Unproven: where a name has no day or two names have the same.
    """
    found: dict[date, str] = {}
    for name in sorted(names):
        day = _found_day(name)
        if day is None:
            raise Unproven(f"{name} has no day in its name: expected one such as events_20260222.jsonl")
        if day in found:
            raise Unproven(f"{name} and {found[day]} both claim to be {day:%Y-%m-%d}")
        found[day] = name
    since = max(found, default=date.min) - timedelta(back) if back is not None and found else date.min
    return {day: found[day] for day in sorted(found) if day >= since}


def set_aside(pattern: str) -> str:
    """What a rotation leaves behind bears the old name with something added: .1, .gz, .old, a time."""
    return f"{pattern}?*"


def _found_day(name: str) -> date | None:
    match = _DAY.search(name.rpartition("/")[2])
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def _within(day: date, facts: StoreFacts) -> bool:
    moments = (facts.oldest_ingest, facts.newest_ingest)
    return all(moment.astimezone(UTC).date() == day for moment in moments)
