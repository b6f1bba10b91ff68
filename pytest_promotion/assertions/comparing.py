"""What instrumented gates call in place of comparisons. Each gives the value that its expression has."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sized
from datetime import timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any, Final

from pytest_promotion.assertions import current, values
from pytest_promotion.assertions.current import doubt, where

_ORDERS: Final = {"Lt": operator.lt, "LtE": operator.le, "Gt": operator.gt, "GtE": operator.ge}
_MEASURED: Final = {"at_least": operator.ge, "at_most": operator.le, "equals": operator.eq}


class _Cut:
    """A number that is rounded before it is compared: `cut[int, x]`."""

    def __init__(self) -> None:
        self.last: tuple[Any, Any] = (None, None)  # as it is rounded, and as it was

    def __getitem__(self, call: tuple[Any, ...]) -> Any:
        function, *arguments = call
        result, before = function(*arguments), arguments[0]
        if function is operator.floordiv and arguments[1]:
            before = arguments[0] / arguments[1]
        elif isinstance(before, ModuleType):
            before = arguments[1]
        self.last = result, before
        return result

    def judge(self, left: Any, right: Any, holds: Callable[[Any, Any], Any], result: Any, place: str) -> None:
        """Whether the comparison that gave *result* gives another one with all digits."""
        (cut, before), self.last = self.last, (None, None)
        if cut is None or not isinstance(before, (int, float, Decimal)):
            return
        if (cut is left and holds(before, right) != result) or (cut is right and holds(left, before) != result):
            doubt(f"compares {cut!r}, which was rounded from {before!r}", place)


class _CutAs:
    """The same, assigned to a name first: `cut_as["share", int, x]`."""

    def __init__(self) -> None:
        self.by_name: dict[str, tuple[Any, Any]] = {}

    def __getitem__(self, call: tuple[Any, ...]) -> Any:
        name, *call_of = call
        result = cut[tuple(call_of)]
        self.by_name[name], cut.last = cut.last, (None, None)
        return result


class _CutBefore:
    """A number that has a name, to which it was assigned as `cut_as` rounded it: `cut_before["share", share]`."""

    def __getitem__(self, pair: tuple[str, Any]) -> Any:
        name, value = pair
        known = cut_as.by_name.get(name, (None, None))
        if known[0] is value:
            cut.last = known
        return value


class _Method:
    """What calls a method of a number, or a function of a module: `method["round"]`."""

    def __getitem__(self, name: str) -> Callable[..., Any]:
        return lambda value, *arguments: getattr(value, name)(*arguments)


class _Formatted:
    """What reads a number from a text that was made of it: `formatted[float, ".1f"]`."""

    def __getitem__(self, how: tuple[Callable[[str], Any], str]) -> Callable[[Any], Any]:
        kind, specification = how
        return lambda value: kind(format(value, specification))


class _Since:
    """A moment before now: `since[now, length]`, which what is compared with it has to follow, and not now."""

    def __init__(self) -> None:
        self._last: tuple[Any, Any] = (None, None)

    def __getitem__(self, parts: tuple[Any, Any]) -> Any:
        now, length = parts
        self._last = now - length, now
        return self._last[0]

    def judge(self, moment: Any, limit: Any) -> None:
        """Whether *moment*, which is later than *limit*, is later than now as well."""
        (since, now), self._last = self._last, (None, None)
        if since is not None and since is limit:
            _dated(now - moment)


class _Ages:
    """The difference of now and another moment: `ages[now, other]`."""

    def __getitem__(self, moments: tuple[Any, Any]) -> Any:
        return _dated(moments[0] - moments[1])


class _Parts:
    """A part of a length of time, which is not the length: `parts[age, "seconds"]`."""

    def __getitem__(self, read: tuple[Any, str]) -> Any:
        value, name = read
        if isinstance(value, timedelta):
            _dated(value)
            if name == "days":
                cut.last = value.days, value / timedelta(days=1)
        return seconds[value] if name == "seconds" else getattr(value, name)


class _Seconds:
    """The seconds of a length of time, in which its days do not count: `seconds[age]`."""

    def __getitem__(self, value: Any) -> Any:
        if isinstance(value, timedelta) and value.days:
            doubt(f"reads the seconds of {value}, in which its days do not count", "a gate")
        return value.seconds


class _Stated:
    """What must not be one of some values, and is none of them where it is missing: `stated[status] != "failed"`."""

    def __getitem__(self, value: Any) -> Any:
        if value is None:
            doubt("finds that None, which is no value, is not a value that it refuses", "an assertion")
        return value


def _dated(age: Any) -> Any:
    if values.from_the_future(age):
        doubt(f"limits an age from above that is {age}: its moment lies in the future", "an assertion")
    return age


def ordered(name: str, file: str, line: int, left: Any, right: Any, how: str = "") -> Any:
    """An order of two values; *how* says whether it decides the gate, and whether the left one is an age."""
    result = _ORDERS[name](left, right)
    cut.judge(left, right, _ORDERS[name], result, where(file, line))
    since.judge(left, right)
    if current.tally is not None and not (type(left) is int and type(right) is int):
        problem = values.order(left, right, _ORDERS[name], result)
        if not problem and "decides" in how and values.is_infinite(left):
            problem = "compares infinity"
        doubt(problem, where(file, line))
    if "counts" in how and result is True:
        _nothing(left, right, "counts", where(file, line))
    if "age" in how:
        _dated(left)
    return result


def compared(name: str, file: str, line: int, left: Any, right: Any, how: str = "") -> Any:
    """`!=`, which holds of NaN; `in`, which holds of a part of a word; `not in`, which holds of nothing."""
    if name == "In":
        doubt(values.within(left, right) if how == "within" else values.membership(left, right), where(file, line))
        return left in right
    if name == "NotIn":
        if current.tally is not None and isinstance(right, Sized) and values.is_empty(right):
            current.tally.compares_nothing(where(file, line), f"judged nothing: it looks for {left!r} in what is empty")
        return left not in right
    if left is not right and (values.is_nan(left) or values.is_nan(right)):
        doubt("compares NaN", where(file, line))
    result = left != right
    if how and result is False:
        _nothing(left, right, how, where(file, line))
    return result


def equal(file: str, line: int, left: Any, right: Any, how: str = "") -> Any:
    """An equality of two values; *how* says whether both are read from evidence, and may be counts of nothing."""
    result = left == right
    cut.judge(left, right, operator.eq, result, where(file, line))
    if current.tally is not None:
        if how and result is True:
            _nothing(left, right, how, where(file, line))
        elif type(result) is not bool and (count := values.missing(left)):
            doubt(f"compares a column with {count} missing values", where(file, line))
    return result


def measured(function: Callable[..., Any], file: str, line: int, *arguments: Any, **named: Any) -> Any:
    """A measurement of a value by a threshold that is read from the same evidence."""
    __tracebackhide__ = True
    result = function(*arguments, **named)
    if len(arguments) >= 3:
        problem = values.equality(arguments[1], arguments[2], counts=True)
        doubt(problem, where(file, line))
    return result


def measured_cut(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """A measurement of a number that was rounded: `measure.at_least("share", cut[round, x], 90)`."""
    __tracebackhide__ = True
    known, cut.last = cut.last, (None, None)
    result = function(*arguments, **named)
    holds = _MEASURED.get(getattr(function, "__name__", ""))
    if holds is not None:
        cut.last = known
        cut.judge(arguments[1], arguments[2], holds, True, "a measurement")  # it held, or nothing would come here
    return result


def compared_by(function: Callable[..., Any], file: str, line: int, *arguments: Any, **named: Any) -> Any:
    """What compares collections as a whole: `assert_allclose`, `assertCountEqual`, `numpy.array_equal`."""
    __tracebackhide__ = True
    result = function(*arguments, **named)
    collections = values.collections_of(arguments[:2])
    if current.tally is not None and collections:
        if any(map(values.is_empty, collections)):
            current.tally.compares_nothing(where(file, line), "judged nothing: it compares what is empty")
        elif len(collections) > 1 and all(map(values.has_nan, collections)):
            doubt("takes NaN for equal to NaN", where(file, line))
    return result


def _nothing(left: Any, right: Any, how: str, where: str) -> None:
    problem = values.equality(left, right, counts=how == "counts")
    if problem and current.tally is not None:
        current.tally.compares_nothing(where, problem)


def begins(function: Callable[..., Any], file: str, line: int, *arguments: Any) -> Any:
    """`.startswith` and `.endswith`, which hold of an empty text."""
    if arguments and arguments[0] == "":
        doubt("looks for an empty text, which every text begins and ends with", where(file, line))
    elif arguments and getattr(function, "__name__", "") == "startswith":
        doubt(values.beginning(getattr(function, "__self__", None), arguments[0]), where(file, line))
    return function(*arguments)


floordiv = operator.floordiv
cut, cut_as, cut_before, method, formatted = _Cut(), _CutAs(), _CutBefore(), _Method(), _Formatted()
ages, since, parts, seconds, stated = _Ages(), _Since(), _Parts(), _Seconds(), _Stated()
