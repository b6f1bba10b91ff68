"""
Gates that cannot fail, told by their source.

Each rule is a way in which a real gate stayed green on a broken candidate. Rules of the
first kind always count. Rules of the second kind count only for a gate that recorded no
evidence: one that measured or read something has shown that it looked. Whether anything was
judged at all is not told by the source: see `assertions`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TypeGuard

from pytest_promotion.assertions.syntax import MEASURES, last_name
from pytest_promotion.decision import unfinished
from pytest_promotion.decision.definitions import Definitions
from pytest_promotion.decision.severity_marks import statements

_ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
_ANSWERING = ("match", "fullmatch", "search", "isclose", "allclose", "startswith", "endswith", "issubset", "isdisjoint")
_SHOWN = 60  # characters of a condition in a sentence
_AGES = ("age", "elapsed", "lag", "staleness", "delay", "old")


def judge(gate: ast.FunctionDef | ast.AsyncFunctionDef, module: Definitions | None = None) -> tuple[str, str]:
    """Why *gate* of *module* cannot fail, and why it may have judged nothing; each "" where no rule applies."""
    nodes = _with_nested(gate)
    module = module or Definitions()
    always = chain(_always(nodes, module.constants(gate)), _returned(gate), unfinished.work(gate, module))
    return next(always, ""), next(_without_evidence(nodes), "")


def _with_nested(gate: ast.AST) -> list[ast.AST]:
    """
    The gate and all statements, handlers and cases in it and in its functions, the outer before the inner.

    In the order of `ast.walk` without its expressions, in which no statement can stand: a
    session reads every gate there is before it collects one.
    """
    found = [gate]
    for node in found:  # grows while it is gone through
        for block in _BLOCKS:
            found += getattr(node, block, ())
    return found


def _always(nodes: list[ast.AST], constants: Mapping[str, object]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Assert():
                yield from _asserted(node, constants)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                if any(_catches_all(item.context_expr) for item in items):
                    yield f"line {node.lineno} accepts any exception, also that of a broken gate; name the one it means"
            case ast.ExceptHandler() if _swallows(node):
                yield f"line {node.lineno} swallows whatever goes wrong, failed assertions included"
            case ast.Try(finalbody=body) if leaving := _leaves(body):
                yield f"line {leaving.lineno} leaves the function in `finally`, which swallows whatever goes wrong"
            case ast.Expr(value=value):
                yield from _idle(value)


def _asserted(node: ast.Assert, constants: Mapping[str, object]) -> Iterator[str]:
    if isinstance(node.test, ast.Tuple) and node.test.elts:
        yield f"line {node.lineno} asserts a tuple, which is always true; remove the parentheses"
    elif _always_true(_resolved(node.test, constants)):
        condition = ast.unparse(node.test)
        shown = condition if len(condition) <= _SHOWN else f"{condition[:_SHOWN]}…"
        yield f"line {node.lineno} asserts what is always true: {shown}"
    elif isinstance(node.msg, ast.Constant) and isinstance(node.msg.value, (int, float)):
        yield f"line {node.lineno} compares with nothing: what stands after the comma is the message"
    elif _negated_order(node.test):
        yield f"line {node.lineno} negates a comparison, which lets NaN pass; write what must hold instead"


def _resolved(test: ast.expr, constants: Mapping[str, object]) -> ast.expr:
    """*test*, in which an operand that is a constant of the module is its value."""

    def value(node: ast.expr) -> ast.expr:
        known = isinstance(node, ast.Name) and node.id in constants
        return ast.Constant(constants[node.id]) if known else node  # type: ignore[attr-defined,arg-type] # of a constant

    if isinstance(test, ast.Compare) and len(test.comparators) == 1:
        return ast.Compare(value(test.left), test.ops, [value(test.comparators[0])])
    return value(test)


def _leaves(body: list[ast.stmt]) -> ast.stmt | None:
    found = (node for node in body if isinstance(node, (ast.Return, ast.Break, ast.Continue)))
    nested = (_leaves(node.body) or _leaves(node.orelse) for node in body if isinstance(node, ast.If))
    return next(found, None) or next((node for node in nested if node), None)


def _idle(expression: ast.expr) -> Iterator[str]:
    """A statement that judges and does nothing with it."""
    if isinstance(expression, (ast.Compare, ast.BoolOp)):
        yield f"line {expression.lineno} compares and asserts nothing"
    if isinstance(expression, ast.Call) and last_name(expression) in MEASURES and len(expression.args) >= 3:
        _, value, *limits = map(ast.dump, expression.args)
        constant = isinstance(expression.args[1], ast.Constant)
        if value in limits[:2] and not constant:
            yield f"line {expression.lineno} measures a value by itself"
        if constant and not all(isinstance(limit, ast.Constant) for limit in expression.args[2:]):
            yield f"line {expression.lineno} measures a constant by the evidence: the value comes before its threshold"
    if isinstance(expression, ast.Call) and last_name(expression) in _ANSWERING:
        yield f"line {expression.lineno} does not look at what {last_name(expression)} answers"


def _always_true(test: ast.expr) -> bool:
    """Whether a condition holds whatever the evidence: a constant, a generator, a length from zero on."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.JoinedStr() | ast.GeneratorExp() | ast.Lambda():
            return True
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return any(not isinstance(element, ast.Starred) for element in elements)
        case ast.Dict(keys=keys):
            return any(key is not None for key in keys)
        case ast.UnaryOp(op=ast.Not(), operand=ast.Constant(value=value)):
            return not value
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(map(_always_true, values))
        case ast.BoolOp(values=values):
            return all(map(_always_true, values))
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _always_holds(left, operator, right)
        case ast.Call(func=ast.Name(id="isinstance"), args=[_, ast.Name(id="object")]):
            return True
    return False


