"""The gates `kb_benchmark` and `kb_drift`, on reports that the commands wrote."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.knowledge.conftest import KnowledgeBase
from tests.sessions import environment

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
CASES = "backend/config/kb_benchmark_cases.held_out.json"
REPORT = ".runtime/kb_benchmark.json"
HISTORY = ".runtime/kb_benchmark_history/prod"
POLICY = f"""
version: 1
required: [kb_benchmark, kb_drift]
evidence: required
gates:
  kb_benchmark:
    max_age: 1d
    thresholds: {{report: {REPORT}, cases: {CASES}, min_precision: 0.55, min_recall: 0.80}}
  kb_drift:
    max_age: 8d
    thresholds:
      reports: {HISTORY}/monitor_*.json
      cases: {CASES}
      min_history: 3
      max_precision_drop: 0.08
      max_recall_drop: 0.05
"""


def ask(base, *words, more=""):
    """The outcome of each gate, its reason, and how the session ended; *more* are thresholds of `kb_benchmark`."""
    (base.root / "promotion.yaml").write_text(POLICY.replace("min_recall: 0.80", f"min_recall: 0.80{more}"))
    reports = base.root / "reports"
    for path in (reports / "promotion_gates").glob("promotion_gates_*.json"):
        path.unlink()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "gates/release/test_knowledge.py", "-q", "-p", "no:cacheprovider"),
            *(f"--promotion-root={base.root}", f"--promotion-policy={base.root / 'promotion.yaml'}"),
            *(f"--promotion-reports={reports}", *words),
        ],
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    found = list((reports / "promotion_gates").glob("promotion_gates_*.json"))
    checks = json.loads(found[0].read_text())["checks"] if found else []
    return {check["name"]: (check["outcome"], check["reason"]) for check in checks}, done


def change(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def lose(base, figure):
    """The monitor's newest report, with a loss since the baseline that it raised no alert for."""
    baseline = json.loads(newest(base).read_text())["baseline"]
    change(newest(base), baseline=baseline | {"compared": baseline["compared"] | {figure: 0.94}})


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """A knowledge base with its benchmark's report and four looks of the monitor."""
    base = KnowledgeBase(tmp_path_factory.mktemp("standing"))
    for _ in range(4):
        assert base.run("monitor").returncode == 0
    assert base.run("benchmark", "--output", REPORT).returncode == 0
    return base


@pytest.fixture
def watched(standing, tmp_path):
    """A copy of it, to be broken."""
    return KnowledgeBase(Path(shutil.copytree(standing.root, tmp_path / "root")))


def newest(base):
    return max(
        (base.root / HISTORY).glob("monitor_*.json"), key=lambda path: json.loads(path.read_text())["generated_at_utc"]
    )


def test_a_knowledge_base_that_is_watched_is_promoted(watched):
    """A gate that fails what is whole is switched off."""
    found, done = ask(watched)
    assert {name: outcome for name, (outcome, _) in found.items()} == {"kb_benchmark": "PASS", "kb_drift": "PASS"}
    assert done.returncode == 0, done.stdout


def test_both_gates_notice_whatever_is_wrong_with_their_evidence(watched):
    """A gate that stays green when its report is torn, stale or edited is worse than none."""
    _, done = ask(watched, "--promotion-prove")
    assert done.returncode == 0, done.stdout
    assert "survive" not in done.stdout


@pytest.mark.parametrize(
    ("break_it", "gate"),
    [
        (lambda base: (base.root / REPORT).unlink(), "kb_benchmark"),
        (lambda base: change(base.root / REPORT, status="incomplete"), "kb_benchmark"),
        (lambda base: change(base.root / REPORT, avg_precision_at_k=1.0, avg_keyword_recall=0.99), "kb_benchmark"),
        (lambda base: change(base.root / REPORT, results=[]), "kb_benchmark"),
        (lambda base: change(base.root / REPORT, ts_utc=datetime(2026, 1, 1, tzinfo=UTC).isoformat()), "kb_benchmark"),
        (lambda base: base.cases.write_text(base.cases.read_text() + "\n"), "kb_benchmark"),
        (lambda base: base.cases.write_text(base.cases.read_text() + "\n"), "kb_drift"),
        (lambda base: change(newest(base), history_points_used=2), "kb_drift"),
        (lambda base: change(newest(base), baseline=None), "kb_drift"),
        (lambda base: change(newest(base), passed=False), "kb_drift"),
        (lambda base: change(newest(base), alerts=[{"code": "precision_decay", "blocking": False}]), "kb_drift"),
        (lambda base: lose(base, "avg_keyword_recall"), "kb_drift"),
        (lambda base: lose(base, "content_recall"), "kb_drift"),
    ],
    ids=[
        "no report", "part of the corpus", "edited averages", "no cases asked", "stale", "other cases", "other cases, drift",
        "no history", "no baseline", "blocked", "reported only", "lost, and not said", "contents lost, and not said",
    ],
)  # fmt: skip
def test_each_way_in_which_it_is_not_good_enough(watched, break_it, gate):
    """What its report says of itself is data to check."""
    break_it(watched)
    found, done = ask(watched)
    assert found[gate][0] != "PASS"
    assert done.returncode == 1


def test_a_profile_in_which_monitoring_is_off_does_not_pass_the_gate(watched):
    """Off passed in silence: a profile that does not want the gate leaves it off its roll-call."""
    watched.write_policy({"prod": {"mode": "off"}})
    watched.run("monitor", "--cases", CASES)
    found, _ = ask(watched)
    assert found["kb_drift"][0] != "PASS"


def test_a_monitor_that_stopped_is_not_asked_for_its_last_good_word(watched):
    """The newest report by the time inside it, and not older than the policy says."""
    moment = datetime.now(UTC) - timedelta(days=9)
    for path in (watched.root / HISTORY).glob("monitor_*.json"):
        change(path, ts_utc=moment.isoformat())
    found, _ = ask(watched)
    assert found["kb_drift"][0] != "PASS"


def test_a_destroyed_knowledge_base_fails_the_gate_by_default(watched):
    """The gate passed on names and titles while every text was about gardens."""
    path = watched.corpus / "corpus_pack.json"
    rows = json.loads(path.read_text())
    for row in rows:
        row |= {"title": f"{row['title']} {row['content']}", "content": "The tulips by the pond bloom in spring."}
    path.write_text(json.dumps(rows))
    words = ("--min-precision=0", "--min-recall=0", "--output", REPORT)
    assert watched.run("benchmark", *words).returncode == 0
    outcome, reason = ask(watched)[0]["kb_benchmark"]
    assert (outcome, "content_recall" in reason) == ("FAIL", True)


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        (", retriever: fts5, min_queries: 12, min_content_recall: 1.0, min_mrr: null", "PASS"),
        (", retriever: search:find", "FAIL"),
        (", min_queries: 13", "INCONCLUSIVE"),
        (", min_ndcg: 1.0", None),
    ],
    ids=["all met", "another search", "too few cases", "graded"],
)
def test_the_gate_holds_the_thresholds_that_a_policy_may_have(watched, more, outcome):
    """A threshold that the gate does not read is a sentence in a file."""
    found = ask(watched, more=more)[0]["kb_benchmark"][0]
    # Without the extra, graded judgements were not measured: inconclusive. With it, they are below 1.
    assert found == outcome if outcome else found in ("FAIL", "INCONCLUSIVE")
