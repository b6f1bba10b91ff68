"""The starter project: what a newcomer gets from one command must lead to an honest PASS in three more."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main

pytestmark = pytest.mark.slow

FILES = ["evaluate.py", "gates/test_evaluation.py", "promotion.yaml", "pytest.toml"]


def run(folder, *argv):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_starter_refuses_then_passes_and_can_fail(tmp_path):
    """A starter that is green before there is anything to look at teaches the wrong thing first."""
    started = CliRunner().invoke(main, ["init", str(tmp_path / "start"), "--json"])
    assert (started.exit_code, json.loads(started.stdout)["files"]) == (0, FILES)
    gates = (sys.executable, "-m", "pytest", "gates")
    refused = run(tmp_path / "start", *gates)
    assert refused.returncode == 1
    assert "INCONCLUSIVE evaluation (critical): reports/evaluation.json is missing" in refused.stdout
    assert "fix:   python evaluate.py" in refused.stdout
    assert run(tmp_path / "start", sys.executable, "evaluate.py").returncode == 0
    passed = run(tmp_path / "start", *gates, "--promotion-profile", "prod")
    assert (passed.returncode, "promotion: PASS (1 of 1 gates passed; profile prod)" in passed.stdout) == (0, True)
    proven = run(tmp_path / "start", *gates, "--promotion-prove")
    assert (proven.returncode, "every gate can fail" in proven.stdout) == (0, True), proven.stdout


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_overwritten(tmp_path, name):
    """Whoever types it in the wrong folder must find the folder as it was."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    done = CliRunner().invoke(main, ["init", str(tmp_path)])
    assert (done.exit_code, f"{name} is there already" in done.stderr) == (2, True)
    assert [path.read_text() for path in tmp_path.rglob("*") if path.is_file()] == ["mine"]


def test_a_folder_that_cannot_be_written_is_an_answer(tmp_path):
    """A traceback is the worst first sentence."""
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(main, ["init", str(tmp_path / "file" / "below")])
    assert done.exit_code == 3
    assert "Traceback" not in done.output
