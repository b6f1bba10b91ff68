"""From an account of a run to its decision: what is added to the verdict, and what becomes a problem."""

from __future__ import annotations

import importlib.metadata
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pytest_promotion import policy as policies
from pytest_promotion.clock import iso
from pytest_promotion.decision.assembly import Account, decision_of
from pytest_promotion.decision.fingerprint import failure_of
from pytest_promotion.evidence.bundle import bundle_id
from pytest_promotion.model import (
    CommandRun,
    Exhibit,
    Freshness,
    Gate,
    GateResult,
    GitState,
    Granted,
    Measurement,
    Outcome,
    Record,
    Requested,
    Scope,
    Severity,
    Status,
    Subject,
    ValidUntil,
    Waiver,
)

NOW = datetime(2026, 2, 22, 12, tzinfo=UTC)
CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


def exhibit(path, digit="1"):
    """A file that was read."""
    return Exhibit(path, digit * 64, 10, exists=True)


def fresh(path="a.json", age_s=300.0, max_age_s=1200.0):
    """An item of that age."""
    return Freshness(path, iso(NOW - timedelta(seconds=age_s)), "ts_utc", age_s, max_age_s)


def result(name="a", outcome=Outcome.PASS, severity=CRITICAL, requires=(), reason="said", **record):
    """One gate's result."""
    return GateResult(
        Gate(name, severity, f"t.py::test_{name}", requires=requires), outcome, reason, record=Record(**record)
    )


def account(*results, **changes):
    """What a run found out."""
    fields = {
        "run_id": "run-1", "now": NOW, "rules_as_of": NOW, "as_of": False, "results": results, "problems": (), "requested": Requested.ALL,
        "known": frozenset(one.gate.id for one in results), "policy": policies.Policy(policies.Rules()),
        "policy_path": "p.yaml", "policy_files": (exhibit("p.yaml"),), "subject": Subject("x", {"sha256": "2" * 64}),
        "manifest": exhibit("m.json"), "git": GitState("c" * 40, "d" * 40, True, ("a.py",)),
    } | changes  # fmt: skip
    return Account(**fields)


def decided(*results, **changes):
    """The decision on it."""
    return decision_of(account(*results, **changes))


def test_a_decision_has_all_that_the_account_has():
    """A field that is lost here is lost to every reader."""
    refreshed = (("q", CommandRun(("x",), 0, 1.0)),)
    given = account(
        result(exhibits=(exhibit("b"), exhibit("a")), freshness=(fresh(),)),
        attachments=(exhibit("j"),),
        refreshed=refreshed,
    )
    found = decision_of(given)
    assert (found.verdict.status, found.kind, found.run_id) == (Status.PASS, "decision", "run-1")
    assert found.ts_utc == found.clock_now == "2026-02-22T12:00:00.000000+00:00"
    assert (found.profile, found.overrides, found.weakened, found.as_of) == ("default", {}, (), False)
    assert (found.subject, found.manifest, found.policy_path) == (given.subject, given.manifest, "p.yaml")
    assert (found.policy_files, found.attachments, found.refreshed) == (
        given.policy_files,
        given.attachments,
        refreshed,
    )
    assert found.git == GitState("c" * 40, "d" * 40, True, ("a.py",))
    assert found.exhibits == (exhibit("a"), exhibit("b"))
    assert found.policy_sha256 == found.policy_resolved_sha256 == given.policy.resolved_sha256
    assert found.bundle_id == bundle_id(
        found.exhibits, found.verdict.results, given.policy.resolved_sha256, given.judges
    )
    assert (found.waived, found.tool_version) == ((), importlib.metadata.version("pytest-promotion"))


def test_the_policy_is_named_by_its_file():
    """And by its resolved rules; without a file these are both."""
    source = policies.PolicySource("p.yaml", b"version: 1\n")
    policy = policies.Policy(
        policies.Rules(), "ci", overrides={"a": 1}, weakened=("a: 0 to 1",), sources=(source, source)
    )
    found = decided(result(), policy=policy)
    assert (found.policy_sha256, found.policy_resolved_sha256) == (source.sha256, policy.resolved_sha256)
    assert (found.profile, found.overrides, found.weakened) == ("ci", {"a": 1}, ("a: 0 to 1",))


def test_a_replay_is_called_one():
    """It must never be acted on."""
    found = decided(result(), as_of=True)
    assert (found.kind, found.as_of) == ("replay", True)


@pytest.mark.parametrize(("requested", "scope"), [(Requested.ALL, Scope.FULL), (Requested.PLACES, Scope.PARTIAL)])
def test_the_required_gates_are_those_of_the_policy(requested, scope):
    """And whether the session asked for less decides what a missing one means."""
    policy = policies.Policy(policies.Rules(required=["a", "gone"]))
    found = decided(result(), policy=policy, requested=requested)
    assert ([one.gate.id for one in found.verdict.results], found.verdict.scope) == (["a", "gone"], scope)


def test_problems_come_in_the_order_in_which_they_are_found():
    """What broke in the run, then evidence, waivers, requirements."""
    one = result("a", exhibits=(exhibit("x", "1"),), requires=("gone", "b"))
    other = result("b", exhibits=(exhibit("x", "3"),))
    unused = waiver(result("zzz"), gate="zzz")
    found = decided(one, other, problems=("it broke",), granted=Granted((unused,), ("w.yaml is none",)))
    assert found.verdict.reasons == (
        "it broke",
        "x changed during the run: sha256 111111111111, then sha256 333333333333",
        "w.yaml is none",
        "w.yaml line 2: there is no gate 'zzz' to waive",
        "a rests on 'gone', and there is no such gate",
        "1 of 2 critical gates did not pass: a",
    )
    assert found.valid_until is None


