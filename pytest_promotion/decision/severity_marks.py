"""
Which severity an expression in a source file marks a gate with, however it is spelled.

Read, not run: `pytest.mark.critical(owner="x")`, an alias of it, `getattr`, `functools.partial`, an item of a mapping,
an attribute of a class, a decorator that applies the mark, and all of these imported from a file of the project.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pytest_promotion.model import Severity

SEVERITIES: Final = {severity.value: severity for severity in Severity}
_DEEPEST: Final = 8  # aliases of aliases, and files that import each other
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a scope: those in its branches, loops and blocks included, those of its functions not."""
    for node in body:
        yield node
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            for block in ("body", "orelse", "finalbody"):
                yield from statements(getattr(node, block, ()))
            for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                yield from statements(part.body)


class SeverityMarks:
    """
    The names of one file that may stand for a mark.

    Args:
        body: of the module.
        path: where it is, for what it imports.
        root: nothing above this folder is read.
    """

    def __init__(self, body: list[ast.stmt], path: Path, root: Path) -> None:
        self._path, self._root = path, root
        self._values: dict[str, list[ast.expr]] = {}
        self._functions: dict[str, list[_Function]] = {}
        self._classes: dict[str, list[ast.ClassDef]] = {}
        self._imports: dict[str, tuple[str, str]] = {}  # by name: the module, and the name there, or ""
        self._files: dict[str, SeverityMarks | None] = {}
        for node in statements(body):
            self._add(node)

    def _add(self, node: ast.stmt) -> None:
        for name, value in assigned(node):
            self._values.setdefault(name, []).append(value)
        if isinstance(node, _FUNCTIONS):
            self._functions.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ClassDef):
            self._classes.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                self._imports[alias.asname or alias.name] = (module, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                self._imports[alias.asname or alias.name.partition(".")[0]] = (alias.name, "")

    def severity(self, expression: ast.expr, depth: int = 0) -> Severity | None:  # noqa: C901 - one case a spelling
        """The severity that *expression* marks with; None where it is no such mark."""
        if depth > _DEEPEST:
            return None
        match expression:
            case ast.Call(func=function, args=[_, ast.Constant(value=str(name)), *_]) if _last(function) == "getattr":
                return SEVERITIES.get(name)
            case ast.Call(func=function, args=[first, *_]) if _last(function) == "partial":
                return self.severity(first, depth + 1)
            case ast.Call(func=function):
                return self.severity(function, depth + 1)
            case ast.Attribute(attr=name) if name in SEVERITIES:
                return SEVERITIES[name]
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                return self._attribute(owner, name, depth + 1)
            case ast.Name(id=name):
                return SEVERITIES.get(name) or self._named(name, depth + 1)
            case ast.Subscript(slice=ast.Constant(value=str(name))) if name in SEVERITIES:
                return SEVERITIES[name]
            case ast.Subscript(value=value) | ast.Starred(value=value) | ast.NamedExpr(value=value):
                return self.severity(value, depth + 1)
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts) | ast.BoolOp(values=parts):
                return self._any(parts, depth + 1)
            case ast.Dict(values=parts):
                return self._any(parts, depth + 1)
            case ast.BinOp(left=left, right=right) | ast.IfExp(body=left, orelse=right):
                return self._any([left, right], depth + 1)
        return None

    def _any(self, parts: Iterable[ast.expr], depth: int) -> Severity | None:
        return next((found for part in parts if (found := self.severity(part, depth)) is not None), None)

    def _named(self, name: str, depth: int) -> Severity | None:
        found = self._any(self._values.get(name, ()), depth)
        if found is None:
            found = next(filter(None, (self._applied(one, depth) for one in self._functions.get(name, ()))), None)
        if found is None and name in self._imports and depth <= _DEEPEST:
            module, there = self._imports[name]
            other = self._file(module)
            found = other._named(there, depth + 1) if other is not None and there else None  # noqa: SLF001 - its twin
        return found

    def _applied(self, function: _Function, depth: int) -> Severity | None:
        """The severity that a decorator, defined as *function*, applies."""
        used = (node for node in ast.walk(function) if isinstance(node, (ast.Attribute, ast.Name)))
        own = {argument.arg for argument in ast.walk(function) if isinstance(argument, ast.arg)}
        candidates = (node for node in used if not (isinstance(node, ast.Name) and node.id in {*own, function.name}))
        return next((found for node in candidates if (found := self.severity(node, depth)) is not None), None)

    def _attribute(self, owner: str, name: str, depth: int) -> Severity | None:
        for one in self._classes.get(owner, ()):
            for node in statements(one.body):
                found = self._any((value for target, value in assigned(node) if target == name), depth)
                if found is not None:
                    return found
        module, there = self._imports.get(owner, ("", ""))
        if there:
            module = f"{module}{there}" if module.endswith(".") else f"{module}.{there}"
        other = self._file(module) if module else None
        return None if other is None else other._named(name, depth)  # noqa: SLF001 - its twin

    def _file(self, module: str) -> SeverityMarks | None:
        """The file of the project that *module* is, where it can be found from here."""
        if module not in self._files:
            self._files[module] = self._read(module)
        return self._files[module]

    def _read(self, module: str) -> SeverityMarks | None:
        relative = len(module) - len(module.lstrip("."))
        parts = [part for part in module.split(".") if part]
        folders = [folder for folder in self._path.parents if folder == self._root or self._root in folder.parents]
        for folder in folders[relative - 1 : relative] if relative else folders:
            for path in (folder.joinpath(*parts).with_suffix(".py"), folder.joinpath(*parts, "__init__.py")):
                try:
                    return SeverityMarks(ast.parse(path.read_bytes()).body, path, self._root)
                except (OSError, SyntaxError, ValueError):
                    continue
        return None


def assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """The names that a statement gives a value, annotated, augmented or by `append` and `extend`."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((target.id, value) for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
        case ast.AugAssign(target=ast.Name(id=name), value=value):
            yield name, value
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append" | "extend"), args=[value])
        ):
            yield name, value


def _last(expression: ast.expr) -> str:
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""
