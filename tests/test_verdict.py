"""decide(): the one place where PASS is built."""

from __future__ import annotations

import itertools

import pytest

from pytest_promotion.decision.ledger import Ledger, Phase, reduce, with_requirements
from pytest_promotion.decision.verdict import decide
from pytest_promotion.model import Absence, Gate, GateResult, Outcome, Record, Scope, Severity, Status

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


def result(name, outcome=Outcome.PASS, severity=CRITICAL, absent=None, requires=()):
    """One gate's result."""
    return GateResult(
        Gate(name, severity, f"gates/test.py::test_{name}", requires=requires), outcome, "because", absent=absent
    )


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("severity", Severity)
def test_only_a_pass_or_a_waiver_lets_a_critical_gate_through(outcome, severity):
    """Every outcome that is not PASS is one that someone, somewhere, has counted as one."""
    verdict = decide([result("good"), result("a", outcome, severity)], None)
    fine = severity is WARNING or outcome in (Outcome.PASS, Outcome.WAIVED)
    assert verdict.status is (Status.PASS if fine else Status.FAIL)
    assert bool(verdict.warnings) == (severity is WARNING and outcome not in (Outcome.PASS, Outcome.WAIVED))


def test_nothing_is_not_a_pass():
    """`all([])` is true."""
    assert decide([], None).status is Status.FAIL
    assert decide([], ["a"]).status is Status.FAIL
    assert decide([result("w", severity=WARNING)], None).status is Status.FAIL


def test_a_problem_of_the_run_is_a_fail():
    """When the run itself broke, what it reported is not all there was."""
    assert decide([result("a")], None, ["a worker died"]).status is Status.FAIL


@pytest.mark.parametrize(
    ("results", "required", "scope", "status"),
    [
        ([result("a"), result("w", severity=WARNING)], None, Scope.FULL, Status.PASS),
        ([result("a"), result("w", Outcome.NOT_RUN, WARNING, Absence.DESELECTED)], None, Scope.CRITICAL, Status.PASS),
        (
            [result("a"), result("b", Outcome.NOT_RUN, CRITICAL, Absence.DESELECTED)],
            None,
            Scope.PARTIAL,
            Status.PARTIAL,
        ),
        ([result("a"), result("b", Outcome.NOT_RUN, CRITICAL, Absence.NOT_ASKED)], None, Scope.PARTIAL, Status.PARTIAL),
        ([result("a"), result("b", Outcome.NOT_RUN, CRITICAL, Absence.NOT_COLLECTED)], None, Scope.FULL, Status.FAIL),
        ([result("a")], ["a", "b"], Scope.FULL, Status.FAIL),
        ([result("a"), result("b", Outcome.NOT_RUN, CRITICAL, Absence.DESELECTED)], ["a"], Scope.FULL, Status.PASS),
        ([result("a"), result("b", Outcome.FAIL)], ["a"], Scope.FULL, Status.FAIL),
        ([result("a[1]"), result("a[2]")], ["a"], Scope.FULL, Status.PASS),
        ([result("a[1]"), result("a[2]", Outcome.FAIL)], ["a"], Scope.FULL, Status.FAIL),
        (
            [result("a", Outcome.FAIL), result("b", Outcome.NOT_RUN, CRITICAL, Absence.DESELECTED)],
            None,
            Scope.PARTIAL,
            Status.PARTIAL,
        ),
    ],
)
def test_the_scope_follows_from_who_was_left_out(results, required, scope, status):
    """A look at some gates that is taken for a decision promotes what nobody looked at."""
    verdict = decide(results, required)
    assert (verdict.scope, verdict.status) == (scope, status)


def test_a_required_gate_that_nobody_can_place_may_not_have_been_asked_for():
    """`pytest gates/trading` under the policy of all suites is a look, not a broken release."""
    assert decide([result("a")], ["a", "b"], narrowed=True).status is Status.PARTIAL


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_order_of_results_does_not_matter(order):
    """Workers finish in any order."""
    results = [result("a"), result("b", Outcome.FAIL), result("w", Outcome.FAIL, WARNING)]
    assert decide([results[number] for number in order], None) == decide(results, None)


