"""`decide()`: the one place where PASS is built, branch by branch."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion.decision.verdict import decide
from pytest_promotion.model import Absence, Gate, GateResult, Outcome, Requested, Scope, Severity, Status

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING
NO_CRITICAL = "no critical gate ran: nothing shows that the candidate may be promoted"


def result(name, outcome=Outcome.PASS, severity=CRITICAL, absent=None, file="gates/test.py"):
    """One gate's result."""
    return GateResult(Gate(name, severity, f"{file}::test_{name}"), outcome, "because", absent=absent)


def left_out(name, severity=CRITICAL, absent=Absence.DESELECTED, **more):
    """A gate that did not run."""
    return result(name, Outcome.NOT_RUN, severity, absent, **more)


def ids(verdict):
    """The gates of a verdict, in its order."""
    return [one.gate.id for one in verdict.results]


@pytest.mark.parametrize("severity", Severity)
def test_a_gate_that_does_not_apply_has_no_say(severity):
    """It neither blocks nor passes: with nothing else there is no ground for a promotion."""
    apart = result("a", Outcome.NOT_APPLICABLE, severity)
    verdict = decide([result("good"), apart], None)
    assert (verdict.status, verdict.not_applicable) == (Status.PASS, ("a",))
    assert (verdict.warnings, verdict.critical_failures, verdict.reasons) == ((), (), ())
    alone = decide([apart], ["a"])
    assert (alone.status, alone.reasons) == (Status.FAIL, (NO_CRITICAL,))


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.NOT_APPLICABLE])
@pytest.mark.parametrize("severity", Severity)
def test_only_a_pass_or_a_waiver_lets_a_critical_gate_through(outcome, severity):
    """Every other outcome has been counted as a pass by some tool."""
    verdict = decide([result("good"), result("a", outcome, severity)], None)
    accepted = outcome in (Outcome.PASS, Outcome.WAIVED)
    passes = accepted or severity is WARNING
    assert (verdict.status, verdict.passed) == (Status.PASS if passes else Status.FAIL, passes)
    assert verdict.scope is Scope.FULL
    assert verdict.warnings == (() if accepted or severity is CRITICAL else ("a",))
    assert verdict.critical_failures == (() if passes else ("a",))
    assert verdict.reasons == (() if passes else ("1 of 2 critical gates did not pass: a",))


@pytest.mark.parametrize(
    ("results", "required", "reasons"),
    [
        ([], None, (NO_CRITICAL,)),
        ([], [], (NO_CRITICAL,)),
        ([], ["a"], ("1 of 1 critical gates did not pass: a",)),
        ([result("w", severity=WARNING)], None, (NO_CRITICAL,)),
        ([result("w", severity=WARNING)], ["w"], (NO_CRITICAL,)),
        ([result("w", Outcome.FAIL, WARNING)], None, (NO_CRITICAL,)),
    ],
)
def test_without_a_critical_gate_there_is_no_pass(results, required, reasons):
    """`all([])` is true."""
    verdict = decide(results, required)
    assert (verdict.status, verdict.scope, verdict.reasons) == (Status.FAIL, Scope.FULL, reasons)


def test_problems_of_the_run_come_first_and_fail_it():
    """When the run itself broke, what it reported is not all there was."""
    alone = decide([result("a")], None, ["a worker died", "the disk is full"])
    assert (alone.status, alone.scope) == (Status.FAIL, Scope.FULL)
    assert alone.reasons == ("a worker died", "the disk is full")
    assert (alone.critical_failures, alone.warnings) == ((), ())
    both = decide([result("a", Outcome.ERROR)], None, ["a worker died"])
    assert both.reasons == ("a worker died", "1 of 1 critical gates did not pass: a")


def test_the_problems_that_are_handed_in_stay_as_they_are():
    """A list that grows while it is read would report the reasons of another decision."""
    problems = ["a worker died"]
    decide([result("a", Outcome.FAIL)], None, problems)
    assert problems == ["a worker died"]


