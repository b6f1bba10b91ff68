"""Gates that are introduced step by step: in shadow, or as a warning until a date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from pytest_promotion.clock import iso
from pytest_promotion.model import GateResult, Severity
from pytest_promotion.policy import Policy


def ruled(result: GateResult, policy: Policy, now: datetime) -> GateResult:
    """*result*, whose gate has the severity of *now* and says whether it counts. Gates of stages always do."""
    rules = policy.gate(result.gate.id)
    if result.gate.built_in or (rules.starts is None and not rules.shadow):
        return result
    severity = result.gate.severity if rules.starts is None else rules.severity_at(now) or result.gate.severity
    starts = iso(rules.starts) if rules.starts is not None else ""
    return replace(result, gate=replace(result.gate, severity=severity, effective_on=starts, shadow=rules.shadow))


def in_shadow(results: Iterable[GateResult], policy: Policy) -> Iterator[str]:
    """A sentence for each gate that would have to pass if the policy did not put it in shadow."""
    required = policy.rules.required_ids
    for result in results:
        gate = result.gate
        known = required is None or {gate.id, gate.id.partition("[")[0]} & set(required)
        if gate.shadow and known and gate.severity is Severity.CRITICAL:
            yield f"{gate.id} is required and critical, and does not count: it is in shadow"
