"""Evaluating: the bytes that were named are judged, what was found is recorded, and the status follows."""

from __future__ import annotations

import json
import os
import threading

import pytest
from sqlalchemy import insert

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.suites.research import chain, service, store
from pytest_promotion.suites.research.bundle import ValidationBundle
from pytest_promotion.suites.research.database import connected
from pytest_promotion.suites.research.evidence_now import states
from pytest_promotion.suites.research.gating import ThresholdConfig
from pytest_promotion.suites.research.tables import CANDIDATES

ASKED = ThresholdConfig()


def evaluated(conn, identity, **given):
    """The decision, with what the row and the last event say afterwards."""
    found = service.evaluate_and_record(conn, identity, given.pop("thresholds", ASKED), **given)
    return found, store.get_candidate(conn, identity)["status"], store.get_events(conn, identity)


@pytest.mark.slow
def test_each_evaluation_that_passes_is_one_step_up(conn, candidate):
    """From exploratory to accepted in one go is how a signal came to be traded that nobody had looked at twice."""
    identity = candidate()
    found, status, events = evaluated(conn, identity)
    assert (found.status, found.reasons, found.new_status, status) == ("accepted", (), "candidate", "candidate")
    assert [event["event_type"] for event in events] == ["created", "evaluated", "status_change"]
    judged, changed = (event["payload"] for event in events[-2:])
    assert changed["evaluation"] == events[-2]["event_id"]
    assert (changed["old_status"], changed["new_status"]) == ("exploratory", "candidate")
    assert judged["passed"] is True
    found, status, events = evaluated(conn, identity)
    assert (found.judged, found.new_status, status) == (False, "candidate", "candidate")
    assert any("declared, not computed" in line for line in found.open_questions)
    assert events[-1]["payload"]["passed"] is False
    assert judged["thresholds_used"]["require_reality_check"] is True  # it came out of a sweep
    assert set(judged["artifacts"]) == {
        "validation_bundle_path",
        "ic_summary_by_regime_path",
        "rc_summary_path",
        "execution_evidence_path",
        "capacity_curve_path",
    }
    assert store.approvers(conn, [identity]) == {}
    assert chain.check(conn).holds


def test_what_was_judged_is_kept(conn, candidate, run, tmp_path):
    """A digest of bytes that nobody has any more proves nothing to whoever asks in a year."""
    vault = Vault(tmp_path / "vault")
    identity = candidate()
    evaluated(conn, identity, vault=vault)
    artifacts = store.whole(conn, identity)["last_evaluation"]["payload"]["artifacts"]
    assert vault.where(artifacts["rc_summary_path"]).read_bytes() == (run.base / "reports/rc.json").read_bytes()
    assert len(list(vault.path.rglob("*/*/*"))) == 5


def test_the_same_bytes_are_judged_wherever_it_is_started(conn, candidate, monkeypatch, tmp_path):
    """A path that is read from where one stands names another file tomorrow."""
    identity = candidate()
    (tmp_path / "elsewhere/reports").mkdir(parents=True)
    (tmp_path / "elsewhere/reports/bundle.json").write_text("{}")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert evaluated(conn, identity)[1] == "candidate"


def test_files_that_were_moved_are_judged_where_they_are(conn, candidate, run, tmp_path):
    """Evidence that was archived is still the evidence, if it is the same bytes."""
    identity = candidate()
    os.rename(run.base, tmp_path / "archive")
    found, status, _ = evaluated(conn, identity)
    assert (found.judged, status) == (False, "exploratory")
    assert evaluated(conn, identity, evidence_base_path=tmp_path / "archive")[1] == "candidate"


