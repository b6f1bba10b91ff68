"""
Lets the tally see the operands of conditions, before pytest rewrites the assertions that they are in.

They are shown as subscripts of objects of `runtime`, which the rewriting explains by their value and looks no further
into.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TypeVar

from pytest_promotion.assertions.inserted import mark, put_first, runtime, subscript
from pytest_promotion.assertions.judging import both_read, called_function, fails, judges
from pytest_promotion.assertions.sources import Place, place
from pytest_promotion.assertions.syntax import MEASURES, last_name, own_nodes

_CLOCKS = ("now", "utcnow", "time", "today")
_CUTTING = ("int", "round", "floor", "ceil", "trunc", "around", "rint", "fix")
_CUTTING_METHODS = ("round", "quantize", "to_integral_value", "astype")
_BELOW, _ABOVE = (ast.Lt, ast.LtE), (ast.Gt, ast.GtE)
_Function = TypeVar("_Function", ast.FunctionDef, ast.AsyncFunctionDef)


def show_operands(tree: ast.Module) -> dict[Place, str]:
    """Changes *tree*; gives, by their place, how the sides of comparisons are compared where both of them are read."""
    shown = _Conditions()
    shown.visit(tree)
    return shown.equalities


class _Conditions(ast.NodeTransformer):
    """Goes through the assertions and guards of a module."""

    def __init__(self) -> None:
        self.equalities: dict[Place, str] = {}
        self._cut_names: frozenset[str] = frozenset()  # of the function that is visited

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.stmt:
        return self._function(node)

    def _function(self, node: _Function) -> _Function:
        nodes = list(own_nodes(node))
        names, self._cut_names = self._cut_names, _assigned_cut(nodes)
        count = sum(map(judges, nodes))
        if node.name.startswith("test"):  # what it compares and does not assert: it has more to judge than an age
            count += sum(isinstance(one, ast.Compare) for one in nodes)
        self.generic_visit(node)
        self._cut_names = names
        if count:
            put_first(node, "expects", count)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        self.generic_visit(node)
        name = node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
        if name in self._cut_names:
            node.value = subscript("cut_as", node.value, ast.Constant(name), *(_cut(node.value) or ()))
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if last_name(node) not in MEASURES or len(node.args) < 3:
            return node
        value = _shown_cut(node.args[1], self._cut_names)
        if value is None:
            return node
        node.args[1] = value
        return ast.copy_location(ast.Call(runtime("measured_cut"), [node.func, *node.args], node.keywords), node)

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        calls = called_function(node.test) is not None
        node.test = self._shown(node.test, _BELOW)
        return [mark(node), node] if calls else [node]

    def visit_If(self, node: ast.If) -> ast.stmt:
        self.generic_visit(node)
        if fails(node.body) or fails(node.orelse):
            node.test = self._shown(node.test, _ABOVE if fails(node.body) else _BELOW)
        return node

    def _shown(self, test: ast.expr, limits: tuple[type[ast.cmpop], ...]) -> ast.expr:
        found: ast.expr = _Operands(self.equalities, limits, self._cut_names).visit(test)
        return found


class _Operands(ast.NodeTransformer):
    """Goes through what decides the truth of one condition, in which *limits* limit an age from above."""

    def __init__(
        self, equalities: dict[Place, str], limits: tuple[type[ast.cmpop], ...], cut_names: frozenset[str]
    ) -> None:
        self._equalities = equalities
        self._limits = limits
        self._cut_names = cut_names

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        node.values = [self._truth(value) for value in node.values]
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if isinstance(node.op, ast.Not):
            node.operand = self._truth(node.operand)
        return node

    def _truth(self, value: ast.expr) -> ast.expr:
        if not isinstance(value, (ast.Name, ast.Attribute, ast.Subscript)):
            return self.visit(value)  # type: ignore[no-any-return] # an expression stays one
        return subscript("operands", value, value)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        if len(node.ops) != 1:
            return node
        operator, right = node.ops[0], node.comparators[0]
        if isinstance(operator, ast.In) and isinstance(right, ast.Constant) and not isinstance(node.left, ast.Constant):
            self._equalities[place(node)] = "within"
        how = both_read(node.left, right)
        if how == "counts" or (how and isinstance(operator, (ast.Eq, ast.NotEq))):
            self._equalities[place(node)] = how
        excludes = (ast.IsNot, ast.NotEq, ast.NotIn) if self._limits is _BELOW else (ast.Is, ast.Eq, ast.In)
        if isinstance(operator, excludes) and _names_values(right):
            node.left = subscript("stated", node.left, node.left)
        ordered = isinstance(operator, (*_BELOW, *_ABOVE))
        limited = isinstance(operator, (*self._limits, ast.Eq))
        node.left = self._operand(node.left, cuts=ordered or isinstance(right, ast.Constant), limited=limited)
        if isinstance(operator, _ABOVE) and self._limits is _BELOW and isinstance(right, ast.BinOp):
            node.comparators[0] = _since(right)
        else:
            node.comparators[0] = self._operand(right, cuts=ordered, limited=False)
        return node

    def _operand(self, node: ast.expr, *, cuts: bool, limited: bool) -> ast.expr:
        shown = _shown_cut(node, self._cut_names) if cuts else None
        if shown is not None:
            return shown
        match node:
            case ast.BinOp(left=left, op=ast.Sub(), right=right) if limited and _is_now(left):
                return subscript("ages", node, left, right)
            case ast.Attribute(value=value, attr="seconds" | "days" as name) if limited:
                return subscript("parts", node, value, ast.Constant(name))
            case ast.BoolOp(op=ast.Or(), values=[value, ast.Constant(value=constant)]) if type(constant) in (
                int,
                float,
            ):
                return subscript("substitutes", node, value, node.values[1])
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        return node  # only what decides the truth of the whole


def _names_values(node: ast.expr) -> bool:
    """Whether *node* is a text or a truth value, or a collection of such, that stand in the source."""
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return bool(node.elts) and all(map(_names_values, node.elts))
    return isinstance(node, ast.Constant) and isinstance(node.value, (str, bool))


def _assigned_cut(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The names to which a rounded number is assigned, and nothing else."""
    values: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            values.setdefault(node.targets[0].id, []).append(node.value)
    return frozenset(name for name, assigned in values.items() if all(map(_cut, assigned)))