def test_a_gate_that_is_known_and_was_not_run_is_no_missing_one():
    """A deselected gate exists; what rests on it is inconclusive, and nothing is misspelt."""
    found = decided(result("a", requires=("b",)), known=frozenset({"a", "b"}))
    assert found.verdict.reasons == ("1 of 1 critical gates did not pass: a",)
    assert found.verdict.results[0].outcome is Outcome.INCONCLUSIVE
    assert found.verdict.results[0].spoiled_by == ("b",)


# --- until when ---


def until(*results, **changes):
    """When the decision ends, and why."""
    return decided(*results, **changes).valid_until


def test_it_ends_with_the_item_that_goes_stale_first():
    """Of all that critical gates rest on."""
    one = result("a", freshness=(fresh("a.json", 300), fresh("b.json", 600)))
    other = result("b", freshness=(fresh("c.json", 0, 900),))
    assert until(one, other) == ValidUntil("2026-02-22T12:10:00.000000+00:00", "b.json goes stale at 20 min of age")


def test_without_an_item_that_goes_stale_there_is_no_end():
    """A reader is told so by the null."""
    assert until(result()) is None


def test_a_warning_gate_does_not_end_it():
    """It never changes the status, so that its evidence does not either."""
    assert until(result(), result("w", severity=WARNING, freshness=(fresh(age_s=1199),))) is None


def test_what_is_no_pass_has_no_end():
    """A FAIL does not become something else by waiting."""
    failed = result("b", Outcome.FAIL)
    assert until(result(freshness=(fresh(),)), failed) is None
    partial = replace(failed, outcome=Outcome.NOT_RUN)
    assert until(result(freshness=(fresh(),)), partial) is None


@pytest.mark.parametrize(("age", "status"), [(1200.0, Status.PASS), (1200.000001, Status.FAIL)])
def test_what_went_stale_before_the_session_ended_is_no_pass(age, status):
    """The gate asked an hour ago; the decision is of now."""
    found = decided(result(freshness=(fresh(age_s=age),)))
    assert found.verdict.status is status
    if status is Status.FAIL:
        assert found.verdict.reasons == ("a.json goes stale at 20 min of age before the session ended",)


def test_of_a_gate_that_failed_the_age_does_not_count():
    """Its own failure is the reason."""
    found = decided(result(), result("b", Outcome.FAIL, freshness=(fresh(age_s=9999),)))
    assert found.verdict.reasons == ("1 of 2 critical gates did not pass: b",)


# --- waivers ---


def waiver(of, **changes):
    """A waiver of that failure, good for a day."""
    failure = failure_of(of)
    ends = iso(NOW + timedelta(days=1))
    fields = {
        "gate": of.gate.id, "severity": CRITICAL, "subjects": (), "fingerprint": failure.fingerprint if failure else "0" * 64,
        "limits": failure.limits if failure else {}, "reason": "r", "owner": "o", "requested_by": "q",
        "created": iso(NOW), "expires": ends, "approvers": (), "ends": ValidUntil(ends, "the waiver expires"),
        "where": "w.yaml line 2",
    } | changes  # fmt: skip
    return Waiver(**fields)


def drift():
    """A gate whose drift is too large."""
    return result(
        "b",
        Outcome.FAIL,
        reason="drift is 31, expected <= 30",
        measurements=(Measurement("drift", 31, "<=", 30, ok=False),),
    )


def test_a_waived_failure_passes_and_ends():
    """And what rests on it is judged by itself."""
    found = decided(result("a", requires=("b",)), drift(), granted=Granted((waiver(drift()),)))
    assert [one.outcome for one in found.verdict.results] == [Outcome.PASS, Outcome.WAIVED]
    assert (found.verdict.status, found.verdict.reasons) == (Status.PASS, ())
    assert [(one.waiver.gate, one.outcome) for one in found.waived] == [("b", Outcome.FAIL)]
    assert found.valid_until == ValidUntil("2026-02-23T12:00:00.000000+00:00", "the waiver expires")


def test_a_stale_item_that_was_accepted_is_good_up_to_the_age_that_was_accepted():
    """The waiver says how old it may be; beyond that it was not accepted."""
    stale = result("b", Outcome.FAIL, reason="r.json is old", freshness=(fresh("r.json", 1500), fresh("s.json", 60)))
    granted = Granted((waiver(stale, limits={"age of r.json": 1800.0}),))
    found = decided(result(), stale, granted=granted)
    assert found.verdict.status is Status.PASS
    assert found.valid_until == ValidUntil("2026-02-22T12:05:00.000000+00:00", "r.json goes stale at 30 min of age")


def test_a_limit_does_not_make_a_window_smaller():
    """An accepted age below the window is no rule about fresh items."""
    stale = result("b", Outcome.FAIL, reason="r.json is old", freshness=(fresh("r.json", 1500),))
    found = decided(
        stale,
        result(freshness=(fresh("r.json", 0),)),
        granted=Granted((waiver(stale, limits={"age of r.json": 1560.0}),)),
    )
    assert found.valid_until == ValidUntil("2026-02-22T12:01:00.000000+00:00", "r.json goes stale at 26 min of age")


def test_what_does_not_count_hides_nothing_behind_it():
    """A warning gate that comes first in the list does not end the search."""
    warning = result("a", severity=WARNING, freshness=(fresh(age_s=1199),))
    assert until(warning, result("b", freshness=(fresh("b.json"),))).because == "b.json goes stale at 20 min of age"
