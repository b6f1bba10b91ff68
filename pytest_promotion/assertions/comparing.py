"""What instrumented gates call in place of comparisons. Each gives the value that its expression has."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sized
from datetime import timedelta
from typing import Any, Final

from pytest_promotion.assertions import current, values
from pytest_promotion.assertions.current import doubt, where

_ORDERS: Final = {"Lt": operator.lt, "LtE": operator.le, "Gt": operator.gt, "GtE": operator.ge}


class _Cut:
    """A number of which digits are cut off, before it is compared: `cut[int, x]`."""

    def __getitem__(self, call: tuple[Any, ...]) -> Any:
        function, *arguments = call
        result, before = function(*arguments), arguments[0]
        if function is operator.floordiv and arguments[1]:
            before = arguments[0] / arguments[1]
        if isinstance(before, (int, float)) and isinstance(result, (int, float)) and result != before:
            doubt(f"compares {result!r}, which was rounded from {before!r}", "an assertion")
        return result


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
            if name == "seconds" and value.days:
                doubt(f"compares the seconds of {value}, in which its days do not count", "an assertion")
        return getattr(value, name)


def _dated(age: Any) -> Any:
    if values.from_the_future(age):
        doubt(f"limits an age from above that is {age}: its moment lies in the future", "an assertion")
    return age


def ordered(name: str, file: str, line: int, left: Any, right: Any, how: str = "") -> Any:
    """An order of two values; *how* says whether it decides the gate, and whether the left one is an age."""
    result = _ORDERS[name](left, right)
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
        doubt(values.membership(left, right), where(file, line))
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
    return function(*arguments)


floordiv = operator.floordiv
cut, ages, parts = _Cut(), _Ages(), _Parts()
