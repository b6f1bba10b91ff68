"""
The one place where PASS is built.

`decide()` is a pure function of the policy's demands and of what happened. PASS needs a
proof for each of its parts; whatever is missing from the proof becomes a reason for FAIL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from pytest_promotion.model import Absence, Gate, GateResult, Outcome, Requested, Scope, Severity, Status, Verdict
from pytest_promotion.text import listed

_UNKNOWN: Final = (Requested.PLACES, Requested.PARTS)  # a required gate may be among what was not asked for


def decide(
    results: Iterable[GateResult],
    required: Sequence[str] | None,
    problems: Sequence[str] = (),
    *,
    requested: Requested = Requested.ALL,
    counts: Mapping[str, int] | None = None,
) -> Verdict:
    """
    The verdict on one session.

    Args:
        results: every gate that is known, also those that never appeared.
        required: the ids on the roll-call; None puts every known gate on it.
        problems: what broke in the run itself, a sentence each.
        requested: how much the session was asked for. One that was asked for less than all is never full.
        counts: with how many parameters a gate must have run at least, by its id without a parameter.
    """
    known = list(results)
    called = _answer_the_call(known, required, narrowed=requested in _UNKNOWN)
    counted = [result for result in called if not result.gate.shadow]
    left_out = [result for result in counted if result.absent and result.absent.on_purpose]
    seen = [result for result in counted if result.applies and not (result.absent and result.absent.on_purpose)]
    short = list(_too_few(called, counts or {}))
    scope = _scope(left_out, required, requested, enough=not short)
    critical = [result for result in seen if result.gate.severity is Severity.CRITICAL]
    failures = [result.gate.id for result in critical if not result.passed]
    warnings = [result.gate.id for result in seen if not (result.passed or result.gate.severity is Severity.CRITICAL)]

    reasons = [*problems, *short]
    if failures:
        reasons.append(f"{len(failures)} of {len(critical)} critical gates did not pass: {listed(failures)}")
    # A gate that the stage brings looks at another decision, and not at the candidate.
    own = [result for result in critical if not result.gate.built_in]
    if own and not failures and not any(result.outcome is Outcome.PASS for result in own):
        reasons.append("no critical gate passed by itself: every one of them was waived")
    if not own:
        reasons.append("no critical gate ran: nothing shows that the candidate may be promoted")
    if scope is Scope.PARTIAL:
        status = Status.PARTIAL
        blocking = [result.gate.id for result in left_out if result.gate.severity is Severity.CRITICAL]
        if blocking:
            reasons.append(f"{len(blocking)} critical gates were not part of this session: {listed(blocking)}")
        else:
            reasons.append(f"the session was asked for {requested.value}: which others there are is not known")
    elif not reasons and own and all(result.passed for result in critical):
        status = Status.PASS
    else:
        status = Status.FAIL
    return Verdict(status, scope, tuple(called), tuple(reasons), tuple(failures), tuple(warnings))


def _answer_the_call(known: list[GateResult], required: Sequence[str] | None, *, narrowed: bool) -> list[GateResult]:
    """The results that count, in the order of the roll-call; a gate that nobody knows has not run."""
    if required is None:
        return sorted(known, key=lambda result: (result.gate.nodeid.partition("::")[0], result.gate.id))
    place = {name: number for number, name in enumerate(required)}

    def rank(result: GateResult) -> int | None:
        # A required `name` asks for every `name[parameter]` there is.
        gate_id = result.gate.id
        return place.get(gate_id, place.get(gate_id.partition("[")[0]))

    # A gate outside the roll-call that was collected counts like any other; one that merely
    # stands in some file does not.
    called = [result for result in known if rank(result) is not None or result.absent is None]
    heard = {name for result in called for name in (result.gate.id, result.gate.id.partition("[")[0])}
    for name in required:
        if name not in heard:
            absent = Absence.NOT_ASKED if narrowed else Absence.NOT_COLLECTED
            gate = Gate(name, Severity.CRITICAL)  # nobody has said how severe it is, so it blocks
            called.append(GateResult(gate, Outcome.NOT_RUN, f"is required and was {absent.value}", absent=absent))
    last = len(place)
    return sorted(called, key=lambda result: (last if rank(result) is None else rank(result), result.gate.id))


def _too_few(called: Iterable[GateResult], counts: Mapping[str, int]) -> Iterator[str]:
    """A sentence for each gate that has not run with as many parameters as it must."""
    there = dict.fromkeys(counts, 0)
    for result in called:
        name, bracket, _ = result.gate.id.partition("[")
        ran = result.outcome is not Outcome.NOT_RUN or result.absent is Absence.DESELECTED
        if bracket and ran and name in there:
            there[name] += 1
    for name, least in counts.items():
        if there[name] < least:
            yield f"{name} has {there[name]} of {least} required parameters"


def _scope(
    left_out: Sequence[GateResult], required: Sequence[str] | None, requested: Requested, *, enough: bool
) -> Scope:
    if any(result.gate.severity is Severity.CRITICAL for result in left_out):
        return Scope.PARTIAL
    # A file outside of the request may have the missing parameters.
    if requested in _UNKNOWN and not enough:
        return Scope.PARTIAL
    # A list of what is required says which gates there have to be, and not which parameters.
    if requested is Requested.PARTS or (requested is Requested.PLACES and required is None):
        return Scope.PARTIAL
    return Scope.FULL if requested is Requested.ALL and not left_out else Scope.CRITICAL
