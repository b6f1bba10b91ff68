"""Small questions about syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def last_name(expression: ast.expr) -> str:
    """`critical` for `critical`, `mark.critical` and `pytest.mark.critical(owner="x")`."""
    if isinstance(expression, ast.Call):
        expression = expression.func
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def own_nodes(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function's body without those of functions and classes in it."""
    ahead: list[ast.AST] = [*function.body]
    while ahead:
        node = ahead.pop(0)
        yield node
        if not isinstance(node, _SCOPES):
            ahead += ast.iter_child_nodes(node)
