"""The constants in the source of a gate: the texts that it may look for, and the numbers that may be its limits."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

import pytest

from pytest_promotion.prove.limits import numbers_among

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
    return list(dict.fromkeys(numbers_among(one for one in _constants(item) if type(one) in (int, float))))


def _constants(item: pytest.Item) -> Iterator[Any]:
    function = inspect.unwrap(getattr(item, "function", None) or (lambda: None))
    known: set[FunctionType] = set()

    def look(value: object, depth: int) -> Iterator[Any]:
        if isinstance(value, FunctionType) and depth > 0 and value not in known:
            known.add(value)
            for node in _nodes(value):
                if isinstance(node, ast.Constant):
                    yield node.value
                else:
                    yield from look(_named(node, value.__globals__), depth - 1)
        elif isinstance(value, (tuple, list, set, frozenset)):
            for one in value:
                yield from look(one, depth)
        else:
            yield value

    yield from look(function, _DEPTH)


def _named(node: ast.AST, scope: Mapping[str, Any]) -> Any:
    """What a module has under a name, or under one of a module that it imports; None for anything else."""
    if isinstance(node, ast.Name):
        return scope.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        module = scope.get(node.value.id)
        return getattr(module, node.attr, None) if isinstance(module, ModuleType) else None
    return None


def _nodes(function: FunctionType) -> Iterator[ast.AST]:
    """The syntax of *function* as it was written: its code has more constants in it, such as numbers of lines."""
    try:
        return ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function))))
    except (OSError, TypeError, SyntaxError):
        return iter(())