@pytest.mark.parametrize("name", ["bundle.json", "rc.json", "execution.json", "curve.csv", "regimes.csv"])
@pytest.mark.parametrize("damage", ["edited", "gone", "cut", "linked"])
def test_a_file_that_changed_is_not_judged(conn, candidate, run, name, damage, tmp_path):
    """What was edited after it was named is other evidence than what somebody agreed to."""
    identity = candidate()
    path = run.base / "reports" / name
    content = path.read_bytes()
    path.unlink()
    if damage == "edited":
        path.write_bytes(content + b"\n")
    elif damage == "cut":
        path.write_bytes(content[:-3])
    elif damage == "linked":
        (tmp_path / "outside").write_bytes(content)
        path.symlink_to(tmp_path / "outside")
    found, status, events = evaluated(conn, identity)
    assert (found.judged, found.new_status, status) == (False, "exploratory", "exploratory")
    assert name in found.reasons[0]
    assert events[-1]["event_type"] == "evaluated"
    assert events[-1]["payload"]["passed"] is False


def test_what_fails_is_rejected_and_stays_so(conn, candidate, run):
    """A candidate that was rejected comes back only by somebody's word."""
    run.change("bundle.json", mean_ic=0.001, t_stat=0.3)
    identity = candidate()
    found, status, events = evaluated(conn, identity)
    assert (found.status, status) == ("rejected", "rejected")
    assert "mean_ic 0.0010 < 0.02" in events[-1]["payload"]["reason"]
    assert evaluated(conn, identity)[1] == "rejected"
    store.update_status(conn, identity, "exploratory", "the data were mended")
    assert evaluated(conn, identity)[1] == "rejected"


def test_without_results_it_stays_exploratory(conn, candidate, run):
    """Nothing to judge is not the same as judged and found wanting."""
    bundle = json.loads((run.base / "reports/bundle.json").read_text())
    bundle["ic_summary_by_horizon"] = {}
    run.write("bundle.json", bundle)
    identity = candidate()
    found, status, _ = evaluated(conn, identity)
    assert (found.reasons, status) == (("missing IC summary",), "exploratory")


def test_a_sweep_needs_its_reality_check(conn, candidate, run):
    """The best of five thousand tries looks good by itself."""
    identity = candidate(luck=False, family_id="rcfam_1")
    found, status, _ = evaluated(conn, identity)
    assert "no rc_p_value" in found.reasons[0]
    assert status == "rejected"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"family_id": "rcfam_2"}, "family_id"),
        ({"rc_horizon": 1}, "horizon is 1"),
        ({"hypothesis_ids": ["value"]}, "not among"),
        ({"hypothesis_ids": None}, "not among"),
        ({"rw_adjusted_p_values": None}, "by itself"),
    ],
    ids=str,
)
def test_a_reality_check_of_something_else_is_refused(conn, candidate, run, change, says):
    """Another sweep's p-value is a p-value of nothing."""
    run.change("rc.json", **change)
    with pytest.raises(Unproven, match=says):
        candidate()
    assert store.list_candidates(conn) == []


@pytest.mark.parametrize(
    "change",
    [
        {"run_id": "run-2"},
        {"signal_name": "value"},
        {"horizon": 2},
        {"dataset_id": "d2"},
        {"config_hash": "c2"},
        {"git_commit": "a2"},
    ],
    ids=str,
)
def test_a_bundle_of_something_else_is_refused(conn, candidate, change):
    """A good bundle of another run is the easiest evidence to come by."""
    with pytest.raises(Unproven, match=next(iter(change)).replace("signal_name", "signal_name|not among")):
        candidate(**change)


def test_a_candidate_that_was_put_in_otherwise_is_checked_when_it_is_judged(conn, candidate, run):
    """Rows can be written without the function that checks them."""
    payload = service.proposed(
        {"run_id": "run-1", "signal_name": "momentum", "horizon": 4}, run.files(luck=False), run.base
    )
    identity = store.create_candidate(conn, payload | {"dataset_id": "d9"})
    found, status, _ = evaluated(conn, identity)
    assert (found.judged, status) == (False, "exploratory")
    assert "dataset_id is d1, the candidate's d9" in found.reasons[0]


def test_a_candidate_without_evidence_is_not_judged(conn):
    """No evidence is not good evidence."""
    whole = {"run_id": "r", "signal_name": "s", "horizon": 1, "dataset_id": "d", "config_hash": "c", "git_commit": "g"}
    found, status, _ = evaluated(conn, store.create_candidate(conn, whole))
    assert (found.judged, status) == (False, "exploratory")


