"""
How old an item is, by its own word, and whether that is still good.

An item is fresh when its age lies between minus the tolerated clock skew and the window.
Both ends matter: a timestamp from the future would otherwise be fresh for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.durations import format_duration, parse_duration
from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.model import Freshness

if TYPE_CHECKING:
    from pytest_promotion.business_days import BusinessDays, Calendar


@dataclass(frozen=True, slots=True)
class Window:
    """The rules a profile sets for timestamps."""

    max_age: timedelta
    future_skew: timedelta
    mtime: bool  # whether a file's modification time may stand in for a timestamp
    calendar: Calendar | None = None  # of business days
    own_times: bool = False  # whether it may not, where the data says under another name that it is older
    ageless: tuple[tuple[str, str], ...] = ()  # patterns of files whose age makes no difference, each with the reason


def judge(
    path: str,
    timestamp: datetime,
    source: str,
    now: datetime,
    max_age: timedelta | BusinessDays,
    skew: timedelta,
    calendar: Calendar | None = None,
) -> tuple[Freshness, GateFailed | Unproven | None]:
    """
    Holds an age against its window; the window's end belongs to it.

    Returns:
        what was measured, and the refusal where the item is too old (`GateFailed`) or dated
        further in the future than clocks may disagree (`Unproven`).
    """
    age, days = now - timestamp, 0
    window = ""
    if not isinstance(max_age, timedelta):
        if calendar is None:
            raise Unproven(f"{path}: an age of {max_age} needs `timestamps.calendar` in the policy")
        window, days = str(max_age), max_age.count
        max_age = calendar.until(timestamp, max_age) - timestamp
    seen = Freshness(path, iso(timestamp), source, round(age.total_seconds(), 6), max_age.total_seconds(), days)
    if age < -skew:
        dated = f"{path} is dated {format_duration(-seen.age_s)} in the future ({source} {seen.timestamp})"
        return seen, Unproven(dated)
    if age > max_age:
        window = window or format_duration(seen.max_age_s)
        return seen, GateFailed(f"{path} is {format_duration(seen.age_s)} old by its {source}, the window is {window}")
    return seen, None


def untimely(what: str, said: str | None, now: datetime, max_age: str | timedelta, skew: timedelta) -> str:
    """
    Why the report *what*, made by its own word at the moment *said*, is not one of now; "" where it is.

    For reports that are judged outside of a gate, where nothing is noted.
    """
    if said is None:
        return f"{what} does not say when it was made"
    try:
        age = now - parse_moment(said)
    except BadTimestamp as problem:
        return f"{what}: {problem}"
    if age > parse_duration(max_age):
        return f"{what} is {format_duration(age.total_seconds())} old, the window is {max_age}"
    return f"{what} is dated {format_duration(-age.total_seconds())} in the future" if age < -skew else ""
