"""
What a healthcheck of a Compose file does: does it fail when the service's output is old, or its Redis is gone?

A command is read and never run. What is not understood counts as a healthcheck that looks at nothing.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from pytest_promotion.suites.trading.health.compose import asks_of, healthcheck
from pytest_promotion.suites.trading.health.services import Service

_PYTHON: Final = re.compile(r"(\S*/)?python(3(\.\d+)?)?")
_FAILING: Final = ("||", "exit", "1")
_OLDER: Final = re.compile(r"find (?P<place>\S+) (?:-\w+ \S+ )*-mmin -\d+(?: -\w+ \S+)* \| grep -q \S+")
_PING: Final = re.compile(r"redis-cli( -[hpnu] \S+)* ping( \| grep (-q )?PONG)?", re.IGNORECASE)
_ENDING: Final = ("_exit", "exit", "quit", "abort")


def looks_at(name: str, entry: Mapping[str, Any], service: Service) -> bool:
    """
    Whether the healthcheck of the service *name* shows that it is alive, by what it writes or by its Redis.

    Understood are `promotion health NAME`; a line of Python that ends with `sys.exit(0 if … else 1)` and compares the
    age of a file in the service's folder with a limit, or pings Redis; `redis-cli ping`; `find … -mmin -N | grep -q .`.

    Raises:
        GateFailed: where it has no healthcheck.
    """
    command = healthcheck(name, entry)
    if asks_of(name, command):
        return True
    folder = PurePosixPath(service.writes).parent.as_posix() if service.writes else ""
    test = entry["healthcheck"]["test"]
    code = _code(test)
    if code:
        return (bool(folder) and _fails_when_old(code, folder)) or (service.redis and _fails_without_redis(code))
    shell = " ".join(command.removesuffix("|| exit 1").split())
    old = _OLDER.fullmatch(shell)
    return bool(folder and old and folder in old["place"]) or (service.redis and bool(_PING.fullmatch(shell)))


def _code(test: Any) -> str:
    """The Python that a healthcheck runs with `-c`, and nothing else beside it; "" for another command."""
    if isinstance(test, list) and test[0] == "CMD":
        words = [str(word) for word in test[1:]]
    else:
        try:
            words = shlex.split(str(test[1]) if isinstance(test, list) else test)
        except ValueError:
            return ""
        if tuple(words[-3:]) == _FAILING:
            words = words[:-3]
    if len(words) == 3 and _PYTHON.fullmatch(words[0]) and words[1] == "-c":
        return words[2].replace("$$", "$")
    return ""


def _fails_when_old(code: str, folder: str) -> bool:
    tree, conditions = _conditions(code)
    in_folder = any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and folder in node.value
        for node in (ast.walk(tree) if tree else ())
    )
    return in_folder and any(map(_is_young, conditions))


def _fails_without_redis(code: str) -> bool:
    tree, conditions = _conditions(code)
    imports = {
        name.name for node in (ast.walk(tree) if tree else ()) if isinstance(node, ast.Import) for name in node.names
    }
    return "redis" in imports and any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "ping"
        for each in conditions
    )


def _conditions(code: str) -> tuple[ast.Module | None, list[ast.expr]]:
    """All that has to hold for exit code 0; none where there is another way to it, or it cannot be told."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return None, []
    ends = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) in _ENDING]
    last = tree.body[-1] if tree.body else None
    if len(ends) != 1 or not isinstance(last, ast.Expr) or last.value is not ends[0] or len(ends[0].args) != 1:
        return None, []
    if any(isinstance(node, (ast.Try, ast.With, ast.If, ast.While, ast.FunctionDef)) for node in ast.walk(tree)):
        return None, []
    ending = ends[0].args[0]
    if not isinstance(ending, ast.IfExp) or _constant(ending.body) != 0 or _constant(ending.orelse) in (0, None):
        return None, []
    test = ending.test
    return tree, test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]


def _is_young(condition: ast.expr) -> bool:
    """Whether the condition is `now - then <= limit`."""
    if not isinstance(condition, ast.Compare) or len(condition.ops) != 1:
        return False
    age, limit = condition.left, condition.comparators[0]
    if isinstance(condition.ops[0], (ast.Gt, ast.GtE)):
        age, limit = limit, age
    elif not isinstance(condition.ops[0], (ast.Lt, ast.LtE)):
        return False
    if not isinstance(age, ast.BinOp) or not isinstance(age.op, ast.Sub):
        return False
    now, then = age.left, age.right
    reads_clock = isinstance(now, ast.Call) and _name(now.func) in ("time", "now", "utcnow")
    return reads_clock and not isinstance(then, ast.Constant) and not _reads_clock(then) and not _reads_clock(limit)


def _reads_clock(expression: ast.expr) -> bool:
    return any(isinstance(node, ast.Call) and _name(node.func) in ("time", "now") for node in ast.walk(expression))


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _constant(expression: ast.expr) -> Any:
    return expression.value if isinstance(expression, ast.Constant) else None
