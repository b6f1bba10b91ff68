"""Why a decision is not PASS, root causes before consequences, and the fewest mends that would turn it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.durations import format_duration
from pytest_promotion.errors import Unproven
from pytest_promotion.explain.simulation import Case, case_of
from pytest_promotion.model import GateResult
from pytest_promotion.trust.stored import StoredDecision, StoredMoment


@dataclass(frozen=True, slots=True)
class Cause:
    """A gate that did not pass by itself."""

    result: GateResult
    consequences: tuple[str, ...]  # gates that passed by themselves and rest on it
    needed: bool  # whether the promotion, or the gate that was asked about, needs it mended

    def document(self) -> dict[str, Any]:
        """The cause as plain values."""
        gate, record = self.result.gate, self.result.record
        return {
            "gate": gate.id,
            "severity": gate.severity.value,
            "outcome": self.result.outcome.value,
            "reason": self.result.reason,
            "owner": gate.owner,
            "fix": gate.fix,
            "nodeid": gate.nodeid,
            "line": gate.line,
            "absent": self.result.absent.value if self.result.absent else None,
            "needed": self.needed,
            "requires": list(gate.requires),
            "consequences": list(self.consequences),
            "evidence": [asdict(item) for item in record.exhibits],
            "freshness": [asdict(item) | {"stale": item.age_s > item.max_age_s} for item in record.freshness],
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision explained."""

    status: str
    kind: str
    reasons: tuple[str, ...]
    causes: tuple[Cause, ...]  # in the order in which they have to be mended
    mends: tuple[str, ...]  # the fewest gates that have to pass
    unmendable: tuple[str, ...]  # what would stand against it then, whatever gates do
    until: StoredMoment | None  # of a PASS, when the first thing turns that it rests on
    expired: bool
    gate: GateResult | None = None  # the one that was asked about

    @property
    def passed(self) -> bool:
        """Whether it is a PASS, taken as a decision, that still stands."""
        return self.status == "PASS" and self.kind == "decision" and not self.expired

    def document(self) -> dict[str, Any]:
        """The explanation as plain values."""
        return {
            "status": self.status,
            "kind": self.kind,
            "passed": self.passed,
            "reasons": list(self.reasons),
            "gate": self.gate and {"name": self.gate.gate.id, "outcome": self.gate.outcome.value},
            "causes": [cause.document() for cause in self.causes],
            "mends": [_mend(cause) for cause in self.causes if cause.needed],
            "unmendable": list(self.unmendable),
            "valid_until": self.until and {"ts_utc": self.until.ts_utc, "because": self.until.because},
            "expired": self.expired,
        }


def explain(decision: StoredDecision, at: datetime, gate: str = "") -> Explanation:
    """
    Why *decision* is what it is, asked at a moment, or why one gate of it is.

    Raises:
        Unproven: where the decision does not follow from its own checks.
        KeyError: where it has no such gate.
    """
    case = case_of(decision)
    verdict = case.verdict()
    results = {result.gate.id: result for result in verdict.results}
    asked = results[gate] if gate else None
    mends = case.smallest([gate] if gate else None)
    causes = _causes(case, results, mends)
    if asked is not None:
        causes = tuple(cause for cause in causes if cause.needed)
    try:
        until = decision.valid_until
        expired = until is not None and parse_moment(until.ts_utc) < at
    except BadTimestamp as problem:
        raise Unproven(f"its valid_until cannot be read: {problem}") from None
    return Explanation(
        status=decision.status,
        kind=decision.kind,
        reasons=tuple(decision.reasons),
        causes=causes,
        mends=mends,
        unmendable=_unmendable(case, mends, asked),
        until=until,
        expired=expired,
        gate=asked,
    )


def _unmendable(case: Case, mends: tuple[str, ...], asked: GateResult | None) -> tuple[str, ...]:
    then = case.verdict(mends)
    if asked is None:
        return then.reasons
    result = next(one for one in then.results if one.gate.id == asked.gate.id)
    return () if result.passed else (f"{result.gate.id} {result.reason}",)


