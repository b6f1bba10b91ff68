"""
Running one group: pytest in a process of its own, into which nothing of the caller's pytest gets.

No inherited options, no plugins but pytest-cov and those that are named or that the target's configuration
requires, no cache, no configuration and no conftest from above the target. What came of it is read from the
JUnit file that the run was asked for, not from what it printed.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytest_promotion.suites.trading.target_tests import process, witness
from pytest_promotion.suites.trading.target_tests.required_plugins import required_plugins
from pytest_promotion.text import listed

TIMED_OUT: Final = 124  # as the program `timeout` says it
_NO_DATA: Final = re.compile(r"NoDataError|No (?:usable )?data|no data was collected", re.IGNORECASE)
# Combining in a process of its own: coverage resolves names against the working folder.
_COMBINE: Final = """
import sys, coverage
target, *parts = sys.argv[1:]
merged = coverage.Coverage(data_file=target + ".db")
merged.combine(parts, strict=True)
merged.json_report(outfile=target)
"""


@dataclass(frozen=True, slots=True)
class GroupRun:
    """What came of a group: counts of tests, the exit code, and in words what is wrong, if anything."""

    rc: int
    collected: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    files: tuple[str, ...] = ()
    duration_s: float = 0.0
    output: str = ""
    said_no: str = ""  # it ran, and the answer is no
    broken: str = ""  # it did not run as it should have


@dataclass(frozen=True, slots=True)
class Coverage:
    """What all groups covered together, in percent as it was computed; None where nothing was measured."""

    percent: float | None
    statements: int = 0
    broken: str = ""


@dataclass(slots=True)
class _Counts:
    outcomes: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def of(self, outcome: str) -> int:
        return sum(one == outcome for one in self.outcomes.values())


def run_group(
    root: Path,
    name: str,
    words: Sequence[str],
    *,
    cov: Sequence[str],
    plugins: Sequence[str],
    timeout: float,
    scratch: Path,
    tell: Callable[[str, float], None] | None = None,
) -> GroupRun:
    """Runs the group *name*: pytest with *words* in *root*, for at most *timeout* seconds."""
    for word in words:
        path = word.partition("::")[0]
        if not word.startswith("-") and "/" in path and not (root / path).exists():
            return GroupRun(rc=4, broken=f"{name}: {path} is missing")
    junit, output, seen = (scratch / f"{name}{suffix}" for suffix in (".xml", ".txt", ".json"))
    configuration = _configuration(root, scratch)
    plugins = [*plugins, *required_plugins(configuration)]
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "pytest_cov", "-p", witness.__name__),
        *(word for plugin in plugins for word in ("-p", plugin)),
        *(f"--rootdir={root}", f"--confcutdir={root}", "-c", str(configuration)),
        *(f"--cov={package}" for package in cov),
        *("--cov-report=", "--cov-fail-under=0", f"--junitxml={junit}", "-o", "junit_family=xunit1"),
        *words,
    ]
    environment = process.environment()
    environment |= {"COVERAGE_FILE": str(scratch / f"coverage.{name}"), witness.VARIABLE: str(seen)}
    started = time.monotonic()
    try:
        code = process.run(command, root, environment, output, timeout, lambda seconds: tell and tell(name, seconds))
    except OSError as problem:
        return GroupRun(rc=3, broken=f"{name}: pytest cannot be started: {(problem.strerror or 'failed').lower()}")
    duration = time.monotonic() - started
    told = process.tail(output)
    if code is None:
        broken = f"{name}: it did not end within {timeout:g} s and was killed"
        return GroupRun(rc=TIMED_OUT, duration_s=duration, output=told, broken=broken)
    return _judged(name, code, junit, seen, duration, told)


def _judged(name: str, code: int, junit: Path, seen: Path, duration: float, told: str) -> GroupRun:
    try:
        counts = _counted(junit)
        ran = json.loads(seen.read_bytes())
        planned, ended = int(ran["planned"]), int(ran["ended"])
    except (OSError, ET.ParseError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        what = "with a usage error" if code == 4 else "and left no result: it crashed"
        broken = f"{name}: pytest ended with {code} {what}; its last line: {last_line(told)}"
        # Zero without a result is what a test leaves that ends the process itself.
        return GroupRun(rc=code or 3, duration_s=duration, output=told, broken=broken)
    collected, passed, failed, skipped = (len(counts.outcomes), *map(counts.of, ("passed", "failed", "skipped")))
    said_no = broken = ""
    if code == 1 or (failed and code == 2):  # 2: a file that does not even import
        said_no = f"{name}: {failed} of {collected} tests failed"
    elif code not in (0, 5):
        why = f"it was interrupted, misused or crashed; its last line: {last_line(told)}"
        broken = f"{name}: pytest ended with {code}: {why}"
    elif ended < planned or failed:
        broken = f"{name}: only {ended} of {planned} tests ran to their end"
    elif not collected:
        said_no = f"{name}: there are no tests"
    elif not passed:
        said_no = f"{name}: all {collected} tests were skipped"
    elif code:
        broken = f"{name}: pytest ended with {code}"
    files = tuple(sorted({file for file, _, _ in counts.outcomes if file}))
    return GroupRun(code, collected, passed, failed, skipped, files, duration, told, said_no, broken)


def last_line(output: str) -> str:
    """The last line of what a program printed that is not blank: in most programs, the cause."""
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "nothing was printed")


def _counted(junit: Path) -> _Counts:
    counts = _Counts()
    # Written a moment ago by the pytest that we started, into a folder of ours.
    for case in ET.parse(junit).getroot().iter("testcase"):  # noqa: S314
        found = {child.tag for child in case}
        outcome = "failed" if found & {"failure", "error"} else "skipped" if "skipped" in found else "passed"
        key = (case.get("file") or "", case.get("classname") or "", case.get("name") or "")
        # A test that fails and then fails to clean up stands there twice.
        if counts.outcomes.get(key) != "failed":
            counts.outcomes[key] = outcome
    return counts


def combine(root: Path, cov: Sequence[str], scratch: Path, timeout: float) -> Coverage:
    """What the groups covered together; every package of *cov* must be in it."""
    parts = sorted(str(path) for path in scratch.glob("coverage.*"))
    nothing = f"coverage was not measured: no test imports {listed(cov)}"
    if not parts:
        return Coverage(None, broken=nothing)
    target, output = scratch / "together.json", scratch / "together.txt"
    command = [sys.executable, "-c", _COMBINE, str(target), *parts]
    try:
        code = process.run(command, root, process.environment(), output, timeout, lambda _seconds: None)
        if code != 0:
            said = process.tail(output)
            why = nothing if _NO_DATA.search(said) else f"coverage was not measured: {last_line(said)}"
            return Coverage(None, broken=why if code is not None else f"coverage was not combined within {timeout:g} s")
        measured = json.loads(target.read_bytes())
        totals, files = measured["totals"], list(measured["files"])
        percent, statements = float(totals["percent_covered"]), int(totals["num_statements"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Coverage(None, broken="coverage was not measured")
    if not statements:  # of nothing, coverage says a hundred percent
        return Coverage(None, broken="coverage was not measured: there are no statements")
    for package in cov:
        wanted = Path(package.replace(".", "/") if not (root / package).exists() else package).parts
        if not any(_holds(Path(file).parts, wanted) for file in files):
            return Coverage(None, statements, broken=f"coverage of {package} was not measured: no test imports it")
    return Coverage(percent, statements)


def _holds(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    plain = [part.removesuffix(".py") for part in parts]
    last = [part.removesuffix(".py") for part in wanted]
    return not last or any(plain[at : at + len(last)] == last for at in range(len(plain)))


def _configuration(root: Path, scratch: Path) -> Path:
    """The target's own pytest configuration, or an empty one: pytest would look for it in the folders above."""
    for name in ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"):
        if (root / name).is_file():
            return root / name
    with contextlib.suppress(OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, TypeError):
        if "pytest" in tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("tool", {}):
            return root / "pyproject.toml"
    for name, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        parser = ConfigParser(interpolation=None)
        with contextlib.suppress(ConfigError, UnicodeDecodeError):
            if parser.read(root / name, encoding="utf-8") and parser.has_section(section):
                return root / name
    empty = scratch / "pytest.ini"
    empty.write_text("[pytest]\n", encoding="utf-8")
    return empty
