"""
What instrumented gates call while they run. Each function gives the value that its expression has.

One gate runs at a time in a process, and its threads count for it, so that the tally is one of the process.
"""

from __future__ import annotations

import inspect
import math
import operator
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

from pytest_promotion.assertions.tally import Mark, Source, Tally

_tally: Tally | None = None
_ORDERS: Final = {"Lt": operator.lt, "LtE": operator.le, "Gt": operator.gt, "GtE": operator.ge}
_FALSE_WORDS: Final = frozenset(
    (
        *("0", "error", "fail", "failed", "failure", "false", "inconclusive", "n/a", "nan", "no", "none", "null"),
        *("off", "pending", "skipped", "unknown"),
    )
)
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
    def __getitem__(self, value: Any) -> Any:
        if _tally is not None and type(value) not in _PLAIN:
            _doubt_truth(value, "an assertion")
        return value


operands = _Operands()


def truth(value: Any, file: str, line: int, sources: tuple[Source, ...], mark: Mark | None = None) -> Any:
    """The condition of an assertion."""
    tally = _tally
    if tally is None:
        return value
    if type(value) not in _PLAIN:
        _doubt_truth(value, _where(file, line))
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
        owner = getattr(function, "__self__", None)
        # What the environment does not set is configuration, and not evidence that is missing.
        if not isinstance(owner, Mapping) or owner is os.environ or not 1 <= len(arguments) <= 2:
            return function(*arguments)
        absent, key = arguments[0] not in owner, arguments[0]
        value = function(*arguments)
    if getattr(function, "__name__", "") != "setdefault":  # it fills what it looks into
        tally.saw(source, something=not absent)
    if absent and _is_favourable(value):
        tally.doubt(f"{_where(source[0], source[1])} judges the default {value!r}, since {key!r} is missing")
    return value


def fallback(value: Any, file: str, line: int) -> Any:
    """A constant that takes the place of evidence."""
    if _tally is not None:
        _tally.doubt(f"{_where(file, line)} judges the constant {value!r} in place of evidence")
    return value


def extreme(function: Callable[..., Any], file: str, line: int, *arguments: Any, **named: Any) -> Any:
    """The least or the greatest of some values."""
    tally = _tally
    if tally is None or (len(arguments) == 1 and not isinstance(arguments[0], Iterable)):
        return function(*arguments, **named)
    values = list(arguments[0] if len(arguments) == 1 else arguments)
    if not values and _is_favourable(named.get("default")):
        tally.doubt(f"{_where(file, line)} judges the default {named['default']!r}, since there are no values")
    if any(_is_nan(value) for value in values):
        tally.doubt(f"{_where(file, line)} looks for the extreme of values with NaN among them")
    return function(values, **named)


def reduced(function: Callable[..., Any], source: Source, *arguments: Any, **named: Any) -> Any:
    """`.all()`, `.any()`, `.max()` or `.min()` of an array or a column, by a method or a function of its module."""
    tally = _tally
    if tally is not None:
        owner = getattr(function, "__self__", None)
        values = arguments[0] if arguments and not hasattr(owner, "dtype") else owner
        size = getattr(values, "size", None)
        if isinstance(size, int) and hasattr(values, "dtype"):
            tally.saw(source, something=size > 0)
            if getattr(function, "__name__", "") in ("max", "min") and _has_nan(values):
                tally.doubt(f"{_where(source[0], source[1])} looks for the extreme of values with NaN among them")
    return function(*arguments, **named)


def ordered(name: str, file: str, line: int, left: Any, right: Any, decides: bool = False) -> Any:
    """An order of two values: NaN has none, and a narrow number is not the number that it was made from."""
    result = _ORDERS[name](left, right)
    if _tally is not None and not (type(left) is int and type(right) is int):
        problem = _order_problem(name, left, right, result)
        if not problem and decides and isinstance(left, float) and math.isinf(left):
            problem = "compares infinity"
        if problem:
            _tally.doubt(f"{_where(file, line)} {problem}")
    return result


