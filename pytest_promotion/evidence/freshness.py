"""
How old an item is, by its own word, and whether that is still good.

An item is fresh when its age lies between minus the tolerated clock skew and the window.
Both ends matter: a timestamp from the future would otherwise be fresh for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from pytest_promotion.clock import BadTimestamp, iso, parse_moment, spoken
from pytest_promotion.errors import GateFailed, PolicyError, Unproven
from pytest_promotion.model import Freshness

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|min|m|h|d)\s*")


def span(value: str | float | timedelta) -> timedelta:
    """
    A length of time: a `timedelta`, a number of seconds, or a text such as `90s`, `20m`, `24h`, `7d`.

    Raises:
        PolicyError: for anything else, and for what is not a positive, finite length.
    """
    length = _span(value)
    if length is None or length <= timedelta(0):
        raise PolicyError(f"{value!r} is not a length of time; write 90s, 20m, 24h or 7d")
    return length


def _span(value: object) -> timedelta | None:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (match := _SPAN.fullmatch(value)):
        value = float(match[1]) * _UNITS[match[2]]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return timedelta(seconds=value)
        except (OverflowError, ValueError):
            return None
    return None


@dataclass(frozen=True, slots=True)
class Window:
    """The rules a profile sets for timestamps."""

    max_age: timedelta
    future_skew: timedelta
    mtime: bool  # whether a file's modification time may stand in for a timestamp


def judge(
    path: str, timestamp: datetime, source: str, now: datetime, max_age: timedelta, skew: timedelta
) -> tuple[Freshness, GateFailed | Unproven | None]:
    """
    Holds an age against its window; the window's end belongs to it.

    Returns:
        what was measured, and the refusal where the item is too old (`GateFailed`) or dated
        further in the future than clocks may disagree (`Unproven`).
    """
    age = now - timestamp
    seen = Freshness(path, iso(timestamp), source, round(age.total_seconds(), 6), max_age.total_seconds())
    if age < -skew:
        dated = f"{path} is dated {spoken(-seen.age_s)} in the future ({source} {seen.timestamp})"
        return seen, Unproven(dated)
    if age > max_age:
        window = spoken(seen.max_age_s)
        return seen, GateFailed(f"{path} is {spoken(seen.age_s)} old by its {source}, the window is {window}")
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
    if age > span(max_age):
        return f"{what} is {spoken(age.total_seconds())} old, the window is {max_age}"
    return f"{what} is dated {spoken(-age.total_seconds())} in the future" if age < -skew else ""
