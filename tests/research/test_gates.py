"""The research gates on a candidate that was accepted: whole, and broken in each way that they are for."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import arch.bootstrap
import arch.covariance.kernel  # noqa: F401
import pytest
import scipy.stats  # noqa: F401
import sqlalchemy.dialects.postgresql  # noqa: F401

from fixtures.research.cases import CASES
from fixtures.research.promoted import RECORD, promote
from pytest_promotion.suites.research import store
from pytest_promotion.suites.research.database import connected
from pytest_promotion.suites.research.digests import sealed

pytestmark = pytest.mark.slow

GATES = {"candidate_record", "research_figures", "better_than_luck", "every_regime", "execution_evidence"}


@pytest.fixture(scope="module")
def _accepted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("research") / "root"
    assert promote(folder) == "accepted"
    return folder


@pytest.fixture
def target(_accepted, tmp_path):
    """A run whose candidate was accepted, to be broken."""
    return shutil.copytree(_accepted, tmp_path / "root")


@pytest.fixture
def session(pytester, monkeypatch):
    """Runs the gates of a folder in this process: the decision, or the proof."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(folder, *words):
        monkeypatch.chdir(folder)
        plugins = ("-p", "pytest_promotion.plugin", "-p", "pytest_timeout", "-p", "no:cacheprovider")
        done = pytester.runpytest_inprocess("gates", "-q", "-W", "default", *plugins, *words)
        name = "prove_*.json" if "--promotion-prove" in words else "latest.json"
        [path] = (folder / "reports/promotion_gates").glob(name)
        return json.loads(path.read_bytes()), done.ret

    return run


def outcomes(decision):
    return {check["name"]: check["outcome"] for check in decision["checks"]}


def test_an_accepted_candidate_passes(target, session):
    """Gates that fail what is whole are switched off."""
    decision, code = session(target)
    assert (decision["status"], code) == ("PASS", 0), decision["reasons"]
    assert set(outcomes(decision)) == GATES


def test_every_gate_can_fail(target, session):
    """A gate that asks a reader which asks nothing is green for good."""
    proof, code = session(target, "--promotion-prove")
    assert [line for gate in proof["gates"] for line in gate["survivors"]] == []
    assert (code, proof["proven"], len(proof["gates"])) == (0, True, len(GATES))


@pytest.mark.parametrize("name", ["decoy", "luck", "drawer", "one_regime", "no_execution"])
def test_of_each_run_comes_what_must(tmp_path, name, session):
    """The gates and the store ask the same of a candidate: neither may be the easier way."""
    status = promote(tmp_path / "root", case=name)
    decision, _ = session(tmp_path / "root")
    assert (status == "accepted") is (decision["status"] == "PASS") is (CASES[name].comes == "accepted")


def record(folder, change):
    path = folder / RECORD
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(sealed(told)))


def by_hand(folder):
    with connected(folder / "reports/candidates.db") as conn:
        [row] = store.list_candidates(conn)
        for step in ("rejected", "exploratory", "candidate", "accepted"):
            store.update_status(conn, row["candidate_id"], step, "we know it", approver="Ann")
        told = store.whole(conn, row["candidate_id"])
    (folder / RECORD).write_text(json.dumps(told))


def old(told):
    told["last_evaluation"]["ts_utc"] = (datetime.now(UTC) - timedelta(days=8)).isoformat()


def with_an_override(told):
    told["last_evaluation"]["payload"]["allow_missing_execution_evidence"] = True


def fewer_judged(told):
    del told["last_evaluation"]["payload"]["artifacts"]["sweep_panel_path"]


def edited(name, **changes):
    def edit(folder):
        path = folder / "reports" / name
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit


def replaced(name, old_text, new_text):
    def edit(folder):
        path = folder / "reports/csv" / name
        content = path.read_text()
        assert old_text in content
        path.write_text(content.replace(old_text, new_text))

    return edit


def forged(folder):
    [bundle] = (folder / "reports/csv").glob("validation_bundle_*.json")
    CASES["forged"].after(folder, bundle)


def flattered(folder):
    [path] = (folder / "reports/csv").glob("validation_bundle_*.json")
    told = json.loads(path.read_text())
    told["ic_summary_by_horizon"]["1"]["deflated_sharpe"] += 0.5
    path.write_text(json.dumps(told))


def other_seed(folder):
    path = folder / "reports/rc_summary.json"
    told = json.loads(path.read_text())
    told["config"]["block"] = 30
    path.write_text(json.dumps(told))


BROKEN = {
    "accepted by hand": (by_hand, "candidate_record"),
    "evaluated a week ago": (lambda folder: record(folder, old), "candidate_record"),
    "never evaluated": (lambda folder: record(folder, lambda told: told.update(last_evaluation=None)), "candidate_record"),
    "only a candidate": (lambda folder: record(folder, lambda told: told.update(status="candidate")), "candidate_record"),
    "with an override": (lambda folder: record(folder, with_an_override), "candidate_record"),
    "fewer files judged": (lambda folder: record(folder, fewer_judged), "candidate_record"),
    "a file that changed": (edited("regime_coverage.json", note="x"), "candidate_record"),
    "forged figures": (forged, "research_figures"),
    "a Sharpe ratio that was not deflated": (flattered, "research_figures"),
    "another run": (lambda folder: record(folder, lambda told: told.update(run_id="x")), "research_figures"),
    "a horizon that is not there": (lambda folder: record(folder, lambda told: told.update(horizon=2)), "research_figures"),
    "a p-value that nobody drew": (edited("rc_summary.json", rc_p_value=0.03), "better_than_luck"),
    "another family": (edited("rc_summary.json", family_id="rcfam_0"), "better_than_luck"),
    "other data": (edited("rc_summary.json", data_sha256="0" * 64), "better_than_luck"),
    "few blocks": (other_seed, "better_than_luck"),
    "a regime that was taken out": (replaced("regime_states.csv", "storm", "unknown"), "every_regime"),
    "little covered": (replaced("regime_states.csv", "calm", "unknown"), "every_regime"),
    "a share that nobody could trade": (edited("execution_evidence.json", max_participation_rate=0.5), "execution_evidence"),
    "no costs": (edited("execution_evidence.json", cost_config={}), "execution_evidence"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_candidate_that_is_broken_does_not_pass(target, name, session):
    """Each of these looked like an accepted candidate to somebody."""
    spoil, gate = BROKEN[name]
    spoil(target)
    decision, code = session(target)
    assert (decision["status"], code) == ("FAIL", 1)
    assert outcomes(decision)[gate] in {"FAIL", "INCONCLUSIVE"}, outcomes(decision)
