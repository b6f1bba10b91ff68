"""The texts in the source of a gate: what it may look for in a text that it reads."""

from __future__ import annotations

import inspect
import re
from types import CodeType, FunctionType

import pytest

_DEPTH = 3  # from the gate to the helpers of its module, and to theirs
_ESCAPES = re.compile(r"\\[A-Za-z]")  # of regular expressions


def words_of(item: pytest.Item) -> list[str]:
    """The texts in the function of *item*, and in what its module has under the names that it uses."""
    function = inspect.unwrap(getattr(item, "function", None) or (lambda: None))
    found: dict[str, None] = {}

    def look(value: object, depth: int) -> None:
        if isinstance(value, str):
            for text in (value, _ESCAPES.sub(" ", value)):
                found[text] = None
        elif isinstance(value, CodeType):
            names = value.co_names if depth else ()
            for one in (*value.co_consts, *(function.__globals__.get(name) for name in names)):
                look(one, depth - 1)
        elif isinstance(value, FunctionType) and depth > 0:
            look(value.__code__, depth)
        elif isinstance(value, re.Pattern):
            look(value.pattern, depth)
        elif isinstance(value, (tuple, list, set, frozenset)):
            for one in value:
                look(one, depth)

    look(function.__code__, _DEPTH)
    return list(found)
