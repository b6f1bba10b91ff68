"""Programs, processes and tasks that a gate starts without looking at how they end."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_promotion.assertions.syntax import last_name
from pytest_promotion.decision import shells
from pytest_promotion.decision.definitions import Definitions

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


def work(gate: ast.FunctionDef | ast.AsyncFunctionDef, module: Definitions) -> Iterator[str]:
    """A sentence for each program or task of which *gate*, with its helpers, cannot know whether it failed."""
    nodes = list(module.nodes(gate))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    yield from shells.scripts(iter(calls))
    if not any(last_name(call) in _STARTERS or last_name(call) in module.starters for call in calls):
        return
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {node.id for node in nodes if isinstance(node, ast.Name)}
    ignored = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    waits = any(last_name(call) in ("wait", "poll") and id(call) not in ignored for call in calls)
    reaped = any(last_name(call) in _REAPERS and id(call) not in ignored for call in calls)
    for call in calls:
        name = last_name(call)
        if name == "fork" and not reaped:
            yield f"line {call.lineno} forks and never looks at the status of the child (os.waitpid)"
        ends = _STARTED.get(name)
        if ends is not None and not names & set(ends) and not ast.unparse(call.func).startswith("psutil."):
            yield f"line {call.lineno} starts work and never asks how it ended (.{ends[0]})"
            continue
        gives_code = name in ("call", "system") and id(call) not in ignored
        if _is_program(call, module.starters) and not (gives_code or waits or _is_checked(call) or names & set(_CODES)):
            yield f"line {call.lineno} runs a program and never looks at its exit code"


_REAPERS = ("wait", "wait3", "wait4", "waitid", "waitpid")
_STARTERS = frozenset((*_STARTED, *_WITHOUT_A_CODE, "fork", "run", "Popen", "call", "system"))


def _is_program(call: ast.Call, starters: set[str]) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id="subprocess"), attr=name):
            return name in ("run", "Popen", "call", *_WITHOUT_A_CODE)
        case ast.Attribute(value=ast.Name(id="os"), attr="system") | ast.Name(id="Popen"):
            return True
        case ast.Name(id=name):
            return name in starters
    return False


def _is_checked(call: ast.Call) -> bool:
    return any(
        word.arg is None or (word.arg == "check" and isinstance(word.value, ast.Constant) and word.value.value is True)
        for word in call.keywords
    )
