"""Which failures are accepted by which waivers, and every reason why one is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pytest_promotion.clock import iso
from pytest_promotion.decision.fingerprint import failure_of
from pytest_promotion.decision.waivers import apply, ends, untimely
from pytest_promotion.model import (
    Absence,
    Approver,
    Freshness,
    Gate,
    GateResult,
    Measurement,
    Outcome,
    Record,
    Severity,
    ValidUntil,
    Waived,
    Waiver,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING
SECOND = timedelta(seconds=1)


def drift(value=31, name="drift", outcome=Outcome.FAIL, severity=CRITICAL, **more):
    """A gate whose drift is too large."""
    record = Record(measurements=(Measurement("drift", value, "<=", 30, ok=value <= 30),))
    reason = f"drift is {value}, expected <= 30"
    return GateResult(Gate(name, severity, f"t.py::test_{name}"), outcome, reason, record=record, **more)


def waiver(result=None, **changes):
    """A waiver of that failure, approved and of today."""
    result = result or drift()
    failure = failure_of(result)
    fields = {
        "gate": result.gate.id, "severity": result.gate.severity, "subjects": ("sha256:" + "a1" * 32,),
        "fingerprint": failure.fingerprint if failure else "0" * 64, "limits": failure.limits if failure else {},
        "reason": "calm is coming", "owner": "ana", "requested_by": "ana", "created": iso(NOW - timedelta(days=1)),
        "expires": iso(NOW + timedelta(days=1)), "approvers": (Approver("ben", ("qa",)),),
        "ends": ValidUntil(iso(NOW + timedelta(days=1)), "the waiver of drift expires"), "where": "w.yaml line 2",
    } | changes  # fmt: skip
    return Waiver(**fields)


def refused(one, result=None, now=NOW):
    """What is said of a waiver that is not used."""
    result = result or drift()
    results, used, problems = apply([result], [one], now)
    assert (results, used) == ((result,), ())
    [problem] = problems
    return problem


def test_a_failure_that_is_covered_is_waived():
    """Nothing of the result changes but its outcome: the reader sees what was accepted."""
    one, other = drift(), drift(5, "other", Outcome.PASS)
    results, used, problems = apply(iter([other, one]), iter([waiver()]), NOW)
    assert results == (other, replace(one, outcome=Outcome.WAIVED))
    assert used == (Waived(waiver(), Outcome.FAIL),)
    assert problems == ()


def test_without_waivers_nothing_changes():
    """The usual case."""
    assert apply([drift()], [], NOW) == ((drift(),), (), ())


def test_what_was_inconclusive_may_be_waived_too():
    """And the decision says that it was that."""
    lost = GateResult(Gate("drift", CRITICAL), Outcome.INCONCLUSIVE, "drift.json is missing")
    results, used, _ = apply([lost], [waiver(lost)], NOW)
    assert ([one.outcome for one in results], used[0].outcome) == ([Outcome.WAIVED], Outcome.INCONCLUSIVE)


@pytest.mark.parametrize("value", [30.5, 31])
def test_what_is_no_worse_than_accepted_is_covered(value):
    """A limit includes itself."""
    assert apply([drift(value)], [waiver()], NOW)[2] == ()


@pytest.mark.parametrize(
    ("moved", "problem"),
    [
        ({"created": iso(NOW + timedelta(minutes=2))}, ""),
        (
            {"created": iso(NOW + timedelta(minutes=2, microseconds=1))},
            "is of 2026-11-21T12:02:00.000001+00:00, which is yet to come",
        ),
        ({"expires": iso(NOW + SECOND)}, ""),
        ({"expires": iso(NOW)}, "expired at 2026-11-21T12:00:00.000000+00:00"),
        ({"expires": "2026-11-21T12:59:00+01:00"}, "expired at 2026-11-21T11:59:00.000000+00:00"),
    ],
)
def test_a_waiver_has_a_beginning_and_an_end(moved, problem):
    """At the moment of its expiry it is over; two minutes of skew are tolerated at its beginning."""
    one = waiver(**moved)
    assert untimely(one, NOW) == problem
    if problem:
        assert refused(one) == f"w.yaml line 2: the waiver of drift {problem}"
    else:
        assert apply([drift()], [one], NOW)[2] == ()


@pytest.mark.parametrize(
    ("one", "result", "problem"),
    [
        (waiver(), drift(29, outcome=Outcome.PASS), "covers nothing: the gate passed; remove it"),
        (waiver(), drift(outcome=Outcome.ERROR), "covers nothing: the gate is ERROR, which has shown nothing that could be accepted"),
        (waiver(), drift(outcome=Outcome.NOT_RUN), "covers nothing: the gate is NOT_RUN, which has shown nothing that could be accepted"),
        (waiver(), drift(outcome=Outcome.WAIVED), "is the second one for the same failure"),
        (waiver(severity=WARNING), drift(), "was approved for a warning gate, and the gate is critical"),
        (
            waiver(fingerprint="0" * 64),
            drift(),
            f"was given for another failure: this one has the fingerprint {failure_of(drift()).fingerprint}",
        ),
        (waiver(limits={}), drift(), "does not cover it: it has no limit for 'drift'"),
        (waiver(), drift(900), "does not cover it: drift is 900, and 31 was accepted"),
        (waiver(limits={"drift": 31, "b": 1, "a": 1}), drift(), "has a limit for a, b, which did not fail"),
    ],
)  # fmt: skip
def test_a_waiver_that_covers_nothing_says_why(one, result, problem):
    """A waiver that silently misses its gate is noticed only when it is too late."""
    assert refused(one, result) == f"w.yaml line 2: the waiver of drift {problem}"


def test_of_several_things_that_are_worse_all_are_named():
    """The second would be found only after the first was accepted."""
    stale = Freshness("a.json", iso(NOW), "ts_utc", 2000.0, 1200.0)
    result = replace(drift(40), record=replace(drift(40).record, freshness=(stale,)))
    one = waiver(result, limits={"drift": 31, "age of a.json": 1500.0})
    assert refused(one, result).endswith(
        "does not cover it: drift is 40, and 31 was accepted; the age of a.json is 2000 s, and 1500 s was accepted"
    )


@pytest.mark.parametrize("severity", Severity)
def test_a_waiver_for_critical_gates_covers_warnings_too(severity):
    """Who may accept more may accept less."""
    result = drift(severity=severity)
    one = waiver(result, severity=CRITICAL, fingerprint=failure_of(result).fingerprint)
    assert apply([result], [one], NOW)[2] == ()


def test_a_warning_is_waived_by_its_own():
    """The quorum for warnings is the smaller one."""
    result = drift(severity=WARNING)
    assert apply([result], [waiver(result)], NOW)[0][0].outcome is Outcome.WAIVED


@pytest.mark.parametrize(
    ("gate", "hint"), [("drfit", "; did you mean 'drift'?"), ("drift[1]", "; did you mean 'drift'?"), ("zzz", "")]
)
def test_a_waiver_of_no_gate_is_an_error(gate, hint):
    """A gate that was renamed lost its waiver, or the waiver was misspelt."""
    assert refused(waiver(gate=gate)) == f"w.yaml line 2: there is no gate {gate!r} to waive{hint}"


@pytest.mark.parametrize(
    ("absent", "problems"), [(Absence.DESELECTED, 0), (Absence.NOT_ASKED, 0), (Absence.NOT_COLLECTED, 1)]
)
def test_a_gate_that_was_left_out_on_purpose_is_not_asked_about(absent, problems):
    """`-k other` must not report every waiver of the project as one that covers nothing."""
    result = drift(outcome=Outcome.NOT_RUN, absent=absent)
    found = apply([result], [waiver()], NOW)
    assert (found[0], found[1], len(found[2])) == ((result,), (), problems)


def test_each_waiver_is_looked_at_whatever_became_of_the_others():
    """The first mistake must not hide the rest, nor keep a good one from being used."""
    skipped = drift(name="b", outcome=Outcome.NOT_RUN, absent=Absence.DESELECTED)
    waivers = [waiver(gate="zzz"), waiver(gate="b"), waiver(expires=iso(NOW)), waiver(), waiver()]
    results, used, problems = apply([skipped, drift()], waivers, NOW)
    assert [one.outcome for one in results] == [Outcome.NOT_RUN, Outcome.WAIVED]
    assert len(used) == 1
    assert [problem.rpartition(" ")[2] for problem in problems] == [
        "waive",
        "2026-11-21T12:00:00.000000+00:00",
        "failure",
    ]


def test_a_waived_decision_ends_with_its_waivers():
    """What the decision is valid until, and what is said to end it."""
    used = [
        Waived(waiver(), Outcome.FAIL),
        Waived(waiver(ends=ValidUntil("2026-11-21T13:00:00+01:00", "a key")), Outcome.FAIL),
    ]
    assert ends(used) == [(NOW + timedelta(days=1), "the waiver of drift expires"), (NOW, "a key")]
    assert ends([]) == []
