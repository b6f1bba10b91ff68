"""
A store that is one file a day: which days are there, which are not, and what lies under the wrong day.

A day is judged by its rows: a service that never notices midnight writes Tuesday's events
into Monday's file, and whoever looks for Tuesday finds nothing.
"""

from __future__ import annotations

import re
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.store import StoreFacts, scan

_DAY: Final = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a store, oldest first, and what is wrong with them as sentences."""

    days: dict[date, StoreFacts]
    gaps: tuple[date, ...]  # days between the first and the last that have no file
    rotated: tuple[str, ...]  # files set aside by a log rotation or compressed: their rows are not counted
    misfiled: tuple[str, ...]  # files with rows that were taken in on another day than they are named for

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


def scan_days(
    folder: Path,
    pattern: str = "events_*.jsonl",
    *,
    now: datetime | None = None,
    executor: Executor | None = None,
) -> Days:
    """
    Counts every file below *folder* that matches *pattern* and has a day in its name (20260222 or 2026-02-22).

    Raises:
        Unproven: where nothing matches, a name has no day or two names have the same, and
            for whatever `store.scan` refuses in a file.
    """
    found: dict[date, Path] = {}
    for path in sorted(folder.glob(pattern)):
        day = _day_of(path)
        if day in found:
            raise Unproven(f"{path.name} and {found[day].name} both claim to be {day:%Y-%m-%d}")
        found[day] = path
    if not found:
        raise Unproven(f"nothing matches {pattern} in {folder}")
    days = {day: scan(path, now=now, executor=executor) for day, path in sorted(found.items())}
    first, last = min(days), max(days)
    between = (first + timedelta(number) for number in range((last - first).days))
    return Days(
        days=days,
        gaps=tuple(day for day in between if day not in days),
        rotated=_rotated(folder, pattern, set(found.values())),
        misfiled=tuple(found[day].name for day, facts in days.items() if not _within(day, facts)),
    )


def _day_of(path: Path) -> date:
    match = _DAY.search(path.name)
    try:
        return date(*map(int, match.groups())) if match else _no_day(path)
    except ValueError:
        return _no_day(path)


def _no_day(path: Path) -> date:
    raise Unproven(f"{path.name} has no day in its name: expected one such as events_20260222.jsonl")


def _within(day: date, facts: StoreFacts) -> bool:
    moments = (facts.oldest_ingest, facts.newest_ingest)
    return all(moment.astimezone(UTC).date() == day for moment in moments)


def _rotated(folder: Path, pattern: str, counted: set[Path]) -> tuple[str, ...]:
    # What a rotation leaves behind bears the old name with something added: .1, .gz, .old, a time.
    return tuple(sorted(path.name for path in folder.glob(f"{pattern}?*") if path not in counted and path.is_file()))
