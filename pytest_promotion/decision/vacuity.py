"""
Gates that cannot fail, told by their source.

Each rule is a way in which a real gate stayed green on a broken candidate. Rules of the
first kind always count. Rules of the second kind count only for a gate that recorded no
evidence: one that measured or read something has shown that it looked.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

_ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
_SHOWN = 60  # characters of a condition in a sentence
_AGES = ("age", "elapsed", "lag", "staleness", "delay", "old")


def judge(gate: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, str]:
    """Why *gate* cannot fail, and why it may have judged nothing; each "" where no rule applies."""
    statements = _statements(gate)
    return next(_always(statements), ""), next(_without_evidence(gate, statements), "")


def last_name(expression: ast.expr) -> str:
    """`critical` for `critical`, `mark.critical` and `pytest.mark.critical(owner="x")`."""
    if isinstance(expression, ast.Call):
        expression = expression.func
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def _statements(gate: ast.AST) -> list[ast.AST]:
    """
    The gate and all statements, handlers and cases in it, the outer before the inner.

    In the order of `ast.walk` without its expressions, in which no statement can stand: a
    session reads every gate there is before it collects one.
    """
    found = [gate]
    for node in found:  # grows while it is gone through
        for block in _BLOCKS:
            found += getattr(node, block, ())
    return found


def _always(statements: list[ast.AST]) -> Iterator[str]:
    for node in statements:
        if isinstance(node, ast.Assert):
            if isinstance(node.test, ast.Tuple) and node.test.elts:
                yield f"line {node.lineno} asserts a tuple, which is always true; remove the parentheses"
            elif _always_true(node.test):
                condition = ast.unparse(node.test)
                shown = condition if len(condition) <= _SHOWN else f"{condition[:_SHOWN]}…"
                yield f"line {node.lineno} asserts what is always true: {shown}"
            elif _negated_order(node.test):
                yield f"line {node.lineno} negates a comparison, which lets NaN pass; write what must hold instead"
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if _catches_all(item.context_expr):
                    yield f"line {node.lineno} accepts any exception, also that of a broken gate; name the one it means"
        elif isinstance(node, ast.ExceptHandler) and _swallows(node):
            yield f"line {node.lineno} swallows whatever goes wrong, failed assertions included"


def _always_true(test: ast.expr) -> bool:
    """Whether a condition holds whatever the evidence: a text, a generator, a length from zero on."""
    match test:
        case ast.Constant(value=str(text)):
            return bool(text)
        case ast.JoinedStr() | ast.GeneratorExp() | ast.Lambda():
            return True
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(map(_always_true, values))
        case ast.BoolOp(values=values):
            return all(map(_always_true, values))
        case ast.Compare(left=ast.Call(func=ast.Name(id="len")), ops=[ast.GtE()], comparators=[ast.Constant(value=0)]):
            return True
    return False


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
    speaks = any(
        isinstance(node, (ast.Raise, ast.Assert)) or (isinstance(node, ast.Call) and last_name(node) == "fail")
        for statement in handler.body
        for node in ast.walk(statement)
    )
    return broad and not speaks


def _without_evidence(gate: ast.FunctionDef | ast.AsyncFunctionDef, statements: list[ast.AST]) -> Iterator[str]:
    asserts = [node for node in statements if isinstance(node, ast.Assert)]
    if asserts and not any(_unconditional(gate.body)):
        yield f"every assertion of it stands in a loop or a branch (line {asserts[0].lineno}), and none may have run"
    from_below = {
        ast.dump(node.test.left)
        for node in asserts
        if isinstance(node.test, ast.Compare) and isinstance(node.test.ops[0], (ast.Gt, ast.GtE))
    }
    for node in asserts:
        if _one_sided_age(node.test) and ast.dump(node.test.left) not in from_below:
            yield f"line {node.lineno} limits an age from above only, so that a timestamp from the future passes"


def _unconditional(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that check something whatever the data: assertions and calls, outside loops and branches."""
    for node in body:
        if isinstance(node, ast.Assert):
            yield node
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            yield from _unconditional(node.body)
        elif isinstance(node, ast.Try):
            yield from _unconditional(node.body + node.finalbody)
        elif isinstance(node, ast.If) and any(_unconditional(node.body)) and any(_unconditional(node.orelse)):
            yield node  # a check on both sides: one of them runs


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
