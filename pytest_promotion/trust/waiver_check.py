"""The waivers of a past decision, judged again by the files that were kept with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pytest_promotion.decision.waivers import apply
from pytest_promotion.model import Absence, Freshness, Gate, GateResult, Measurement, Outcome, Record, Subject
from pytest_promotion.policy import Policy
from pytest_promotion.trust.stored import StoredCheck, StoredDecision
from pytest_promotion.trust.waivers import granted


def judged_again(decision: StoredDecision, policy: Policy, at: datetime) -> Iterator[str]:
    """
    A sentence for each waiver of *decision* that its policy and its people do not stand behind at *at*.

    Every signature is checked again, and every failure is held against what was accepted of it.
    """
    named = decision.subject
    subject = Subject(named.name, named.digest) if named else None
    waivers = granted(policy, subject, at)
    yield from waivers.problems
    before = {one.gate: Outcome(one.outcome) for one in decision.waivers}
    narrow = decision.scope != "full"
    results = [_result(check, before.get(check.name, check.outcome), narrow=narrow) for check in decision.checks]
    _, used, problems = apply(results, waivers.waivers, at, policy.rules.timestamps.skew)
    yield from problems
    for name in sorted(before.keys() - {one.waiver.gate for one in used}):
        yield f"nothing that was kept waives {name}"


def _result(check: StoredCheck, outcome: Outcome, *, narrow: bool) -> GateResult:
    """A check as its gate left it, without what the decision made of it."""
    record = Record(
        measurements=tuple(
            Measurement(one.name, one.value, one.operator, one.threshold, one.ok) for one in check.measurements
        ),
        freshness=tuple(
            Freshness(one.path, one.timestamp, one.source, one.age_s, one.max_age_s) for one in check.freshness
        ),
    )
    absent = Absence.DESELECTED if narrow and outcome is Outcome.NOT_RUN else None
    gate = Gate(check.name, check.severity, requires=tuple(check.requires))
    return GateResult(gate, outcome, check.reason, record=record, absent=absent)
