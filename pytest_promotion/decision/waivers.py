"""
From what the gates said to what is accepted of it.

A waiver covers one failure of one gate on the candidates that it names. What covers nothing is an
error, not a comment: a waiver that silently misses its gate is one that nobody notices when it hits.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from pytest_promotion.clock import FUTURE_SKEW, iso, parse_moment
from pytest_promotion.decision.fingerprint import WAIVABLE, exceeded, failure_of
from pytest_promotion.model import GateResult, Outcome, Severity, Waived, Waiver
from pytest_promotion.text import listed


def apply(
    results: Iterable[GateResult], waivers: Iterable[Waiver], now: datetime, skew: timedelta = FUTURE_SKEW
) -> tuple[tuple[GateResult, ...], tuple[Waived, ...], tuple[str, ...]]:
    """
    *results* as the ledger gives them, in which each failure that one of *waivers* covers is WAIVED.

    Returns:
        the results, the waivers that were used, and a sentence for each waiver that covers nothing,
        with its file and line.
    """
    found = list(results)
    places = {result.gate.id: number for number, result in enumerate(found)}
    used: list[Waived] = []
    problems: list[str] = []
    for waiver in waivers:
        number = places.get(waiver.gate)
        if number is None:
            near = difflib.get_close_matches(waiver.gate, places, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            problems.append(f"{waiver.where}: there is no gate {waiver.gate!r} to waive{hint}")
            continue
        result = found[number]
        if result.absent is not None and result.absent.on_purpose:
            continue  # nobody asked about this gate
        why = untimely(waiver, now, skew) or _objection(waiver, result)
        if why:
            problems.append(f"{waiver.where}: the waiver of {waiver.gate} {why}")
            continue
        used.append(Waived(waiver, result.outcome))
        found[number] = replace(result, outcome=Outcome.WAIVED)
    return tuple(found), tuple(used), tuple(problems)


def untimely(waiver: Waiver, now: datetime, skew: timedelta = FUTURE_SKEW) -> str:
    """Why the waiver does not hold at *now*, as the end of a sentence; "" where it does."""
    if parse_moment(waiver.created) > now + skew:
        return f"is of {waiver.created}, which is yet to come"
    if parse_moment(waiver.expires) <= now:
        return f"expired at {iso(parse_moment(waiver.expires))}"
    return ""


def _objection(waiver: Waiver, result: GateResult) -> str:
    if result.outcome is Outcome.WAIVED:
        return "is the second one for the same failure"
    if result.outcome is Outcome.PASS:
        return "covers nothing: the gate passed; remove it"
    if result.outcome not in WAIVABLE:
        return f"covers nothing: the gate is {result.outcome.value}, which has shown nothing that could be accepted"
    if result.gate.severity is Severity.CRITICAL and waiver.severity is not Severity.CRITICAL:
        return f"was approved for a {waiver.severity.value} gate, and the gate is critical"
    failure = failure_of(result)
    if failure is None or failure.fingerprint != waiver.fingerprint:
        seen = failure.fingerprint if failure else "none"
        return f"was given for another failure: this one has the fingerprint {seen}"
    if waiver.limits.keys() - failure.limits.keys():
        unknown = listed(sorted(waiver.limits.keys() - failure.limits.keys()))
        return f"has a limit for {unknown}, which did not fail"
    worse = listed(exceeded(result, waiver.limits), separator="; ")
    return f"does not cover it: {worse}" if worse else ""


def ends(waived: Iterable[Waived]) -> list[tuple[datetime, str]]:
    """When each waiver that was used ends, and what ends it."""
    return [(parse_moment(one.waiver.ends.ts_utc), one.waiver.ends.because) for one in waived]
