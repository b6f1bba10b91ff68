"""
The board: what is in each stage, by which decision, and what blocks the step into it.

Everything is read each time from the history, the deployments and the incidents; the board itself is stored nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_promotion.clock import iso
from pytest_promotion.custody import deployments, promoted
from pytest_promotion.custody.deployments import Deployment
from pytest_promotion.custody.promoted import Source
from pytest_promotion.custody.subjects import of_digest
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.history.index import Index
from pytest_promotion.history.log import NAME, Logged, Subject
from pytest_promotion.policy import Policy


@dataclass(frozen=True, slots=True)
class Step:
    """
    The step of a candidate into a stage.

    Attributes:
        candidate: the newest one of the stage before; None where there is none.
        done: whether the newest decision of the stage is a PASS about it.
        against: what blocks it, a sentence each.
        unknown: what could not be read, which blocks it too.
        soak_left: seconds.
    """

    candidate: Subject | None = None
    done: bool = False
    against: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    soak_left: float = 0.0

    @property
    def clear(self) -> bool:
        """Whether nothing blocks it."""
        return not self.against and not self.unknown


@dataclass(frozen=True, slots=True)
class Row:
    """
    One stage. `decision` and `deployment` are the newest ones, None where there is none.

    `running` is the deployment that the stage runs, after a rollback an earlier one; None where that is not known.
    """

    stage: str
    profile: str
    after: str
    decision: Logged | None
    deployment: Deployment | None
    running: Deployment | None
    step: Step


@dataclass(frozen=True, slots=True)
class Board:
    """All stages, in the order of the policy."""

    at: datetime
    rows: tuple[Row, ...]

    @property
    def clear(self) -> bool:
        """Whether every step is clear."""
        return all(row.step.clear for row in self.rows)

    @property
    def unknown(self) -> bool:
        """Whether nothing is known to block a step, and something could not be read."""
        return any(row.step.unknown for row in self.rows) and not any(row.step.against for row in self.rows)

    def document(self) -> dict[str, Any]:
        """The board as plain values."""
        rows = [_plain(row) for row in self.rows]
        return {"schema_version": 1, "at_utc": iso(self.at), "clear": self.clear, "stages": rows}


def board(policy: Policy, folder: Path, vault: Vault, at: datetime) -> Board:
    """
    The board of the stages of *policy* by the decisions in *folder*.

    Raises:
        PolicyError: where the policy has no stages.
        Unproven: where there is no history, or it or the file of deployments is damaged.
        OSError: where it cannot be read.
    """
    if not policy.stages:
        raise PolicyError("the policy has no `stages`")
    if not (folder / NAME).exists():
        raise Unproven(f"there is no {folder / NAME}: nothing was decided here yet")
    deployed, running = deployments.newest(folder), deployments.running(folder)
    with Index(folder) as index:
        newest = {name: entry.decision for name in policy.stages if (entry := index.newest_of(name)) is not None}
    rows = []
    for name, rules in policy.stages.items():
        step = _step(name, policy, newest, Source(folder, vault, at))
        found = newest.get(name)
        there = (deployed.get(name), running.get(name))
        rows.append(Row(name, policy.stage_profiles[name], rules.after or "", found, *there, step))
    return Board(at, tuple(rows))


def _step(name: str, policy: Policy, newest: dict[str, Logged], source: Source) -> Step:
    rules, own = policy.stages[name], newest.get(name)
    if rules.after is None:
        against = _own_decision(name, own)
        return Step(own.subject if own else None, not against, against)
    before = newest.get(rules.after)
    candidate = before.subject if before is not None else None
    if candidate is None:
        what = "no candidate was decided" if before is None else "the newest decision is about nothing"
        return Step(None, False, (f"{what} in {rules.after}",))
    same = own is not None and own.subject is not None
    same = same and of_digest(own.subject.digest) == of_digest(candidate.digest)  # type: ignore[union-attr] # both are there
    keys = tuple(key.content for key in policy.keys.get(rules.after, ()))
    facts = promoted.collect(rules.after, policy.stage_profiles[rules.after], candidate.digest, source, keys)
    judged = promoted.judge(facts, rules, source.now, policy.rules.timestamps.skew)
    unknown = list(judged.unknown)
    against = (*judged.against, *_approvals(name, policy, candidate, source, unknown))
    if same:
        against = (*against, *_own_decision(name, own))
    done = same and own is not None and own.status == "PASS"
    return Step(candidate, done, against, tuple(unknown), judged.left)


def _own_decision(name: str, own: Logged | None) -> tuple[str, ...]:
    if own is None:
        return (f"no candidate was decided in {name}",)
    return () if own.status == "PASS" else (f"{own.file} of {own.ts_utc[:19]}Z says {own.status}",)


def _approvals(name: str, policy: Policy, candidate: Subject, source: Source, unknown: list[str]) -> tuple[str, ...]:
    wanted = policy.stages[name].approvals
    if not wanted:
        return ()
    from pytest_promotion.custody import approvals  # most stages ask for none
    from pytest_promotion.trust.waivers import signers_of

    try:
        rows = approvals.of(source.folder, name, candidate.digest)
    except Unproven as problem:
        unknown.append(str(problem))
        return ()
    try:
        approvals.check(rows, name, candidate.digest, signers_of(policy), wanted, source.now)
    except (Unproven, PolicyError) as problem:
        return (str(problem),)
    return ()


def _plain(row: Row) -> dict[str, Any]:
    decision, deployment, step = row.decision, row.deployment, row.step
    return {
        "stage": row.stage,
        "profile": row.profile,
        "after": row.after or None,
        "subject": _subject(decision.subject) if decision else None,
        "decision": decision
        and {name: getattr(decision, name) for name in ("status", "ts_utc", "run_id", "file", "sha256")},
        "deployment": _deployment(deployment, "ended"),
        "running": _deployment(row.running),
        "step": {
            "candidate": _subject(step.candidate),
            "done": step.done,
            "clear": step.clear,
            "soak_left_s": round(step.soak_left, 3),
            "blocked_by": list(step.against),
            "unknown": list(step.unknown),
        },
    }


def _deployment(found: Deployment | None, *more: str) -> dict[str, Any] | None:
    names = ("ts_utc", "run_id", *more, "subject", "sha256", "allowances")
    return {name: getattr(found, name) for name in names} if found else None


def _subject(subject: Subject | None) -> dict[str, Any] | None:
    return {"name": subject.name, "digest": subject.digest} if subject else None
