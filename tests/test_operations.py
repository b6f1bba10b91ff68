"""The strict cycle, its watcher and the readiness decision: a crashed or expired decision is PASS nowhere."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.json_files import append_line, read_object, write_json
from pytest_promotion.suites.trading.decisions import verified
from pytest_promotion.suites.trading.readiness import finalize
from pytest_promotion.suites.trading.watch import AnotherWatcher, Watch, watch
from tests.conftest import now_iso

pytestmark = pytest.mark.slow

PROMOTION = [sys.executable, "-c", "from pytest_promotion.cli import main; main()"]
STRICT = "version: 1\nprofiles: {strict: {}}\n"


def run(place, *words):
    """The command, in the place."""
    return subprocess.run([*PROMOTION, *words], cwd=place.path, capture_output=True, text=True, check=False)


@pytest.fixture
def strict_place(good_place):
    """A project with a good gate and a strict profile."""
    good_place.file("promotion.yaml", STRICT)
    return good_place


def make_bad(place):
    """The evidence falls below its threshold."""
    place.file("evidence/good.json", {"ts_utc": datetime.now(UTC).isoformat(), "score": 0.1})


def summary(place):
    """strict_cycle_latest.json."""
    return json.loads((place.folder / "strict_cycle_latest.json").read_text())


def test_a_strict_cycle_says_what_was_decided(strict_place):
    """Everything downstream reads this file and not the exit code."""
    done = run(strict_place, "cycle", "strict")
    assert done.returncode == 0, done.stdout + done.stderr
    found = summary(strict_place)
    assert (found["strict_gate_status"], found["strict_gate_rc"], found["critical_failures"]) == ("PASS", 0, [])
    assert found["run_id"] == strict_place.latest()["run_id"]


def test_a_strict_cycle_that_fails_says_so_and_notes_it(strict_place):
    """An incident that nobody wrote down happened to nobody."""
    make_bad(strict_place)
    done = run(strict_place, "cycle", "strict", "--append-incident-on-fail")
    assert (done.returncode, summary(strict_place)["strict_gate_status"]) == (2, "FAIL")
    note = (strict_place.path / "docs/ops/incidents.md").read_text()
    assert note.count("\n") == 1
    assert "critical: good" in note


@pytest.mark.parametrize("how", ["os._exit(0)", "os._exit(1)", "os.kill(os.getpid(), 9)"])
def test_a_crash_does_not_leave_the_pass_of_yesterday(strict_place, how):
    """The earlier runner crashed, and its cycle, its soak and its readiness all said yes."""
    run(strict_place, "cycle", "strict")
    strict_place.write(test_z=f"import os, pytest\n@pytest.mark.critical\ndef test_z():\n    {how}")
    done = run(strict_place, "cycle", "strict")
    assert done.returncode == 2
    assert summary(strict_place)["strict_gate_status"] == "FAIL"


def test_a_session_that_never_starts_does_not_leave_it_either(strict_place):
    """A broken conftest ends pytest before the session starts, and the provisional FAIL is there by then."""
    run(strict_place, "cycle", "strict")
    strict_place.file("conftest.py", "raise SystemExit(0)")
    done = run(strict_place, "cycle", "strict")
    assert done.returncode == 2
    assert summary(strict_place)["strict_gate_status"] == "FAIL"


@pytest.fixture(scope="session")
def _cycled(tmp_path_factory):
    """A project after a strict cycle that passed, with the other inputs of the readiness decision."""
    path = tmp_path_factory.mktemp("cycled")
    gate = """
    import pytest

    @pytest.mark.critical
    def test_good(artifact, freshness):
        report = artifact("evidence/good.json")
        freshness(report)
        assert report["score"] >= 0.5
    """
    for name, text in {
        "gates/test_good.py": textwrap.dedent(gate),
        "promotion.yaml": STRICT,
        "pytest.ini": "[pytest]\n",
        "evidence/good.json": json.dumps({"ts_utc": now_iso(), "score": 0.9}),
    }.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(text)
    done = subprocess.run([*PROMOTION, "cycle", "strict"], cwd=path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return path


@pytest.fixture
def cycled(_cycled, tmp_path):
    """A copy of it."""
    return shutil.copytree(_cycled, tmp_path / "cycled")


def latest_of(path):
    return path / "reports/promotion_gates/latest.json"


def edit(path, **changes):
    """Changes fields of a JSON file, as somebody with an editor does."""
    write_json(path, read_object(path) | changes)


def test_a_decision_that_passed_is_a_pass(cycled):
    """A verifier that says no to everything is switched off."""
    found = verified(latest_of(cycled), datetime.now(UTC), not_run="older")
    assert (found.status, found.why, found.profile) == ("PASS", "every required gate passed", "strict")
    assert found.sha256 == sha256(latest_of(cycled).read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"finished": False}, "FAIL"),
        ({"finished": "true"}, "UNKNOWN"),
        ({"status": "FAIL"}, "FAIL"),
        ({"passed": False}, "FAIL"),
        ({"passed": "true"}, "UNKNOWN"),
        ({"kind": "replay"}, "FAIL"),
        ({"run_id": ""}, "UNKNOWN"),
        ({"run_id": "older"}, "UNKNOWN"),
        ({"run_id": "another"}, "FAIL"),
        ({"ts_utc": "2026-01-01T00:00:00+00:00"}, "UNKNOWN"),
        ({"ts_utc": None}, "UNKNOWN"),
        ({"valid_until": {"ts_utc": "2026-01-01T00:00:00+00:00", "because": "x"}}, "FAIL"),
        ({"valid_until": {}}, "UNKNOWN"),
        ({"critical_failures": ["good"]}, "FAIL"),
    ],
)
def test_an_edited_decision_is_no_pass(cycled, change, status):
    """Each of these has been taken for a PASS by someone in a hurry."""
    edit(latest_of(cycled), **change)
    since = datetime.now(UTC) - timedelta(days=30) if "ts_utc" in change else None
    assert verified(latest_of(cycled), datetime.now(UTC), since=since, not_run="older").status == status


def test_a_decision_without_its_vault_or_its_history_is_no_pass(cycled):
    """What cannot be looked at again may have been anything."""
    folder = latest_of(cycled).parent
    (folder / "history.jsonl").rename(folder / "history.away")
    assert verified(latest_of(cycled), datetime.now(UTC)).status == "UNKNOWN"
    (folder / "history.away").rename(folder / "history.jsonl")
    shutil.rmtree(folder / "evidence")
    assert verified(latest_of(cycled), datetime.now(UTC)).status == "FAIL"


@pytest.mark.parametrize("content", [None, "", "{", "[]", "null", "\xff"])
def test_a_decision_that_cannot_be_read_is_unknown(tmp_path, content):
    """A torn file is not a no, and certainly not a yes."""
    if content is not None:
        (tmp_path / "latest.json").write_text(content)
    assert verified(tmp_path / "latest.json", datetime.now(UTC)).status == "UNKNOWN"


def state(place):
    """The watcher's state and its transitions."""
    lines = (place.folder / "strict_watch_transitions.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    return json.loads((place.folder / "strict_watch_state.json").read_text()), [
        (one["from_status"], one["to_status"]) for one in told
    ]


