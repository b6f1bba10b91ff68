"""The Python tests of a repository: where they are, who configures them, what they import and need."""

from __future__ import annotations

import re
import shlex
import tomllib
from configparser import ConfigParser
from configparser import Error as ConfigError
from importlib.metadata import entry_points
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pytest_promotion.suites.release import of_project
from pytest_promotion.suites.release.adoption.part import Part
from pytest_promotion.suites.release.adoption.repository import Repository, below_root, joined, parent_of

REPORT: Final = "reports/tests/latest.json"
_PROJECT: Final = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
_TEST: Final = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test)\.py$")
_NO_CODE: Final = frozenset(
    ("tests", "test", "docs", "doc", "gates", "scripts", "examples", "benchmarks", "alembic", "migrations", "archive")
)
# Plugins that are in the way of another pytest, or that the run loads by itself.
_OTHER: Final = frozenset(("pytest-promotion", "pytest-cov"))
_SECTIONS: Final = (("pytest",), ("tool", "pytest"), ("tool", "pytest", "ini_options"))


def backend(repository: Repository) -> Part:
    """The settings of the gate `backend_tests` and its producer."""
    part = Part()
    if not repository.files_called(*_PROJECT):
        part.leave_out("backend_tests", "this repository has no Python project", no_files=list(of_project.PYTHON))
        part.notes.append("Python: none, there is no pyproject.toml, setup.py, setup.cfg or requirements.txt")
        return part
    tests = _tests(repository)
    if tests is None:
        part.notes.append("backend_tests: no Python tests were found, and the gate needs some")
        return part
    base, places = tests
    settings = _settings(repository, base)
    sources, code = _code(repository, base, places)
    run = words = _testpaths(repository, base, settings) or places
    if sources and "pythonpath" not in settings:
        words = [*words, "-o", f"pythonpath={' '.join(sources)}"]
    plugins = _plugins(repository, base)
    least = _fail_under(repository, base)
    if least is not None:
        part.set("backend_tests", least_coverage_percent=least)
    part.producers["backend_tests"] = {
        "command": [
            *("{python}", "-m", "pytest_promotion.cli", "tests", "run", f"--root={below_root(base)}"),
            *(f"--group=tests={shlex.join(words)}", *(f"--cov={one}" for one in code), "--cov-fail-under=0"),
            *(f"--plugin={one}" for one in plugins),
            *("--timeout=1800", f"--report={{root}}/{parent_of(REPORT)}"),
        ],
        "writes": [REPORT],
        "timeout": "35m",
    }
    part.refresh.append("backend_tests")
    part.ignored.append(f"/{parent_of(REPORT)}/")
    place = "the root" if base == "." else f"{base}/"
    loaded = f", plugins {', '.join(plugins)}" if plugins else ""
    part.notes.append(f"Python tests: {', '.join(run)} in {place}, coverage of {', '.join(code)}{loaded}")
    if least is None:
        part.notes.append("coverage: the suite asks for 60 % (gates.backend_tests.thresholds.least_coverage_percent)")
    return part


def base_of(repository: Repository) -> str:
    """The folder that tests are run in; empty where there are none."""
    found = _tests(repository)
    return found[0] if found else ""


def _tests(repository: Repository) -> tuple[str, list[str]] | None:
    """The folder that tests are run in, with the places of tests below it; of several, that with most tests."""
    found: dict[str, list[str]] = {}
    for file in repository.files:
        if _TEST.search(file) and not file.startswith(("gates/", "archive/")):
            found.setdefault(_base(repository, file), []).append(file)
    if not found:
        return None
    base = max(sorted(found), key=lambda one: len(found[one]))
    return base, sorted({_place(base, file) for file in found[base]})


def _base(repository: Repository, test: str) -> str:
    """The nearest folder above *test* that configures pytest, else that has a Python project, else holds its folder."""
    from pytest_promotion.scaffold.project import configuration

    above = [str(parent) for parent in PurePosixPath(test).parents]
    for folder in above:
        if configuration(repository.root / folder) is not None:
            return folder
    for folder in above:
        if any(joined(folder, name) in repository.files for name in _PROJECT):
            return folder
    return parent_of(_place(".", test)) if "/" in test else "."