def test_a_candidate_that_is_not_there_is_rejected_and_nothing_is_written(conn):
    """A mistyped id must not read as accepted, nor leave events of a ghost."""
    found = service.evaluate_and_record(conn, "prom_ghost", ASKED)
    assert (found.status, found.judged, found.reasons) == ("rejected", False, ("candidate_id not found: prom_ghost",))
    assert chain.check(conn).events == 0


def test_what_the_caller_gives_has_to_be_what_was_named(conn, candidate, run, tmp_path):
    """A better bundle beside the one that was named is the oldest trick there is."""
    identity = candidate()
    path = run.base / "reports/bundle.json"
    better = tmp_path / "better.json"
    better.write_bytes(path.read_bytes() + b" ")
    whole = ValidationBundle.read(path.read_bytes(), "b")
    luck = json.loads((run.base / "reports/rc.json").read_text())
    for wrong in (
        {"bundle_or_path": better},
        {"bundle_or_path": tmp_path / "no.json"},
        {"bundle_or_path": ValidationBundle.read(better.read_bytes(), "b")},
        {"rc_summary": luck | {"rc_p_value": 0.001}},
        {"regime_summary_df": [{"regime": "calm"}]},
    ):
        found, status, _ = evaluated(conn, identity, **wrong)
        assert (found.judged, status) == (False, "exploratory"), wrong
    assert evaluated(conn, identity, bundle_or_path=path, rc_summary=luck)[1] == "candidate"
    assert "not the one" not in str(evaluated(conn, identity, bundle_or_path=whole)[0])


def test_a_frame_of_the_regimes_may_be_given(conn, candidate, run):
    """Callers that have a data frame anyway need not turn it into something else."""
    import pandas as pd

    frame = pd.read_csv(run.base / "reports/regimes.csv")
    frame.columns = ["" if name.startswith("Unnamed") else name for name in frame.columns]
    asked = ThresholdConfig(require_regime_robustness=True, worst_regime_ic_mean_min=0.02)
    assert evaluated(conn, candidate(), regime_summary_df=frame, thresholds=asked)[1] == "candidate"


def test_doing_without_execution_evidence_is_in_the_record(conn, candidate):
    """An override that left no trace was an acceptance like any other."""
    identity = candidate(execution=False)
    found, status, events = evaluated(conn, identity, allow_missing_execution_evidence=True)
    assert status == "candidate"
    assert events[-2]["payload"]["allow_missing_execution_evidence"] is True
    assert events[-2]["payload"]["warnings"] == list(found.warnings) != []
    with pytest.raises(PolicyError, match="execution_evidence"):
        evaluated(conn, identity, allow_missing_execution_evidence=True)
    assert evaluated(conn, identity)[1] == "rejected"


def test_evaluations_at_once_take_one_step_each(store_at, run):
    """Two people press the button together: two steps may come of it, and never one event without its status."""
    with connected(store_at) as conn:
        identity = run.create(conn)

    def press():
        with connected(store_at) as mine:
            service.evaluate_and_record(mine, identity, ASKED)

    pressing = [threading.Thread(target=press) for _ in range(4)]
    for one in pressing:
        one.start()
    for one in pressing:
        one.join()
    with connected(store_at) as conn:
        events = store.get_events(conn, identity)
        assert store.get_candidate(conn, identity)["status"] == "candidate"
        assert [event["event_type"] for event in events].count("status_change") == 1
        assert [event["event_type"] for event in events].count("evaluated") == 4
        assert chain.check(conn).holds


