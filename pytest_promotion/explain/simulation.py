"""A stored decision decided again with some gates mended: by the same functions that decided it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from pytest_promotion.decision.ledger import with_requirements
from pytest_promotion.decision.verdict import decide
from pytest_promotion.errors import Unproven
from pytest_promotion.model import Exhibit, Freshness, Gate, GateResult, Outcome, Record, Severity, Verdict
from pytest_promotion.text import legible
from pytest_promotion.trust.stored import StoredCheck, StoredDecision


@dataclass(frozen=True, slots=True)
class Case:
    """What a decision was taken on, as far as it says so itself."""

    own: tuple[GateResult, ...]  # each gate by itself, before `requires` is looked at
    problems: tuple[str, ...]  # what broke in the run, which no gate can mend

    def verdict(self, mended: Collection[str] = ()) -> Verdict:
        """The verdict there would be, had the gates in *mended* passed."""
        results = [
            replace(result, outcome=Outcome.PASS, absent=None) if result.gate.id in mended else result
            for result in self.own
        ]
        return _verdict(results, self.problems)

    def smallest(self, wanted: Iterable[str] | None = None) -> tuple[str, ...]:
        """
        The fewest gates that have to be mended so that *wanted* pass (default: all critical gates).

        There is only one such set. A gate passes if it passes by itself and all that it requires pass; so
        each gate below belongs to every set that does, and nothing else belongs to any. A waiver ends
        the chain: what it accepts holds whatever stands under it.
        """
        results = {result.gate.id: result for result in self.own}
        critical = (name for name, result in results.items() if result.gate.severity is Severity.CRITICAL)
        ahead, found = list(critical if wanted is None else wanted), set()
        seen = set(ahead)
        while ahead:
            result = results.get(ahead.pop())
            if result is None or result.outcome is Outcome.WAIVED:
                continue
            if not result.passed and result.applies:
                found.add(result.gate.id)
            ahead += [name for name in result.gate.requires if name not in seen]
            seen.update(result.gate.requires)
        return self.in_order(found)

    def in_order(self, names: Collection[str]) -> tuple[str, ...]:
        """*names* as they have to be mended: what is required first, where that is no circle."""
        results = {result.gate.id: result for result in self.own}
        order: dict[str, None] = {}
        entered: set[str] = set()
        ahead = [(name, False) for name in reversed(results)]
        while ahead:
            name, left = ahead.pop()
            if left:
                order[name] = None
            elif name in results and name not in entered:
                entered.add(name)
                ahead.append((name, True))  # when all that it requires has had its turn
                ahead += [(one, False) for one in reversed(results[name].gate.requires)]
        return tuple(name for name in order if name in names)


def case_of(decision: StoredDecision) -> Case:
    """
    What *decision* was taken on.

    Raises:
        Unproven: where its status or the outcome of a gate does not follow from its checks, and where a check names
            evidence that is not listed.
    """
    own = tuple(_own(check, decision) for check in decision.checks)
    derived = {legible(reason) for reason in _verdict(own, ()).reasons}
    case = Case(own, tuple(reason for reason in decision.reasons if reason not in derived))
    again = case.verdict()
    if again.status.value != decision.status:
        raise Unproven(f"the decision says {decision.status}, and {again.status.value} follows from its checks")
    outcomes = {result.gate.id: result.outcome for result in again.results}
    for check in decision.checks:
        if outcomes[check.name] is not check.outcome:
            raise Unproven(
                f"the decision says {check.outcome.value} of {check.name}, "
                f"and {outcomes[check.name].value} follows from what it requires"
            )
    return case


def _verdict(results: Iterable[GateResult], problems: Iterable[str]) -> Verdict:
    found = with_requirements(results)
    return decide(found, [result.gate.id for result in found], list(problems))


def _own(check: StoredCheck, decision: StoredDecision) -> GateResult:
    gate = Gate(
        check.name,
        check.severity,
        check.nodeid,
        rule=check.rule,
        owner=check.owner,
        fix=check.fix,
        requires=tuple(check.requires),
        line=check.line,
    )
    files = {item.path: item for item in decision.evidence_bundle.artifacts}
    if unlisted := [path for path in check.evidence_paths if path not in files]:
        raise Unproven(f"{check.name} has read {unlisted[0]!r}, which the decision does not list")
    exhibits = [files[path] for path in check.evidence_paths]
    record = Record(
        exhibits=tuple(
            Exhibit(one.path, one.sha256, one.size_bytes, exists=one.exists, secret=one.secret, kept=one.kept)
            for one in exhibits
        ),
        freshness=tuple(
            Freshness(one.path, one.timestamp, one.source, one.age_s, one.max_age_s) for one in check.freshness
        ),
    )
    outcome = Outcome.PASS if check.spoiled_by else check.outcome
    return GateResult(gate, outcome, check.reason, record=record, absent=check.absent)
