"""
The one place that knows what time it is.

A clock is either live or stopped at an as-of moment, under which a stored decision can be
taken again any day with the same result. Gates ask it through the `clock` fixture.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pytest_promotion.errors import PromotionError

# How far ahead of this clock the one of another machine may be, where no policy says it (`timestamps.future_skew`).
FUTURE_SKEW: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Clock:
    """
    Says what time it is, always as an aware UTC `datetime`.

    `stopped_at` is None for a live clock. The clock reads `datetime.now` at each call, so
    that a test may freeze it.
    """

    stopped_at: datetime | None = None

    def now(self) -> datetime:
        """The present moment, or the as-of moment of a replay."""
        return self.stopped_at or datetime.now(UTC)

    @property
    def as_of(self) -> bool:
        """Whether this is a replay of another moment rather than the present."""
        return self.stopped_at is not None


class BadTimestamp(PromotionError, ValueError):
    """A timestamp that does not say which moment it means. The message says what was found."""


def parse_moment(value: object) -> datetime:
    """
    The moment that an ISO 8601 text with an offset means, in UTC.

    Raises:
        BadTimestamp: for anything else: a naive time means a different moment on every
            machine, and an epoch number does not say whether it counts seconds or
            milliseconds.
    """
    if isinstance(value, bool) or value is None:
        raise BadTimestamp(f"{_found(value)} where a timestamp belongs")
    if isinstance(value, (int, float)) or (isinstance(value, str) and _is_number(value)):
        raise BadTimestamp(f"the bare number {_number(value)} where ISO 8601 with an offset belongs")
    try:
        moment = value if isinstance(value, datetime) else _read(value)  # YAML gives it as one
    except ValueError:
        raise BadTimestamp(f"{_found(value)}, which is not an ISO 8601 timestamp") from None
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise BadTimestamp(f"{_found(value)}, which has no offset: nobody can tell which moment it means")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise BadTimestamp(f"{_found(value)}, which is outside the calendar") from None


def _read(value: object) -> datetime:
    if not isinstance(value, str):
        raise BadTimestamp(f"{_found(value)} where a timestamp belongs")
    return datetime.fromisoformat(value.strip())


def iso(moment: datetime) -> str:
    """The moment as it is written into decisions: UTC, microseconds, `+00:00`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def stamp(moment: datetime) -> str:
    """The moment as it is written into file names: `20260222T124736Z`."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _found(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    # 20260222T124736 style basic dates are digits with letters; eight bare digits are a date to
    # `fromisoformat`, but not a moment, so calling them a number loses nothing.
    return True


def _number(value: float | str) -> str:
    """The number as it is printed, and what it may count."""
    try:
        size = float(value)
        shown = str(value)
    except (OverflowError, ValueError):  # an integer beyond the largest float, or of more digits than Python prints
        return "of hundreds of digits"
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    if 1e9 <= size < 1e10:
        return f"{shown} (epoch seconds?)"
    return f"{shown} (epoch milliseconds?)" if 1e12 <= size < 1e13 else shown
