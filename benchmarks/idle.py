"""
What the plugin costs where it is installed and nothing is a gate.

    python benchmarks/idle.py

The import of the entry point beyond pytest, and, apart, of the plugins that come along as
dependencies. Then two sessions of 2,000 tests that do nothing: without a `gates` folder, and
with one beside `pytest tests`.
Targets: 5 milliseconds of import, and no cost a test that can be told from none.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from side_by_side import cpu, more, pytest_command, settled, table, take_turns

TESTS, PER_FILE = 2_000, 100
ROUNDS = 7
TARGET_MS = 5
# Each measured in a process of its own, after pytest and what it brings.
_IMPORT = """
import time, pytest, _pytest.config, _pytest.terminal, _pytest.junitxml, _pytest.python, _pytest.main
import _pytest.assertion.rewrite, _pytest.fixtures, _pytest.cacheprovider, _pytest.logging
started = time.process_time()
import {module}
print(time.process_time() - started)
"""
_LOADED = """
import sys, pytest
before = set(sys.modules)
import pytest_promotion.plugin, pytest_promotion.plugin.hookspecs
print(*sorted(set(sys.modules) - before), sep=", ")
"""
_COMPANY = {
    "pytest-promotion": "pytest_promotion.plugin, pytest_promotion.plugin.hookspecs",
    "pytest-timeout": "pytest_timeout",
    "pytest-xdist": "xdist.plugin, xdist.looponfail",
    "pytest-json-report": "pytest_jsonreport.plugin",
    "pytest-metadata": "pytest_metadata.plugin",
}


def main() -> None:
    print(f"Imported beyond pytest: {_python(_LOADED).strip()}\n")
    _imports()
    with tempfile.TemporaryDirectory() as name:
        _sessions(Path(name))


def _imports() -> None:
    taken: dict[str, list[float]] = {name: [] for name in _COMPANY}
    for number in range(ROUNDS + 1):
        for name, modules in _COMPANY.items():
            seconds = float(_python(_IMPORT.format(module=modules)))
            if number:
                taken[name].append(seconds * 1000)
    rows = []
    for name, runs in taken.items():
        target = f"< {TARGET_MS} ms" if name == "pytest-promotion" else "none: comes along"
        rows.append((name, f"{statistics.median(runs):.1f} ms", f"{min(runs):.1f} ms", target))
    table("Import beyond pytest (CPU time)", ("plugin", f"median of {ROUNDS}", "least", "target"), rows)


def _sessions(folder: Path) -> None:
    for place, tests in (("without", "tests"), ("beside", "tests")):
        _write(folder / place / tests)
    (folder / "beside" / "gates").mkdir()
    (folder / "beside" / "gates" / "test_gate.py").write_text(
        "import pytest\n\n@pytest.mark.critical\ndef test_a(): pass\n"
    )
    rows = []
    without = ("-p", "no:promotion")
    alone = [
        word
        for name in ("timeout", "xdist", "xdist.looponfail", "pytest_jsonreport", "metadata")
        for word in ("-p", f"no:{name}")
    ]
    for place, what, ours, theirs in (
        ("without", "no gates folder", (), without),
        ("beside", "a gates folder beside the tests", (), without),
        ("without", "the dependencies alone", without, (*without, *alone)),
    ):
        commands = {"bare": pytest_command(*theirs, "tests"), "idle": pytest_command(*ours, "tests")}
        spent = take_turns(commands, folder / place, ROUNDS)
        idle, bare = spent["idle"], spent["bare"]
        extra = more([run.cpu_s for run in idle], [run.cpu_s for run in bare])
        peak = more([run.peak_mb for run in idle], [run.peak_mb for run in bare])
        noise = statistics.quantiles([run.cpu_s for run in bare], n=4)
        rows.append(
            (
                what,
                f"{cpu(idle):.3f} s",
                f"{cpu(bare):.3f} s",
                f"{cpu(idle) / cpu(bare):.3f}",
                f"{extra * 1e3:+.0f} ms",
                f"{(noise[2] - noise[0]) * 1e3:.0f} ms",
                f"{peak:+.1f} MB",
            )
        )
    table(
        f"{TESTS:,} tests that are no gates (CPU time of the process, median of {ROUNDS})",
        ("session", "installed", "switched off", "ratio", "more", "half of all bare runs lie within", "peak"),
        rows,
    )


def _write(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder.parent / "pytest.ini").write_text("[pytest]\n")
    for file in range(TESTS // PER_FILE):
        body = "".join(f"def test_{file}_{number}():\n    pass\n\n\n" for number in range(PER_FILE))
        (folder / f"test_{file}.py").write_text(body)


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], env=settled(), capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    main()
