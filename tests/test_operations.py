"""The strict cycle, its watcher and the readiness decision: a crashed or expired decision is PASS nowhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.json_files import append_line, read_object, write_json
from pytest_promotion.suites.trading.decisions import hear
from pytest_promotion.suites.trading.readiness import finalize
from pytest_promotion.suites.trading.watch import AnotherWatcher, Watch, watch

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


NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
PASSING = {
    "run_id": "r",
    "kind": "decision",
    "finished": True,
    "status": "PASS",
    "passed": True,
    "ts_utc": NOW.isoformat(),
    "valid_until": {"ts_utc": (NOW + timedelta(minutes=5)).isoformat(), "because": "x"},
}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "PASS"),
        ({"valid_until": None}, "PASS"),
        ({"finished": False}, "FAIL"),
        ({"finished": "true"}, "FAIL"),
        ({"status": "FAIL"}, "FAIL"),
        ({"passed": False}, "FAIL"),
        ({"passed": "true"}, "FAIL"),
        ({"kind": "replay"}, "UNKNOWN"),
        ({"run_id": ""}, "UNKNOWN"),
        ({"run_id": "older"}, "UNKNOWN"),
        ({"ts_utc": (NOW - timedelta(hours=1)).isoformat()}, "UNKNOWN"),
        ({"ts_utc": None}, "UNKNOWN"),
        ({"valid_until": {"ts_utc": (NOW - timedelta(seconds=1)).isoformat()}}, "FAIL"),
        ({"valid_until": {}}, "UNKNOWN"),
    ],
)
def test_a_decision_is_heard_only_for_what_it_is(tmp_path, change, status):
    """Each of these has been taken for a PASS by someone in a hurry."""
    write_json(tmp_path / "latest.json", PASSING | change)
    heard = hear(tmp_path / "latest.json", NOW, since=NOW - timedelta(minutes=1), not_run="older")
    assert heard.status == status


@pytest.mark.parametrize("content", [None, "", "{", "[]", "null", "\xff"])
def test_a_decision_that_cannot_be_read_is_unknown(tmp_path, content):
    """A torn file is not a no, and certainly not a yes."""
    if content is not None:
        (tmp_path / "latest.json").write_text(content)
    assert hear(tmp_path / "latest.json", NOW).status == "UNKNOWN"


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


def reports(folder, **changes):
    """Inputs that say GO, changed as asked; None removes one."""
    stamp = NOW.isoformat()
    inputs = {
        "promotion_gates/strict_cycle_latest.json": {
            "ts_utc": stamp,
            "strict_gate_rc": 0,
            "strict_gate_status": "PASS",
            "critical_failures": [],
            "valid_until": (NOW + timedelta(minutes=5)).isoformat(),
        },
        "soak/latest.json": {"ts_utc": stamp, "status": "ready"},
        "event_store/day2_gate_eval_latest.json": {"ts_utc": stamp, "go": True},
        "reconciliation/latest.json": {"ts_utc": stamp, "status": "ok"},
        "parity/latest.json": {"ts_utc": stamp, "status": "pass"},
        "portfolio_risk/latest.json": {"ts_utc": stamp, "status": "ok"},
    }
    for path, document in inputs.items():
        change = changes.get(path.split("/")[0], {})
        if change is not None:
            write_json(folder / path, document | change)
    return folder


def decide(folder):
    """The readiness decision as of NOW."""
    return finalize(folder, NOW, timedelta(minutes=30))


def test_everything_right_is_go(tmp_path):
    """A finalizer that always holds would pass every test below."""
    found = decide(reports(tmp_path))
    assert (found.status, found.blockers) == ("GO", ())
    assert "**GO**" in found.markdown()


OLD = {"ts_utc": (NOW - timedelta(hours=1)).isoformat()}
AHEAD = {"ts_utc": (NOW + timedelta(hours=1)).isoformat()}


@pytest.mark.parametrize(
    ("changes", "blocker"),
    [
        ({"promotion_gates": {"strict_gate_rc": 1}}, "strict_cycle_not_pass"),
        ({"promotion_gates": {"strict_gate_rc": None}}, "strict_cycle_not_pass"),
        ({"promotion_gates": {"strict_gate_status": "UNKNOWN"}}, "strict_cycle_not_pass"),
        ({"promotion_gates": {"valid_until": (NOW - timedelta(seconds=1)).isoformat()}}, "strict_cycle_not_pass"),
        ({"promotion_gates": {"valid_until": "soon"}}, "strict_cycle_not_pass"),
        ({"promotion_gates": OLD}, "strict_cycle_not_pass"),
        ({"promotion_gates": None}, "strict_cycle_not_pass"),
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
def test_one_thing_wrong_is_hold(tmp_path, changes, blocker):
    """Each of these was once no obstacle to GO."""
    found = decide(reports(tmp_path, **changes))
    assert (found.status, found.blockers) == ("HOLD", (blocker,))


def test_the_command_writes_both_and_says_hold(strict_place):
    """A HOLD that exits with 0 is deployed by the next line of the script."""
    done = run(strict_place, "finalize", "--apply-to-primary")
    assert done.returncode == 2
    written = read_object(strict_place.path / "reports/readiness/final_decision_latest.json")
    assert written["status"] == "HOLD"
    for name in ("option4_readiness_decision_latest.md", "option4_readiness_decision.md"):
        assert "**HOLD**" in (strict_place.path / "docs/ops" / name).read_text()


def test_the_command_says_go(strict_place):
    """And a GO has to be possible."""
    stamp = datetime.now(UTC).isoformat()
    changes = {
        name: {"ts_utc": stamp} for name in ("soak", "event_store", "reconciliation", "parity", "portfolio_risk")
    }
    until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    reports(strict_place.path / "reports", promotion_gates={"ts_utc": stamp, "valid_until": until}, **changes)
    assert run(strict_place, "finalize").returncode == 0


def test_a_file_that_is_no_object_is_refused(tmp_path):
    """A list where an object belongs has every key missing, and defaults for all of them."""
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(Unproven, match="is a list, expected an object"):
        read_object(tmp_path / "x.json")
    assert os.listdir(tmp_path) == ["x.json"]
