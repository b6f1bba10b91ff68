"""The fix of an outcome: a file that is old, missing or damaged is written again, and a bad value has a cause."""

from __future__ import annotations

import pytest

from pytest_promotion.decision.fixes import with_fix
from pytest_promotion.model import Exhibit, Freshness, Gate, GateResult, Outcome, Record, Severity
from pytest_promotion.policy import Policy, Producer, Rules

PATH = "reports/parity/latest.json"
PARITY = Producer(
    command=["{python}", "{root}/services/parity.py", "--once"],
    writes=[PATH],
    environment={"PYTHONPATH": "{root}"},
)
POLICY = Policy(
    rules=Rules(), producers={"parity": PARITY}, writers={"reports/store/events_*.jsonl": "restart the store"}
)
AGAIN = "PYTHONPATH=. python ./services/parity.py --once"


def fixed(outcome, reason, path=PATH, age_s=0.0, exists=True, policy=POLICY):
    """The fix of a gate that looked at *path*."""
    record = Record(
        exhibits=(Exhibit(path, "1" * 64 if exists else "", 1 if exists else 0, exists=exists),),
        freshness=(Freshness(path, "2026-02-22T12:00:00+00:00", "ts_utc", age_s, 900.0),) if exists else (),
    )
    gate = Gate("g", Severity.CRITICAL, "t.py::test_g", fix="look at the bot that is named")
    return with_fix(GateResult(gate, outcome, reason, record=record), policy).gate.fix


def test_a_stale_report_is_written_again_by_its_producer():
    """`mend the value` sends people to a value that is good, and the service stays down."""
    found = fixed(Outcome.FAIL, f"{PATH} is 2.0 days old by its ts_utc, the window is 15 min", age_s=172800.0)
    assert found == f"write {PATH} again: {AGAIN}"


def test_a_missing_report_is_written_by_its_producer():
    """The same for one that was never written."""
    assert fixed(Outcome.INCONCLUSIVE, f"{PATH} is missing", exists=False) == f"write {PATH}: {AGAIN}"


@pytest.mark.parametrize("reason", ["is half written", "has no field 'passed' there", "is undated"])
def test_a_report_that_cannot_be_used_is_written_again(reason):
    """A report of another program has no such field, however often its values are looked at."""
    found = fixed(Outcome.INCONCLUSIVE, f"{PATH} {reason}")
    assert found == f"{PATH} cannot be used as it is; write it again: {AGAIN}"


@pytest.mark.parametrize("outcome", [Outcome.INCONCLUSIVE, Outcome.FAIL])
def test_a_report_without_a_statement_is_written_under_promotion_run(outcome):
    """Written again as before, it has no statement again, and the gate says the same for ever."""
    command = f"promotion run --name NAME --input tests --output {PATH} -- COMMAND"
    found = fixed(outcome, f"{PATH} has no statement of what it was made from: run its producer by {command}")
    assert found == f"run promotion run --name NAME --input tests --output {PATH} -- {AGAIN}"
    unknown = fixed(outcome, f"{PATH} has no statement: run its producer by {command}", policy=Policy(rules=Rules()))
    assert unknown == f"run {command}"


@pytest.mark.parametrize(
    ("outcome", "reason", "age_s"),
    [
        (Outcome.FAIL, "bot1 fill_ratio_delta is 0.4, expected <= 0.1", 0.0),
        (Outcome.FAIL, f"{PATH} status is 'fail', expected == 'pass'", 0.0),
        (Outcome.FAIL, "bot1 is off", 172800.0),  # it is old as well, and that is not what failed
        (Outcome.ERROR, f"{PATH} is missing", 0.0),
        (Outcome.PASS, "3 bots agree", 0.0),
    ],
    ids=["value", "status", "another-reason", "error", "pass"],
)
def test_a_bad_value_keeps_the_fix_of_its_gate(outcome, reason, age_s):
    """A producer that is run again writes the same bad value again."""
    assert fixed(outcome, reason, age_s=age_s) == "look at the bot that is named"


def test_what_nobody_is_known_to_write_keeps_the_fix_of_its_gate():
    """An invented command is worse than the author's sentence."""
    assert fixed(Outcome.INCONCLUSIVE, "other.json is missing", "other.json", exists=False).startswith("look at")
    assert fixed(Outcome.INCONCLUSIVE, f"{PATH} is missing", exists=False, policy=Policy(rules=Rules())).startswith(
        "look"
    )


def test_a_pattern_that_nothing_matches_is_a_missing_file():
    """The newest of no files has no path that could be named."""
    reason = "nothing matches reports/store/events_*.jsonl below the promotion root"
    assert fixed(Outcome.INCONCLUSIVE, reason) == "write reports/store/events_*.jsonl: restart the store"
    found = fixed(
        Outcome.FAIL, "reports/store/events_20260222.jsonl is 2 days old", "reports/store/events_20260222.jsonl", 1e6
    )
    assert found == "write reports/store/events_20260222.jsonl again: restart the store"