def test_every_failure_is_counted_and_named_in_order():
    """The count is what a reader sees first, and the names are where to start."""
    results = [result("c", Outcome.FAIL), result("a", Outcome.ERROR), result("b"), result("w", Outcome.FAIL, WARNING)]
    verdict = decide(results, None)
    assert verdict.reasons == ("2 of 3 critical gates did not pass: a, c",)
    assert verdict.critical_failures == ("a", "c")
    assert verdict.warnings == ("w",)
    assert ids(verdict) == ["a", "b", "c", "w"]


@pytest.mark.parametrize(
    ("results", "required", "scope", "status"),
    [
        ([result("a"), result("w", severity=WARNING)], None, Scope.FULL, Status.PASS),
        ([result("a"), left_out("w", WARNING)], None, Scope.CRITICAL, Status.PASS),
        ([result("a"), left_out("w", WARNING, Absence.NOT_ASKED)], None, Scope.CRITICAL, Status.PASS),
        ([result("a"), left_out("w", WARNING, Absence.NOT_COLLECTED)], None, Scope.FULL, Status.PASS),
        ([result("a", Outcome.FAIL), left_out("w", WARNING)], None, Scope.CRITICAL, Status.FAIL),
        ([result("a"), left_out("b")], None, Scope.PARTIAL, Status.PARTIAL),
        ([result("a"), left_out("b", absent=Absence.NOT_ASKED)], None, Scope.PARTIAL, Status.PARTIAL),
        ([result("a"), left_out("b", absent=Absence.NOT_COLLECTED)], None, Scope.FULL, Status.FAIL),
        ([result("a"), left_out("b"), left_out("w", WARNING)], None, Scope.PARTIAL, Status.PARTIAL),
        ([result("a", Outcome.FAIL), left_out("b")], None, Scope.PARTIAL, Status.PARTIAL),
        ([result("a")], ["a", "b"], Scope.FULL, Status.FAIL),
        ([result("a"), left_out("b")], ["a"], Scope.FULL, Status.PASS),
        ([result("a"), result("b", Outcome.FAIL)], ["a"], Scope.FULL, Status.FAIL),
        ([result("a[1]"), result("a[2]")], ["a"], Scope.FULL, Status.PASS),
        ([result("a[1]"), result("a[2]", Outcome.FAIL)], ["a"], Scope.FULL, Status.FAIL),
    ],
)
def test_the_scope_follows_from_what_was_left_out(results, required, scope, status):
    """A partial run that is taken for a decision promotes what no gate judged."""
    verdict = decide(results, required)
    assert (verdict.scope, verdict.status) == (scope, status)


def test_a_partial_run_names_what_is_missing_and_what_failed():
    """The developer who debugs one gate has to see which others this says nothing about."""
    results = [result("a", Outcome.FAIL), left_out("c"), left_out("b"), left_out("w", WARNING)]
    verdict = decide(results, None, ["a worker died"])
    assert verdict.reasons == (
        "a worker died",
        "1 of 1 critical gates did not pass: a",
        "2 critical gates were not part of this session: b, c",
    )
    assert (verdict.critical_failures, verdict.warnings) == (("a",), ())
    assert ids(verdict) == ["a", "b", "c", "w"]


def test_a_partial_run_of_nothing_says_both():
    """A session that deselected every critical gate has no result and is not complete."""
    verdict = decide([left_out("a")], None)
    assert verdict.status is Status.PARTIAL
    assert verdict.reasons == (NO_CRITICAL, "1 critical gates were not part of this session: a")


def test_a_warning_that_was_left_out_is_no_warning_to_review():
    """`-m critical` would otherwise list every warning gate as one that went wrong."""
    verdict = decide([result("a"), left_out("w", WARNING), left_out("v", WARNING, Absence.NOT_COLLECTED)], None)
    assert verdict.warnings == ("v",)
    assert verdict.scope is Scope.CRITICAL


# --- the required gates ---


