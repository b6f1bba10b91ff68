"""Small questions about syntax trees."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator

MEASURES = ("at_least", "at_most", "between", "equals")  # the methods of `measure` that compare
# Those that judge figures from samples; `mean` and `quantile` are also names of functions that compute.
SAMPLED = ("proportion", "mean", "quantile", "not_worse", "better", "same_distribution", "trials")
_AGES = ("age", "elapsed", "lag", "staleness")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def last_name(expression: ast.expr) -> str:
    """`critical` for `critical`, `mark.critical` and `pytest.mark.critical(owner="x")`."""
    if isinstance(expression, ast.Call):
        expression = expression.func
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def names_an_age(name: str) -> bool:
    """Whether one of the words of *name*, of a variable or of what is measured, says that it is an age."""
    return any(word in _AGES for word in name.lower().replace("_", " ").split())


def own_nodes(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function's body without those of functions and classes in it."""
    ahead: deque[ast.AST] = deque(function.body)
    while ahead:
        node = ahead.popleft()
        yield node
        if not isinstance(node, _SCOPES):
            ahead += ast.iter_child_nodes(node)