def phases(*outcomes):
    """Setup, call, teardown with the given outcomes."""
    return [Phase(when, outcome) for when, outcome in zip(("setup", "call", "teardown"), outcomes, strict=False)]


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (phases("passed", "passed", "passed"), Outcome.PASS),
        ([], Outcome.NOT_RUN),
        (phases("passed"), Outcome.ERROR),
        (phases("passed", "passed"), Outcome.ERROR),
        ([Phase("call", "passed"), Phase("teardown", "passed")], Outcome.ERROR),
        (phases("passed", "passed", "failed"), Outcome.ERROR),
        (phases("failed", "", "passed")[:1], Outcome.ERROR),
        ([Phase("setup", "failed", kind="inconclusive"), Phase("teardown", "passed")], Outcome.INCONCLUSIVE),
        ([Phase("setup", "passed"), Phase("call", "failed", kind="fail"), Phase("teardown", "passed")], Outcome.FAIL),
        ([Phase("setup", "passed"), Phase("call", "failed", kind="error"), Phase("teardown", "passed")], Outcome.ERROR),
        (phases("skipped"), Outcome.NOT_RUN),
        ([*phases("passed", "passed", "passed"), Phase("call", "skipped", expected=True)], Outcome.NOT_RUN),
        (
            [Phase("setup", "passed"), Phase("call", "passed", expected=True), Phase("teardown", "passed")],
            Outcome.NOT_RUN,
        ),
        ([*phases("passed", "passed", "passed"), Phase("call", "failed", kind="fail", part=True)], Outcome.FAIL),
        ([Phase("setup", "passed"), Phase("call", "passed", part=True), Phase("teardown", "passed")], Outcome.ERROR),
        ([Phase("setup", "passed"), Phase("call", "rerun"), *phases("passed", "passed", "passed")], Outcome.FAIL),
        ([Phase("setup", "passed"), Phase("???", "failed")], Outcome.ERROR),
        (phases("passed", "excellent", "passed"), Outcome.ERROR),
        (
            [
                *(Phase(p.when, p.outcome, worker="a") for p in phases("passed", "passed", "passed")),
                Phase("call", "failed", kind="fail", worker="b"),
            ],
            Outcome.FAIL,
        ),
        (
            [
                *(Phase(p.when, p.outcome, worker="a") for p in phases("passed", "passed", "passed")),
                Phase("setup", "passed", worker="b"),
            ],
            Outcome.ERROR,
        ),
    ],
)
def test_the_worst_that_was_seen_counts(seen, outcome):
    """A plugin that keeps the last report passes a gate whose subtests failed."""
    assert reduce(seen)[0] is outcome


def test_a_later_report_never_heals_an_earlier_one():
    """Reports that arrive twice, late or out of order must not turn red into green."""
    bad = Phase("call", "failed", kind="fail")
    for order in itertools.permutations([*phases("passed", "passed", "passed"), bad]):
        assert reduce(order)[0] is Outcome.FAIL


def test_what_rests_on_a_failure_is_not_proven():
    """A gate that holds given another one says nothing once that one is gone."""
    results = [result("a", requires=("b",)), result("b", requires=("c",)), result("c", Outcome.FAIL)]
    assert [one.outcome for one in with_requirements(results)] == [
        Outcome.INCONCLUSIVE,
        Outcome.INCONCLUSIVE,
        Outcome.FAIL,
    ]


def test_a_gate_that_passed_over_a_refusal_did_not_pass():
    """An exception that a gate swallows is still what the evidence said."""
    ledger = Ledger()
    gate = Gate("a", CRITICAL, "gates/t.py::test_a")
    ledger.plan(gate)
    for phase in phases("passed", "passed", "passed"):
        ledger.observe(gate.nodeid, phase, Record(refusals=("x.json is missing",)))
    assert ledger.result(gate.nodeid).outcome is Outcome.INCONCLUSIVE


def test_a_gate_that_nobody_described_is_critical():
    """A worker that dies before it says what it collected leaves only a name."""
    ledger = Ledger()
    ledger.plan_unseen("gates/t.py::test_a[1]")
    [found] = ledger.results(lambda written: True)
    assert (found.gate.id, found.gate.severity, found.outcome) == ("a[1]", CRITICAL, Outcome.NOT_RUN)