def _shown_cut(node: ast.expr, names: frozenset[str]) -> ast.expr | None:
    """*node*, which is a rounded number or the name of one, by way of `runtime`; None where it is neither."""
    if isinstance(node, ast.Name):
        return subscript("cut_before", node, ast.Constant(node.id), node) if node.id in names else None
    parts = _cut(node)
    return subscript("cut", node, *parts) if parts else None


def _cut(node: ast.expr) -> tuple[ast.expr, ...] | None:
    """What rounds a number or cuts digits off, the number, and the other arguments; None for anything else."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=others, keywords=[]) if name in _CUTTING_METHODS:
            return (subscript("method", node, ast.Constant(name)), value, *others)
        case ast.Call(func=function, args=[first, *others], keywords=[]) if last_name(node) in _CUTTING:
            return (function, first, *others)
        case ast.BinOp(left=left, op=ast.FloorDiv(), right=right):
            return (runtime("floordiv"), left, right)
        case ast.Call(func=ast.Name(id="float" | "int") as kind, args=[ast.JoinedStr(values=[text])]) if (
            isinstance(text, ast.FormattedValue) and text.format_spec is not None and text.conversion == -1
        ):
            return (subscript("formatted", node, kind, text.format_spec), text.value)
    return None


def _since(node: ast.BinOp) -> ast.expr:
    if isinstance(node.op, ast.Sub) and _is_now(node.left):
        return subscript("since", node, node.left, node.right)
    return node


def _is_now(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and last_name(node) in _CLOCKS
