"""
Ages in business days: data of Friday evening is not stale on Monday morning.

An item is fresh for N business days until the same local time, N business days after its own day: Friday 17:00 and one
business day are Monday 17:00. An item of a day that is no business day counts from the start of the next one: of
Saturday, one business day ends on Tuesday at 0:00. A day is one of the calendar's time zone, so that a change to summer
time does not move the hour.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, Final

from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import PolicyError

_SPAN: Final = re.compile(r"\s*(\d{1,4})\s+business\s+days?\s*", re.ASCII)
MOST: Final = 1000
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """A greatest age in business days."""

    count: int

    def __str__(self) -> str:
        return f"{self.count} business day{'' if self.count == 1 else 's'}"


def parse_business_days(value: object) -> BusinessDays | None:
    """The age that a text such as `1 business day` or `3 business days` means; None for what is not written so."""
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    count = int(match[1])
    if not 1 <= count <= MOST:
        raise PolicyError(f"{value!r}: expected 1 to {MOST} business days")
    return BusinessDays(count)


def parse_age(value: str | float | timedelta) -> timedelta | BusinessDays:
    """A greatest age, as a length of time or in business days. Raises `PolicyError`."""
    return parse_business_days(value) or parse_duration(value)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are business days."""

    time_zone: str = "UTC"
    holidays: str = ""  # a country such as DE, one with its part such as US-NY, or an exchange such as NYSE
    weekend: tuple[str, ...] = ("sat", "sun")

    def check(self) -> None:
        """Raises `PolicyError` for a name that is not known, with the nearest, and where every day is free."""
        from zoneinfo import available_timezones

        if self.time_zone not in available_timezones():
            raise PolicyError(f"no time zone {self.time_zone!r}{_near(self.time_zone, available_timezones())}")
        for day in self.weekend:
            if day not in WEEKDAYS:
                raise PolicyError(f"no day of the week {day!r}; known: {', '.join(WEEKDAYS)}")
        if len(set(self.weekend)) == len(WEEKDAYS):
            raise PolicyError("a weekend of seven days leaves no business day")
        if self.holidays:
            _holidays(self.holidays)

    def until(self, moment: datetime, age: BusinessDays) -> datetime:
        """The last moment at which an item of *moment* is not older than *age*, in UTC."""
        from zoneinfo import ZoneInfo

        zone = ZoneInfo(self.time_zone)
        local = moment.astimezone(zone)
        day, hour = local.date(), local.time()
        if not self.is_business_day(day):
            day, hour = self._next(day), time()
        for _ in range(age.count):
            day = self._next(day)
        return datetime.combine(day, hour, zone).astimezone(UTC)

    def is_business_day(self, day: date) -> bool:
        """Whether *day* is neither of the weekend nor a holiday."""
        if WEEKDAYS[day.weekday()] in self.weekend:
            return False
        return not self.holidays or day not in _holidays(self.holidays)

    def _next(self, day: date) -> date:
        day += timedelta(days=1)
        while not self.is_business_day(day):
            day += timedelta(days=1)
        return day


@cache
def _holidays(name: str) -> Any:
    """The holidays called *name*, of the library `holidays`."""
    try:
        import holidays
    except ImportError:
        raise PolicyError("holidays need the extra `calendar`: pip install 'pytest-promotion[calendar]'") from None
    countries, exchanges = holidays.list_supported_countries(), holidays.list_supported_financial()
    country, _, part = name.partition("-")
    if name in exchanges:
        return holidays.financial_holidays(name)
    if country not in countries:
        raise PolicyError(f"no holidays of {name!r}{_near(name, [*countries, *exchanges])}")
    if part and part not in countries[country]:
        known = [f"{country}-{one}" for one in countries[country]]
        raise PolicyError(f"no holidays of {name!r}{_near(name, known)}")
    return holidays.country_holidays(country, subdiv=part or None)


def _near(name: str, known: Collection[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=0.4)
    return f"; did you mean {near[0]!r}?" if near else ""
