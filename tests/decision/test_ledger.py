"""The ledger: what was planned, what was reported, and the outcome and sentence that follow for each gate."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion.decision.declared_gates import Written
from pytest_promotion.decision.ledger import Ledger, Phase, reduce, with_requirements
from pytest_promotion.model import (
    Absence,
    CommandRun,
    Exhibit,
    Gate,
    GateResult,
    Judged,
    Measurement,
    Outcome,
    Record,
    Severity,
)

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING
FILE = "gates/t.py"
NODE = f"{FILE}::test_a"
GATE = Gate("a", CRITICAL, NODE, rule="It is good.")
XFAIL = "marked xfail: a gate is waived with a reason and an expiry, not expected to fail"
JUDGED = Judged(judgements=1)
ASSERTED = Record(judged=JUDGED)
MEASURED = Record(measurements=(Measurement("x", 1, ">=", 1, ok=True),), judged=JUDGED)


def phases(*outcomes, **more):
    """Setup, call, teardown with the given outcomes."""
    return [
        Phase(when, outcome, **more) for when, outcome in zip(("setup", "call", "teardown"), outcomes, strict=False)
    ]


GOOD = phases("passed", "passed", "passed")


def files(*paths, reason="", refusals=()):
    """A record of files that were read."""
    exhibits = tuple(Exhibit(path, "ab" * 32, 1, exists=True) for path in paths)
    return Record(exhibits, reason=reason, refusals=refusals, judged=JUDGED)


def judged(seen=GOOD, record=MEASURED, gate=GATE, **options):
    """The result of one gate that reported these phases."""
    ledger = Ledger(**options)
    ledger.plan(gate)
    for phase in seen:
        ledger.observe(gate.nodeid, phase, record)
    return ledger.result(gate.nodeid)


def call_failed(kind, sentence="", **more):
    """A gate whose call failed."""
    return [Phase("setup", "passed"), Phase("call", "failed", kind, sentence, **more), Phase("teardown", "passed")]


# --- reduce: from phases to an outcome ---


@pytest.mark.parametrize(
    ("seen", "outcome", "reason"),
    [
        (GOOD, Outcome.PASS, ""),
        ([], Outcome.NOT_RUN, "was never reached"),
        (GOOD[:1], Outcome.ERROR, "did not finish: no call was reported"),
        (GOOD[:2], Outcome.ERROR, "did not finish: no teardown was reported"),
        (GOOD[1:], Outcome.ERROR, "did not finish: no setup was reported"),
        (phases("passed", "rerun", "passed"), Outcome.FAIL, "is flaky: it passed only when it was run again"),
        ([*phases("passed", "rerun"), *GOOD], Outcome.FAIL, "is flaky: it passed only when it was run again"),
        (call_failed("fail", "too low"), Outcome.FAIL, "too low"),
        (call_failed("fail"), Outcome.FAIL, "failed"),
        (call_failed("inconclusive", "no data"), Outcome.INCONCLUSIVE, "no data"),
        (call_failed("error", "KeyError: x"), Outcome.ERROR, "KeyError: x"),
        (call_failed("unheard of", "what"), Outcome.ERROR, "what"),
        (call_failed(""), Outcome.ERROR, "failed"),
        (call_failed("fail", "one part", part=True), Outcome.FAIL, "one part"),
        ([Phase("setup", "failed", "inconclusive", "no file")], Outcome.INCONCLUSIVE, "no file"),
        ([*GOOD[:2], Phase("teardown", "failed", "fail", "busy")], Outcome.ERROR, "its teardown failed: busy"),
        ([Phase("setup", "skipped", sentence="no redis")], Outcome.NOT_RUN, "was skipped: no redis"),
        ([Phase("setup", "skipped")], Outcome.NOT_RUN, "was skipped"),
        ([*GOOD, Phase("call", "skipped", expected=True)], Outcome.NOT_RUN, f"is {XFAIL}"),
        ([GOOD[0], Phase("call", "failed", "fail", expected=True), GOOD[2]], Outcome.NOT_RUN, f"is {XFAIL}"),
        (
            [GOOD[0], Phase("call", "passed", expected=True), GOOD[2]],
            Outcome.NOT_RUN,
            f"passed although it is {XFAIL}",
        ),
        ([*GOOD, Phase("call", "failed", "fail", "part 2", part=True)], Outcome.FAIL, "part 2"),
        (
            [GOOD[0], Phase("call", "passed", part=True), GOOD[2]],
            Outcome.ERROR,
            "did not finish: no call was reported",
        ),
        ([GOOD[0], Phase("???", "failed")], Outcome.ERROR, "the process that ran it died"),
        ([GOOD[0], Phase("???", "failed", sentence="worker gw1 died")], Outcome.ERROR, "worker gw1 died"),
        ([*GOOD, Phase("???", "passed", expected=True)], Outcome.ERROR, "the process that ran it died"),
        ([*GOOD[:2], Phase("teardown", "passed", "error", "it cannot be read")], Outcome.ERROR, "it cannot be read"),
        ([GOOD[0], Phase("call", "passed", "fail"), GOOD[2]], Outcome.FAIL, "failed"),
        ([GOOD[0], Phase("call", "rerun", "error", "lost"), *GOOD], Outcome.ERROR, "lost"),
        (phases("passed", "excellent", "passed"), Outcome.ERROR, "reported the unknown outcome 'excellent'"),
    ],
)
def test_what_the_phases_of_a_gate_come_to(seen, outcome, reason):
    """A plugin that keeps the last report, or the first, passes a gate that failed in another."""
    assert reduce(seen) == (outcome, reason)


def test_of_several_failures_the_worst_counts():
    """A teardown that broke must not hide behind a skip, nor an error behind a failed assertion."""
    skipped, failed, broken = (
        Phase("call", "skipped", sentence="s"),
        Phase("call", "failed", "fail", "f"),
        Phase("call", "failed", "error", "e"),
    )
    for seen in itertools.permutations([skipped, failed, broken]):
        assert reduce(seen) == (Outcome.ERROR, "e")
    assert reduce([failed, skipped]) == reduce([skipped, failed]) == (Outcome.FAIL, "f")


def test_of_two_that_are_as_bad_the_first_is_told():
    """The first failure is usually the cause of the second."""
    assert reduce([Phase("call", "failed", "fail", "one"), Phase("call", "failed", "fail", "two")])[1] == "one"


def test_a_failure_outweighs_a_rerun():
    """The sentence of the failure says more than that it was tried again."""
    assert reduce([GOOD[0], Phase("call", "rerun"), *call_failed("fail", "too low")]) == (Outcome.FAIL, "too low")


@pytest.mark.parametrize(
    ("other", "outcome", "reason"),
    [
        ([Phase("call", "failed", "fail", "too low", worker="b")], Outcome.FAIL, "too low"),
        ([Phase("setup", "passed", worker="b")], Outcome.ERROR, "did not finish: no call was reported"),
        (phases("passed", "passed", "passed", worker="b"), Outcome.PASS, ""),
    ],
)
def test_each_worker_has_to_finish(other, outcome, reason):
    """A gate that two workers ran, of which one died, passed only on the other."""
    first = phases("passed", "passed", "passed", worker="a")
    for seen in ([*first, *other], [*other, *first]):
        assert reduce(seen) == (outcome, reason)


def test_two_halves_on_two_workers_are_no_whole():
    """A setup here and a call there is no run of the gate."""
    seen = [Phase("setup", "passed", worker="a"), *phases("", "passed", "passed", worker="b")[1:]]
    assert reduce(seen)[0] is Outcome.ERROR


@given(st.permutations([*GOOD, Phase("call", "failed", "fail", "bad")]))
def test_a_later_report_never_heals_an_earlier_one(order):
    """Reports that arrive twice, late or out of order must not turn red into green."""
    assert reduce(order) == (Outcome.FAIL, "bad")


_PHASE = st.builds(
    Phase,
    st.sampled_from(["setup", "call", "teardown", "???"]),
    st.sampled_from(["passed", "failed", "skipped", "rerun", "else"]),
    st.sampled_from(["", "fail", "inconclusive", "error"]),
    st.sampled_from(["", "said"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["a", "b"]),
)


@given(
    st.lists(_PHASE, max_size=8) | st.lists(st.sampled_from([*GOOD, *phases("passed", "passed", "passed", worker="b")]))
)
def test_pass_needs_three_good_phases_and_nothing_else(seen):
    """The property that the tables above sample, written the other way round."""
    runs = [{phase.when for phase in seen if phase.worker == name and not phase.part} for name in ("", "a", "b")]
    complete = all(done >= {"setup", "call", "teardown"} for done in runs if done)
    good = all(
        phase.outcome == "passed" and phase.when != "???" and not phase.kind and not phase.expected for phase in seen
    )
    parts_alone = any(all(one.part for one in seen if one.worker == phase.worker) for phase in seen)
    assert (reduce(seen)[0] is Outcome.PASS) == (bool(seen) and complete and good and not parts_alone)


# --- what a success rests on ---


def test_a_pass_has_the_sentence_of_the_gate_or_its_rule():
    """A reader of the decision sees what was shown, not just that it was."""
    assert judged() == GateResult(GATE, Outcome.PASS, "It is good.", 0.0, MEASURED)
    assert judged(record=files("x.json", reason="17 of 17 agree")).reason == "17 of 17 agree"


def test_a_gate_that_passed_over_a_refusal_did_not_pass():
    """An exception that a gate swallows is still what the evidence said."""
    found = judged(record=files("x.json", refusals=("x.json is stale", "y.json is missing")))
    assert (found.outcome, found.reason) == (
        Outcome.INCONCLUSIVE,
        "passed over what it was told: x.json is stale",
    )


def written(name="test_a", severity=WARNING, line=3, **more):
    """A gate as its source has it."""
    return Written(FILE, name, line, severity, **more)


@pytest.mark.parametrize("node", [NODE, f"{NODE}[one]", f"{NODE}[x[y]]"])
@pytest.mark.parametrize("record", [Record(), MEASURED], ids=["empty", "measured"])
def test_what_cannot_fail_never_passes(node, record):
    """`assert (False, "stale")` is green whatever was read."""
    found = judged(record=record, gate=Gate("a", CRITICAL, node), written=[written(vacuous="line 4 asserts a tuple")])
    assert (found.outcome, found.reason) == (Outcome.INCONCLUSIVE, "cannot fail: line 4 asserts a tuple")


@pytest.mark.parametrize("node", [NODE, f"{NODE}[one]"])
def test_what_may_have_judged_nothing_needs_evidence(node):
    """An age that is limited from one side only is no proof by itself."""
    gate = Gate("a", CRITICAL, node)
    found = judged(record=ASSERTED, gate=gate, written=[written(thin="line 4 limits an age from above only")])
    assert (found.outcome, found.reason) == (
        Outcome.INCONCLUSIVE,
        "proves nothing: line 4 limits an age from above only",
    )
    assert judged(gate=gate, written=[written(thin="line 4 limits an age from above only")]).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("counted", "outcome", "reason"),
    [
        (Judged(), Outcome.INCONCLUSIVE, "judged nothing: no assertion"),
        (Judged(hollow="t.py line 3 judged nothing: it is empty"), Outcome.INCONCLUSIVE, "t.py line 3 judged nothing"),
        (Judged(2, doubt="t.py line 3 compares NaN"), Outcome.INCONCLUSIVE, "t.py line 3 compares NaN"),
        (Judged(2, swallowed="t.py line 3 failed an assertion"), Outcome.FAIL, "passed although a failure was raised"),
        (Judged(1, hollow="t.py line 3 judged nothing"), Outcome.PASS, "It is good."),
    ],
)
def test_a_pass_needs_a_judgement(counted, outcome, reason):
    """Reading evidence proves nothing: something has to be judged, and no failure may be passed over."""
    found = judged(record=Record((Exhibit("x.json", "ab" * 32, 1, exists=True),), judged=counted))
    assert found.outcome is outcome
    assert found.reason.startswith(reason)


def test_a_gate_without_evidence_passes_unless_the_policy_wants_some():
    """`evidence: required` is the rule that a bare assertion is not enough."""
    assert judged(record=ASSERTED).outcome is Outcome.PASS
    found = judged(record=ASSERTED, evidence_required=True)
    reason = "passed without an artifact, a measurement or a command to rest on"
    assert (found.outcome, found.reason) == (Outcome.INCONCLUSIVE, reason)
    command = Record(commands=(CommandRun(("true",), 0, 0.1),), judged=JUDGED)
    aged = replace(files("x.json"), ageless=(("x.json", "it is of this commit"),))
    for record in (MEASURED, command, aged):
        assert judged(record=record, evidence_required=True).outcome is Outcome.PASS


def test_a_refusal_is_named_before_the_form_of_the_gate():
    """The evidence that was refused is what has to be looked at first."""
    found = judged(record=files(refusals=("x.json is missing",)), written=[written(vacuous="line 4", thin="line 5")])
    assert found.reason == "passed over what it was told: x.json is missing"
    both = judged(record=Record(), evidence_required=True, written=[written(vacuous="line 4", thin="line 5")])
    assert both.reason == "cannot fail: line 4"
    assert judged(record=ASSERTED, evidence_required=True, written=[written(thin="line 5")]).reason == (
        "proves nothing: line 5"
    )


# --- the sentence of a failure ---


@pytest.mark.parametrize(
    ("paths", "reason"),
    [
        ([], "too low"),
        (["x"], "too low (x)"),
        (["x", "y", "z"], "too low (x, y, z)"),
        (["x", "y", "z", "u"], "too low (x, y, z, …)"),
        (["elsewhere", "too"], "too low"),
    ],
)
def test_a_failure_names_the_files_it_is_about(paths, reason):
    """A sentence such as `too low` is of no use where two hundred reports are judged."""
    for kind in ("fail", "inconclusive", "error"):
        assert judged(call_failed(kind, "too low"), files(*paths)).reason == reason


def test_what_did_not_run_is_about_no_file():
    """A skip after the first file was read is not a statement about that file."""
    found = judged([Phase("call", "skipped", sentence="no redis")], files("x.json"))
    assert (found.outcome, found.reason) == (Outcome.NOT_RUN, "was skipped: no redis")


# --- the plan ---


def test_phases_add_up_and_the_latest_record_counts():
    """Durations are the sum of setup, call and teardown; records only grow, so that the last holds all."""
    ledger = Ledger()
    ledger.plan(GATE)
    for phase, record, seconds in zip(GOOD, (files("x"), MEASURED, None), (0.5, 0.25, 0.125), strict=True):
        ledger.observe(NODE, phase, record, duration_s=seconds)
    found = ledger.result(NODE)
    assert (found.duration_s, found.record, found.outcome) == (0.875, MEASURED, Outcome.PASS)


def test_a_planned_gate_that_reported_nothing_did_not_run():
    """A session that ended early leaves gates that were collected and never reached."""
    ledger = Ledger()
    ledger.plan(GATE)
    assert ledger.result(NODE) == GateResult(GATE, Outcome.NOT_RUN, "was never reached")


def test_what_arrives_later_is_counted():
    """A result that was asked for in between must not freeze what the gate came to."""
    ledger = Ledger()
    ledger.plan(GATE)
    for phase in GOOD:
        ledger.observe(NODE, phase, MEASURED)
    assert ledger.result(NODE).outcome is Outcome.PASS
    assert ledger.result(NODE) is ledger.result(NODE)
    ledger.observe(NODE, Phase("call", "failed", "fail", "a subtest"))
    assert ledger.result(NODE).outcome is Outcome.FAIL
    described = Gate("a", WARNING, NODE, rule="Another.")
    ledger.plan(described)
    assert ledger.result(NODE).gate is described


def test_a_gate_without_a_description_is_critical():
    """A worker that dies before it says what it collected leaves only a name."""
    ledger = Ledger()
    ledger.plan_unseen("gates/t.py::test_a[1]")
    [found] = ledger.results(lambda one: True)
    assert found == GateResult(Gate("a[1]", CRITICAL, "gates/t.py::test_a[1]"), Outcome.NOT_RUN, "was never reached")


@pytest.mark.parametrize("node", [NODE, f"{NODE}[1]"])
def test_the_source_tells_the_severity_where_the_worker_did_not(node):
    """A warning gate on a worker that died must not block the promotion."""
    ledger = Ledger([written()])
    ledger.observe(node, Phase("???", "failed"))
    [found] = ledger.results(lambda one: True)
    assert (found.gate.severity, found.outcome) == (WARNING, Outcome.ERROR)


def test_what_is_known_of_a_gate_is_not_replaced_by_a_guess():
    """A second worker that collected the same gate says nothing new."""
    ledger = Ledger()
    gate = Gate("a", WARNING, NODE, owner="ops")
    ledger.plan(gate)
    ledger.plan_unseen(NODE)
    ledger.observe(NODE, GOOD[0])
    assert ledger.planned == (gate,)


def test_deselected_gates_are_collected_and_not_planned():
    """What an option left out is told from what was never there."""
    ledger = Ledger([written("test_c", line=9)])
    other = Gate("b", WARNING, f"{FILE}::test_b")
    ledger.plan(GATE)
    ledger.plan(other)
    ledger.deselect(other)
    assert (ledger.planned, ledger.collected) == ((GATE,), (GATE, other))
    assert ledger.known_ids == {"a", "b", "c"}
    found = list(ledger.results(lambda one: True))
    assert [one.gate.id for one in found] == ["a", "b", "c"]
    assert found[1] == GateResult(other, Outcome.NOT_RUN, "was deselected", absent=Absence.DESELECTED)


def test_deselecting_what_was_never_planned_is_no_error():
    """pytest reports deselected items before it reports the rest."""
    ledger = Ledger()
    ledger.deselect(GATE)
    assert (ledger.planned, ledger.collected) == ((), (GATE,))


@pytest.mark.parametrize(("requested", "absent"), [(True, Absence.NOT_COLLECTED), (False, Absence.NOT_ASKED)])
def test_a_gate_in_a_source_that_was_not_collected_is_listed(requested, absent):
    """A class that pytest does not collect is a gate less, and nothing else says so."""
    one, two = written("TestX::test_b", CRITICAL, 7), written()
    ledger = Ledger([one, two])
    ledger.plan(GATE)
    seen = []
    found = list(ledger.results(lambda gate: seen.append(gate) or requested))
    assert seen == [one]
    gate = Gate("b", CRITICAL, f"{FILE}::TestX::test_b", line=7)
    reason = f"stands in {FILE} line 7 and was {absent.value}"
    assert found[1:] == [GateResult(gate, Outcome.NOT_RUN, reason, absent=absent)]


@pytest.mark.parametrize("more", [{}, {"vacuous": "line 4"}, {"thin": "line 5"}])
def test_one_parameter_that_was_collected_shows_the_gate(more):
    """The source knows no parameters: one of them is enough for the gate to be there."""
    ledger = Ledger([written(**more)])
    ledger.plan(Gate("a[1]", CRITICAL, f"{NODE}[1]"))
    assert [one.gate.id for one in ledger.results(lambda one: True)] == ["a[1]"]
    ledger.deselect(Gate("a[1]", CRITICAL, f"{NODE}[1]"))
    assert [one.gate.id for one in ledger.results(lambda one: True)] == ["a[1]"]


def test_a_problem_is_listed_once_and_in_order():
    """Two workers that report the same broken plugin are one problem."""
    ledger = Ledger()
    for sentence in ("b", "a", "b"):
        ledger.problem(sentence)
    assert ledger.problems == ["b", "a"]


# --- requires ---


def result(name, outcome=Outcome.PASS, requires=()):
    """One gate's result."""
    return GateResult(Gate(name, CRITICAL, requires=requires), outcome, "said")


