"""Types of options that several commands share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import PolicyError


class _AgeInMinutes(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    """A finite number of minutes above 0, as a float."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The minutes. Ends the command with a usage error for anything else."""
        DurationIn(timedelta(minutes=1)).convert(value, param, ctx)
        return float(value)


class DurationIn(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 only
    """A number of *unit*s, as a `timedelta`: positive, finite, at most 100 years and at least *least*."""

    name = "number"

    def __init__(self, unit: timedelta, *, whole: bool = False, least: timedelta = timedelta()) -> None:
        self._unit_s, self._whole, self._least = unit.total_seconds(), whole, least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The duration. Ends the command with a usage error for anything else."""
        if isinstance(value, timedelta):
            return value
        try:
            length = parse_duration((int(value) if self._whole else float(value)) * self._unit_s)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a {'whole number' if self._whole else 'number'}", param, ctx)
        except PolicyError:
            self.fail(f"{value!r} is out of range: it has to be positive and at most 100 years", param, ctx)
        if length < self._least:
            self.fail(f"{value!r} is below {self._least.total_seconds() / self._unit_s:g}", param, ctx)
        return length


AGE_MIN = _AgeInMinutes()
