"""
Gates in good and varied styles pass: what stops broken candidates is of no use where it stops good ones.

The files in `sound/gates` are gates as projects write them. They are run together, once, and each has to pass.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import now_iso

pytestmark = pytest.mark.slow
SOUND = Path(__file__).parent / "sound" / "gates"
# By file: the modules without which it cannot be run, and the plugins that it is run with.
NEEDS = {
    "anyio": ("anyio",),
    "asyncio_plugin": ("pytest_asyncio",),
    "bdd": ("pytest_bdd",),
    "hypothesis": ("hypothesis",),
    "numbers": ("numpy", "pandas"),
    "pytest_check": ("pytest_check",),
    "subtests": ("_pytest.subtests",),
}
PLUGINS = {"anyio": "anyio", "pytest_asyncio": "asyncio", "pytest_bdd": "pytest-bdd", "pytest_check": "check"}
FILES = sorted(file for file in SOUND.glob("*.py") if file.stem not in ("checks", "conftest"))
RUNNABLE = {file.stem for file in FILES if all(map(find_spec, NEEDS.get(file.stem, ())))}


def gates():
    """The file and the name of each gate, parameters left out."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
                yield file.stem, node.name.removeprefix("test_")


def run(folder, *more):
    """The outcome and the reason of each gate, by its name without parameters."""
    shutil.copytree(SOUND, folder / "gates", ignore=shutil.ignore_patterns("__pycache__"))
    for file in FILES:  # here they have names that the project's own tests do not have
        copy = folder / "gates" / file.name
        copy.rename(copy.with_name(f"test_{file.name}")) if file.stem in RUNNABLE else copy.unlink()
    rows = [{"name": name, "ok": True, "score": 0.93, "drop": 0.01} for name in ("a", "b")]
    report = {"ts_utc": now_iso(), "score": 0.93, "precision": 0.91, "drop": 0.03, "passed": True, "errors": []}
    report |= {"rows": rows, "states": ["ok", "ok"], "commit": "4f1e", "built_from": "4f1e"}
    report |= {"version": "1.10", "day": "2026-03-01", "held_by": None}
    evidence = {"report.json": json.dumps(report), "state.txt": "state: ok\n", "stderr.txt": ""}
    evidence["rows.csv"] = "name,score\na,0.93\nb,0.91\n"
    (folder / "evidence").mkdir()
    for name, text in evidence.items():
        (folder / "evidence" / name).write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    asyncio: of pytest-asyncio\n")
    words = ["-p", "pytest_promotion.plugin", "-p", "xdist", "-p", "pytest_timeout", *more]
    for module, plugin in PLUGINS.items():
        words += ["-p", plugin] if find_spec(module) else []
    if find_spec("pytest_asyncio"):
        words += ["-o", "asyncio_default_fixture_loop_scope=function"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    argv = [sys.executable, "-m", "pytest", "gates", "-p", "no:cacheprovider", *words]
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    latest = folder / "reports/promotion_gates/latest.json"
    assert latest.is_file(), done.stdout + done.stderr
    decision = json.loads(latest.read_text())
    found = {}
    for check in decision["checks"]:
        found.setdefault(check["name"].partition("[")[0], []).append((check["outcome"], check["reason"]))
    return done, decision, found


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return run(tmp_path_factory.mktemp("sound"))


@pytest.mark.parametrize(("file", "name"), list(gates()), ids=lambda part: part)
def test_a_sound_gate_passes(session, file, name):
    """A false alarm teaches people to work around the gates."""
    if file not in RUNNABLE:
        pytest.skip(f"needs {' and '.join(NEEDS[file])}")
    _, _, found = session
    assert found.get(name), f"{name} did not run"
    assert {outcome for outcome, _ in found[name]} == {"PASS"}, found[name]


def test_together_they_are_promoted(session):
    """The decision and the exit code follow from the gates, and from nothing else."""
    done, decision, _ = session
    assert decision["reasons"] == []
    assert (done.returncode, decision["status"]) == (0, "PASS")


def test_workers_promote_them(tmp_path):
    """What is counted on a worker reaches the decision."""
    done, decision, _ = run(tmp_path, "-n2")
    assert (done.returncode, decision["status"], decision["reasons"]) == (0, "PASS", [])


def test_near_misses_pass_under_the_strict_policy(tmp_path):
    """There, each judgement of a gate has to be one of something."""
    (tmp_path / "promotion.yaml").write_text("version: 1\nevidence: required\n")
    _, _, found = run(tmp_path)
    near = [name for file, name in gates() if file == "near_misses"]
    assert {name: found[name] for name in near} == {name: [("PASS", found[name][0][1])] for name in near}


def test_there_are_many_styles():
    """A short list of sound gates shows little."""
    assert len(list(gates())) >= 90
    assert set(NEEDS) <= {file.stem for file in FILES}
