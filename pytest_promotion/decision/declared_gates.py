"""
The gates that are written down, found by reading the sources and not by running them.

Collection says which gates pytest found. This says which gates there are, so that a file
whose name does not match, a class that is not collected, an item that a conftest removed or
a module that skipped itself is noticed by its absence. While the source is open, the known
ways of writing a gate that cannot fail are looked for too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pytest_promotion.decision import vacuity
from pytest_promotion.model import Severity

_SEVERITIES: Final = {severity.value: severity for severity in Severity}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Written:
    """A gate as it stands in its file, parameters not yet known."""

    file: str  # as in node ids: POSIX, relative to pytest's root directory
    name: str  # as in node ids: `test_a` or `TestB::test_a`
    line: int
    severity: Severity
    vacuous: str = ""  # why it cannot fail, or ""
    thin: str = ""  # why it may have judged nothing, which counts if it recorded no evidence
    shadows: int = 0  # the line of an earlier gate of the same name, which this one replaces

    @property
    def id(self) -> str:
        """The gate id without a parameter."""
        return gate_id(self.name)


def gate_id(nodeid: str) -> str:
    """The gate id that belongs to a node id: the function without `test_`, the parameter in brackets."""
    head, bracket, parameter = nodeid.partition("[")
    return head.rpartition("::")[2].removeprefix("test_") + bracket + parameter


def written_in(folder: Path, root: Path, suites: Mapping[str, Path] | None = None) -> Iterator[Written]:
    """
    The gates in the Python files below *folder*, in order of file and line.

    A file that cannot be read or parsed yields nothing: collecting it fails by itself.

    Args:
        suites: the folders that gates may be imported from, by their package.
    """
    marks = (b"critical", b"warning", *(package.encode() for package in suites or ()))
    for path in sorted(folder.rglob("*.py")):
        try:
            source = path.read_bytes()
            # Most helpers hold no gate, and this is cheaper than parsing them.
            if not any(mark in source for mark in marks):
                continue
            tree = ast.parse(source)
        except (OSError, SyntaxError, ValueError):
            continue
        try:
            file = path.relative_to(root).as_posix()
        except ValueError:
            file = path.as_posix()
        own = list(_in_body(tree.body, file, "", _pytestmark(tree.body)))
        yield from _imported(tree.body, file, own, suites or {})
        yield from own


def _imported(body: list[ast.stmt], file: str, own: list[Written], suites: Mapping[str, Path]) -> Iterator[Written]:
    """The gates of suites that a file imports, except those that it defines again further down."""
    for node in body:
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        package = next((name for name in suites if f"{node.module}.".startswith(f"{name}.")), None)
        if package is None:
            continue
        names = {alias.name: alias.asname or alias.name for alias in node.names}
        stem = node.module.removeprefix(package).lstrip(".")
        for gate in written_in(suites[package], suites[package]):
            name = gate.name if "*" in names else names.get(gate.name)
            if name is None or (stem and gate.file != f"{stem}.py"):
                continue
            again = [one for one in own if one.name == name]
            if not any(one.line > node.lineno for one in again):
                replaced = max((one.line for one in again), default=0)
                yield replace(gate, file=file, name=name, line=node.lineno, shadows=replaced)


def _in_body(body: list[ast.stmt], file: str, prefix: str, inherited: Severity | None) -> Iterator[Written]:
    first: dict[str, int] = {}
    for node in body:
        if isinstance(node, ast.ClassDef):
            own = _of_decorators(node) or _pytestmark(node.body) or inherited
            yield from _in_body(node.body, file, f"{prefix}{node.name}::", own)
        elif isinstance(node, _Function):
            severity = _of_decorators(node) or (inherited if node.name.startswith("test") else None)
            if severity is not None and not _is_fixture(node):
                vacuous, thin = vacuity.judge(node)
                shadows = first.get(node.name, 0)
                yield Written(file, prefix + node.name, node.lineno, severity, vacuous, thin, shadows)
            first.setdefault(node.name, node.lineno)


def _pytestmark(body: list[ast.stmt]) -> Severity | None:
    for node in body:
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "pytestmark" for target in node.targets):
            marks = node.value.elts if isinstance(node.value, (ast.List, ast.Tuple)) else [node.value]
            for mark in marks:
                if (severity := _severity(mark)) is not None:
                    return severity
    return None


def _of_decorators(node: _Function | ast.ClassDef) -> Severity | None:
    return next((found for mark in node.decorator_list if (found := _severity(mark)) is not None), None)


def _severity(mark: ast.expr) -> Severity | None:
    return _SEVERITIES.get(vacuity.last_name(mark))


def _is_fixture(node: _Function) -> bool:
    return any(vacuity.last_name(mark) == "fixture" for mark in node.decorator_list)
