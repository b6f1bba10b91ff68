"""Rules that are introduced step by step: gates in shadow or as a warning until a day, and thresholds that change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from pytest_promotion.clock import iso
from pytest_promotion.decision.recomputing import holds_at
from pytest_promotion.model import GateResult, Severity, Upcoming
from pytest_promotion.policy import GateRules, Policy


def ruled(result: GateResult, policy: Policy, now: datetime, rules_as_of: datetime) -> GateResult:
    """
    *result* with what depends on the time: the severity of its gate at *now*, whether it counts, what changes later.

    Gates of stages always count, and are critical.

    Args:
        rules_as_of: the moment whose thresholds the gate was given.
    """
    rules = policy.gate(result.gate.id)
    if result.gate.built_in:
        return result
    if rules.upcoming:
        result = replace(result, upcoming=tuple(_upcoming(result, rules, rules_as_of)))
    if rules.starts is None and not rules.shadow:
        return result
    severity = result.gate.severity if rules.starts is None else rules.severity_at(now) or result.gate.severity
    starts = iso(rules.starts) if rules.starts is not None else ""
    return replace(result, gate=replace(result.gate, severity=severity, effective_on=starts, shadow=rules.shadow))


def _upcoming(result: GateResult, rules: GateRules, rules_as_of: datetime) -> Iterator[Upcoming]:
    """
    The thresholds that were not yet in force, and whether what was measured meets them.

    A measurement is held against the new value where it was held against the present one; a gate that compares in
    another way, or a value that is not the threshold of any measurement, is not known to meet it.
    """
    for name, change in rules.upcoming.items():
        if change.starts <= rules_as_of:
            continue
        present = rules.thresholds[name]
        held = [
            holds_at(one, change.value)
            for one in result.record.measurements
            if type(one.threshold) is type(present) and one.threshold == present
        ]
        holds = None if not held or None in held else all(held)
        yield Upcoming(name, change.value, iso(change.starts), holds)


def in_shadow(results: Iterable[GateResult], policy: Policy) -> Iterator[str]:
    """A sentence for each gate that would have to pass if the policy did not put it in shadow."""
    required = policy.rules.required_ids
    for result in results:
        gate = result.gate
        known = required is None or {gate.id, gate.id.partition("[")[0]} & set(required)
        if gate.shadow and known and gate.severity is Severity.CRITICAL:
            yield f"{gate.id} is required and critical, and does not count: it is in shadow"