def _place(base: str, test: str) -> str:
    """The folder called tests that *test* is in, below *base*; else its own folder."""
    inside = PurePosixPath(test).relative_to(base)
    parts = inside.parts[:-1]
    at = next((number for number, part in enumerate(parts) if part in ("tests", "test")), None)
    return str(inside.parent) if at is None else str(PurePosixPath(*parts[: at + 1]))


def _code(repository: Repository, base: str, places: list[str]) -> tuple[list[str], list[str]]:
    """The folders that tests import from, beside *base*, and the packages in them; paths below *base*."""
    beside = [parent_of(place) for place in places]
    candidates = list(dict.fromkeys([".", "src", *beside]))
    sources, packages = [], []
    for folder in candidates:
        inside = joined(base, folder)
        names = sorted(
            {PurePosixPath(file).relative_to(inside).parts[0] for file in repository.files if _is_code(file, inside)}
        )
        packages += [joined(folder, name) for name in names]
        sources += [folder] if names and folder != "." else []
    # A package that holds the tests is the one that is imported, not a folder to import from.
    sources = [one for one in sources if joined(joined(base, one), "__init__.py") not in repository.files]
    packages = [one for one in packages if one not in sources]
    outer = [one for one in packages if not any(one.startswith(f"{other}/") for other in packages)]
    return sources, outer or ["."]


def _is_code(file: str, folder: str) -> bool:
    path = PurePosixPath(file)
    if not path.is_relative_to(folder) or path.name != "__init__.py":
        return False
    parts = path.relative_to(folder).parts
    return len(parts) == 2 and parts[0] not in _NO_CODE


def _settings(repository: Repository, base: str) -> dict[str, Any]:
    """What the project itself says to pytest."""
    from pytest_promotion.scaffold.project import configuration

    found = configuration(repository.root / base)
    if found is None:
        return {}
    if found.is_toml:
        table: Any = _toml(found.path)
        for key in found.section.split("."):
            table = table.get(key, {}) if isinstance(table, dict) else {}
        return table if isinstance(table, dict) else {}
    return _ini(found.path).get(found.section, {})


def _testpaths(repository: Repository, base: str, settings: dict[str, Any]) -> list[str]:
    value = settings.get("testpaths", [])
    words = value.split() if isinstance(value, str) else [str(one) for one in value if isinstance(one, str)]
    there = [word for word in words if (repository.root / base / word).exists()]
    return there if there != ["."] else []


def _fail_under(repository: Repository, base: str) -> float | None:
    """The coverage that the project asks of itself, in percent; None where it does not."""
    values: list[Any] = []
    folder = repository.root / base
    table: Any = _toml(folder / "pyproject.toml")
    for key in ("tool", "coverage", "report"):
        table = table.get(key, {}) if isinstance(table, dict) else {}
    values.append(table.get("fail_under") if isinstance(table, dict) else None)
    values.append(_ini(folder / ".coveragerc").get("report", {}).get("fail_under"))
    values.append(_ini(folder / "setup.cfg").get("coverage:report", {}).get("fail_under"))
    for value in values:
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        if 0 < number <= 100:
            return number
    return None


def _plugins(repository: Repository, base: str) -> list[str]:
    """The plugins of pytest that are installed here and that the project names among what it needs."""
    names = [
        file
        for file in repository.files
        if parent_of(file) in (".", base, joined(base, "requirements"), "requirements")
        and re.search(
            r"(?:^|/)(?:pyproject\.toml|setup\.cfg|tox\.ini|[^/]*requirements[^/]*\.(?:txt|in)|[^/]+\.txt)$", file
        )
    ]
    text = "\n".join(repository.text(file) for file in names).lower().replace("_", "-")
    tests = "\n".join(repository.text(file) for file in repository.files if file.endswith(".py") and "test" in file)
    found = set()
    for point in entry_points(group="pytest11"):
        name = (point.dist.name if point.dist else "").lower().replace("_", "-")
        if name in _OTHER:
            continue
        wanted = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)
        # It comes with another package, and its mark needs the plugin.
        if wanted or (name == "anyio" and "mark.anyio" in tests):
            found.add(point.name)
    return sorted(found)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}


def _ini(path: Path) -> dict[str, dict[str, str]]:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
    except (ConfigError, UnicodeDecodeError):
        return {}
    return {section: dict(parser.items(section)) for section in parser.sections()}