def test_a_crash_between_judging_and_the_status_leaves_neither(conn, candidate, monkeypatch):
    """A status without its event, or an event without its status, is a record that contradicts itself."""
    identity = candidate()
    monkeypatch.setattr(service, "change_status", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
    with pytest.raises(RuntimeError):
        service.evaluate_and_record(conn, identity, ASKED)
    assert [event["event_type"] for event in store.get_events(conn, identity)] == ["created"]
    assert store.get_candidate(conn, identity)["status"] == "exploratory"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "needs a validation bundle"),
        ({"validation_bundle_path": "reports/no.json"}, "no.json"),
        ({"validation_bundle_path": "../bundle.json"}, "outside"),
        ({"validation_bundle_path": "/etc/hostname"}, "outside"),
        ({"validation_bundle_path": "reports"}, "directory"),
        ({"validation_bundle_path": "reports/bundle.json", "rc_summary_path": "reports/curve.csv"}, "not JSON"),
    ],
    ids=str,
)
def test_files_that_cannot_be_evidence_are_refused_at_once(run, files, says):
    """A candidate that can never be judged is better not created."""
    with pytest.raises(Unproven, match=says):
        service.proposed({"run_id": "run-1", "signal_name": "momentum", "horizon": 4}, files, run.base)


def test_files_that_the_bundle_names_have_to_be_there(run):
    """A bundle that names what does not exist was copied without it."""
    run.change("bundle.json", turnover_path={"4": "reports/turnover.csv"})
    with pytest.raises(Unproven, match="turnover"):
        service.proposed({}, run.files(), run.base)
    (run.base / "reports/turnover.csv").write_text("ts,turnover\n1,2\n")
    evidence = service.proposed(
        {"run_id": "run-1", "signal_name": "momentum", "horizon": 4, "family_id": "rcfam_1"}, run.files(), run.base
    )["evidence"]
    assert evidence["artifacts"]["turnover_path.4"]["path"] == "reports/turnover.csv"


def test_what_was_decided_on_an_older_state_is_not_done(conn, candidate):
    """Two people who each evaluate once are two steps, to accepted, by somebody who saw it exploratory."""
    identity = candidate()
    [created] = store.get_events(conn, identity)
    seen = created["event_id"]
    found, status, events = evaluated(conn, identity, seen=seen)
    assert (found.new_status, status, len(events)) == ("candidate", "candidate", 3)
    with pytest.raises(Unproven, match="look again"):
        service.evaluate_and_record(conn, identity, ASKED, seen=seen)
    with pytest.raises(Unproven, match="look again"):
        store.update_status(conn, identity, "accepted", "seen", approver="Ada", seen=seen)
    assert store.get_events(conn, identity) == events
    store.update_status(conn, identity, "rejected", "seen", seen=events[-1]["event_id"])
    assert store.get_candidate(conn, identity)["status"] == "rejected"


@pytest.mark.parametrize(
    "evidence",
    ['{"bundle_path": "reports/bundle.json"}', '{"base": "/", "artifacts": {"bundle_path": "x"}}', '["x"]'],
    ids=["paths", "without-digest", "list"],
)
def test_evidence_of_another_form_is_not_judged(conn, run, candidate, evidence):
    """Rows that other tools wrote name files without digests: whatever lies there would be judged."""
    row = store.get_candidate(conn, candidate()) | {"candidate_id": "prom_of_another_tool", "evidence_json": evidence}
    conn.execute(insert(CANDIDATES), row)
    conn.commit()
    found, status, _ = evaluated(conn, "prom_of_another_tool")
    assert (found.judged, status) == (False, "exploratory")
    assert "is not named as `promotion create` does it" in found.reasons[0]


def test_files_are_held_against_their_digests(conn, run, candidate, tmp_path):
    """A digest that nobody compares is an ornament."""
    named = store.whole(conn, candidate())["evidence"]
    assert set(states(named).values()) == {"same"}
    run.change("rc.json", rc_p_value=0.02)
    (run.base / "reports/curve.csv").unlink()
    (run.base / "reports/execution.json").unlink()
    (run.base / "reports/execution.json").mkdir()
    assert states(named) == {
        "capacity_curve_path": "gone",
        "execution_evidence_path": "unreadable",
        "ic_summary_by_regime_path": "same",
        "rc_summary_path": "changed",
        "validation_bundle_path": "same",
    }
    assert set(states(named, tmp_path / "nowhere").values()) == {"gone"}
    with pytest.raises(Unproven, match="names no evidence"):
        states(None)
