"""Programs, processes and tasks that a gate starts without looking at how they end."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_promotion.decision.syntax import last_name, own_nodes

_CODES = ("returncode", "check_returncode")
# What starts something, and the names by which its end is looked at.
_STARTED = {
    "Process": ("exitcode",),
    "apply_async": ("get",),
    "create_subprocess_exec": ("returncode",),
    "create_subprocess_shell": ("returncode",),
    "map_async": ("get",),
    "submit": ("result", "exception", "as_completed"),
}
_WITHOUT_A_CODE = ("getoutput",)


def work(gate: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """A sentence for each program or task of which *gate* cannot know whether it failed."""
    nodes = list(own_nodes(gate))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    if not any(last_name(call) in _STARTERS for call in calls):
        return
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {node.id for node in nodes if isinstance(node, ast.Name)}
    ignored = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    waits = any(last_name(call) in ("wait", "poll") and id(call) not in ignored for call in calls)
    for call in calls:
        name = last_name(call)
        ends = _STARTED.get(name)
        if ends is not None and not names & set(ends) and not ast.unparse(call.func).startswith("psutil."):
            yield f"line {call.lineno} starts work and never asks how it ended (.{ends[0]})"
            continue
        gives_code = name in ("call", "system") and id(call) not in ignored
        if _is_program(call) and not (gives_code or waits or _is_checked(call) or names & set(_CODES)):
            yield f"line {call.lineno} runs a program and never looks at its exit code"


_STARTERS = frozenset((*_STARTED, *_WITHOUT_A_CODE, "run", "Popen", "call", "system"))


def _is_program(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id="subprocess"), attr=name):
            return name in ("run", "Popen", "call", *_WITHOUT_A_CODE)
        case ast.Attribute(value=ast.Name(id="os"), attr="system") | ast.Name(id="Popen"):
            return True
    return False


def _is_checked(call: ast.Call) -> bool:
    return any(
        word.arg is None or (word.arg == "check" and isinstance(word.value, ast.Constant) and word.value.value is True)
        for word in call.keywords
    )
