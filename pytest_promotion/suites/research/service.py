"""Evaluating a candidate: what was named is read, judged, recorded, and the status follows, in one transaction."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_file
from pytest_promotion.suites.research.bundle import ValidationBundle
from pytest_promotion.suites.research.database import writing
from pytest_promotion.suites.research.evidence import BUNDLE, Case, demand_match, named, read_case
from pytest_promotion.suites.research.gating import PromotionDecision, ThresholdConfig, evaluate_candidate
from pytest_promotion.suites.research.store import (
    add_event,
    change_status,
    demand_seen,
    evidence_digest,
    get_candidate,
)
from pytest_promotion.suites.research.transitions import after_evaluation, status_of, target_of

if TYPE_CHECKING:
    from pytest_promotion.evidence.vault import Vault


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


def evaluate_and_record(
    conn: Connection,
    candidate_id: str,
    thresholds: ThresholdConfig,
    bundle_or_path: ValidationBundle | str | os.PathLike[str] | None = None,
    regime_summary_df: Any = None,
    rc_summary: Mapping[str, Any] | None = None,
    *,
    allow_missing_execution_evidence: bool = False,
    evidence_base_path: Path | None = None,
    vault: Vault | None = None,
    seen: int | None = None,
) -> PromotionDecision:
    """
    Evaluates the candidate on the files that it named, and records what was found.

    A candidate that came out of a sweep (it has a family_id) needs the reality check of that sweep, whatever the
    thresholds say. *bundle_or_path*, *regime_summary_df* and *rc_summary* need not be given; what is given has to be
    what the files say, or nothing is judged. *evidence_base_path* is where the files are now, if they were moved.
    *seen* is the id of the last event that whoever asks knows of, 0 for none.

    Returns:
        the decision, with the status that the candidate has now. Evidence that cannot be used is recorded too, and
        changes no status: `judged` is False then.

    Raises:
        Unproven: where the store cannot be used, and where an event came after the one that was seen.
    """
    row = get_candidate(conn, candidate_id)
    if row is None:
        return PromotionDecision("rejected", (f"candidate_id not found: {candidate_id}",), judged=False)
    if row["family_id"]:
        thresholds = msgspec.structs.replace(thresholds, require_reality_check=True)
    case: Case | None = None
    refusal = ""
    try:
        case = read_case(json.loads(row["evidence_json"] or "null"), evidence_base_path, vault)
        demand_match(case, row)
        _demand_same(case, bundle_or_path, regime_summary_df, rc_summary)
    except Unproven as problem:
        refusal = str(problem)
    with writing(conn):
        demand_seen(conn, candidate_id, seen)
        now = get_candidate(conn, candidate_id)
        old = status_of(now["status"] if now else None)
        target = target_of(old)
        if case is None or refusal:
            decision = PromotionDecision(old, (refusal,), judged=False, new_status=old)
        else:
            decision = evaluate_candidate(
                case.bundle,
                thresholds,
                case.regime_summary,
                case.rc_summary,
                case.execution_evidence,
                target,
                horizon=row["horizon"],
                allow_missing_execution_evidence=allow_missing_execution_evidence,
                capacity_curve_readable=case.capacity_curve_readable,
            )
            decision = replace(decision, new_status=after_evaluation(old, decision.status))
        told = decision.document() | {
            "passed": decision.judged and decision.status == "accepted",
            "target_status": target,
            "old_status": old,
            "thresholds_used": msgspec.to_builtins(thresholds),
            "allow_missing_execution_evidence": allow_missing_execution_evidence,
            "evidence_sha256": evidence_digest(row),
            "artifacts": dict(case.digests) if case is not None else {},
        }
        event = add_event(conn, candidate_id, "evaluated", told)
        if decision.new_status is not None and decision.new_status != old:
            because = "; ".join(decision.reasons) or "every rule is met"
            change_status(conn, candidate_id, decision.new_status, {"evaluation": event, "reason": because})
    return decision


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
