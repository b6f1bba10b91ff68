"""The nodes that instrumenting inserts: calls of functions of `runtime`, and marks of what was looked at."""

from __future__ import annotations

import ast

RUNTIME = "@promotion"  # no name of a program can be equal to it
MARK = "@mark"  # nor to this: what was looked at before a condition, a variable of each function


def runtime(name: str) -> ast.Attribute:
    """A function of `runtime`, by its name."""
    return ast.Attribute(ast.Name(RUNTIME, ast.Load()), name, ast.Load())


def statement(name: str, node: ast.stmt, *arguments: ast.expr) -> ast.stmt:
    """A call of a function of `runtime`, at the place of *node*."""
    return ast.copy_location(ast.Expr(ast.Call(runtime(name), list(arguments), [])), node)


def subscript(name: str, node: ast.expr, *values: ast.expr) -> ast.expr:
    """
    What a lookup in an object of `runtime` gives for *values*, in the place of *node*.

    The rewriting of assertions explains a subscript by its value and looks no further into it.
    """
    index = values[0] if len(values) == 1 else ast.Tuple(list(values), ast.Load())
    return ast.copy_location(ast.Subscript(runtime(name), index, ast.Load()), node)


def mark(node: ast.stmt) -> ast.stmt:
    """A statement before *node* that keeps what was looked at so far."""
    return ast.copy_location(ast.Assign([ast.Name(MARK, ast.Store())], ast.Call(runtime("mark"), [], [])), node)


def is_mark(node: ast.Assign) -> bool:
    """Whether *node* is such a statement."""
    return isinstance(node.targets[0], ast.Name) and node.targets[0].id == MARK


def put_first(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, value: int | str) -> None:
    """Inserts a call at the start of a body, after its docstring."""
    documented = ast.get_docstring(function, clean=False) is not None
    function.body.insert(int(documented), statement(name, function.body[0], ast.Constant(value)))
