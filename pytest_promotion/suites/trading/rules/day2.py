"""The day-2 evaluation of the event store, by its figures and not by its flags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from pytest_promotion.suites.trading.documents.reports import Day2Check

_CHECKS: Final = {
    "elapsed_window": ("value_hours", "required_hours"),
    "missing_correlation": ("value", "required"),
    "delta_since_baseline_tolerance": ("max_delta_observed", "max_allowed_delta"),
}


def wrong_in_day2(checks: list[Day2Check], required_hours: float, max_allowed_delta: float) -> Iterator[str]:
    """
    The sentences for what is wrong; none where every check is there, is about these limits, and holds.

    Args:
        required_hours: how long the store must have been watched, in hours.
        max_allowed_delta: how many events may be missing in any stream.
    """
    found = {check.name: check for check in checks}
    if len(found) != len(checks):
        yield "two checks have one name"
    for name in sorted(set(_CHECKS) ^ set(found)):
        yield f"{'no' if name in _CHECKS else 'an unknown'} check {name}"
    for name, fields in _CHECKS.items():
        if name not in found:
            continue
        value, limit = (getattr(found[name], field) for field in fields)
        if msgspec.UNSET in (value, limit):
            yield f"{name} has no {fields[0] if value is msgspec.UNSET else fields[1]}"
            continue
        at_least = name == "elapsed_window"
        own = {"elapsed_window": required_hours, "missing_correlation": 0}.get(name, max_allowed_delta)
        if limit < own if at_least else limit > own:
            yield f"{name}: {fields[1]} is {limit:g}, the policy has {own:g}"
        elif value < limit if at_least else value > limit:
            yield f"{name}: {fields[0]} is {value:g}, {fields[1]} {limit:g}"
        if not found[name].passed:
            yield f"{name}: pass is false, with {fields[0]} {value:g} and {fields[1]} {limit:g}"
