"""
Where the values of a function come from: the loops and look-ups that may have found nothing.

`all(batch["ok"] for batch in batches)` is true of no batches at all, and `errors == 0` is true where the
loop that counts them never ran. A *source* is a place in the code that may find nothing: what is iterated
over, and a field that is read with a default. This says, for each condition, which sources it rests on.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator

from pytest_promotion.assertions.syntax import last_name

Place = tuple[int, int]  # line and column of an expression's end: chained calls differ in it only
Names = dict[str, frozenset[Place]]

NOTHING: frozenset[Place] = frozenset()
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
REDUCTIONS = ("all", "any", "sum")
# Methods of arrays and columns, and functions of their modules: those that reduce, and those that leave NaN out.
ARRAY_REDUCTIONS = ("all", "any", "max", "min", "mean", "median", "sum", "prod", "quantile", "std", "var")
COLUMN_TESTS = ("gt", "ge", "lt", "le", "between", "query", "describe", "value_counts", "fillna", "nan_to_num")
DROPS = ("dropna", "drop_nulls", "drop_nans", "fill_null", "fill_nan")
NAN_REDUCTIONS = ("nanmax", "nanmin", "nanmean", "nanmedian", "nansum", "nanquantile", "nanpercentile")
SELECTIONS = ("filter", "map", "reduce")
SETS = ("set", "frozenset", "Counter")
LOOKUPS = ("get", "pop", "setdefault")
_FILLING = ("append", "add", "extend", "update", "insert", "appendleft", "setdefault")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def place(node: ast.expr) -> Place:
    """Where *node* ends, which the rewriting of assertions keeps."""
    return node.end_lineno or 0, node.end_col_offset or 0


def of_conditions(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[int, frozenset[Place]]:
    """The sources that each statement of *function* with a condition or a call rests on, by its line."""
    found: dict[int, frozenset[Place]] = {}
    _follow(function.body, {}, NOTHING, found)
    return found


def _follow(
    body: Iterable[ast.stmt], names: Names, loops: frozenset[Place], found: dict[int, frozenset[Place]]
) -> None:
    for node in body:
        match node:
            case ast.Assert(test=value) | ast.If(test=value) | ast.While(test=value) | ast.Expr(value=value):
                found[node.lineno] = found.get(node.lineno, NOTHING) | _of(value, names)
        _bind(node, names, loops)
        goes_through = isinstance(node, (ast.For, ast.AsyncFor)) and not is_constant(node.iter)
        inner = loops | {place(node.iter)} if goes_through else loops  # type: ignore[attr-defined] # see above
        if not isinstance(node, _FUNCTIONS):
            for block in _blocks(node):
                _follow(block, names, inner, found)


def _bind(node: ast.stmt, names: Names, loops: frozenset[Place]) -> None:
    """Notes what the names that *node* gives a value rest on, the loops around it among it."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for name in _targets(targets):
                # What a loop assigns may also be left from before it.
                before = names.get(name, NOTHING) if loops else NOTHING
                names[name] = _of(value, names) | loops | before
        case ast.AnnAssign(target=target, value=value) if value is not None:
            for name in _targets([target]):
                names[name] = _of(value, names) | loops
        case ast.AugAssign(target=target, value=value):
            for name in _targets([target]):
                names[name] = names.get(name, NOTHING) | _of(value, names) | loops
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attribute))) if (
            attribute in _FILLING
        ):
            names[name] = names.get(name, NOTHING) | _of(node.value, names) | loops


def _of(expression: ast.expr, names: Names) -> frozenset[Place]:
    found: set[Place] = set()
    for node in ast.walk(expression):
        if isinstance(node, ast.Name):
            found |= names.get(node.id, NOTHING)
        elif isinstance(node, COMPREHENSIONS):
            found |= {place(one.iter) for one in node.generators if not is_constant(one.iter)}
        elif isinstance(node, ast.Call) and _may_find_nothing(node):
            found.add(place(node))
    return frozenset(found)


def _may_find_nothing(node: ast.Call) -> bool:
    return (
        is_reduction(node)
        or is_array_reduction(node)
        or is_selection(node)
        or is_set(node)
        or is_lookup(node)
        or is_function(node.func)
    )


def is_function(called: ast.expr) -> bool:
    """Whether a function is called by its name, which may iterate over nothing for its caller."""
    return isinstance(called, ast.Name) and not called.id.startswith("@") and called.id not in vars(builtins)


def is_reduction(node: ast.Call) -> bool:
    """Whether *node* reduces one iterable to a value, which it also has for an empty one."""
    return isinstance(node.func, ast.Name) and node.func.id in REDUCTIONS and len(node.args) >= 1


def is_array_reduction(node: ast.Call) -> bool:
    """Whether *node* reduces an array or a column by a method, which also has a value for an empty one."""
    return isinstance(node.func, ast.Attribute) and node.func.attr in ARRAY_REDUCTIONS


def is_selection(node: ast.Call) -> bool:
    """Whether *node* selects from an iterable by a function, or reduces it: `filter(bad, rows)`."""
    if last_name(node) == "reduce":
        return 2 <= len(node.args) <= 3
    return isinstance(node.func, ast.Name) and node.func.id in SELECTIONS and len(node.args) == 2


def is_set(node: ast.Call) -> bool:
    """Whether *node* makes a set of an iterable, or counts its elements."""
    return isinstance(node.func, ast.Name) and node.func.id in SETS and len(node.args) == 1


def is_constant(node: ast.expr) -> bool:
    """Whether *node* is of the gate or its policy, not evidence: a constant by its name, or a part of one."""
    if isinstance(node, (ast.Name, ast.Attribute)) and last_name(node).isupper():
        return True
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return isinstance(node, ast.Name) and (node.id == "policy" or node.id.isupper())


def is_lookup(node: ast.Call) -> bool:
    """Whether *node* looks a field up that may be missing, with or without a default."""
    if isinstance(node.func, ast.Attribute):
        one_field = node.func.attr in LOOKUPS and 1 <= len(node.args) <= 2 and not node.keywords
        return one_field and not is_constant(node.func.value)
    return isinstance(node.func, ast.Name) and (node.func.id, len(node.args)) in (("getattr", 3), ("next", 2))


def _targets(targets: Iterable[ast.expr]) -> Iterator[str]:
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                yield node.id


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, [])
    for handler in getattr(node, "handlers", []):
        yield handler.body
    for case in getattr(node, "cases", []):
        yield case.body
