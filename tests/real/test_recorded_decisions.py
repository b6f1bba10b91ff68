"""
Three promotions that a real trading system decided, decided again as of their moment.

The files are not ours and are not copied: the tests read them where they lie, and are
skipped where they do not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sessions import environment

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("PROMOTION_REAL_DATA", REPOSITORY.parent / "shared" / "data")) / "trading" / "decisions"
OLDER_NAMES = {"replay_regression_cycle": "replay_regression_first_class"}
# Files that the earlier runner listed beside what it judged: a human copy of a report, and a
# catalog that its stored report stands for.
NOT_JUDGED = {
    "reports/tests/latest.md",
    "config/strategy_catalog/catalog_v1.json",
    "config/ml_governance_policy_v1.json",
}
STRICTER = {
    "20260222T131109Z": {"paper_smoke_matrix": "FAIL", "replay_regression_first_class": "NOT_RUN"},
    "20260222T161822Z": {"event_store_integrity_freshness": "FAIL"},
    "20260224T023453Z": {"market_data_freshness": "FAIL"},
}

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the recorded decisions are not at {DATA}"),
]


def decide(name: str, profile: str, reports: Path) -> tuple[dict, dict, int]:
    """The recorded decision, ours, and the exit code."""
    expected = json.loads((DATA / name / "expected.json").read_text())
    required = ",".join(OLDER_NAMES.get(gate["name"], gate["name"]) for gate in expected["gates"])
    settings = {
        "max_report_age_min": expected["max_report_age_min"],
        "require_day2_go": str(expected["require_day2_go"]).lower(),
        "skip_replay_cycle": str(expected["skip_replay_cycle"]).lower(),
        "required": required,
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "gates/trading", "-q", "-p", "no:cacheprovider"),
            "--promotion-policy=gates/trading/promotion.yaml",
            f"--promotion-root={DATA / name / 'workspace'}",
            f"--promotion-profile={profile}",
            f"--promotion-as-of={expected['as_of_utc']}",
            f"--promotion-reports={reports}",
            *(f"--promotion-set={key}={value}" for key, value in settings.items()),
        ],
        cwd=REPOSITORY,
        env=environment("ML_ENABLED"),
        capture_output=True,
        check=False,
    )
    [path] = (reports / "promotion_gates").glob("replay_*.json")
    return expected, json.loads(path.read_text()), done.returncode


@pytest.mark.parametrize("name", STRICTER)
def test_the_recorded_verdicts_are_reached_again(name, tmp_path):
    """A profile that reads the same reports by the same rules and says something else has misunderstood them."""
    expected, ours, code = decide(name, "recorded", tmp_path)
    recorded = {OLDER_NAMES.get(gate["name"], gate["name"]): gate["pass"] for gate in expected["gates"]}
    assert recorded == {check["name"]: check["pass"] for check in ours["checks"]}
    assert (expected["status"], 1) == (ours["status"], code)
    assert [OLDER_NAMES.get(gate, gate) for gate in expected["critical_failures"]] == ours["critical_failures"]


@pytest.mark.parametrize("name", STRICTER)
def test_the_recorded_evidence_is_read_byte_for_byte(name, tmp_path):
    """A digest that differs means that something else was judged than what was recorded."""
    expected, ours, _ = decide(name, "recorded", tmp_path)
    recorded = {path: (fact["sha256"], fact["exists"]) for path, fact in expected["artifacts_sha256"].items()}
    judged = {item["path"]: (item["sha256"], item["exists"]) for item in ours["evidence_bundle"]["artifacts"]}
    assert {path: recorded[path] for path in judged} == judged
    on_disk = {path for path in recorded if (DATA / name / "workspace" / path).is_file()}
    assert on_disk - set(judged) <= NOT_JUDGED


@pytest.mark.parametrize("name", STRICTER)
def test_by_the_datas_own_time_exactly_these_verdicts_change(name, tmp_path):
    """Nine-month-old rows under a report stamped just now were once good enough to trade on."""
    expected, ours, _ = decide(name, "recorded_strict", tmp_path)
    recorded = {OLDER_NAMES.get(gate["name"], gate["name"]): gate["pass"] for gate in expected["gates"]}
    changed = {c["name"]: c["outcome"] for c in ours["checks"] if c["pass"] != recorded[c["name"]]}
    # Where the strict profile and the record agree that a gate fails, nothing has changed.
    assert {gate: out for gate, out in STRICTER[name].items() if recorded[gate]} == changed


def test_a_replay_never_becomes_a_decision(tmp_path):
    """A decision of the past that lies where today's is looked for would be acted on."""
    decide("20260224T023453Z", "recorded", tmp_path)
    names = {path.name for path in (tmp_path / "promotion_gates").glob("*.json")}
    assert not {name for name in names if not name.startswith("replay_")}
