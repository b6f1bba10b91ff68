"""
What instrumented gates call while they run. Each function gives the value that its expression has.

One gate runs at a time in a process, and its threads count for it, so that the tally is one of the process.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from pytest_promotion.assertions import values
from pytest_promotion.assertions.tally import Mark, Source, Tally

_tally: Tally | None = None
_ORDERS: Final = {"Lt": operator.lt, "LtE": operator.le, "Gt": operator.gt, "GtE": operator.ge}
_PLAIN: Final = (bool, int)


@contextmanager
def counting(tally: Tally) -> Iterator[None]:
    """Counts for *tally* while the block runs."""
    global _tally
    before, _tally, tally.active = _tally, tally, True
    try:
        yield
    finally:
        _tally, tally.active = before, False


def enter(name: str) -> None:
    """The body of a test function begins."""
    if _tally is not None:
        _tally.entered.add(name)


# --- assertions ---


class _Operands:
    """Of `and`, `or` and `not`, as subscripts."""

    def __getitem__(self, value: Any) -> Any:
        if type(value) not in _PLAIN:
            _doubt(values.truth(value), "an assertion")
        return value


class _Cut:
    """A number of which digits are cut off, before it is compared: `cut[int, x]`."""

    def __getitem__(self, call: tuple[Any, ...]) -> Any:
        function, *arguments = call
        result, before = function(*arguments), arguments[0]
        if function is operator.floordiv and arguments[1]:
            before = arguments[0] / arguments[1]
        if isinstance(before, (int, float)) and isinstance(result, (int, float)) and result != before:
            _doubt(f"compares {result!r}, which was rounded from {before!r}", "an assertion")
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
                _doubt(f"compares the seconds of {value}, in which its days do not count", "an assertion")
        return getattr(value, name)


class _Substitutes:
    """A value, or what is put in its place where it is None: `substitutes[value, constant]`."""

    def __getitem__(self, pair: tuple[Any, Any]) -> Any:
        value, constant = pair
        if value is None:
            _doubt(f"judges the constant {constant!r} in place of evidence", "an assertion")
        return value or constant


floordiv = operator.floordiv
operands, cut, ages, parts, substitutes = _Operands(), _Cut(), _Ages(), _Parts(), _Substitutes()


def _dated(age: Any) -> Any:
    if values.from_the_future(age):
        _doubt(f"limits an age from above that is {age}: its moment lies in the future", "an assertion")
    return age


def _doubt(problem: str, where: str) -> None:
    if problem and _tally is not None:
        _tally.doubt(f"{where} {problem}")


def truth(value: Any, file: str, line: int, sources: tuple[Source, ...], mark: Mark | None = None) -> Any:
    """The condition of an assertion."""
    tally = _tally
    if tally is None:
        return value
    if type(value) not in _PLAIN:
        _doubt(values.truth(value), _where(file, line))
    if value:
        tally.assertion(_where(file, line), sources, mark)
    else:
        tally.failure(f"{_where(file, line)} failed an assertion")
    return value


def guard(value: Any, file: str, line: int, sources: tuple[Source, ...], mark: Mark | None = None) -> Any:
    """The condition under which a gate fails itself."""
    if _tally is not None and not value:
        _tally.assertion(_where(file, line), sources, mark)
    return value


def expected(value: Any, file: str, line: int) -> Any:
    """What demands an exception, or the kind that is demanded: any failure of the gate is one of those."""
    kinds = getattr(value, "expected_exceptions", None) or getattr(value, "expected", value)
    if _tally is not None and any(kind in (Exception, BaseException) for kind in _flat(kinds)):
        _tally.doubt(f"{_where(file, line)} accepts any exception, also that of a broken gate; name the one it means")
    return value


def _flat(kinds: Any) -> tuple[Any, ...]:
    return kinds if isinstance(kinds, tuple) else (kinds,)


def judged() -> None:
    """A block that demands an exception has ended."""
    if _tally is not None:
        _tally.judge()


def passed_by(condition: Any, what: str, file: str, line: int, sources: tuple[Source, ...]) -> Any:
    """The condition of a block that judges; *what* it asks where it asks whether there is anything to judge."""
    if _tally is not None and not condition:
        why = f"{what} does not hold" if what else _tally.rests_on_nothing(sources).partition(": ")[2]
        if why:
            _tally.set_hollow(_where(file, line), f"judges nothing: {why}; say in an `else` that this is right")
    return condition


def looped(source: Source, file: str, line: int) -> None:
    """A loop that judges has ended."""
    if _tally is not None:
        _tally.looped(source, _where(file, line))


def compared_by(function: Callable[..., Any], file: str, line: int, *arguments: Any, **named: Any) -> Any:
    """What compares collections as a whole: `assert_allclose`, `assertCountEqual`, `numpy.array_equal`."""
    __tracebackhide__ = True
    result = function(*arguments, **named)
    collections = values.collections_of(arguments[:2])
    if _tally is not None and collections:
        if any(map(values.is_empty, collections)):
            _tally.compares_nothing(_where(file, line), "judged nothing: it compares what is empty")
        elif len(collections) > 1 and all(map(values.has_nan, collections)):
            _doubt("takes NaN for equal to NaN", _where(file, line))
    return result


def begin(file: str, line: int) -> None:
    """A call that fails the gate where something does not hold."""
    if _tally is not None:
        _tally.begin(_where(file, line))


def end(file: str, line: int, sources: tuple[Source, ...], mark: Mark | None = None) -> None:
    """It has returned."""
    if _tally is not None:
        _tally.end(_where(file, line))
        _tally.assertion(_where(file, line), sources, mark)


def failing(name: str, file: str, line: int) -> None:
    """A call that always raises."""
    if _tally is not None:
        _tally.failure(f"{_where(file, line)} failed the gate by {name}")


def start() -> None:
    """A measurement begins."""
    if _tally is not None:
        _tally.start()


def stop(file: str, line: int, sources: tuple[Source, ...], mark: Mark | None = None) -> None:
    """It held: it does not count where it was of nothing."""
    if _tally is not None:
        _tally.stop(_where(file, line), sources, mark)


# --- what is looked at ---


def expects(count: int) -> None:
    """A function begins that has so many assertions and measurements."""
    if _tally is not None:
        _tally.expected += count


def mark() -> Mark:
    """What follows may call functions that find nothing."""
    return _tally.mark() if _tally is not None else (0, 0)


def settle(source: Source, mark: Mark) -> None:
    """What was called since *mark* is a source."""
    if _tally is not None:
        _tally.settle(source, mark)


def each(iterable: Iterable[Any], source: Source) -> Iterable[Any]:
    """What is iterated over."""
    tally = _tally
    if tally is None:
        return iterable
    try:
        size = len(iterable)  # type: ignore[arg-type] # most have a length
    except TypeError:
        return tally.watch(iterable, source)
    tally.saw(source, something=size > 0)
    return iterable


def elements(iterable: Iterable[Any], source: Source) -> Iterable[Any]:
    """What `all` or `any` looks through."""
    if _tally is not None:
        _doubt(values.elements(iterable), _where(source[0], source[1]))
    return each(iterable, source)


def zipped(file: str, line: int, *iterables: Any) -> Iterator[Any]:
    """`zip`, which stops where the shortest ends."""
    if _tally is not None:
        sizes = [len(one) for one in iterables if isinstance(one, Sized)]
        if len(sizes) > 1 and min(sizes) != max(sizes):
            _doubt(f"pairs {min(sizes)} of {max(sizes)} elements; use zip(…, strict=True)", _where(file, line))
    return zip(*iterables, strict=False)


_ABSENT: Final = object()


def lookup(function: Callable[..., Any], source: Source, *arguments: Any) -> Any:
    """A field of evidence, or its default."""
    tally = _tally
    if tally is None:
        return function(*arguments)
    if function is getattr and len(arguments) == 3:
        absent, key = not hasattr(arguments[0], arguments[1]), arguments[1]
        value = function(*arguments)
    elif function is next and len(arguments) == 2:
        value = next(arguments[0], _ABSENT)
        absent, key = value is _ABSENT, "the next element"
        value = arguments[1] if absent else value
    else:
        owner = _fields(function)
        if owner is None or not 1 <= len(arguments) <= 2:
            return function(*arguments)
        absent, key = arguments[0] not in owner, arguments[0]
        value = function(*arguments)
    if getattr(function, "__name__", "") != "setdefault":  # it fills what it looks into
        tally.saw(source, something=not absent)
    if absent and values.is_favourable(value):
        tally.doubt(f"{_where(source[0], source[1])} judges the default {value!r}, since {key!r} is missing")
    return value


def _fields(function: Callable[..., Any]) -> Mapping[Any, Any] | None:
    """What a method looks a field up in: a mapping, or the attributes of an XML element."""
    owner = getattr(function, "__self__", None)
    owner = owner if isinstance(owner, Mapping) else getattr(owner, "attrib", None)
    # What the environment does not set is configuration, and not evidence that is missing.
    return owner if isinstance(owner, Mapping) and owner is not os.environ else None


def fallback(value: Any, file: str, line: int) -> Any:
    """A constant that takes the place of evidence."""
    _doubt(f"judges the constant {value!r} in place of evidence", _where(file, line))
    return value


def skipped(file: str, line: int, kind: str) -> None:
    """What could not be read is passed over."""
    _doubt(f"passes over what it cannot read ({kind})", _where(file, line))


@contextmanager
def suppressing(manager: Any, file: str, line: int) -> Iterator[Any]:
    """`contextlib.suppress` of errors in evidence."""
    ended = False
    with manager as entered:
        yield entered
        ended = True
    if not ended:
        skipped(file, line, "suppress")


def extreme(function: Callable[..., Any], file: str, line: int, *arguments: Any, **named: Any) -> Any:
    """The least or the greatest of some values."""
    tally = _tally
    if tally is None or (len(arguments) == 1 and not isinstance(arguments[0], Iterable)):
        return function(*arguments, **named)
    candidates = list(arguments[0] if len(arguments) == 1 else arguments)
    if not candidates and values.is_favourable(named.get("default")):
        tally.doubt(f"{_where(file, line)} judges the default {named['default']!r}, since there are no values")
    if any(values.is_nan(value) for value in candidates):
        tally.doubt(f"{_where(file, line)} looks for the extreme of values with NaN among them")
    return function(candidates, **named)


def divisor(file: str, line: int, constant: Any, *others: Any) -> Any:
    """The greatest of some values and a constant, as what is divided by."""
    if _tally is not None and all(isinstance(one, (int, float)) and one < constant for one in others):
        _doubt(f"divides by the constant {constant!r} in place of {max(others)!r}", _where(file, line))
    return max(constant, *others)


def reduced(function: Callable[..., Any], source: Source, *arguments: Any, **named: Any) -> Any:
    """`.all()`, `.max()` or `.mean()` of an array or a column, by a method or a function of its module."""
    if _tally is not None:
        column = _column(function, arguments)
        if column is not None and isinstance(getattr(column, "size", None), int) and hasattr(column, "dtype"):
            _tally.saw(source, something=column.size > 0)
        if getattr(function, "__name__", "") in ("all", "any") and str(getattr(column, "dtype", "")) in _TEXTS:
            said = [one for one in column if isinstance(one, str) and values.is_false_word(one)]
            _doubt(f"takes the text {said[0]!r} for true" if said else "", _where(source[0], source[1]))
    return tested(function, source, *arguments, **named)


def tested(function: Callable[..., Any], source: Source, *arguments: Any, **named: Any) -> Any:
    """A method of an array, a column or a table that leaves missing values out, or that fills them in."""
    if _tally is not None:
        column, name = _column(function, arguments), getattr(function, "__name__", "")
        if name == "query" and hasattr(column, "columns"):
            column = column[[one for one in column.columns if str(one) in str(arguments[0])]]
        # Texts are filled in to be shown.
        fills = name != "fillna" or (bool(arguments) and not isinstance(arguments[0], str))
        count = values.missing(column) if fills and name not in ("all", "any") else 0
        if count:
            does = "fills in" if name in ("fillna", "nan_to_num") else "leaves out"
            _doubt(f"{does} {count} missing values by {name}", _where(source[0], source[1]))
    return function(*arguments, **named)


def _column(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    owner = getattr(function, "__self__", None)
    owner = owner if hasattr(owner, "dtype") or hasattr(owner, "isna") or hasattr(owner, "obj") else None
    return owner if owner is not None else arguments[0] if arguments else None


_TEXTS: Final = ("object", "str", "string")


def ordered(name: str, file: str, line: int, left: Any, right: Any, how: str = "") -> Any:
    """An order of two values; *how* says whether it decides the gate, and whether the left one is an age."""
    result = _ORDERS[name](left, right)
    if _tally is not None and not (type(left) is int and type(right) is int):
        problem = values.order(left, right, _ORDERS[name], result)
        if not problem and "decides" in how and values.is_infinite(left):
            problem = "compares infinity"
        _doubt(problem, _where(file, line))
    if "counts" in how and result is True:
        _nothing(left, right, "counts", _where(file, line))
    if "age" in how:
        _dated(left)
    return result


def compared(name: str, file: str, line: int, left: Any, right: Any, how: str = "") -> Any:
    """`!=`, which holds of NaN; `in`, which holds of a part of a word; `not in`, which holds of nothing."""
    if name == "In":
        _doubt(values.membership(left, right), _where(file, line))
        return left in right
    if name == "NotIn":
        if _tally is not None and isinstance(right, Sized) and values.is_empty(right):
            _tally.compares_nothing(_where(file, line), f"judged nothing: it looks for {left!r} in what is empty")
        return left not in right
    if left is not right and (values.is_nan(left) or values.is_nan(right)):
        _doubt("compares NaN", _where(file, line))
    result = left != right
    if how and result is False:
        _nothing(left, right, how, _where(file, line))
    return result


def equal(file: str, line: int, left: Any, right: Any, how: str = "") -> Any:
    """An equality of two values; *how* says whether both are read from evidence, and may be counts of nothing."""
    result = left == right
    if _tally is not None:
        if how and result is True:
            _nothing(left, right, how, _where(file, line))
        elif type(result) is not bool and (count := values.missing(left)):
            _doubt(f"compares a column with {count} missing values", _where(file, line))
    return result


def measured(function: Callable[..., Any], file: str, line: int, *arguments: Any, **named: Any) -> Any:
    """A measurement of a value by a threshold that is read from the same evidence."""
    __tracebackhide__ = True
    result = function(*arguments, **named)
    if len(arguments) >= 3:
        problem = values.equality(arguments[1], arguments[2], counts=True)
        _doubt(problem, _where(file, line))
    return result


def _nothing(left: Any, right: Any, how: str, where: str) -> None:
    problem = values.equality(left, right, counts=how == "counts")
    if problem and _tally is not None:
        _tally.compares_nothing(where, problem)


def begins(function: Callable[..., Any], file: str, line: int, *arguments: Any) -> Any:
    """`.startswith` and `.endswith`, which hold of an empty text."""
    if arguments and arguments[0] == "":
        _doubt("looks for an empty text, which every text begins and ends with", _where(file, line))
    return function(*arguments)


def length(value: Any, file: str, line: int) -> int:
    """A length, which the text `none` has as well."""
    if type(value) is str and values.is_false_word(value):
        _doubt(f"takes the length of the text {value!r}", _where(file, line))
    return len(value)


def discarded(value: Any, file: str, line: int) -> Any:
    """The value of a call that nothing is done with."""
    if _tally is not None and value is not None:
        if type(value) is bool and _tally.active:
            _tally.expected += 1  # an answer: the gate has more to judge than an age
        _doubt(values.unused(value), _where(file, line))
    return value


def checked(value: Any, file: str, line: int) -> Any:
    """What a function of pytest-check gives: False where it noted a failure, which a report may leave out."""
    if _tally is not None and value is False:
        _tally.failure(f"{_where(file, line)} failed a check")
    return value


def _where(file: str, line: int) -> str:
    return f"{file} line {line}"