def _order_problem(name: str, left: Any, right: Any, result: Any) -> str:
    if _has_nan(left) or _has_nan(right):
        return "compares NaN"
    if isinstance(left, str) and isinstance(right, str) and _is_numeral(left) and _is_numeral(right):
        return f"compares the texts {left!r} and {right!r}, not the numbers that they name"
    if _is_narrow(left) or _is_narrow(right):
        exact = _ORDERS[name](_exact(left), _exact(right)) != result
        if bool(exact.any() if hasattr(exact, "any") else exact):
            return "compares in a type that is too narrow for its numbers"
    return ""


def compared(name: str, file: str, line: int, left: Any, right: Any) -> Any:
    """`!=`, which holds of NaN and everything; and `in`, which holds of an empty text in every text."""
    if name == "In":
        if _tally is not None and left == "" and isinstance(left, str) and isinstance(right, str):
            _tally.doubt(f"{_where(file, line)} looks for an empty text, which is in every text")
        return left in right
    if _tally is not None and left is not right and (_is_nan(left) or _is_nan(right)):
        _tally.doubt(f"{_where(file, line)} compares NaN")
    return left != right


def discarded(value: Any, file: str, line: int) -> Any:
    """The value of a call that nothing is done with."""
    if _tally is not None and value is not None:
        problem = _unused(value)
        if problem:
            _tally.doubt(f"{_where(file, line)} {problem}")
    return value


def checked(value: Any, file: str, line: int) -> Any:
    """What a function of pytest-check gives: False where it noted a failure, which a report may leave out."""
    if _tally is not None and value is False:
        _tally.failure(f"{_where(file, line)} failed a check")
    return value


# --- values ---


def _where(file: str, line: int) -> str:
    return f"{file} line {line}"


def _doubt_truth(value: Any, where: str) -> None:
    if _tally is None:
        return
    if inspect.isawaitable(value) or inspect.isasyncgen(value) or inspect.isgenerator(value):
        _tally.doubt(f"{where} asserts something that was not awaited or run")
    elif callable(value):
        name = getattr(value, "__name__", type(value).__name__)
        _tally.doubt(f"{where} asserts {name} itself, which is always true: it is not called")
    elif isinstance(value, str) and value.strip().lower() in _FALSE_WORDS:
        _tally.doubt(f"{where} asserts the text {value!r}, which is true as every text is")
    elif _is_nan(value):
        _tally.doubt(f"{where} asserts NaN, which is true")
    elif hasattr(type(value), "__next__"):
        _tally.doubt(f"{where} asserts an iterator, which is true whatever is in it")
    elif isinstance(value, (tuple, list)) and any(one is False for one in value):
        _tally.doubt(f"{where} asserts a {type(value).__name__} with False in it, which is true as it is not empty")


def _unused(value: Any) -> str:
    if inspect.iscoroutine(value) or inspect.isasyncgen(value) or inspect.isgenerator(value):
        return "calls a function that was not awaited or run"
    kind = type(value)  # a mock has every attribute, and its class does not
    if isinstance(value, Future) or (hasattr(kind, "add_done_callback") and hasattr(kind, "result")):
        return "starts what it does not ask for its result"
    code = getattr(value, "returncode", None)
    if isinstance(code, int) and code:
        return f"runs a program that ended with {code}, and does not look at it"
    return ""


def _is_favourable(value: Any) -> bool:
    return isinstance(value, (bool, int, float, str)) and bool(value)


def _is_nan(value: Any) -> bool:
    return isinstance(value, (float, Decimal)) and bool(value != value)  # noqa: PLR0124 - what NaN is


def _has_nan(value: Any) -> bool:
    if isinstance(value, float):
        return value != value or abs(value) == sys.float_info.max  # noqa: PLR0124 - how some trackers store infinity
    if isinstance(value, (int, str)) or not hasattr(value, "dtype"):
        return False
    try:
        return bool((value != value).any())  # noqa: PLR0124 - an array or a column
    except (TypeError, AttributeError, ValueError):
        return False


def _is_numeral(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_narrow(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    if getattr(value, "ndim", 0) and getattr(dtype, "kind", "") != "f":
        return False
    return dtype is not None and getattr(dtype, "itemsize", 8) < 8


def _exact(value: Any) -> Any:
    if not _is_narrow(value):
        return value
    return value.astype("float64") if value.ndim else value.item()
