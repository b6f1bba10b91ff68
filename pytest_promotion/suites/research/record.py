"""
A candidate as `promotion show ID --json` prints it, made into what the judge is asked: how gates use the one judge.

Each gate gives the files that its part needs, and no others. What is not given is taken from the record: names, counts
and the policy of the evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import an_object, parse_json
from pytest_promotion.suites.research import approvals
from pytest_promotion.suites.research.bundle import ValidationBundle
from pytest_promotion.suites.research.digests import demand_sealed
from pytest_promotion.suites.research.evidence import BUNDLE, Case, case_of, demand_match
from pytest_promotion.suites.research.findings import Findings
from pytest_promotion.suites.research.judging import part
from pytest_promotion.suites.research.people import ASKED_BY, person_of
from pytest_promotion.suites.research.policy import InForce, ResearchPolicy, shipped
from pytest_promotion.suites.research.policy_comparison import weakened
from pytest_promotion.suites.research.question import Question
from pytest_promotion.suites.research.series import Series
from pytest_promotion.suites.research.unseen import Observation


def read_record(content: bytes, origin: str) -> dict[str, Any]:
    """The record in *content*. Raises `Unproven` where it was edited, or is none."""
    record = an_object(parse_json(content, origin), origin)
    demand_sealed(record)
    return record


def last_evaluation(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The payload of the last evaluation. Raises `Unproven` where there was none."""
    last = record.get("last_evaluation")
    if not isinstance(last, Mapping):
        raise Unproven("nobody ever evaluated it")
    payload: Mapping[str, Any] = last["payload"]
    return payload


def policy_of(record: Mapping[str, Any]) -> InForce:
    """
    The policy of the last evaluation.

    Raises:
        Unproven: where the record has none, or one that is not what its digests say.
    """
    content = last_evaluation(record).get("policy")
    if not isinstance(content, Mapping):
        raise Unproven("the last evaluation names no policy: evaluate it again")
    try:
        policy, base = (ResearchPolicy.of(content[name], f"the record's {name}") for name in ("document", "base"))
    except (PolicyError, KeyError) as problem:
        raise Unproven(f"the record's policy cannot be used: {problem}") from None
    if (policy.sha256, base.sha256) != (content.get("sha256"), content.get("base_sha256")):
        raise Unproven("the record's policy is not the one that its digest names")
    less = dict(content.get("weakened") or {})
    return InForce(base, policy, str(content.get("origin")), "", less, content.get("approver"))


def asked_less(record: Mapping[str, Any], baseline: ResearchPolicy | None = None) -> dict[str, str]:
    """What the last evaluation asked less of than *baseline*, the shipped policy without one."""
    return weakened(policy_of(record).policy, baseline or shipped())


def answer(
    record: Mapping[str, Any],
    name: str,
    contents: Mapping[str, bytes],
    now: datetime,
    observed: bytes | None = None,
) -> Findings:
    """
    What the part *name* of the judgement of *record* finds on the files in *contents*, by what they are.

    *observed* are the bytes of the unseen data. Never raises for evidence: what cannot be used is an open question.
    """
    try:
        return part(question(record, contents, now, observed), name)
    except Unproven as problem:
        return Findings(open_questions=[str(problem)])


def question(
    record: Mapping[str, Any], contents: Mapping[str, bytes], now: datetime, observed: bytes | None = None
) -> Question:
    """
    The question whether *record* is to be accepted, on the files in *contents*.

    Raises:
        Unproven: where the record or a file cannot be used.
    """
    payload, force = last_evaluation(record), policy_of(record)
    counted = payload.get("attempts") or {}
    evaluator = person_of(payload.get(ASKED_BY))
    if evaluator is None:
        raise Unproven("the record does not say who evaluated it")
    named = [event["payload"] for event in record["events"] if event["event_type"] == "observed"]
    observation = None
    if named and observed is not None:
        looks = len({one["sha256"] for one in named})
        series = Series.read(observed, "the unseen data")
        observation = Observation(named[-1]["kind"], series, named[-1]["sha256"], looks)
    case = _case(record, contents)
    demand_match(case, record)
    return Question(
        case=case,
        row=record,
        target="accepted",
        policy=force.policy,
        now=now,
        sweeps=int(counted.get("sweeps", 1)),
        hypotheses=int(counted.get("dataset", 1)),
        observation=observation,
        approvers=[person.shown for person in approvals.counted(record["events"], record, force, evaluator)],
        allow_missing_execution_evidence=bool(payload.get("allow_missing_execution_evidence")),
    )


def _case(record: Mapping[str, Any], contents: Mapping[str, bytes]) -> Case:
    """The case of *contents*; without a bundle among them, with one that has the record's names and no figures."""
    if BUNDLE in contents:
        return case_of(contents, {})
    horizon = record["horizon"]
    run, dataset, signal = (str(record[name]) for name in ("run_id", "dataset_id", "signal_name"))
    bare = ValidationBundle(run, dataset, signal, "", (horizon,), {horizon: {}})
    return case_of(contents, {}, bare)
