"""Lengths of time: how they are written in policies and options, and how they are printed in messages."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Final

from pytest_promotion.errors import PolicyError

# The longest duration that is accepted. Added to or subtracted from any moment of this century it stays
# inside the calendar of `datetime`, so that no later sum can overflow.
LONGEST: Final = timedelta(days=36525)
AGELESS: Final = "none"  # in place of the greatest age of evidence whose age makes no difference
_SECONDS: Final = {"d": 86400, "h": 3600, "min": 60, "m": 60, "s": 1}
_PART: Final = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)\s*(min|[dhms])\s*", re.ASCII)


def parse_duration(value: str | float | timedelta) -> timedelta:
    """
    The duration that *value* means.

    Args:
        value: a `timedelta`, a number of seconds, or a text of numbers with units from the largest to the
            smallest: `90s`, `20m`, `24h`, `7d`, `1d 12h`. `min` is another word for `m`.

    Raises:
        PolicyError: for anything else, and for what is not positive, not finite or longer than 100 years.

    >>> parse_duration("1d 12h")
    datetime.timedelta(days=1, seconds=43200)
    """
    seconds = _seconds(value)
    if seconds is None or not seconds > 0:
        raise PolicyError(f"{_short(value)} is not a length of time; write 90s, 20m, 24h or 7d")
    if seconds > LONGEST.total_seconds():
        raise PolicyError(f"{_short(value)} is longer than 100 years; write 90s, 20m, 24h or 7d")
    length = value if isinstance(value, timedelta) else timedelta(seconds=seconds)
    if not length:
        raise PolicyError(f"{_short(value)} is shorter than a microsecond; write 90s, 20m, 24h or 7d")
    return length


def format_duration(seconds: float) -> str:
    """A duration as it is printed in messages: `45 s`, `12 min`, `296 min`, `3.0 days`."""
    if abs(seconds) < 100:
        return f"{seconds:.0f} s"
    if abs(seconds) < timedelta(days=2, hours=12).total_seconds():
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 86400:.1f} days"


def _seconds(value: object) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str):
        return _parsed(value.strip())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        seconds = float(value)
    except OverflowError:  # an integer of more than 308 digits
        return math.inf
    return None if math.isnan(seconds) else seconds


def _parsed(text: str) -> float | None:
    total, at, smallest = 0.0, 0, math.inf
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            return None
        unit = _SECONDS[match[2]]
        if unit >= smallest:  # "1h 1h" and "5m 1d" are slips of the pen
            return None
        total, at, smallest = total + float(match[1]) * unit, match.end(), unit
    return total if at else None


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python prints
        return "this number"
    return text if len(text) <= 60 else f"{text[:57]}..."
