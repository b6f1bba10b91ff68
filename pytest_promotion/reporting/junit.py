"""The facts of a gate as JUnit properties: what CI systems show beside a red test."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_promotion.model import GateResult, Outcome, Severity
from pytest_promotion.text import legible

# Every gate's report carries one of each, and pytest keeps them until it ends: made once.
_SEVERITIES = {severity: ("promotion.severity", severity.value) for severity in Severity}
_OUTCOMES = {outcome: ("promotion.outcome", outcome.value) for outcome in Outcome}


def properties(result: GateResult) -> Iterator[tuple[str, str]]:
    """Name and value of each `<property>` of the gate's test case; one for each piece of evidence."""
    yield "promotion.gate", legible(result.gate.id)
    yield _SEVERITIES[result.gate.severity]
    yield _OUTCOMES[result.outcome]
    if result.gate.owner:
        yield "promotion.owner", legible(result.gate.owner)
    for item in result.record.exhibits:
        path = legible(item.path)
        yield "promotion.evidence", f"{path} sha256:{item.sha256}" if item.exists else f"{path} absent"
