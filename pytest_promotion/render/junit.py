"""The facts of a gate as JUnit properties: what CI systems show beside a red test."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_promotion.model import GateResult


def properties(result: GateResult) -> Iterator[tuple[str, str]]:
    """Name and value of each `<property>` of the gate's test case; one for each piece of evidence."""
    yield "promotion.gate", result.gate.id
    yield "promotion.severity", result.gate.severity.value
    yield "promotion.outcome", result.outcome.value
    if result.gate.owner:
        yield "promotion.owner", result.gate.owner
    for item in result.record.exhibits:
        yield "promotion.evidence", f"{item.path} sha256:{item.sha256}" if item.exists else f"{item.path} absent"
