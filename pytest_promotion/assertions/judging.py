"""Which nodes of a gate judge, and what in their conditions says too little."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from pytest_promotion.assertions.sources import Place, is_constant, is_function, place
from pytest_promotion.assertions.syntax import MEASURES, SAMPLED, last_name

ASSERTING = ("assert", "demand", "expect")  # how the names of functions start that raise where something does not hold
WHOLE = ("allclose", "array_equal", "array_equiv")  # functions that compare collections as a whole
_EXPECTING = ("raises", "warns", "deprecated_call", "RaisesGroup")
_READING_ERRORS = (
    *("ValueError", "TypeError", "KeyError", "IndexError", "LookupError", "AttributeError", "ArithmeticError"),
    *("ZeroDivisionError", "UnicodeDecodeError", "UnicodeError", "JSONDecodeError", "InvalidOperation"),
    *("StatisticsError",),
)
_SAYING = ("print", "debug", "info", "warning", "warn", "error", "exception", "log")


def judges(node: ast.AST) -> bool:
    """Whether a node is a judgement that may be executed or not."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        names = list(chain(node.value))
        if is_sampled(names) or names[0] in (*MEASURES, "none") or any(one.startswith(ASSERTING) for one in names):
            return True
        return bool(names[1:]) and names[-1] == "check"
    return isinstance(node, ast.Assert) or (isinstance(node, ast.If) and fails(node.body))


def is_sampled(names: Sequence[str]) -> bool:
    """Whether a call, by the names of its chain, is one of the methods of `measure` for figures from samples."""
    return names[0] in SAMPLED and list(names[1:2]) == ["measure"]


def fails(body: Sequence[ast.stmt]) -> bool:
    """Whether a block always ends in a failure of the gate."""
    return any(
        isinstance(node, ast.Raise)
        or (isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant) and not node.test.value)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and last_name(node.value) == "fail")
        for node in body
    )


def may_judge(body: Sequence[ast.stmt]) -> bool:
    """Whether a block has a judgement in it that depends on a condition."""
    return any(judges(node) for statement in body for node in ast.walk(statement))


def expects(context: ast.expr) -> bool:
    """Whether a block demands an exception or a warning: `pytest.raises(…)`, `self.assertRaises(…)`."""
    name = last_name(context)
    return isinstance(context, ast.Call) and (name in _EXPECTING or name.startswith(ASSERTING))


def is_expecting(name: str) -> bool:
    """Whether a function demands an exception of another one that it is given."""
    return name in _EXPECTING


def suppresses(context: ast.expr) -> bool:
    """Whether a block passes over what cannot be read: `suppress(KeyError)`."""
    return (
        isinstance(context, ast.Call)
        and last_name(context) == "suppress"
        and any(last_name(kind) in _READING_ERRORS for kind in context.args)
    )


def passes_over(handler: ast.ExceptHandler) -> str:
    """The kind of error that *handler* does nothing about, with what cannot be read; "" where there is none."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    named = [last_name(kind) for kind in kinds if kind is not None]
    idle = all(
        isinstance(node, (ast.Pass, ast.Continue))
        or (isinstance(node, ast.Expr) and (isinstance(node.value, ast.Constant) or _says(node.value)))
        for node in handler.body
    )
    return next((name for name in named if name in _READING_ERRORS), "") if idle else ""


def _says(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Call) and last_name(expression) in _SAYING


def stands_in(value: ast.expr, *, numbers: bool = False) -> bool:
    """Whether *value* is a constant in place of evidence: a text, True or a number; zero only if *numbers* count."""
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
        value = value.operand
    if not isinstance(value, ast.Constant) or value.value is Ellipsis:
        return False
    return bool(value.value) or (numbers and type(value.value) in (int, float))


def presence(test: ast.expr) -> str:
    """What *test* asks where it asks whether there is anything to judge; "" where it asks something else."""
    match test:
        case ast.Compare(left=left, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            asks = _is_field(left) and not is_constant(left)
        case ast.Compare(ops=[ast.In()], comparators=[where]):
            asks = not is_constant(where)
        case ast.Call():
            asks = last_name(test) in ("exists", "is_file", "hasattr")
        case _:
            asks = False
    return ast.unparse(test) if asks else ""


def both_read(left: ast.expr, right: ast.expr) -> str:
    """
    How two sides of a comparison that are both read are compared, "" where one of them is written in the source.

    "counts" where both are fields of one thing, such as passed and total: 0 of 0. What is counted again may be 0.
    """
    if _is_written(left) or _is_written(right):
        return ""
    return "counts" if _is_field(left) and _is_field(right) and _roots(left) & _roots(right) else "values"


def _is_written(node: ast.expr) -> bool:
    """Whether a value stands in the source: a literal, a constant by its name, `set()`."""
    if isinstance(node, (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.JoinedStr)):
        return True
    if isinstance(node, ast.UnaryOp):
        return _is_written(node.operand)
    if isinstance(node, (ast.Name, ast.Attribute)):
        return last_name(node).isupper()
    return isinstance(node, ast.Call) and all(map(_is_written, node.args)) and not isinstance(node.func, ast.Attribute)


def _is_field(node: ast.expr) -> bool:
    return isinstance(node, (ast.Subscript, ast.Attribute)) or (isinstance(node, ast.Call) and last_name(node) == "get")


def _roots(node: ast.expr) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}


def chain(expression: ast.expr) -> Iterator[str]:
    """The names in a chain of calls and attributes, from its end: "b" and "a" of `a(x).b()`."""
    while True:
        if isinstance(expression, ast.Call):
            expression = expression.func
        elif isinstance(expression, ast.Attribute):
            yield expression.attr
            expression = expression.value
        else:
            yield expression.id if isinstance(expression, ast.Name) else ""
            return


def called_function(expression: ast.expr) -> Place | None:
    """Where *expression* first calls a function by its name, which may iterate over nothing; None where it does not."""
    found = (node for node in ast.walk(expression) if isinstance(node, ast.Call) and is_function(node.func))
    return next(map(place, found), None)
