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

from pytest_promotion.assertions.syntax import last_name
from pytest_promotion.decision import vacuity
from pytest_promotion.decision.definitions import Definitions
from pytest_promotion.decision.severity_marks import SeverityMarks, assigned, statements
from pytest_promotion.model import Severity

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Written:
    """A gate as its file defines it, parameters not yet known."""

    file: str  # as in node ids: POSIX, relative to pytest's root directory
    name: str  # as in node ids: `test_a` or `TestB::test_a`
    line: int
    severity: Severity | None  # None: it is called as a test is, and nothing in its file marks it
    vacuous: str = ""  # why it cannot fail, or ""
    thin: str = ""  # why it may have judged nothing, which counts if it recorded no evidence
    shadows: int = 0  # the line of an earlier gate of the same name, which this one replaces
    start: int = 0  # the line of its first decorator, by which Python knows it; 0 where it is imported
    replaces: str = ""  # the package of a suite whose gate of this name it replaces

    @property
    def place(self) -> str:
        """Where Python says that it is defined: equal to `Gate.defined` of the gate that was collected from it."""
        return f"{self.file}:{self.start}"

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
    for path in sorted(folder.rglob("*.py")):
        try:
            source = path.read_bytes()
            # Most helpers hold no gate, and this is cheaper than parsing them.
            if b"def " not in source and not any(package.encode() in source for package in suites or ()):
                continue
            tree = ast.parse(source)
        except (OSError, SyntaxError, ValueError):
            continue
        try:
            file = path.relative_to(root).as_posix()
        except ValueError:
            file = path.as_posix()
        marks = SeverityMarks(tree.body, path, root)
        module = Definitions(tree.body)
        own = list(_in_body(tree.body, file, "", marks, _pytestmark(tree.body, marks), module, tests=True))
        offered = list(_offered(tree.body, suites or {})) if suites else []
        for gate, name, line, _ in offered:
            again = [one.line for one in own if one.name == name]
            if not any(number > line for number in again):
                yield replace(gate, file=file, name=name, line=line, shadows=max(again, default=0), start=0)
        for one in own:
            package = next((package for _, name, line, package in offered if name == one.name and line < one.line), "")
            yield replace(one, replaces=package) if package else one


def _offered(body: list[ast.stmt], suites: Mapping[str, Path]) -> Iterator[tuple[Written, str, int, str]]:
    """The gates of suites that a file imports: each with its name there, the line of the import, and the package."""
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
            if name is not None and (not stem or gate.file == f"{stem}.py"):
                yield gate, name, node.lineno, package


def _in_body(
    body: list[ast.stmt],
    file: str,
    prefix: str,
    marks: SeverityMarks,
    inherited: Severity | None,
    module: Definitions,
    *,
    tests: bool,
) -> Iterator[Written]:
    """
    The gates of one scope, in its branches, loops and blocks as well.

    Args:
        inherited: the severity of the module or the class.
        tests: whether a function that is called as a test is would be one here.
    """
    unconditional = set(map(id, body))
    first: dict[str, int] = {}
    for node in statements(body):
        if isinstance(node, ast.ClassDef):
            own = _of_decorators(node, marks) or _pytestmark(node.body, marks) or inherited
            within = f"{prefix}{node.name}::"
            gates = _in_body(node.body, file, within, marks, own, module, tests=_holds_tests(node) or own is not None)
            yield from _never_awaited(gates, node)
        elif isinstance(node, _Function):
            called = tests and node.name.startswith("test")
            severity = _of_decorators(node, marks) or (inherited if called else None)
            if (severity is not None or called) and not _is_fixture(node):
                vacuous, thin = vacuity.judge(node, module)
                # A definition under a condition may be meant to replace another one, or to be the only one.
                shadows = first.get(node.name, 0) if id(node) in unconditional and severity is not None else 0
                start = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
                yield Written(file, prefix + node.name, node.lineno, severity, vacuous, thin, shadows, start)
            if id(node) in unconditional:
                first.setdefault(node.name, node.lineno)


def _never_awaited(gates: Iterator[Written], node: ast.ClassDef) -> Iterator[Written]:
    """The gates of a class; in a plain TestCase a coroutine or a generator is created, and its body never runs."""
    bases = [last_name(base) for base in node.bases]
    plain = any("TestCase" in base for base in bases) and not any("Async" in base for base in bases)
    functions = [one for one in statements(node.body) if plain and isinstance(one, _Function)]
    lazy = {one.name for one in functions if _is_lazy(one)}
    for gate in gates:
        if gate.name.rpartition("::")[2] in lazy:
            yield replace(gate, vacuous=f"line {gate.line} is a coroutine or a generator, which a TestCase never runs")
        else:
            yield gate


def _is_lazy(function: _Function) -> bool:
    nested = (*_FUNCTIONS, ast.Lambda)
    ahead: list[ast.AST] = [*function.body]
    while ahead:
        node = ahead.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, nested):
            ahead += ast.iter_child_nodes(node)
    return isinstance(function, ast.AsyncFunctionDef)


def _holds_tests(node: ast.ClassDef) -> bool:
    """Whether methods of the class that are called as tests are would be tests: by its name, or as a TestCase."""
    return node.name.startswith("Test") or any("TestCase" in last_name(base) for base in node.bases)


def _pytestmark(body: list[ast.stmt], marks: SeverityMarks) -> Severity | None:
    for node in statements(body):
        for name, value in assigned(node):
            if name == "pytestmark" and (found := marks.severity(value)) is not None:
                return found
    return None


def _of_decorators(node: _Function | ast.ClassDef, marks: SeverityMarks) -> Severity | None:
    return next((found for mark in node.decorator_list if (found := marks.severity(mark)) is not None), None)


def _is_fixture(node: _Function) -> bool:
    return any(last_name(mark) == "fixture" for mark in node.decorator_list)