def _always_holds(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> bool:
    if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
        return True  # or never: then it fails each time, which is no harm
    if isinstance(operator, (ast.Eq, ast.Is, ast.LtE, ast.GtE)) and ast.dump(left) == ast.dump(right):
        return True
    if isinstance(operator, (ast.Lt, ast.LtE)):
        left, right = right, left
        operator = ast.Gt() if isinstance(operator, ast.Lt) else ast.GtE()
    if not (isinstance(left, ast.Call) and last_name(left) in ("len", "abs")):
        return False
    limit = ast.unparse(right)
    return (isinstance(operator, ast.GtE) and limit in ("0", "-1")) or (isinstance(operator, ast.Gt) and limit == "-1")


def _negated_order(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.UnaryOp)
        and isinstance(test.op, ast.Not)
        and isinstance(test.operand, ast.Compare)
        and any(isinstance(operator, _ORDERED) for operator in test.operand.ops)
    )


def _catches_all(context: ast.expr) -> bool:
    return (
        isinstance(context, ast.Call)
        and last_name(context) in ("raises", "suppress")
        and any(last_name(kind) in _caught_by(last_name(context)) for kind in _kinds(context))
    )


def _caught_by(name: str) -> tuple[str, ...]:
    """The exceptions that a gate may not pass over in silence: what is suppressed is not even demanded."""
    return ("Exception", "BaseException", *(("AssertionError",) if name == "suppress" else ()))


def _kinds(context: ast.Call) -> Iterator[ast.expr]:
    given = [*context.args, *(word.value for word in context.keywords if word.arg == "expected_exception")]
    for kind in given:
        yield from kind.elts if isinstance(kind, ast.Tuple) else [kind]


def _swallows(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    broad = any(kind is None or last_name(kind) in ("Exception", "BaseException", "AssertionError") for kind in kinds)
    return broad and not _raises(handler.body)


def _raises(body: list[ast.stmt]) -> bool:
    """Whether a block always ends in an exception: one that is raised under a condition is swallowed without it."""
    for node in body:
        if isinstance(node, (ast.Raise, ast.Assert)):
            return True
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and last_name(node.value) in ("fail", "exit")
        ):
            return True
        if isinstance(node, ast.If) and _raises(node.body) and _raises(node.orelse):
            return True
        if isinstance(node, (ast.With, ast.AsyncWith)) and _raises(node.body):
            return True
    return False


def _returned(gate: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """A value that the gate returns: nothing looks at it, whatever runs the gate."""
    for node in statements(gate.body):
        if isinstance(node, ast.Return) and not (
            node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
        ):
            yield f"line {node.lineno} returns a value, which is not looked at; assert it"


def _without_evidence(nodes: list[ast.AST]) -> Iterator[str]:
    asserts = [node for node in nodes if isinstance(node, ast.Assert)]
    from_below = {
        ast.dump(node.test.left)
        for node in asserts
        if isinstance(node.test, ast.Compare) and isinstance(node.test.ops[0], (ast.Gt, ast.GtE))
    }
    for node in asserts:
        if _one_sided_age(node.test) and ast.dump(node.test.left) not in from_below:
            yield f"line {node.lineno} limits an age from above only, so that a timestamp from the future passes"


def _one_sided_age(test: ast.expr) -> TypeGuard[ast.Compare]:
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Lt, ast.LtE))):
        return False
    names = [node.id for node in ast.walk(test.left) if isinstance(node, ast.Name)]
    names += [node.attr for node in ast.walk(test.left) if isinstance(node, ast.Attribute)]
    names += [last_name(node) for node in ast.walk(test.left) if isinstance(node, ast.Call)]
    spoken = any(word in _AGES for name in names for word in name.lower().split("_"))
    # `now - ts < limit`, however it is called: the difference of two moments, limited from above.
    difference = isinstance(test.left, ast.BinOp) and isinstance(test.left.op, ast.Sub)
    clocked = any(name in ("now", "utcnow", "time") for name in names)
    return (spoken and not any(name == "abs" for name in names)) or (difference and clocked)
