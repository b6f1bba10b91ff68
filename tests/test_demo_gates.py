"""The contract's gates on the demo company: whole, and broken in each way there is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.company_build import build
from fixtures.variants import SHOULD_FAIL, VARIANTS
from tests.sessions import environment

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[1]


def decide(root: Path, reports: Path, *args: str) -> tuple[dict, subprocess.CompletedProcess[str]]:
    """The decision on a company that was built at *root*."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "gates", "-q", "--tb=short", "-p", "no:cacheprovider"),
            f"--promotion-root={root}",
            f"--promotion-reports={reports}",
            *args,
        ],
        cwd=REPOSITORY,
        env=environment("ML_ENABLED"),
        capture_output=True,
        text=True,
        check=False,
    )
    name = "replay_*.json" if any("as-of" in word for word in args) else "latest.json"
    [path] = (reports / "promotion_gates").glob(name)
    return json.loads(path.read_text()), done


@pytest.fixture
def company(tmp_path_factory):
    """The healthy company, built now: on a busy machine a session takes minutes, and reports of ten minutes are stale."""
    return build(tmp_path_factory.mktemp("demo") / "company", datetime.now(UTC))


@pytest.fixture(scope="session")
def standing(tmp_path_factory):
    """The healthy company and the moment at which it stands, to be copied, broken and judged as of then."""
    now = datetime(2026, 5, 20, 14, 30, 11, 250_000, tzinfo=UTC)
    return build(tmp_path_factory.mktemp("standing") / "company", now), now


@pytest.mark.parametrize("profile", ["default", "ci", "strict", "dev", "staging", "prod"])
def test_the_healthy_company_is_promoted(company, tmp_path, profile):
    """Gates that fail what is whole are switched off by whoever has to work with them."""
    decision, done = decide(company, tmp_path, f"--promotion-profile={profile}")
    assert (decision["status"], done.returncode) == ("PASS", 0), done.stdout
    assert len(decision["checks"]) == 23
    outcomes = {check["name"]: check["outcome"] for check in decision["checks"]}
    day2 = "PASS" if profile in ("strict", "prod") else "NOT_APPLICABLE"
    assert outcomes.pop("day2_event_store_gate") == day2
    assert set(outcomes.values()) == {"PASS"}
    assert decision["warnings"] == []


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "healthy"])
def test_a_broken_company_is_not_promoted(standing, tmp_path, variant):
    """Each variant is a day on which the company must not trade, or must at least be told."""
    root, built = shutil.copytree(standing[0], tmp_path / "company"), standing[1]
    VARIANTS[variant](root, built)
    asked = ("--promotion-set=require_day2_go=true", f"--promotion-as-of={built.isoformat()}")
    decision, done = decide(root, tmp_path / "reports", *asked)
    red = {check["name"] for check in decision["checks"] if not check["pass"]}
    assert set(SHOULD_FAIL[variant]) <= red
    assert "Traceback" not in done.stdout + done.stderr
    critical = {check["name"] for check in decision["checks"] if check["severity"] == "critical"}
    assert (decision["status"], done.returncode) == (("FAIL", 1) if red & critical else ("PASS", 0))
    assert red == set(decision["critical_failures"]) | set(decision["warnings"])


def test_a_skipped_replay_is_not_a_pass(company, tmp_path):
    """The earlier runner recorded `replay PASS` for a replay that nobody ran."""
    decision, done = decide(company, tmp_path, "--promotion-set=skip_replay_cycle=true")
    check = next(c for c in decision["checks"] if c["name"] == "replay_regression_first_class")
    assert (decision["status"], check["outcome"], done.returncode) == ("FAIL", "NOT_RUN", 1)
    assert any("skip_replay_cycle" in said for said in decision["weakened"])


def test_every_gate_names_its_evidence_owner_and_cure(company, tmp_path):
    """Whoever is woken by a FAIL has to know whom to call, what to look at and what to do."""
    decision, _ = decide(company, tmp_path, "--promotion-set=require_day2_go=true")
    assert len(decision["checks"]) > 20
    for check in decision["checks"]:
        assert all([check["owner"], check["fix"], check["rule"], check["reason"], check["evidence_paths"]]), check


def test_an_edit_after_the_producers_ran_is_no_promotion(company, tmp_path):
    """A report can be a minute old and about other code: young reports alone let an unreviewed change through."""
    root = shutil.copytree(company, tmp_path / "company")
    edited = root / "controllers/quay_v3_1.py"
    edited.write_text(edited.read_text(encoding="utf-8") + "\n# one line more\n", encoding="utf-8")
    decision, done = decide(root, tmp_path / "reports", "--promotion-profile=ci")
    assert (decision["status"], done.returncode) == ("FAIL", 1)
    checks = {check["name"]: check for check in decision["checks"]}
    stale = [
        "unit_service_integration_tests",
        "secrets_hygiene",
        "replay_regression_first_class",
        "regression_backtest_harness",
    ]
    assert sorted(decision["critical_failures"]) == sorted(stale)
    for name in stale:
        assert checks[name]["outcome"] == "FAIL"
        assert "controllers/quay_v3_1.py changed since it was made" in checks[name]["reason"]
        assert checks[name]["provenance"][0]["inputs"][0]["name"] in ("config", "controllers")
