"""
From all that a run found out to its decision: a pure function, for one session and for merged shards.

`verdict.decide()` says PASS or FAIL; here its question is put together, and its answer is dressed
with what a reader needs to act on it.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pytest_promotion.clock import iso, parse_moment, spoken
from pytest_promotion.evidence import bundle
from pytest_promotion.ledger import with_requirements
from pytest_promotion.model import CommandRun, Decision, Exhibit, GateResult, Severity, Subject, ValidUntil
from pytest_promotion.policy import Policy
from pytest_promotion.verdict import decide


@dataclass(frozen=True, slots=True)
class Account:
    """What a run found out. `results` are as the ledger gives them, before `requires` is looked at."""

    run_id: str
    now: datetime
    as_of: bool
    results: tuple[GateResult, ...]
    known: frozenset[str]  # the ids of all gates that exist, run or not
    problems: tuple[str, ...]  # what broke in the run itself, a sentence each
    narrowed: bool  # the session was asked for less than all gates
    policy: Policy
    policy_path: str | None
    policy_files: tuple[Exhibit, ...]
    subject: Subject | None
    manifest: Exhibit | None
    git_commit: str | None
    git_dirty: bool | None
    attachments: tuple[Exhibit, ...] = ()
    refreshed: tuple[tuple[str, CommandRun], ...] = ()


def decision_of(account: Account) -> Decision:
    """The decision that follows from the account, and from nothing else."""
    results = with_requirements(account.results)
    exhibits, problems = bundle.collect(results)
    problems += _unmet_requirements(results, account.known)
    until = _valid_until(results)
    if until is not None and parse_moment(until.ts_utc) < account.now:
        problems.append(f"{until.because} before the session ended")
    policy = account.policy
    verdict = decide(results, policy.rules.required, [*account.problems, *problems], narrowed=account.narrowed)
    resolved = policy.resolved_sha256
    return Decision(
        verdict=verdict,
        kind="replay" if account.as_of else "decision",
        run_id=account.run_id,
        ts_utc=iso(account.now),
        profile=policy.profile,
        overrides=policy.overrides,
        weakened=policy.weakened,
        valid_until=until if verdict.passed else None,
        subject=account.subject,
        manifest=account.manifest,
        bundle_id=bundle.bundle_id(exhibits, verdict.results, resolved),
        exhibits=exhibits,
        policy_path=account.policy_path,
        policy_sha256=policy.sources[0].sha256 if policy.sources else resolved,
        policy_resolved_sha256=resolved,
        policy_files=account.policy_files,
        git_commit=account.git_commit,
        git_dirty=account.git_dirty,
        clock_now=iso(account.now),
        as_of=account.as_of,
        attachments=account.attachments,
        refreshed=account.refreshed,
        tool_version=importlib.metadata.version("pytest-promotion"),
    )


def _unmet_requirements(results: Iterable[GateResult], known: frozenset[str]) -> Iterator[str]:
    for result in results:
        for name in result.gate.requires:
            if name not in known:
                yield f"{result.gate.id} rests on {name!r}, and there is no such gate"


def _valid_until(results: Sequence[GateResult]) -> ValidUntil | None:
    """The first moment at which an item that a critical gate rests on goes stale."""
    first: tuple[datetime, str] | None = None
    for result in results:
        if not result.passed or result.gate.severity is not Severity.CRITICAL:
            continue
        for item in result.record.freshness:
            moment = parse_moment(item.timestamp) + timedelta(seconds=item.max_age_s)
            because = f"{item.path} goes stale at {spoken(item.max_age_s)} of age"
            if first is None or (moment, because) < first:
                first = (moment, because)
    return ValidUntil(iso(first[0]), first[1]) if first else None
