"""The expressions of a gate, in which the calls of `runtime` are inserted. What they insert changes no value."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pytest_promotion.assertions.inserted import runtime, subscript
from pytest_promotion.assertions.judging import WHOLE, stands_in
from pytest_promotion.assertions.sources import (
    ARRAY_REDUCTIONS,
    COLUMN_TESTS,
    COMPREHENSIONS,
    DROPS,
    LOOKUPS,
    NAN_REDUCTIONS,
    Place,
    is_array_reduction,
    is_constant,
    is_lookup,
    is_reduction,
    is_selection,
    is_set,
    place,
)
from pytest_promotion.assertions.syntax import last_name, names_an_age

_ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_BEGINNING = ("startswith", "endswith", "issubset", "issuperset")
_SEARCHES = ("search", "match")
_Node = TypeVar("_Node", bound=ast.AST)


class Expressions(ast.NodeTransformer):
    """
    Inserts the calls around expressions.

    Args:
        equalities: how the sides of comparisons are compared, by their place; see `show_operands`.
        file: its name in sentences.
    """

    def __init__(self, equalities: Mapping[Place, str], file: str) -> None:
        self._equalities = equalities
        self._file = file
        self._depth = 0  # of functions: what a module does while it is imported judges nothing
        self._attributes: dict[str, str] = {}  # by the name that the rewriting of assertions gave to their value
        self._counts_missing = False  # whether the function asks by itself which values are missing
        self._decides = False  # whether what is visited decides an assertion or a guard

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        source = place(node.iter)
        self.generic_visit(node)
        if self._depth and not node.is_async:
            node.iter = self._each(node.iter, source)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not self._depth:
            return self._visited(node)
        self.generic_visit(node)
        source = place(node)
        called = self._of_elements(node, source) or self._of_method(node, source) or self._of_builtin(node)
        return called or node

    def _of_elements(self, node: ast.Call, source: Place) -> ast.expr | None:
        """A call that looks through the elements of one of its arguments."""
        if is_reduction(node):
            name, whole = last_name(node), not isinstance(node.args[0], COMPREHENSIONS)
            if whole and name != "sum":
                node.args[0] = self._call("elements", node.args[0], self._source(source))
            elif whole or name == "all":
                node.args[0] = self._each(node.args[0], source)
        elif is_set(node):
            node.args[0] = self._each(node.args[0], source)
        elif is_selection(node):
            node.args[1] = self._each(node.args[1], source)
        elif _stops_at_shortest(node):
            return ast.copy_location(ast.Call(runtime("zipped"), [*self._at(node), *node.args], []), node)
        else:
            return None
        return node

    def _of_method(self, node: ast.Call, source: Place) -> ast.expr | None:
        """A call of a method of a collection, a column or a text."""
        if is_array_reduction(node) or self._is_rewritten(node, ARRAY_REDUCTIONS):
            return self._called("reduced", node, self._source(source))
        drops = () if self._counts_missing else DROPS
        if self._is_method(node, (*COLUMN_TESTS, *NAN_REDUCTIONS, *drops)):
            return self._called("tested", node, self._source(source))
        if self._is_method(node, _SEARCHES):
            return self._called("searched", node, *self._at(node))
        if self._is_method(node, _BEGINNING) and len(node.args) == 1:
            return self._called("begins", node, *self._at(node))
        if self._is_method(node, WHOLE):
            return self._called("compared_by", node, *self._at(node))
        if is_lookup(node) or self._is_rewritten_lookup(node):
            return self._called("lookup", node, self._source(source))
        return None

    def _of_builtin(self, node: ast.Call) -> ast.expr | None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "len" and len(node.args) == 1:
            return self._call("length", node.args[0], *self._at(node))
        if name == "bool" and len(node.args) == 1:
            node.args[0] = subscript("operands", node.args[0], node.args[0])
        if name in ("min", "max") and node.args:
            return self._called("extreme", node, *self._at(node))
        return None

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        how = self._equalities.get(place(node), "")
        self.generic_visit(node)
        if not self._depth or len(node.ops) != 1:
            return node
        operator, sides = node.ops[0], (node.left, node.comparators[0])
        if isinstance(operator, ast.Eq):
            return ast.copy_location(ast.Call(runtime("equal"), [*self._at(node), *sides, ast.Constant(how)], []), node)
        if isinstance(operator, (ast.NotEq, ast.In, ast.NotIn)):
            name = ast.Constant(type(operator).__name__)
            return self._call("compared", name, *self._at(node), *sides, ast.Constant(how))
        if not isinstance(operator, _ORDERED):
            return node
        if self._decides:
            aged = isinstance(operator, (ast.Lt, ast.LtE)) and self._is_age(node.left)
            how = f"{how} decides age" if aged else f"{how} decides"
        return self._call("ordered", ast.Constant(type(operator).__name__), *self._at(node), *sides, ast.Constant(how))

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        match node:
            case ast.Subscript(value=ast.Call(func=ast.Name(id="sorted"), args=[values]) as call) if (
                self._depth and _is_end(node.slice)
            ):
                call.func, call.args = runtime("ranked"), [*self._at(node), values]
        return self._visited(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if self._depth and node.attr == "seconds" and isinstance(node.ctx, ast.Load):
            return subscript("seconds", node, node.value)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        if not self._depth or not isinstance(node.op, ast.Or):
            return node
        last = node.values[-1]
        if len(node.values) == 2 and _is_field(node.values[0]) and ast.unparse(last) in ("[]", "{}", "()", "''"):
            return subscript("substitutes", node, *node.values)
        if stands_in(last):
            node.values[-1] = self._call("fallback", last, *self._at(node))
        elif len(node.values) == 2 and stands_in(last, numbers=True):
            return subscript("substitutes", node, *node.values)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        match node.right:
            case ast.Call(func=ast.Attribute(attr="extreme"), args=[ast.Name(id="max"), *_, _, _] as arguments) if (
                self._depth and isinstance(node.op, ast.Div)
            ):
                constants = [one for one in arguments[3:] if isinstance(one, ast.Constant)]
                if len(constants) == 1 and len(arguments) > 4:
                    others = [one for one in arguments[3:] if one is not constants[0]]
                    called = ast.Call(runtime("divisor"), [*self._at(node), constants[0], *others], [])
                    node.right = ast.copy_location(called, node.right)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        looks = isinstance(node.test, ast.Compare) and isinstance(node.test.ops[0], (ast.In, ast.IsNot))
        divides = any(isinstance(one, ast.Div) for one in ast.walk(node.body))
        self.generic_visit(node)
        if self._depth and (looks or divides) and stands_in(node.orelse, numbers=divides):
            node.orelse = self._call("fallback", node.orelse, *self._at(node))
        return node

    def _visited(self, node: _Node) -> _Node:
        self.generic_visit(node)
        return node

    def _at(self, node: ast.AST) -> tuple[ast.Constant, ast.Constant]:
        return ast.Constant(self._file), ast.Constant(getattr(node, "lineno", 0))

    def _source(self, source: Place) -> ast.Constant:
        return ast.Constant((self._file, *source))  # type: ignore[arg-type] # a compiler takes tuples of constants

    def _each(self, iterable: ast.expr, source: Place) -> ast.expr:
        return self._call("each", iterable, self._source(source))

    @staticmethod
    def _call(name: str, first: ast.expr, *others: ast.expr, keywords: Sequence[ast.keyword] = ()) -> ast.expr:
        return ast.copy_location(ast.Call(runtime(name), [first, *others], list(keywords)), first)

    def _called(self, name: str, call: ast.Call, *more: ast.expr) -> ast.expr:
        """*call*, made by a function of `runtime` that is given *more*."""
        return self._call(name, call.func, *more, *call.args, keywords=call.keywords)

    def _is_rewritten_lookup(self, node: ast.Call) -> bool:
        return self._is_rewritten(node, LOOKUPS) and 1 <= len(node.args) <= 2 and not node.keywords

    def _is_method(self, node: ast.Call, names: Sequence[str]) -> bool:
        """Whether *node* calls a method or a function of a module with one of *names*."""
        return (isinstance(node.func, ast.Attribute) and node.func.attr in names) or self._is_rewritten(node, names)

    def _is_age(self, node: ast.expr) -> bool:
        name = last_name(node)
        return names_an_age(self._attributes.get(name, name))

    def _is_rewritten(self, node: ast.Call, names: Sequence[str]) -> bool:
        """Whether the rewriting of assertions made *node* of a call of a method with one of *names*."""
        return isinstance(node.func, ast.Name) and self._attributes.get(node.func.id) in names


def _stops_at_shortest(node: ast.Call) -> bool:
    """Whether *node* is a `zip` of things that may differ in length by mistake, which slices of one thing do not."""
    return (
        isinstance(node.func, ast.Name)
        and node.func.id == "zip"
        and len(node.args) > 1
        and not node.keywords
        and not any(isinstance(one, ast.Starred) or _is_cut(one) for one in node.args)
    )


def _is_field(node: ast.expr) -> bool:
    """Whether *node* reads a field of evidence; a call of `get` is inside one of `lookup` by now."""
    return (isinstance(node, ast.Subscript) or last_name(node) in ("get", "lookup")) and not is_constant(node)


def _is_end(node: ast.expr) -> bool:
    """Whether *node* is 0 or -1, the position of the first or the last."""
    return ast.unparse(node) in ("0", "-1")


def _is_cut(node: ast.expr) -> bool:
    sliced = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)
    return sliced or last_name(node) in ("islice", "range", "count", "cycle", "repeat")
