"""What the policy makes of a gate that passed and was not shown to be able to fail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pytest_promotion.model import GateResult, Outcome, UnprovenGate

_NONE = "there is no proof of it as it is now"
_CURE = "; let the gate notice that, or say under prove.equivalent why it makes no difference"


def unproven(results: Iterable[GateResult], mode: str) -> tuple[UnprovenGate, ...]:
    """The gates that passed without a clean proof; none where *mode* does not ask for proofs."""
    if mode == "off":
        return ()
    passed = sorted((one for one in results if one.outcome is Outcome.PASS), key=lambda one: one.gate.id)
    return tuple(
        UnprovenGate(one.gate.id, one.proof.objection if one.proof else _NONE, one.proof.digest if one.proof else "")
        for one in passed
        if one.proof is None or one.proof.objection
    )


def demanded(results: Iterable[GateResult], unproven_gates: Iterable[UnprovenGate], mode: str) -> list[GateResult]:
    """The results, in which those gates are INCONCLUSIVE where *mode* requires proofs."""
    because = {one.gate: one.because for one in unproven_gates} if mode == "required" else {}
    return [
        replace(one, outcome=Outcome.INCONCLUSIVE, reason=_reason(because[one.gate.id]))
        if one.outcome is Outcome.PASS and one.gate.id in because
        else one
        for one in results
    ]


def _reason(because: str) -> str:
    return f"passed and is not proven: {because}{_CURE if ': passes with ' in because else ''}"
