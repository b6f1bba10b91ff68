"""
What instrumented gates call around what they look at: loops, look-ups, reductions, defaults.

Each gives the value that its expression has.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from typing import Any, Final

from pytest_promotion.assertions import current, values
from pytest_promotion.assertions.current import doubt, where
from pytest_promotion.assertions.tally import Source

_ABSENT: Final = object()
_TEXTS: Final = ("object", "str", "string")


def each(iterable: Iterable[Any], source: Source) -> Iterable[Any]:
    """What is iterated over."""
    tally = current.tally
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
    if current.tally is not None:
        doubt(values.elements(iterable), where(source[0], source[1]))
    return each(iterable, source)


def zipped(file: str, line: int, *iterables: Any) -> Iterator[Any]:
    """`zip`, which stops where the shortest ends."""
    if current.tally is not None:
        sizes = [len(one) for one in iterables if isinstance(one, Sized)]
        if len(sizes) > 1 and min(sizes) != max(sizes):
            doubt(f"pairs {min(sizes)} of {max(sizes)} elements; use zip(…, strict=True)", where(file, line))
    return zip(*iterables, strict=False)


def lookup(function: Callable[..., Any], source: Source, *arguments: Any) -> Any:
    """A field of evidence, or its default."""
    tally = current.tally
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
        tally.doubt(f"{where(source[0], source[1])} judges the default {value!r}, since {key!r} is missing")
    return value


def _fields(function: Callable[..., Any]) -> Mapping[Any, Any] | None:
    """What a method looks a field up in: a mapping, or the attributes of an XML element."""
    owner = getattr(function, "__self__", None)
    owner = owner if isinstance(owner, Mapping) else getattr(owner, "attrib", None)
    # What the environment does not set is configuration, and not evidence that is missing.
    return owner if isinstance(owner, Mapping) and owner is not os.environ else None


def fallback(value: Any, file: str, line: int) -> Any:
    """A constant that takes the place of evidence."""
    doubt(f"judges the constant {value!r} in place of evidence", where(file, line))
    return value


def skipped(file: str, line: int, kind: str) -> None:
    """What could not be read is passed over."""
    doubt(f"passes over what it cannot read ({kind})", where(file, line))


@contextmanager
def suppressing(manager: Any, file: str, line: int) -> Iterator[Any]:
    """`contextlib.suppress` of errors in evidence."""
    ended = False
    with manager as entered:
        yield entered
        ended = True
    if not ended:
        skipped(file, line, "suppress")


class _Substitutes:
    """A value, or what is put in its place where it is None: `substitutes[value, constant]`."""

    def __getitem__(self, pair: tuple[Any, Any]) -> Any:
        value, constant = pair
        if value is None:
            doubt(f"judges the constant {constant!r} in place of evidence", "an assertion")
        return value or constant


def extreme(function: Callable[..., Any], file: str, line: int, *arguments: Any, **named: Any) -> Any:
    """The least or the greatest of some values."""
    tally = current.tally
    if tally is None or (len(arguments) == 1 and not isinstance(arguments[0], Iterable)):
        return function(*arguments, **named)
    candidates = list(arguments[0] if len(arguments) == 1 else arguments)
    if not candidates and values.is_favourable(named.get("default")):
        tally.doubt(f"{where(file, line)} judges the default {named['default']!r}, since there are no values")
    if any(values.is_nan(value) for value in candidates):
        tally.doubt(f"{where(file, line)} looks for the extreme of values with NaN among them")
    key = named.get("key")
    doubt(values.ranking(candidates if key is None else list(map(key, candidates))), where(file, line))
    return function(candidates, **named)


def ranked(file: str, line: int, iterable: Iterable[Any], *, key: Any = None, reverse: bool = False) -> list[Any]:
    """`sorted`, of which the first or the last is taken."""
    found = sorted(iterable, key=key, reverse=reverse)
    if current.tally is not None:
        doubt(values.ranking(found if key is None else list(map(key, found))), where(file, line))
    return found


def searched(function: Callable[..., Any], file: str, line: int, *arguments: Any, **named: Any) -> Any:
    """`re.search`, which finds a word in another word as well."""
    found = function(*arguments, **named)
    if current.tally is not None:
        doubt(values.match(found), where(file, line))
    return found


def divisor(file: str, line: int, constant: Any, *others: Any) -> Any:
    """The greatest of some values and a constant, as what is divided by."""
    if current.tally is not None and all(isinstance(one, (int, float)) and one < constant for one in others):
        doubt(f"divides by the constant {constant!r} in place of {max(others)!r}", where(file, line))
    return max(constant, *others)


def reduced(function: Callable[..., Any], source: Source, *arguments: Any, **named: Any) -> Any:
    """`.all()`, `.max()` or `.mean()` of an array or a column, by a method or a function of its module."""
    if current.tally is not None:
        column = _column(function, arguments)
        if column is not None and isinstance(getattr(column, "size", None), int) and hasattr(column, "dtype"):
            current.tally.saw(source, something=column.size > 0)
        if getattr(function, "__name__", "") in ("all", "any") and str(getattr(column, "dtype", "")) in _TEXTS:
            said = [one for one in column if isinstance(one, str) and values.is_false_word(one)]
            doubt(f"takes the text {said[0]!r} for true" if said else "", where(source[0], source[1]))
    return tested(function, source, *arguments, **named)


def tested(function: Callable[..., Any], source: Source, *arguments: Any, **named: Any) -> Any:
    """A method of an array, a column or a table that leaves missing values out, or that fills them in."""
    if current.tally is not None:
        column, name = _column(function, arguments), getattr(function, "__name__", "")
        if name == "query" and hasattr(column, "columns"):
            column = column[[one for one in column.columns if str(one) in str(arguments[0])]]
        # Texts are filled in to be shown.
        fills = name not in ("fillna", "fill_null") or (bool(arguments) and not isinstance(arguments[0], str))
        count = values.missing(column) if fills and name not in ("all", "any") else 0
        if count:
            does = "fills in" if name in ("fillna", "nan_to_num", "fill_null", "fill_nan") else "leaves out"
            doubt(f"{does} {count} missing values by {name}", where(source[0], source[1]))
    return function(*arguments, **named)


def _column(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    owner = getattr(function, "__self__", None)
    owner = owner if hasattr(owner, "dtype") or hasattr(owner, "isna") or hasattr(owner, "obj") else None
    return owner if owner is not None else arguments[0] if arguments else None


def length(value: Any, file: str, line: int) -> int:
    """A length, which the text `none` has as well."""
    if type(value) is str and values.is_false_word(value):
        doubt(f"takes the length of the text {value!r}", where(file, line))
    return len(value)


substitutes = _Substitutes()