def _causes(case: Case, results: dict[str, GateResult], mends: tuple[str, ...]) -> tuple[Cause, ...]:
    causes = [one.gate.id for one in case.own if not one.passed]
    resting = _resting(results)
    ordered = [*mends, *(name for name in case.in_order(causes) if name not in mends)]
    own = {one.gate.id: one for one in case.own}
    return tuple(Cause(own[name], tuple(resting.get(name, ())), name in mends) for name in ordered)


def _resting(results: dict[str, GateResult]) -> dict[str, list[str]]:
    """From each cause to the gates that rest on it and that nothing else is wrong with."""
    found: dict[str, list[str]] = {}
    for name, result in results.items():
        if not result.spoiled_by:
            continue
        ahead, seen = list(result.gate.requires), set(result.gate.requires)
        while ahead:
            under = results.get(ahead.pop())
            if under is None or under.passed:
                continue
            if not under.spoiled_by:
                found.setdefault(under.gate.id, []).append(name)
                continue
            ahead += [one for one in under.gate.requires if one not in seen]
            seen.update(under.gate.requires)
    return found


def _mend(cause: Cause) -> dict[str, str]:
    gate = cause.result.gate
    how = gate.fix or ("run it too" if cause.result.absent and cause.result.absent.on_purpose else "")
    return {"gate": gate.id, "owner": gate.owner, "fix": how}


def lines(found: Explanation) -> Iterator[str]:
    """The explanation for people."""
    what = "" if found.kind == "decision" else f", by a {found.kind}, which is no decision to act on"
    yield f"{found.status}{what}" + (": it has expired" if found.expired else "")
    if found.gate is not None:
        said = found.gate.reason or found.gate.gate.rule
        yield f"{found.gate.gate.id} is {found.gate.outcome.value}" + (f": {said}" if said else "")
        yield from (f"  {line}" for line in _evidence(found.gate))
    for number, cause in enumerate(found.causes, 1):
        yield ""
        yield from _of_cause(number, cause)
    yield ""
    if found.mends:
        yield f"the fewest mends that turn {found.gate.gate.id if found.gate else 'it'}, in this order:"
        for cause in found.causes:
            if cause.needed:
                mend = _mend(cause)
                owner = f" ({mend['owner']})" if mend["owner"] else ""
                yield f"  {mend['gate']}{owner}: {mend['fix'] or 'nobody has said how'}"
    for sentence in found.unmendable:
        yield f"no mend of a gate turns this: {sentence}"
    if found.until is not None:
        yield f"first to turn: {found.until.ts_utc[:19]}Z, when {found.until.because}"


def _of_cause(number: int, cause: Cause) -> Iterator[str]:
    result, gate = cause.result, cause.result.gate
    yield f"{number}. {gate.id} ({gate.severity.value}) {result.outcome.value}: {result.reason}"
    if gate.fix:
        yield f"   fix: {gate.fix}"
    if gate.owner:
        yield f"   owner: {gate.owner}"
    if gate.nodeid:
        yield f"   at {gate.nodeid.partition('::')[0]}" + (f":{gate.line}" if gate.line else "")
    yield from (f"   {line}" for line in _evidence(result))
    if cause.consequences:
        yield f"   consequences: {', '.join(cause.consequences)}"


def _evidence(result: GateResult) -> Iterator[str]:
    ages = {item.path: item for item in result.record.freshness}
    for item in result.record.exhibits:
        line = f"evidence: {item.path} " + (f"sha256:{item.sha256[:12]}" if item.sha256 else "absent")
        age = ages.get(item.path)
        if age is not None:
            word = "stale" if age.age_s > age.max_age_s else "fresh"
            window = format_duration(age.max_age_s)
            line += f", {word}: {format_duration(age.age_s)} old by its {age.source}, the window is {window}"
        yield line