def test_what_rests_on_a_failure_is_not_proven():
    """A gate that holds given another one says nothing once that one is gone."""
    results = [result("a", requires=("b",)), result("b", requires=("x", "c")), result("c", Outcome.FAIL), result("x")]
    first, second, *rest = with_requirements(results)
    assert rest == results[2:]
    assert (first.outcome, first.reason, first.spoiled_by) == (
        Outcome.INCONCLUSIVE,
        "rests on b, which did not pass",
        ("b",),
    )
    assert (second.outcome, second.reason, second.spoiled_by) == (
        Outcome.INCONCLUSIVE,
        "rests on c, which did not pass",
        ("c",),
    )


def test_everything_that_is_missing_is_kept():
    """The sentence names the first; the file names them all."""
    [found, _] = with_requirements([result("a", requires=("gone", "b", "c")), result("b")])
    assert (found.reason, found.spoiled_by) == ("rests on gone, which did not pass", ("gone", "c"))


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.PASS])
def test_only_a_pass_is_spoiled(outcome):
    """A gate that failed by itself keeps its own reason, and one that was waived was judged by people."""
    results = [result("a", outcome, requires=("b",)), result("b", Outcome.FAIL)]
    assert with_requirements(iter(results)) == results


def test_a_waived_gate_may_be_rested_on():
    """What people entitled to it accepted counts as passed."""
    results = [result("a", requires=("b",)), result("b", Outcome.WAIVED)]
    assert with_requirements(results) == results


def test_gates_that_rest_on_each_other_end():
    """A circle of passing gates is no failure, and must not hang."""
    results = [result("a", requires=("b",)), result("b", requires=("a",))]
    assert with_requirements(results) == results
