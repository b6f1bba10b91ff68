"""
What was planned and what happened, and the one sentence and outcome that follow for each gate.

The ledger is fed with phases as they arrive, in any order and from any number of workers,
and reduces by the worst of all that was seen: the last report to arrive is never the one
that counts merely because it came last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from pytest_promotion.decision import success
from pytest_promotion.decision.declared_gates import Written, gate_id
from pytest_promotion.model import Absence, Gate, GateResult, Outcome, Proven, Record, Severity

_EMPTY = Record()
_NAMED = 3  # files in a sentence; the rest is in the evidence


@dataclass(frozen=True, slots=True)
class Phase:
    """What one report says of a gate, without the parts of pytest in it; nearly all say the same."""

    when: str  # "setup", "call", "teardown", or "???" for a process that died
    outcome: str  # "passed", "failed", "skipped", "rerun"
    kind: str = ""  # of a failure: "fail", "inconclusive", "error"
    sentence: str = ""
    expected: bool = False  # the gate is marked xfail
    part: bool = False  # of a gate: one of its subtests
    worker: str = ""


class Ledger:
    """Everything known about the gates of one session, by node id."""

    __slots__ = (
        "_deselected",
        "_evidence",
        "_phases",
        "_places",
        "_planned",
        "_proofs",
        "_records",
        "_results",
        "_seconds",
        "_sources",
        "_weak",
        "_written",
        "problems",
    )

    def __init__(self, written: Iterable[Written] = (), *, evidence_required: bool = False) -> None:
        # What stands in the sources and was not collected so far, by the place that Python knows it by.
        self._written = {gate.place if gate.start else f"{gate.file}::{gate.name}": gate for gate in written}
        self._places = frozenset(self._written)
        self._sources: dict[str, list[Written]] = {}  # by node id without a parameter
        for gate in self._written.values():
            self._sources.setdefault(f"{gate.file}::{gate.name}", []).append(gate)
        self._weak: dict[str, Written] = {}  # collected, and perhaps without a proof; by node id without a parameter
        self._evidence = evidence_required
        self._planned: dict[str, Gate] = {}
        self._deselected: dict[str, Gate] = {}
        self._phases: dict[str, list[Phase]] = {}
        self._seconds: dict[str, float] = {}
        self._results: dict[str, GateResult] = {}  # as long as nothing more is heard of the gate
        self._records: dict[str, Record] = {}
        self._proofs: dict[str, Proven] = {}
        self.problems: list[str] = []  # what broke in the run itself

    # --- what is known beforehand ---

    def plan(self, gate: Gate) -> None:
        """A gate was collected and selected."""
        self._results.pop(gate.nodeid, None)
        self._planned[gate.nodeid] = gate
        self._collect(gate)

    def _collect(self, gate: Gate) -> None:
        """Takes what *gate* was collected from off the list of what was not."""
        name = gate.nodeid.partition("[")[0]
        sources = self._sources.get(name, [])
        places = [gate.defined, name]
        # One that is defined where another gate stands is that gate, under the name of this one.
        if len(sources) == 1 and sources[0].start and gate.defined not in self._places:
            places.append(sources[0].place)  # a decorator may hide where the function is
        written = next((self._written.pop(place) for place in places if place in self._written), None)
        if written is not None and (written.vacuous or written.thin):
            self._weak[name] = written

    def plan_unseen(self, nodeid: str) -> None:
        """A gate was collected by a worker that has not said more about it yet."""
        if nodeid not in self._planned:
            self._planned[nodeid] = self._guess(nodeid)

    def deselect(self, gate: Gate) -> None:
        """A gate was collected and then left out by an option."""
        self._deselected[gate.nodeid] = gate
        self._planned.pop(gate.nodeid, None)
        self._collect(gate)

    def problem(self, sentence: str) -> None:
        """Something went wrong that belongs to no gate, or to more than one."""
        if sentence not in self.problems:
            self.problems.append(sentence)

    # --- what happened ---

    def observe(self, nodeid: str, phase: Phase, record: Record | None = None, *, duration_s: float = 0.0) -> None:
        """One phase of a gate was reported, with what the gate saw so far and how long it took."""
        seen = self._phases.get(nodeid)
        self._results.pop(nodeid, None)
        if seen is None:
            self.plan_unseen(nodeid)
            self._phases[nodeid], self._seconds[nodeid] = [phase], duration_s
        else:
            seen.append(phase)
            self._seconds[nodeid] += duration_s
        if record is not None:
            self._records[nodeid] = record

    def prove(self, nodeid: str, proof: Proven) -> None:
        """It was tried whether a gate can fail; of two answers the worse one counts."""
        known = self._proofs.get(nodeid)
        if known is None or not known.objection:
            self._results.pop(nodeid, None)
            self._proofs[nodeid] = proof

    @property
    def planned(self) -> tuple[Gate, ...]:
        """The gates that were selected to run."""
        return tuple(self._planned.values())

    @property
    def collected(self) -> tuple[Gate, ...]:
        """Every gate that was collected, selected or not."""
        return (*self._planned.values(), *self._deselected.values())

    @property
    def known_ids(self) -> set[str]:
        """The ids of all gates that exist, run or not."""
        return {gate.id for gate in self.collected} | {
            written.id for sources in self._sources.values() for written in sources
        }

    def result(self, nodeid: str) -> GateResult:
        """What became of one planned gate, by all that is known of it now."""
        found = self._results.get(nodeid)
        if found is None:
            found = self._results[nodeid] = self._judge(nodeid)
        return found

    def _judge(self, nodeid: str) -> GateResult:
        gate = self._planned[nodeid]
        phases = self._phases.get(nodeid, [])
        record = self._records.get(nodeid, _EMPTY)
        outcome, reason = reduce(phases)
        if outcome is Outcome.PASS:
            outcome, reason = self._proof(nodeid, record)
        elif outcome is not Outcome.NOT_RUN:
            reason = _placed(reason, record)
        return GateResult(gate, outcome, reason, self._seconds.get(nodeid, 0.0), record, proof=self._proofs.get(nodeid))

    def results(self, asked: Callable[[Written], bool]) -> Iterator[GateResult]:
        """What became of every gate that is known. *asked* tells whether the session was to collect it."""
        for nodeid in self._planned:
            yield self.result(nodeid)
        for gate in self._deselected.values():
            yield GateResult(gate, Outcome.NOT_RUN, "was deselected", absent=Absence.DESELECTED)
        ids = {gate.id for gate in self.collected} | {gate.id.partition("[")[0] for gate in self.collected}
        for written in self._written.values():
            # One that has the id of a gate that was collected is a problem of the run: see `uncollected`.
            if written.severity is not None and written.id not in ids:
                gate = Gate(written.id, written.severity, f"{written.file}::{written.name}", line=written.line)
                absent = Absence.NOT_COLLECTED if asked(written) else Absence.NOT_ASKED
                where = f"stands in {written.file} line {written.line} and was {absent.value}"
                yield GateResult(gate, Outcome.NOT_RUN, where, absent=absent)

    def uncollected(self, asked: Callable[[Written], bool]) -> Iterator[str]:
        """A sentence for each file with gates in its source that the session was to collect, and did not."""
        missing: dict[str, list[Written]] = {}
        for written in self._written.values():
            if asked(written):
                missing.setdefault(written.file, []).append(written)
        for file, gates in missing.items():
            names = ", ".join(f"{gate.name} (line {gate.line})" for gate in gates[:_NAMED])
            more = f" and {len(gates) - _NAMED} more" if len(gates) > _NAMED else ""
            yield f"{file} defines what was not collected: {names}{more}"

    def _proof(self, nodeid: str, record: Record) -> tuple[Outcome, str]:
        """A gate that reported nothing but success: what its success rests on."""
        written = self._weak.get(nodeid.partition("[")[0])
        found = success.objection(record, written, evidence_required=self._evidence)
        return found or (Outcome.PASS, record.reason or self._planned[nodeid].rule)

    def _guess(self, nodeid: str) -> Gate:
        severities = [gate.severity for gate in self._sources.get(nodeid.partition("[")[0], ()) if gate.severity]
        # A gate of unknown severity blocks: the safe guess.
        return Gate(gate_id(nodeid), severities[0] if len(severities) == 1 else Severity.CRITICAL, nodeid)


def _placed(reason: str, record: Record) -> str:
    """The sentence with the files it is about, unless it names one."""
    paths = [item.path for item in record.exhibits]
    if not paths or any(path in reason for path in paths):
        return reason
    more = ", …" if len(paths) > _NAMED else ""
    return f"{reason} ({', '.join(paths[:_NAMED])}{more})"


def reduce(phases: Iterable[Phase]) -> tuple[Outcome, str]:
    """
    The worst that the phases of one gate say, with its sentence.

    PASS needs a setup, a call and a teardown that passed, in the same process, and nothing
    worse anywhere: not a rerun, not a failed subtest, not a second worker that saw it fail.
    """
    runs: dict[str, list[Phase]] = {}
    for phase in phases:
        runs.setdefault(phase.worker, []).append(phase)
    if not runs:
        return Outcome.NOT_RUN, "was never reached"
    if len(runs) == 1:
        return _reduce_run(*runs.values())
    return max((_reduce_run(run) for run in runs.values()), key=lambda found: found[0].rank)


_KINDS = {"fail": Outcome.FAIL, "inconclusive": Outcome.INCONCLUSIVE}


def _reduce_run(phases: list[Phase]) -> tuple[Outcome, str]:
    worst = (Outcome.PASS, "")
    for phase in phases:
        if phase.outcome == "rerun" and phase.kind in _KINDS:
            continue  # another call follows; if that passes, the gate is flaky
        found = _reduce_phase(phase)
        if found[0] is not Outcome.PASS and found[0].rank > worst[0].rank:
            worst = found
    if worst[0] is not Outcome.PASS:
        return worst
    if any(phase.outcome == "rerun" for phase in phases):
        return Outcome.FAIL, "is flaky: it passed only when it was run again"
    done = {phase.when for phase in phases if phase.outcome == "passed" and not phase.part}
    for when in ("setup", "call", "teardown"):
        if when not in done:
            return Outcome.ERROR, f"did not finish: no {when} was reported"
    return worst


def _reduce_phase(phase: Phase) -> tuple[Outcome, str]:
    if phase.when == "???":
        return Outcome.ERROR, phase.sentence or "the process that ran it died"
    if phase.expected:
        passed = "passed although it is" if phase.outcome == "passed" else "is"
        return (
            Outcome.NOT_RUN,
            f"{passed} marked xfail: a gate is waived with a reason and an expiry, not expected to fail",
        )
    if phase.outcome == "skipped":
        return Outcome.NOT_RUN, f"was skipped: {phase.sentence}" if phase.sentence else "was skipped"
    if phase.outcome == "failed":
        if phase.when == "teardown":
            return Outcome.ERROR, f"its teardown failed: {phase.sentence}"
        return _KINDS.get(phase.kind, Outcome.ERROR), phase.sentence or "failed"
    if phase.outcome in ("passed", "rerun"):
        if phase.kind:  # what the gate saw did not arrive: its refusals may be among it
            return _KINDS.get(phase.kind, Outcome.ERROR), phase.sentence or "failed"
        return Outcome.PASS, ""
    return Outcome.ERROR, f"reported the unknown outcome {phase.outcome!r}"


def with_requirements(results: Iterable[GateResult]) -> list[GateResult]:
    """The results, in which a gate that passed while one it rests on did not is INCONCLUSIVE."""
    found = list(results)
    changed = True
    while changed:
        changed = False
        passed = {result.gate.id for result in found if result.passed}
        for number, result in enumerate(found):
            missing = [name for name in result.gate.requires if name not in passed]
            if result.outcome is Outcome.PASS and missing:
                reason = f"rests on {missing[0]}, which did not pass"
                spoiled = tuple(missing)
                found[number] = replace(result, outcome=Outcome.INCONCLUSIVE, reason=reason, spoiled_by=spoiled)
                changed = True
    return found
