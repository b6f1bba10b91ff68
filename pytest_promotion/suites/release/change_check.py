"""
Is every step from the last approved policy to the present one covered by a record?

The approved policy is pinned by its digest. From there each record leads from one digest to the
next, by changes that are applied and not believed, until the digest of the policy that is in use.
Whatever does not lead there is not covered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pytest_promotion.durations import format_duration
from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.suites.release import thresholds
from pytest_promotion.suites.release.change_evidence import Demands, Seen, check_evidence
from pytest_promotion.suites.release.change_record import Written, matter_of
from pytest_promotion.suites.release.thresholds import Difference, Policy
from pytest_promotion.text import listed
from pytest_promotion.trust.approvals import ANY, approved
from pytest_promotion.trust.signers import Signer

POLICY: Final = "backend/config/kb_benchmark_policy.json"
APPROVED: Final = "backend/config/kb_benchmark_policy.approved.json"
RECORDS: Final = "docs/Ops/KB_Threshold_Changes"
_GO: Final = "go"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found. It is a yes where `problems` is empty."""

    approved_sha256: str
    current_sha256: str
    changes: tuple[Difference, ...]
    covering: tuple[str, ...] = ()  # the ids of the records that lead here
    unused: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        if not self.changes:
            return f"the policy is the approved one, {self.approved_sha256[:12]}"
        return f"{len(self.changes)} changed fields are covered by {', '.join(self.covering)}"


def check(
    current: Policy,
    accepted: Policy,
    pinned_sha256: str,
    records: Sequence[Written],
    seen: Callable[[str], Seen],
    demands: Demands,
    signers: Mapping[str, Signer] | None,
    now: datetime,
) -> Answer:
    """
    Whether *current* is *accepted*, or every step from there to it is recorded and approved.

    Args:
        pinned_sha256: what the digest of *accepted* has to be: a file beside the policy can be edited with it.
        seen: gives the file at a path below the root; raises `Unproven` where there is none.
        signers: who may approve; None where names without signatures count.
        now: nothing may be of later than that.

    Raises:
        Unproven: where *accepted* is not the policy that was pinned.
    """
    start, goal = thresholds.sha256(accepted), thresholds.sha256(current)
    if start != pinned_sha256:
        raise Unproven(f"the approved policy has the digest {start[:12]}, pinned is {pinned_sha256[:12]}")
    state, used = accepted, list[Written]()
    problems = _shared(records)
    try:
        for step, reached in () if problems else _steps(accepted, current, records):
            with _about(step):
                _check(step, reached, used, seen, demands, signers, now)
            used.append(step)
            state = reached
        if not problems and thresholds.sha256(state) != goal:
            missing = "; ".join(map(str, thresholds.differences(state, current)))
            problems.append(f"no record covers {missing}")
    except (GateFailed, Unproven) as problem:
        problems.append(str(problem))
    unused = tuple(one.record.change_id for one in records if one not in used)
    covering = tuple(one.record.change_id for one in used)
    changes = tuple(thresholds.differences(accepted, current))
    return Answer(start, goal, changes, covering, unused, problems)


def led_to(accepted: Policy, current: Policy, records: Sequence[Written]) -> Policy:
    """
    Where *records* lead from *accepted* on the way to *current*: what the next record starts from.

    Raises:
        GateFailed, Unproven: where one does not lead where it says, or two start at the same policy.
    """
    return [accepted, *(reached for _, reached in _steps(accepted, current, records))][-1]


def _steps(accepted: Policy, current: Policy, records: Sequence[Written]) -> Iterator[tuple[Written, Policy]]:
    """The records that lead from *accepted* towards *current*, each with the policy that it leads to."""
    state, goal, rest = accepted, thresholds.sha256(current), list(records)
    while (at := thresholds.sha256(state)) != goal:
        here = [one for one in rest if one.record.before == at]
        if len(here) > 1:
            names = listed([one.record.change_id for one in here])
            raise Unproven(f"{names} all start at the same policy: which of them holds?")
        if not here:
            return
        rest.remove(here[0])  # a change and its way back would lead in a circle
        with _about(here[0]):
            state = _applied(here[0], state)
        yield here[0], state


@contextmanager
def _about(step: Written) -> Iterator[None]:
    """Says of which record it is what is wrong."""
    try:
        yield
    except (GateFailed, Unproven) as problem:
        raise type(problem)(f"{step.record.change_id}: {problem}") from None


def _shared(records: Iterable[Written]) -> list[str]:
    """Records of the same id: a reference to either is one to the other."""
    found: dict[str, str] = {}
    problems = []
    for one in records:
        first = found.setdefault(one.record.change_id.lower(), one.path)
        if first != one.path:
            problems.append(f"{first} and {one.path} are both called {one.record.change_id}")
    return problems


def _applied(step: Written, state: Policy) -> Policy:
    for change in step.changes:
        present = state.get(change.profile, {}).get(change.field, thresholds.ABSENT)
        if not thresholds.same(present, change.old):
            raise GateFailed(
                f"{change.place} was {thresholds.shown(present)} and not {thresholds.shown(change.old)} before it"
            )
        state = thresholds.changed(state, change)
    state = thresholds.checked(state, step.path) if state else state
    reached = thresholds.sha256(state)
    if reached != step.record.after:
        raise GateFailed(f"its changes lead to the policy {reached[:12]}, and it says {step.record.after[:12]}")
    return state


def _check(
    step: Written,
    after: Policy,
    before: Sequence[Written],
    seen: Callable[[str], Seen],
    demands: Demands,
    signers: Mapping[str, Signer] | None,
    now: datetime,
) -> None:
    record = step.record
    if record.decision.strip().lower() != _GO:
        raise GateFailed(f"its decision is {record.decision!r}, expected Go")
    if step.moment > now + demands.future_skew:
        raise Unproven(f"it is dated {format_duration((step.moment - now).total_seconds())} in the future")
    if before and step.moment < before[-1].moment:
        raise GateFailed(f"it is older than {before[-1].record.change_id}, which it builds on")
    check_evidence(step, after, seen, demands)
    wanted = demands.min_loosening_approvals if step.loosens else demands.min_approvals
    if signers is None and demands.signed:
        raise Unproven("who approved it is not known: the policy names no signers, and accepts no names instead")
    if signers is None:
        _check_names(step, wanted)
    else:
        approved(record.approvals, matter_of(record), signers, {ANY: wanted}, now, {record.requested_by})


def _check_names(step: Written, wanted: int) -> None:
    """Names that nobody signed for: as good as the review of the file that they stand in."""
    names: set[str] = set()
    for approval in step.record.approvals:
        name = _plain(approval.by)
        if approval.ssh is not None or approval.dsse is not None:
            raise Unproven(f"{approval.by} has signed it, and the policy names no signers to check that by")
        if not name:
            raise Unproven("an approval has no name")
        if name == _plain(step.record.requested_by):
            raise GateFailed(f"{approval.by} may not approve what he asked for")
        if name in names:
            raise GateFailed(f"{approval.by} has approved it twice")
        names.add(name)
    if len(names) < wanted:
        kind = "which loosens the policy" if step.loosens else "which tightens the policy"
        raise GateFailed(f"{len(names)} of {wanted} people have approved it, {kind}")


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