def test_the_watcher_records_each_change_once(strict_place):
    """A note for every cycle of a long night is a note that nobody reads."""
    flags = ("cycle", "watch", "--interval-sec=0", "--max-runs=2", "--append-incident-on-transition")
    assert run(strict_place, *flags).returncode == 0
    make_bad(strict_place)
    assert run(strict_place, *flags).returncode == 2
    found, changes = state(strict_place)
    assert (found["last_status"], found["last_rc"], found["run_count"]) == ("FAIL", 1, 2)
    assert changes == [("UNKNOWN", "PASS"), ("PASS", "FAIL")]
    assert (strict_place.path / "docs/ops/incidents.md").read_text().count("\n") == 1


def test_a_damaged_state_is_set_aside_and_not_forgotten(strict_place):
    """Forgetting the last status turns the next cycle into a transition that did not happen."""
    flags = ("cycle", "watch", "--interval-sec=0", "--max-runs=1")
    run(strict_place, *flags)
    (strict_place.folder / "strict_watch_state.json").write_text('{"last_st')
    run(strict_place, *flags)
    assert state(strict_place)[1] == [("UNKNOWN", "PASS")]
    assert [path.read_text() for path in strict_place.folder.glob("*.corrupt-*.json")] == ['{"last_st']


def test_sigterm_ends_the_watcher_cleanly(strict_place):
    """A watcher that is killed in the middle of a write leaves half a state."""
    child = subprocess.Popen([*PROMOTION, "cycle", "watch", "--interval-sec=60"], cwd=strict_place.path)
    deadline = time.monotonic() + 120
    while not (strict_place.folder / "strict_watch_state.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    child.send_signal(signal.SIGTERM)
    assert child.wait(120) == 0
    assert state(strict_place)[0]["last_status"] == "PASS"


def test_a_second_watcher_is_refused(tmp_path):
    """Two watchers on one state record each change twice, or never."""
    place = Watch(tmp_path)
    with place.owned(), pytest.raises(AnotherWatcher, match="another watcher owns"):
        watch(place, lambda: pytest.fail("it ran"), 0)


def test_a_last_line_that_was_cut_is_ended_first(tmp_path):
    """Two records on one line are none."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": 1}\n{"b"')
    append_line(path, '{"c": 3}')
    assert path.read_text().splitlines() == ['{"a": 1}', '{"b"', '{"c": 3}']


def inputs_of(path, **changes):
    """The reports of a cycled project, with inputs that say GO, changed as asked; None removes one."""
    folder, stamp = path / "reports", now_iso()
    inputs = {
        "soak/latest.json": {"ts_utc": stamp, "status": "ready"},
        "event_store/day2_gate_eval_latest.json": {"ts_utc": stamp, "go": True},
        "reconciliation/latest.json": {"ts_utc": stamp, "status": "ok"},
        "parity/latest.json": {"ts_utc": stamp, "status": "pass"},
        "portfolio_risk/latest.json": {"ts_utc": stamp, "status": "ok"},
    }
    for name, document in inputs.items():
        change = changes.get(name.split("/")[0], {})
        if change is not None:
            write_json(folder / name, document | change)
    summary = folder / "promotion_gates/strict_cycle_latest.json"
    if changes.get("strict_cycle", {}) is None:
        summary.unlink()
    else:
        edit(summary, ts_utc=stamp, **changes.get("strict_cycle", {}))
    return folder


def readiness(path, **changes):
    """The readiness decision as of now."""
    return finalize(inputs_of(path, **changes), datetime.now(UTC), timedelta(minutes=30))


def test_everything_right_is_go(cycled):
    """A finalizer that always holds would pass every test below."""
    found = readiness(cycled)
    assert (found.status, found.blockers) == ("GO", ()), found.because
    assert "**GO**" in found.markdown()
    assert found.document()["summary"]["decision_run_id"] == read_object(latest_of(cycled))["run_id"]


OLD = {"ts_utc": (datetime.now(UTC) - timedelta(hours=2)).isoformat()}
AHEAD = {"ts_utc": (datetime.now(UTC) + timedelta(hours=5)).isoformat()}


@pytest.mark.parametrize(
    ("changes", "blocker"),
    [
        ({"strict_cycle": {"strict_gate_rc": 1}}, "strict_cycle_not_pass"),
        ({"strict_cycle": {"strict_gate_rc": None}}, "strict_cycle_not_pass"),
        ({"strict_cycle": {"strict_gate_status": "UNKNOWN"}}, "strict_cycle_not_pass"),
        ({"strict_cycle": {"run_id": "forged"}}, "strict_cycle_not_pass"),
        ({"strict_cycle": {"decision_sha256": "0" * 64}}, "strict_cycle_not_pass"),
        ({"strict_cycle": {"decision_sha256": None}}, "strict_cycle_not_pass"),
        ({"strict_cycle": {"critical_failures": ["x"]}}, "strict_cycle_not_pass"),
        ({"strict_cycle": None}, "strict_cycle_not_pass"),
        ({"event_store": {"go": "false"}}, "day2_event_store_gate"),
        ({"event_store": {"go": False}}, "day2_event_store_gate"),
        ({"event_store": {"go": 1}}, "day2_event_store_gate"),
        ({"event_store": OLD}, "day2_event_store_gate"),
        ({"event_store": AHEAD}, "day2_event_store_gate"),
        ({"soak": {"status": "hold"}}, "soak_not_ready"),
        ({"soak": None}, "soak_not_ready"),
        ({"reconciliation": {"status": "critical"}}, "reconciliation_not_healthy"),
        ({"parity": {"status": "fail"}}, "parity_not_healthy"),
        ({"parity": {"ts_utc": "2026-05-20T12:00:00"}}, "parity_not_healthy"),
        ({"portfolio_risk": None}, "portfolio_risk_not_healthy"),
    ],
)
def test_one_thing_wrong_is_hold(cycled, changes, blocker):
    """Each of these was once no obstacle to GO."""
    found = readiness(cycled, **changes)
    assert (found.status, found.blockers) == ("HOLD", (blocker,))


def test_the_summary_may_be_right_and_old(cycled):
    """A cycle of this morning is about the candidate of this morning."""
    folder = inputs_of(cycled)
    edit(folder / "promotion_gates/strict_cycle_latest.json", **OLD)
    assert finalize(folder, datetime.now(UTC), timedelta(minutes=30)).blockers == ("strict_cycle_not_pass",)


def test_a_newer_fail_is_hold(cycled):
    """The summary is that of a cycle that passed, and somebody has decided since."""
    (cycled / "evidence/good.json").write_text(json.dumps({"ts_utc": now_iso(), "score": 0.1}))
    words = [sys.executable, "-m", "pytest", "gates", "-q", "--promotion-profile=strict"]
    subprocess.run(words, cwd=cycled, capture_output=True, check=False)
    found = readiness(cycled)
    assert found.status == "HOLD"
    assert "the decision that lies there says FAIL" in found.because[0]


def test_an_edited_decision_is_hold(cycled):
    """A decision that was edited, with a summary that agrees with it."""
    edit(latest_of(cycled), run_id="forged")
    digest = sha256(latest_of(cycled).read_bytes()).hexdigest()
    found = readiness(cycled, strict_cycle={"run_id": "forged", "decision_sha256": digest})
    assert found.status == "HOLD"
    assert "the decision that lies there says FAIL" in found.because[0]


def test_a_decision_of_another_profile_is_hold(cycled):
    """A PASS of the default profile is none of the strict one."""
    found = finalize(inputs_of(cycled), datetime.now(UTC), timedelta(minutes=30), profile="prod")
    assert "of the profile strict, not of prod" in found.because[0]


def test_the_command_writes_both_and_says_hold(strict_place):
    """A HOLD that exits with 0 is deployed by the next line of the script."""
    done = run(strict_place, "finalize", "--apply-to-primary")
    assert done.returncode == 2
    written = read_object(strict_place.path / "reports/readiness/final_decision_latest.json")
    assert written["status"] == "HOLD"
    for name in ("option4_readiness_decision_latest.md", "option4_readiness_decision.md"):
        assert "**HOLD**" in (strict_place.path / "docs/ops" / name).read_text()


def test_the_command_says_go(cycled):
    """And a GO has to be possible."""
    inputs_of(cycled)
    done = subprocess.run([*PROMOTION, "finalize"], cwd=cycled, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_file_that_is_no_object_is_refused(tmp_path):
    """A list where an object belongs has every key missing, and defaults for all of them."""
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(Unproven, match="is a list, expected an object"):
        read_object(tmp_path / "x.json")
    assert os.listdir(tmp_path) == ["x.json"]
