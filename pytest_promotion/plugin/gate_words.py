"""The constants in the source of a gate: the texts that it may look for, and the numbers that may be its limits."""

from __future__ import annotations

import dis
import inspect
import re
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import pytest

_DEPTH = 3  # from the gate to the helpers of its module, and to theirs
_ESCAPES = re.compile(r"\\[A-Za-z]")  # of regular expressions


def words_of(item: pytest.Item) -> list[str]:
    """The texts in the function of *item*, and in what its module has under the names that it uses."""
    texts = (one.pattern if isinstance(one, re.Pattern) else one for one in _constants(item))
    return list(
        dict.fromkeys(each for text in texts if isinstance(text, str) for each in (text, _ESCAPES.sub(" ", text)))
    )


def numbers_of(item: pytest.Item) -> list[float]:
    """The numbers there."""
    return list(dict.fromkeys(one for one in _constants(item) if type(one) in (int, float)))


def _constants(item: pytest.Item) -> Iterator[Any]:
    function = inspect.unwrap(getattr(item, "function", None) or (lambda: None))

    def look(value: object, depth: int) -> Iterator[Any]:
        if isinstance(value, CodeType):
            yield from (
                one.argval for one in dis.get_instructions(value) if type(one.argval) is int and "LOAD" in one.opname
            )
            names = value.co_names if depth else ()
            for one in (*value.co_consts, *(function.__globals__.get(name) for name in names)):
                yield from look(one, depth - 1)
        elif isinstance(value, FunctionType):
            yield from look(value.__code__, depth) if depth > 0 else ()
        elif isinstance(value, (tuple, list, set, frozenset)):
            for one in value:
                yield from look(one, depth)
        else:
            yield value

    yield from look(function.__code__, _DEPTH)
