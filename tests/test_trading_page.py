"""The page for operators of a trading system: each command of its table is run, in a workspace as it is adopted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.company_build import build
from tests.sessions import environment

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = (REPOSITORY / "docs/how-to/trading.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `([^`]+\.py[^`]*)` \| `(promotion [^`]+)` \| `([^`]+)` \|$", re.MULTILINE)
# As the documents of the earlier system name them.
NAMED = (
    "run_promotion_gates.py",
    "run_promotion_gates.py --ci",
    "run_replay_regression_cycle.py --repeat 2 --min-events 1000",
    "run_replay_regression_multi_window.py --windows 500,1000,2000 --repeat 2",
    "run_promotion_gates.py --refresh-parity-once",
    "run_promotion_gates.py --skip-replay-cycle --max-report-age-min 15",
    "check_hb_upgrade_readiness.py --target-image IMAGE",
    "run_strict_promotion_cycle.py",
    "watch_strict_cycle.py --interval-sec 300 --append-incident-on-transition",
    "finalize_readiness_decision.py",
    "run_tests.py",
    "run_secrets_hygiene_check.py --include-logs",
)
# What the demo's workspace answers: it has no parity service, no soak that is ready, and a decision that is not signed.
CODES = {
    "promotion gates": 0,
    "promotion gates --ci": 0,
    "promotion gates --require-day2-go": 0,
    "promotion gates --skip-replay-cycle --max-report-age-min 15": 2,
    "promotion replay harness": 0,
    "promotion secrets scan .": 0,
    "promotion upgrade-check --target-image IMAGE": 0,
    "promotion finalize": 2,
}


def rows() -> list[tuple[str, str, str]]:
    return _ROW.findall(PAGE)


def call(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """One command of the page, as an operator types it."""
    variables = environment("ML_ENABLED", "REDIS_URL", "REDIS_HOST") | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    }
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """The demo's workspace, adopted as the page says."""
    place = tmp_path_factory.mktemp("trading") / "hbot"
    build(place, datetime.now(UTC))
    done = call(place, "promotion init --suite trading --root .")
    assert done.returncode == 0, done.stderr
    [replayer] = re.findall(r"```python\n# controllers/replay.py\n(.*?)```", PAGE, flags=re.DOTALL)
    (place / "controllers/replay.py").write_text(replayer)
    # In ci their reports have to be about the files that are there, of which one is new.
    for name, inputs in {"tests": "controllers services tests", "security": "config controllers docs services"}.items():
        given = " ".join(f"--input {one}" for one in inputs.split())
        ours = f"env PYTHONPATH={REPOSITORY} python -m fixtures.services {name} --root ."
        done = call(place, f"promotion run --name {name} {given} --output reports/{name}/latest.json -- {ours}")
        assert done.returncode == 0, done.stdout + done.stderr
    return place


def test_every_command_that_the_documents_name_is_in_the_table():
    """An operator who does not find their command keeps the old one."""
    assert set(NAMED) <= {theirs for theirs, _, _ in rows()}


@pytest.mark.parametrize(("command", "writes"), [(ours, writes) for _, ours, writes in rows()])
def test_what_the_table_says_a_command_writes_is_written(workspace, command, writes):
    """A command that is there and does something else is found out in the night of the migration."""
    command = command.replace("IMAGE", "harbour-lane:2.1.0 --without-engine")
    if "watch" in command:
        command += " --max-runs 1"
    started = time.time()
    done = call(workspace, command)
    assert "Traceback" not in done.stderr + done.stdout, done.stderr + done.stdout
    assert done.returncode in (0, 2), done.stdout + done.stderr
    asked = command.replace("harbour-lane:2.1.0 --without-engine", "IMAGE")
    assert done.returncode == CODES.get(asked, done.returncode), done.stdout + done.stderr
    assert (workspace / writes).stat().st_mtime >= started - 1


def test_wrong_usage_is_four(workspace):
    """The same code from each, so that a pipeline can tell a misspelt option from a no."""
    for command in ("replay harness --min-events 0", "finalize --profil x", "health x"):
        assert call(workspace, f"promotion {command}").returncode == 4, command


@pytest.mark.parametrize("command", sorted({" ".join(ours.split(" --")[0].split()[:3]) for _, ours, _ in rows()}))
def test_every_command_has_an_example(workspace, command):
    """Help without an example is read by those who need none."""
    words = command.removesuffix(" .").removesuffix(" scan .")
    words = f"{words} scan" if words == "promotion secrets" else words
    assert "Example: promotion" in call(workspace, f"{words} --help").stdout


@pytest.mark.parametrize(("words", "outcome"), [("", "NOT_APPLICABLE"), ("--require-day2-go", "PASS")])
def test_day_two_passes_only_where_it_is_required(workspace, words, outcome):
    """A gate that was asked for nothing stood among those that had passed."""
    call(workspace, f"promotion gates {words}")
    decision = json.loads((workspace / "reports/promotion_gates/latest.json").read_text())
    [check] = [one for one in decision["checks"] if one["name"] == "day2_event_store_gate"]
    assert check["outcome"] == outcome
    assert words or "is required by --require-day2-go" in check["reason"]
