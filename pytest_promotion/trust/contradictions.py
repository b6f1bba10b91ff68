"""Where the parts of a decision do not agree with each other: nobody wrote such a one by deciding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_promotion.canonical import digest
from pytest_promotion.decision.recomputing import belied
from pytest_promotion.errors import Unproven
from pytest_promotion.model import Outcome, Severity
from pytest_promotion.trust.stored import StoredCheck, StoredDecision, parse, read_content


def read(path: Path) -> tuple[StoredDecision, bytes]:
    """
    The decision at *path* and its bytes.

    Raises:
        Unproven: for what is no finished decision, and for one whose parts do not agree.
    """
    content = read_content(path)
    decision = parse(content, str(path))
    against = next(contradictions(decision), None)
    if against is not None:
        raise Unproven(f"{path} contradicts itself: {against}")
    return decision, content


def contradictions(decision: StoredDecision) -> Iterator[str]:
    """A sentence for each part of the decision that another part belies."""
    if decision.passed != (decision.status == "PASS"):
        yield f"it says status {decision.status} and passed {str(decision.passed).lower()}"
    if decision.passed and (decision.reasons or decision.critical_failures):
        yield "it says PASS and gives reasons against it"
    yield from _of_checks(decision)
    waived = sorted(check.name for check in decision.checks if check.outcome is Outcome.WAIVED)
    if waived != sorted(one.gate for one in decision.waivers):
        yield "its waivers are not those of the gates that are waived"
    yield from _of_evidence(decision)
    if recomputed_bundle_id(decision) != decision.evidence_bundle.evidence_bundle_id:
        yield "its evidence bundle id is not that of what it lists"


def recomputed_bundle_id(decision: StoredDecision) -> str:
    """The bundle id that follows from what the decision lists; see `evidence.bundle`."""
    listed: dict[str, Any] = {
        "artifacts": sorted([one.path, one.sha256, one.size_bytes] for one in decision.evidence_bundle.artifacts),
        "gates": sorted([one.name, one.outcome.value] for one in decision.checks),
        "policy": decision.policy.resolved_sha256,
    }
    if decision.judges is not None:  # version 0.1 did not name them
        listed["judges"] = sorted([one.path, one.sha256] for one in decision.judges.sources)
        listed["suites"] = sorted(decision.judges.suites.items())
    return digest(listed)


def _of_checks(decision: StoredDecision) -> Iterator[str]:
    names = [check.name for check in decision.checks]
    if len(set(names)) != len(names):
        yield f"the gate {next(name for name in names if names.count(name) > 1)} stands in it twice"
    for check in decision.checks:
        if check.passed != (check.outcome in (Outcome.PASS, Outcome.WAIVED)):
            yield f"{check.name} says {check.outcome.value} and pass {str(check.passed).lower()}"
        elif not check.passed and check.outcome is not Outcome.NOT_APPLICABLE and not _is_listed(check, decision):
            yield f"{check.name} is {check.outcome.value} and is not listed as that"
        for sentence in belied(check.outcome, check.measurements, check.freshness):
            yield f"{check.name}: {sentence}"
    harmless = {check.name for check in decision.checks if check.passed or check.outcome is Outcome.NOT_APPLICABLE}
    for name in sorted(harmless & {*decision.critical_failures, *decision.warnings}):
        yield f"{name} is listed among what failed, and did not fail"


def _is_listed(check: StoredCheck, decision: StoredDecision) -> bool:
    if check.shadow:
        return True  # it counts for nothing, as the policy has to say
    listed = decision.critical_failures if check.severity is Severity.CRITICAL else decision.warnings
    # What was left out on purpose is neither a failure nor a warning of a narrower scope.
    return check.name in listed or (check.outcome is Outcome.NOT_RUN and decision.scope != "full")


def _of_evidence(decision: StoredDecision) -> Iterator[str]:
    bundle = decision.evidence_bundle
    if bundle.artifact_count != len(bundle.artifacts):
        yield f"it counts {bundle.artifact_count} artifacts and lists {len(bundle.artifacts)}"
    paths = {one.path for one in bundle.artifacts}
    if len(paths) != len(bundle.artifacts):
        yield "an artifact stands in it twice"
    for check in decision.checks:
        for path in check.evidence_paths:
            if path not in paths:
                yield f"{check.name} rests on {path}, which is not in the evidence bundle"
    for one in bundle.artifacts:
        if one.exists != bool(one.sha256):
            yield f"{one.path} is said to {'exist' if one.exists else 'be absent'}, and its digest says otherwise"
