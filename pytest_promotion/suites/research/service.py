"""Evaluating a candidate: what was named is read, judged, recorded, and the status follows, in one transaction."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import Connection

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_file
from pytest_promotion.suites.research import approvals, observations, observed
from pytest_promotion.suites.research.attempts import Attempts, attempts
from pytest_promotion.suites.research.bundle import ValidationBundle
from pytest_promotion.suites.research.connections import taking
from pytest_promotion.suites.research.database import reading, writing
from pytest_promotion.suites.research.evidence import BUNDLE, Case, demand_match, named, read_case
from pytest_promotion.suites.research.gating import PromotionDecision, ThresholdConfig
from pytest_promotion.suites.research.judging import judge
from pytest_promotion.suites.research.people import Person, asking
from pytest_promotion.suites.research.policy import InForce, in_force
from pytest_promotion.suites.research.question import Question
from pytest_promotion.suites.research.store import (
    add_event,
    change_status,
    demand_seen,
    evidence_digest,
    evidence_of,
    get_candidate,
    get_events,
    last_policy,
)
from pytest_promotion.suites.research.transitions import Status, after_evaluation, status_of, target_of

if TYPE_CHECKING:
    from pytest_promotion.evidence.vault import Vault

_AGAIN: Final = 5  # times that an evaluation begins anew because somebody else was faster


def proposed(given: Mapping[str, Any], files: Mapping[str, str | os.PathLike[str]], base: Path) -> dict[str, Any]:
    """
    The payload of a new candidate, its *files* below *base* named with digests.

    What is not *given* of dataset_id, config_hash and git_commit is what the bundle says.

    Raises:
        Unproven: where a file is not there, or is about something else than what was given.
    """
    evidence = named(files, base)
    case = read_case(evidence)
    meta = case.bundle.meta
    said = {"dataset_id": case.bundle.dataset_id, "config_hash": meta.get("config_hash")}
    payload = {**said, "git_commit": meta.get("git_commit"), **given, "evidence": evidence}
    demand_match(case, payload)
    return payload


@taking
def evaluate_and_record(
    conn: Connection,
    candidate_id: str,
    thresholds: ThresholdConfig | None = None,
    bundle_or_path: ValidationBundle | str | os.PathLike[str] | None = None,
    regime_summary_df: Any = None,
    rc_summary: Mapping[str, Any] | None = None,
    *,
    policy: Path | None = None,
    approver: str | None = None,
    by: Person | None = None,
    allow_missing_execution_evidence: bool = False,
    evidence_base_path: Path | None = None,
    vault: Vault | None = None,
    seen: int | None = None,
) -> PromotionDecision:
    """
    Evaluates the candidate on the files that it named, and records what was found.

    What is asked is the file *policy*, else the policy that the store used last, else the shipped one. *thresholds* may
    ask for more; what asks for less needs an *approver* other than *by*, who asks. *bundle_or_path*,
    *regime_summary_df* and *rc_summary* need not be given; what is given has to be what the files say, or nothing is
    judged. *evidence_base_path* is where the files are now, if they were moved. *seen* is the id of the last event that
    whoever asks knows of, 0 for none.

    Returns:
        the decision, with the status that the candidate has now. Evidence that cannot be used, and questions that are
        open, are recorded too, and change no status: `judged` is False then.

    Raises:
        PolicyError: for a policy or thresholds that ask for less, without an approver.
        Unproven: where the store cannot be used, and where an event came after the one that was seen.
    """
    by = by or asking()
    for _ in range(_AGAIN):
        with reading(conn):
            row, events = get_candidate(conn, candidate_id), get_events(conn, candidate_id)
        if row is None:
            return PromotionDecision("rejected", (f"candidate_id not found: {candidate_id}",), judged=False)
        old = status_of(row["status"])
        target = target_of(old)
        without = ("execution_evidence",) if allow_missing_execution_evidence and target == "accepted" else ()
        force = in_force(policy, last_policy(conn), thresholds, approver, by.name, target, without)
        counted = attempts(conn, row)
        case: Case | None = None
        question: Question | None = None
        try:
            case = read_case(evidence_of(row, events), evidence_base_path, vault)
            demand_match(case, row)
            _demand_same(case, bundle_or_path, regime_summary_df, rc_summary)
            question = Question(
                case=case,
                row=row,
                target=target,
                policy=force.policy,
                now=datetime.now(UTC),
                sweeps=counted.sweeps,
                hypotheses=counted.dataset,
                observation=observed.current(events, evidence_base_path, observations.looks_at(conn, row)),
                approvers=[person.shown for person in approvals.counted(events, row, force, by)],
                accepted=observations.of_accepted(conn, row) if target == "accepted" else {},
                allow_missing_execution_evidence=allow_missing_execution_evidence,
            )
            decision = judge(question)
        except Unproven as problem:
            decision = PromotionDecision(old, (str(problem),), judged=False)
        decision = _settled(decision, old)
        with writing(conn):
            demand_seen(conn, candidate_id, seen)
            if len(get_events(conn, candidate_id)) != len(events):
                continue  # it was judged by an older state
            told = _told(decision, force, counted, by) | {
                "target_status": target,
                "old_status": old,
                "allow_missing_execution_evidence": allow_missing_execution_evidence,
                "thresholds_used": msgspec.to_builtins(question.thresholds if question else force.policy.step(target)),
                "evidence_sha256": evidence_digest(row, events),
                "unseen_sha256": observed.digest_of(events),
                "artifacts": dict(case.digests) if case is not None else {},
            }
            event = add_event(conn, candidate_id, "evaluated", told, by)
            if decision.new_status is not None and decision.new_status != old:
                because = "; ".join(decision.reasons) or "every rule is met"
                change_status(conn, candidate_id, decision.new_status, {"evaluation": event, "reason": because}, by)
        return decision
    raise Unproven(f"{candidate_id} is being changed by somebody else: try again")


def _settled(decision: PromotionDecision, old: Status) -> PromotionDecision:
    """*decision* with the status that the candidate has after it."""
    if not decision.judged:
        return PromotionDecision(
            old,
            decision.reasons,
            decision.metrics_snapshot,
            decision.warnings,
            judged=False,
            new_status=old,
            open_questions=decision.open_questions,
        )
    return replace(decision, new_status=after_evaluation(old, decision.status))


def _told(decision: PromotionDecision, force: InForce, counted: Attempts, by: Person) -> dict[str, Any]:
    """What is recorded of a decision."""
    return decision.document() | {
        "passed": decision.judged and decision.status == "accepted",
        "policy": force.document(),
        "attempts": counted.document(),
        "evaluator": by.shown,
    }


def _demand_same(case: Case, bundle: Any, regimes: Any, luck: Mapping[str, Any] | None) -> None:
    """Raises `Unproven` where the caller gave something else than the files of the candidate say."""
    if bundle is not None:
        if isinstance(bundle, ValidationBundle):
            given = bundle.sha256
        else:
            try:
                given = sha256(read_file(bundle)).hexdigest()
            except OSError as problem:
                raise Unproven(f"could not load ValidationBundle from path: {problem.strerror}") from None
        if given != case.digests[BUNDLE]:
            raise Unproven("the bundle that was given is not the one that the candidate names")
    if luck is not None and luck != case.rc_summary:
        raise Unproven("the reality check that was given is not the one that the candidate names")
    if regimes is not None:
        rows: Sequence[Mapping[str, Any]] = regimes.to_dict("records") if hasattr(regimes, "to_dict") else regimes
        if case.regime_summary is None or [dict(row) for row in rows] != [dict(row) for row in case.regime_summary]:
            raise Unproven("the regime summary that was given is not the one that the candidate names")