@pytest.mark.parametrize(
    ("requested", "absent", "status", "scope"),
    [
        (Requested.ALL, Absence.NOT_COLLECTED, Status.FAIL, Scope.FULL),
        (Requested.CHOSEN, Absence.NOT_COLLECTED, Status.FAIL, Scope.CRITICAL),
        (Requested.PLACES, Absence.NOT_ASKED, Status.PARTIAL, Scope.PARTIAL),
        (Requested.PARTS, Absence.NOT_ASKED, Status.PARTIAL, Scope.PARTIAL),
    ],
)
def test_a_required_gate_that_is_unknown_blocks(requested, absent, status, scope):
    """A gate that was deleted, or whose file was never collected, is required all the same."""
    verdict = decide([result("a")], ["a", "b"], requested=requested)
    assert (verdict.status, verdict.scope) == (status, scope)
    missing = verdict.results[1]
    assert missing.gate == Gate("b", CRITICAL)
    assert (missing.outcome, missing.absent) == (Outcome.NOT_RUN, absent)
    assert missing.reason == f"is required and was {absent.value}"
    assert verdict.critical_failures == (("b",) if absent is Absence.NOT_COLLECTED else ())


def test_a_run_asked_for_everything_unless_it_says_otherwise():
    """A FAIL that became PARTIAL by a default would not be noticed as one."""
    assert decide([result("a")], ["a", "b"]).status is Status.FAIL


def test_the_results_stand_in_the_order_of_the_required_gates():
    """Two runs of the same gates give the same file, and the policy's order is the reader's."""
    results = [result("z"), result("y"), result("b[2]"), result("b[1]"), result("a")]
    assert ids(decide(results, ["b", "gone", "a"])) == ["b[1]", "b[2]", "gone", "a", "y", "z"]


def test_a_parameter_may_be_required_by_itself():
    """`a[2]` first and all of `a` later: the more exact entry is the one that counts."""
    results = [result("a[1]"), result("a[2]"), result("b")]
    assert ids(decide(results, ["a[2]", "b", "a"])) == ["a[2]", "b", "a[1]"]


@pytest.mark.parametrize(
    ("known", "required", "missing"),
    [
        (["a[1]"], ["a"], []),
        (["a[1]"], ["a[1]"], []),
        (["a[1]"], ["a[2]"], ["a[2]"]),
        (["a"], ["a[1]"], ["a[1]"]),
        (["ab"], ["a"], ["a"]),
        (["a"], ["ab"], ["ab"]),
        (["a[1]", "a[2]"], ["a[1]", "a"], []),
        (["a[x[y]]"], ["a"], []),
        (["a[x[y]]"], ["a[x"], ["a[x"]),
    ],
)
def test_which_required_gate_a_known_one_answers(known, required, missing):
    """A parameter that was removed from its list is a gate less."""
    verdict = decide([result(name) for name in known], required)
    assert [one.gate.id for one in verdict.results if one.absent] == missing
    assert verdict.critical_failures == tuple(missing)


@pytest.mark.parametrize("absent", Absence)
def test_a_gate_that_is_not_required_and_did_not_run_is_not_listed(absent):
    """A file of gates beside the policy's own says nothing about this candidate."""
    verdict = decide([result("a"), left_out("b", absent=absent)], ["a"])
    assert (ids(verdict), verdict.status) == (["a"], Status.PASS)


def test_a_required_gate_that_was_left_out_is_the_one_that_is_known():
    """Its severity is known, so that it is not listed a second time as a critical one."""
    verdict = decide([result("a"), left_out("w", WARNING)], ["a", "w"])
    assert (ids(verdict), verdict.status, verdict.scope) == (["a", "w"], Status.PASS, Scope.CRITICAL)


def test_without_required_gates_the_order_is_that_of_the_files():
    """Gates of one file belong together, however workers report them."""
    results = [result("a", file="gates/z.py"), result("c", file="gates/b.py"), result("b", file="gates/b.py")]
    assert ids(decide(results, None)) == ["b", "c", "a"]
    in_classes = [
        result("a", file="gates/b.py::TestZ"),
        result("b", file="gates/b.py"),
        result("c", file="gates/b.py::TestA"),
    ]
    assert ids(decide(in_classes, None)) == ["a", "b", "c"]


# --- properties ---

_OUTCOMES = st.sampled_from(Outcome)
_ABSENT = st.none() | st.sampled_from(Absence)


