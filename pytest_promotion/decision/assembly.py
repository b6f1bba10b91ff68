"""
From all that a run found out to its decision: a pure function, for one session and for merged shards.

`verdict.decide()` says PASS or FAIL; here its question is put together, and its answer is dressed
with what a reader needs to act on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from pytest_promotion.clock import iso, parse_moment
from pytest_promotion.decision import proofs, shown
from pytest_promotion.decision.fingerprint import age_of
from pytest_promotion.decision.fixes import with_fix
from pytest_promotion.decision.ledger import with_requirements
from pytest_promotion.decision.policy_names import unused
from pytest_promotion.decision.rollout import in_shadow, ruled
from pytest_promotion.decision.verdict import decide
from pytest_promotion.decision.waivers import apply, ends
from pytest_promotion.durations import LONGEST, format_duration
from pytest_promotion.evidence import bundle
from pytest_promotion.model import (
    CommandRun,
    Decision,
    Exhibit,
    Gate,
    GateResult,
    GitState,
    Granted,
    Judges,
    Outcome,
    Requested,
    Severity,
    Subject,
    ValidUntil,
    Waived,
)
from pytest_promotion.policy import Policy
from pytest_promotion.version import VERSION

_WHOLE: Final = (Requested.ALL, Requested.CHOSEN)


@dataclass(frozen=True, slots=True)
class Account:
    """What a run found out. `results` are as the ledger gives them, before `requires` is looked at."""

    run_id: str
    now: datetime
    as_of: bool
    rules_as_of: datetime  # which thresholds the gates were given, of those that change at some moment
    results: tuple[GateResult, ...]
    known: frozenset[str]  # the ids of all gates that exist, run or not
    problems: tuple[str, ...]  # what broke in the run itself, a sentence each
    requested: Requested
    policy: Policy
    policy_path: str | None
    policy_files: tuple[Exhibit, ...]
    subject: Subject | None
    manifest: Exhibit | None
    git: GitState
    judges: Judges = field(default_factory=Judges)
    attachments: tuple[Exhibit, ...] = ()
    refreshed: tuple[tuple[str, CommandRun], ...] = ()
    granted: Granted = field(default_factory=Granted)  # the waivers whose signatures were checked
    not_applicable: Mapping[str, str] = field(default_factory=dict)  # by gate id, and why


def decision_of(account: Account) -> Decision:
    """The decision that follows from the account, and from nothing else."""
    skew = account.policy.rules.timestamps.skew
    applicable, mode = [*_applicable(account), *_missing(account)], account.policy.rules.prove
    applicable = [ruled(result, account.policy, account.now, account.rules_as_of) for result in applicable]
    unproven = proofs.unproven(applicable, mode)
    known = proofs.demanded(applicable, unproven, mode)
    accepted, waived, uncovered = apply(known, account.granted.waivers, account.now, skew)
    # After what is waived: what rests on an accepted failure is judged by itself.
    results = [with_fix(result, account.policy) for result in with_requirements(accepted)]
    exhibits, problems = bundle.collect(results)
    problems += [*account.granted.problems, *uncovered]
    problems += _unmet_requirements(results, account.known)
    until = _valid_until(results, waived)
    if until is not None and parse_moment(until.ts_utc) < account.now:
        problems.append(f"{until.because} before the session ended")
    policy = account.policy
    verdict = decide(
        results,
        policy.required_ids,
        [*account.problems, *problems],
        requested=account.requested,
        counts={name: n for name, n in policy.rules.required_counts.items() if name not in account.not_applicable},
    )
    resolved = policy.resolved_sha256
    judges = replace(account.judges, sources=tuple(shown.files(account.judges.sources)))
    return Decision(
        verdict=verdict,
        kind="replay" if account.as_of else "decision",
        run_id=account.run_id,
        ts_utc=iso(account.now),
        profile=policy.profile,
        overrides=policy.overrides,
        weakened=(*policy.weakened, *in_shadow(results, policy)),
        policy_unused=tuple(unused(policy, results)) if account.requested in _WHOLE else (),
        valid_until=until if verdict.passed else None,
        subject=account.subject,
        manifest=account.manifest,
        bundle_id=bundle.bundle_id(shown.files(exhibits), shown.results(verdict.results), resolved, judges),
        exhibits=exhibits,
        policy_path=account.policy_path,
        policy_sha256=policy.sources[0].sha256 if policy.sources else resolved,
        policy_resolved_sha256=resolved,
        judges=account.judges,
        policy_files=account.policy_files,
        git=account.git,
        clock_now=iso(account.now),
        as_of=account.as_of,
        attachments=account.attachments,
        refreshed=account.refreshed,
        waived=waived,
        unproven=unproven,
        stage=policy.stage,
        tool_version=VERSION,
    )


def _applicable(account: Account) -> list[GateResult]:
    """The results, in which a gate that the policy found not to apply says just that, collected or not."""
    reasons = account.not_applicable
    found = []
    for result in account.results:
        name = result.gate.id
        why = reasons.get(name) or reasons.get(name.partition("[")[0])
        found.append(GateResult(result.gate, Outcome.NOT_APPLICABLE, why) if why else result)
    known = {name for result in found for name in (result.gate.id, result.gate.id.partition("[")[0])}
    for name in account.policy.rules.required_ids or ():
        why = reasons.get(name) or reasons.get(name.partition("[")[0])
        if why and name not in known:
            gate = Gate(name, account.policy.gate(name).severity or Severity.CRITICAL)
            found.append(GateResult(gate, Outcome.NOT_APPLICABLE, why))
    return found


def _missing(account: Account) -> Iterator[GateResult]:
    """The gates of the stage that were not evaluated, as those of a shard that is missing."""
    known = {result.gate.id for result in account.results}
    for name in account.policy.built_in:
        if name not in known:
            gate = Gate(name, Severity.CRITICAL, built_in=True)
            yield GateResult(gate, Outcome.NOT_RUN, "was not evaluated in this session")


def _unmet_requirements(results: Iterable[GateResult], known: frozenset[str]) -> Iterator[str]:
    for result in results:
        for name in result.gate.requires:
            if name not in known:
                yield f"{result.gate.id} rests on {name!r}, and there is no such gate"


def _valid_until(results: Sequence[GateResult], waived: Sequence[Waived]) -> ValidUntil | None:
    """The first moment at which a waiver, or an item that a critical gate rests on, is over."""
    limits = {one.waiver.gate: one.waiver.limits for one in waived}
    found = ends(waived)
    for result in results:
        gate = result.gate
        if gate.effective_on and gate.severity is Severity.WARNING and not (result.passed or gate.shadow):
            found.append((parse_moment(gate.effective_on), f"{gate.id} is critical from then on, and did not pass"))
        if not result.passed or result.gate.severity is not Severity.CRITICAL or result.gate.shadow:
            continue
        for one in result.upcoming:
            if one.holds is not True:
                because = f"{one.threshold} of {gate.id} is {one.value!r} from then on"
                found.append((parse_moment(one.effective_on), because))
        for item in result.record.freshness:
            # A stale item that was accepted is good up to the age that was accepted.
            accepted = limits.get(result.gate.id, {}).get(age_of(item.path), 0.0)
            age = max(item.max_age_s, accepted)
            moment = parse_moment(item.timestamp) + timedelta(seconds=min(age, LONGEST.total_seconds()))
            found.append((moment, f"{item.path} goes stale at {format_duration(age)} of age"))
    return ValidUntil(iso(min(found)[0]), min(found)[1]) if found else None
