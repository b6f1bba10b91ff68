"""What a module defines for the gates in it: functions that they call, programs' starters and constants."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from pytest_promotion.assertions.syntax import own_nodes
from pytest_promotion.decision.severity_marks import assigned, statements

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_STARTERS = ("Popen", "call", "getoutput", "run")


class Definitions:
    """The names of one module, read and not run."""

    def __init__(self, body: Iterable[ast.stmt] = ()) -> None:
        self._functions: dict[str, list[_Function]] = {}
        values: dict[str, list[ast.expr]] = {}
        self.starters: set[str] = set()  # names by which the functions of `subprocess` that start a program are called
        for node in statements(body):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._functions.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.ImportFrom) and node.module == "subprocess":
                self.starters |= {alias.asname or alias.name for alias in node.names if alias.name in _STARTERS}
            for name, value in assigned(node):
                values.setdefault(name, []).append(value)
        self._constants = {
            name: one[0].value for name, one in values.items() if len(one) == 1 and isinstance(one[0], ast.Constant)
        }

    def constants(self, function: _Function) -> dict[str, object]:
        """The constants of the module, under names that *function* gives no value of its own."""
        if not self._constants:
            return {}
        nodes = list(ast.walk(function))
        own = {node.arg for node in nodes if isinstance(node, ast.arg)}
        own |= {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
        return {name: value for name, value in self._constants.items() if name not in own}

    def nodes(self, function: _Function) -> Iterator[ast.AST]:
        """The nodes of *function* and of the functions of the module that it calls by their names."""
        seen: set[str] = set()
        ahead = [function]
        while ahead:
            for node in own_nodes(ahead.pop()):
                yield node
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in seen:
                    seen.add(node.func.id)
                    ahead += self._functions.get(node.func.id, ())