@st.composite
def sessions(draw):
    """What a session may have found: results by id, what is required, what broke, whether less was requested."""
    names = draw(st.lists(st.sampled_from("abcd"), unique=True))
    results = []
    for name in names:
        absent = draw(_ABSENT)
        outcome = Outcome.NOT_RUN if absent else draw(_OUTCOMES)
        results.append(result(name, outcome, draw(st.sampled_from(Severity)), absent))
    required = draw(st.none() | st.lists(st.sampled_from("abcde"), unique=True))
    return results, required, draw(st.lists(st.just("it broke"), max_size=1)), draw(st.sampled_from(Requested))


def may_pass(results, required, problems, requested):
    """The rule for PASS as the contract states it, written the other way round: what has to be there."""
    known = {one.gate.id: one for one in results}
    names = {name for name in known if required is None or name in required or known[name].absent is None}
    if problems or any(name not in known for name in required or ()):
        return False
    applies = [known[name] for name in names if known[name].outcome is not Outcome.NOT_APPLICABLE]
    critical = [one for one in applies if one.gate.severity is CRITICAL]
    if requested is Requested.PARTS or (requested is Requested.PLACES and required is None):
        return False
    outcomes = {one.outcome for one in critical}
    return Outcome.PASS in outcomes and outcomes <= {Outcome.PASS, Outcome.WAIVED}


@given(sessions())
def test_pass_is_what_the_contract_calls_so_and_nothing_else(session):
    """The property that the tables above sample: no way of leaving gates out, or of breaking, leads to PASS."""
    results, required, problems, requested = session
    verdict = decide(results, required, problems, requested=requested)
    assert verdict.passed == may_pass(*session)
    assert verdict.passed == (not verdict.reasons)
    assert (verdict.status is Status.PARTIAL) == (verdict.scope is Scope.PARTIAL)
    assert verdict.scope is not Scope.FULL or requested is Requested.ALL
    failed = {one.gate.id for one in verdict.results if not one.passed}
    assert {*verdict.critical_failures, *verdict.warnings} <= failed


@given(sessions(), st.randoms(use_true_random=False))
def test_the_order_of_results_does_not_matter(session, random):
    """Workers finish in any order."""
    results, required, problems, requested = session
    shuffled = random.sample(results, len(results))
    assert decide(shuffled, required, problems, requested=requested) == decide(
        results, required, problems, requested=requested
    )


@pytest.mark.parametrize(
    ("requested", "required", "status", "scope"),
    [
        (Requested.ALL, None, Status.PASS, Scope.FULL),
        (Requested.CHOSEN, None, Status.PASS, Scope.CRITICAL),
        (Requested.PLACES, None, Status.PARTIAL, Scope.PARTIAL),
        (Requested.PLACES, ["a"], Status.PASS, Scope.CRITICAL),
        (Requested.PARTS, None, Status.PARTIAL, Scope.PARTIAL),
        (Requested.PARTS, ["a"], Status.PARTIAL, Scope.PARTIAL),
    ],
)
def test_a_session_that_was_asked_for_less_is_never_full(requested, required, status, scope):
    """One parameter of a gate passed while another one failed: that was PASS, scope full."""
    verdict = decide([result("a")], required, requested=requested)
    assert (verdict.status, verdict.scope) == (status, scope)
    assert bool(verdict.reasons) is (status is not Status.PASS)


def test_waivers_alone_are_no_ground():
    """Where everything was accepted as it failed, nothing shows that the candidate may be promoted."""
    waived = result("a", Outcome.WAIVED)
    assert decide([waived], None).reasons == ("no critical gate passed by itself: every one of them was waived",)
    assert decide([waived, result("w", severity=WARNING)], None).status is Status.FAIL
    assert decide([waived, result("b")], None).status is Status.PASS


def test_results_may_come_from_a_generator():
    """The ledger yields them; a second pass over a generator would see none."""
    results = [result("a"), result("b", Outcome.FAIL)]
    assert decide(iter(results), None) == decide(results, None)
    assert decide(iter(results), ["a", "b"]) == decide(results, ["a", "b"])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_required_gates_are_found_in_any_order(order):
    """As above, for the order that the policy sets."""
    results = [result("a"), result("b", Outcome.FAIL), result("w", Outcome.FAIL, WARNING)]
    assert ids(decide([results[number] for number in order], ["w", "b", "a"])) == ["w", "b", "a"]
