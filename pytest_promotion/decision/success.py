"""What the success of a gate rests on: a pass needs a judgement that was executed, of evidence, and not swallowed."""

from __future__ import annotations

from pytest_promotion.decision.declared_gates import Written
from pytest_promotion.model import Outcome, Record
from pytest_promotion.text import listed

_NOTHING = "judged nothing: no assertion, measurement, age limit or checked exit code was executed in its body"
_NONE_IS_RIGHT = "where nothing is right, say so: measure.none(name, found, among=…, may_be_empty=True)"


def objection(record: Record, written: Written | None, *, evidence_required: bool) -> tuple[Outcome, str] | None:
    """
    What speaks against a gate whose phases all passed; None where nothing does.

    Args:
        record: what the gate looked at and judged.
        written: its source, where that shows a weakness.
        evidence_required: whether the policy demands evidence of each gate.
    """
    judged = record.judged
    if judged.swallowed:
        return Outcome.FAIL, f"passed although a failure was raised in it: {judged.swallowed}"
    if record.refusals:
        return Outcome.INCONCLUSIVE, f"passed over what it was told: {record.refusals[0]}"
    if written is not None and written.vacuous:
        return Outcome.INCONCLUSIVE, f"cannot fail: {written.vacuous}"
    if judged.doubt:
        return Outcome.INCONCLUSIVE, judged.doubt
    if not judged.judgements:
        return Outcome.INCONCLUSIVE, judged.hollow or _NOTHING
    if judged.hollow and evidence_required:
        return (
            Outcome.INCONCLUSIVE,
            judged.hollow if "`else`" in judged.hollow else f"{judged.hollow}; {_NONE_IS_RIGHT}",
        )
    if record.empty and written is not None and written.thin:
        return Outcome.INCONCLUSIVE, f"proves nothing: {written.thin}"
    if record.empty and evidence_required:
        return Outcome.INCONCLUSIVE, "passed without an artifact, a measurement or a command to rest on"
    ageless = _ageless(record) if evidence_required else []
    if ageless:
        return Outcome.INCONCLUSIVE, f"never asked for the age of {listed(ageless)}"
    return None


def _ageless(record: Record) -> list[str]:
    """The files that were looked at and whose age was never asked for."""
    known = {item.path for item in record.freshness} | {path for path, _ in record.ageless}
    return [item.path for item in record.exhibits if item.exists and item.path not in known]
