"""What a gate measured, computed again: an outcome that its own measurements belie was not decided, but written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Protocol

from pytest_promotion.model import Outcome

_LEAST = 1e-6  # seconds: ages are rounded to microseconds


class Bounded(Protocol):
    """An interval; None for an end that samples do not reach."""

    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


class Measured(Protocol):
    """A measurement, of a session or as it is read from a file."""

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> Any: ...
    @property
    def operator(self) -> str: ...
    @property
    def threshold(self) -> Any: ...
    @property
    def ok(self) -> bool | None: ...
    @property
    def interval(self) -> Bounded | None: ...


class Aged(Protocol):
    """The age of an item."""

    @property
    def path(self) -> str: ...
    @property
    def age_s(self) -> float: ...
    @property
    def max_age_s(self) -> float: ...


def belied(outcome: Outcome, measurements: Iterable[Measured], ages: Iterable[Aged]) -> Iterator[str]:
    """A sentence for each measurement and each age that does not agree with *outcome*, or with itself."""
    for one in measurements:
        holds = holds_at(one, one.threshold)
        shown = f"{one.name} is {one.value!r}, {one.operator} {one.threshold!r}"
        if one.ok is True and holds is False:
            yield f"{shown} is said to hold"
        elif outcome is Outcome.PASS and one.ok is not True:
            yield f"it passed, and {shown} does not hold"
    for item in ages:
        if outcome is Outcome.PASS and item.age_s > item.max_age_s + _LEAST:
            yield f"it passed, and {item.path} was {item.age_s} s old, of {item.max_age_s} s at most"


def holds_at(one: Measured, threshold: Any) -> bool | None:
    """Whether *one* holds at *threshold*; None for what cannot be compared again, such as an unknown operator."""
    if one.interval is None:
        return _holds(one.value, one.operator, threshold)
    # The whole interval has to hold.
    end = {">=": one.interval.low, "<=": one.interval.high}.get(one.operator)
    return False if end is None else _holds(end, one.operator, threshold)


def _holds(value: Any, operator: str, threshold: Any) -> bool | None:
    if operator == "==":
        return (type(value) is type(threshold) and bool(value == threshold)) or _equal_numbers(value, threshold)
    if operator == "between":
        if not (isinstance(threshold, (list, tuple)) and len(threshold) == 2):
            return False
        low, high = _holds(value, ">=", threshold[0]), _holds(value, "<=", threshold[1])
        return None if None in (low, high) else bool(low and high)
    left, right = _number(value), _number(threshold)
    if left is None or right is None:
        return None if isinstance(value, str) and isinstance(threshold, str) else False
    return {">=": left >= right, "<=": left <= right}.get(operator)


def _equal_numbers(value: Any, threshold: Any) -> bool:
    left, right = _number(value), _number(threshold)
    return left is not None and left == right


def _number(value: Any) -> Decimal | None:
    """A number as a decision has it: integers that JSON would change are texts there."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = Decimal(value) if isinstance(value, (int, str)) else Decimal(repr(value))
    except ArithmeticError:
        return None
    return found if found.is_finite() else None
