"""The architecture: which package may import which."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_promotion

PACKAGE = Path(__file__).resolve().parents[1] / "pytest_promotion"
ARCHITECTURE = PACKAGE.parent / "ARCHITECTURE.md"
# The gates of governance are about the exceptions of this tool itself, and belong to no suite.
GOVERNANCE = {"pytest_promotion.trust.overrides", "pytest_promotion.trust.signers"}
SUITES = ("trading", "release", "deployment", "research")


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name; the templates are what `promotion init` writes, and no modules."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[1] != "templates":
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imports(path: Path) -> set[str]:
    """The dotted names that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def package_of(name: str) -> str:
    """The row of the table that a dotted name belongs to: `decision`, `suites/trading`, or "" for the package itself."""
    parts = name.split(".")[1:]
    if parts[:1] == ["suites"] and parts[1:2] and parts[1] in SUITES:
        return "/".join(parts[:2])
    if not parts or f"pytest_promotion.{parts[0]}" not in MODULES:
        return ""
    return parts[0]


def imported_packages() -> dict[str, set[str]]:
    """Every package with the packages that it imports."""
    found: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        used = {package_of(name) for name in imports(path) if name.startswith("pytest_promotion.")}
        found.setdefault(package_of(module), set()).update(used)
    return {package: used - {package, ""} for package, used in found.items() if package}


def documented_packages() -> dict[str, set[str]]:
    """The table of ARCHITECTURE.md."""
    rows = re.findall(r"^\| `([a-z_/0-9]+)` \| .* \| ([^|]*) \|$", ARCHITECTURE.read_text(), flags=re.MULTILINE)
    return {package: set(re.findall(r"`([a-z_/0-9]+)`", used)) for package, used in rows}


def test_the_table_of_imports_is_true():
    """A table that nobody compares is wrong within a month, and then it misleads."""
    assert documented_packages() == imported_packages()


def test_there_are_no_cycles():
    """Two packages that import each other can only be understood, tested and changed together."""
    remaining = {package: set(used) for package, used in imported_packages().items()}
    while free := {package for package, used in remaining.items() if not used & set(remaining)}:
        for package in free:
            del remaining[package]
    assert remaining == {}


def test_the_core_knows_no_suite():
    """A core that imports one system's machinery cannot be installed, read or changed without it."""
    core = {package: used for package, used in imported_packages().items() if not package.startswith("suites/")}
    assert {package: used for package, used in core.items() if any(name.startswith("suites/") for name in used)} == {}


def test_a_suite_uses_another_only_where_that_is_intended():
    """Suites that lean on each other are one suite with four names."""
    used = {
        (package, other)
        for package, others in imported_packages().items()
        for other in others
        if package.startswith("suites/") and other.startswith("suites/")
    }
    assert used == {("suites/deployment", "suites/release")}


def test_only_the_plugin_package_imports_pytest():
    """The other packages serve commands and programs that have no pytest session."""
    users = {
        package_of(module)
        for module, path in MODULES.items()
        if any(name.partition(".")[0] in ("pytest", "_pytest") for name in imports(path))
    }
    assert users == {"plugin"}


def test_only_two_files_name_xdist():
    """What knows about workers has to be found in one place when the transport changes; the second serves no gates."""
    hooks = ("pytest_testnodedown", "pytest_configure_node", "pytest_xdist_", "workeroutput")
    users = {path.name for path in MODULES.values() if any(hook in path.read_text() for hook in hooks)}
    assert users == {"distributed.py", "distributed_marks.py"}


def test_only_the_pages_import_streamlit():
    """It brings pandas and a web server: a build machine needs neither."""
    users = {path.parent.name for path in MODULES.values() if any("streamlit" in name for name in imports(path))}
    assert users == {"ui"}


def test_an_idle_plugin_imports_nothing_else():
    """Every pytest start on a machine with the plugin pays for what its entry point imports."""
    code = "import sys, pytest; import pytest_promotion.plugin; print(*[m for m in sys.modules if 'promotion' in m or m in ('msgspec', 'yaml')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"msgspec", "yaml"} & set(done.stdout.split()) == set()
    assert len(done.stdout.split()) <= 4


@pytest.mark.parametrize(
    "path",
    sorted(Path(__file__).parent.rglob("test_*.py")),
    ids=lambda path: path.relative_to(path.parents[2]).as_posix(),
)
def test_every_test_says_the_danger(path):
    """A test whose danger nobody knows is deleted by the first person it bothers."""
    tests = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    silent = [node.name for node in tests if node.name.startswith("test_") and not ast.get_docstring(node)]
    assert silent == []


def test_the_rules_for_candidates_open_nothing():
    """A rule that reads a file judges what lies there by then, not what was named."""
    allowed = {"collections", "dataclasses", "typing", "__future__", "msgspec", "math"}
    for name in ("gating", "numbers", "transitions"):
        used = imports(PACKAGE / "suites" / "research" / f"{name}.py")
        packages = {word.removeprefix("pytest_promotion.") for word in used if word.startswith("pytest_promotion.")}
        assert {word.partition(".")[0] for word in used} - {"pytest_promotion"} <= allowed
        own = tuple(f"suites.research.{module}." for module in ("bundle", "numbers", "transitions"))
        assert all(name.startswith(own) or name == "errors.PolicyError" for name in packages), packages


@pytest.mark.parametrize(
    "path", sorted((PACKAGE.parent / "gates").rglob("*.py")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_gates_use_the_public_api_and_their_own_suite(path):
    """Gates that import internals break with every change of them, in projects that nobody here can see."""
    allowed = ("pytest_promotion.readers.", f"pytest_promotion.suites.{path.parent.name}.")
    names = {name for name in imports(path) if name.startswith("pytest_promotion")}
    internal = {name for name in names if not name.startswith(allowed)}
    exported = {f"pytest_promotion.{name}" for name in pytest_promotion.__all__}
    assert internal <= exported | GOVERNANCE


@pytest.mark.parametrize("name", pytest_promotion.__all__)
def test_what_is_exported_is_there(name):
    """A name that is looked up lazily can be misspelt without any import failing."""
    assert getattr(pytest_promotion, name) is not None


@pytest.mark.parametrize("suite", SUITES)
def test_the_machinery_of_a_suite_uses_what_is_there_for_it(suite):
    """The page says what a suite may rely on; what the bundled ones need beyond it, nobody else's could have."""
    page = (PACKAGE.parent / "docs" / "reference" / "api.md").read_text()
    listed = re.findall(r"`(pytest_promotion\.[a-z_.]+)`", page.partition("## Modules for the machinery of suites")[2])
    allowed = (*(f"{name}." for name in listed), f"pytest_promotion.suites.{suite}.")
    if suite == "deployment":
        allowed += ("pytest_promotion.suites.release.rollout.", "pytest_promotion.suites.release.commands.")
    exported = {f"pytest_promotion.{name}" for name in pytest_promotion.__all__}
    modules = {
        module: path for module, path in MODULES.items() if module.startswith(f"pytest_promotion.suites.{suite}")
    }
    used = {
        (module, name)
        for module, path in modules.items()
        for name in imports(path)
        if name.startswith("pytest_promotion.") and name not in exported
    }
    assert len(listed) > 15
    assert used
    assert {(module, name) for module, name in used if not f"{name}.".startswith(allowed)} == set()
