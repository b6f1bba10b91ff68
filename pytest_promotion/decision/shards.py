"""
One promotion on several machines: each runs its share of the gates, and the shares become one decision.

A shard's file says what was found and decides nothing. Shards merge as sets do: in any order, in any
grouping, the same file twice counting once. What makes a set of them whole is judged once, by the
same pure function that decides for a single session.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.decision.assembly import Account
from pytest_promotion.decision.recomputing import belied
from pytest_promotion.decision.wire import pack
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence import documents
from pytest_promotion.evidence.files import read_given
from pytest_promotion.model import (
    CHANGES_NAMED,
    CommandRun,
    Exhibit,
    Gate,
    GateResult,
    GitState,
    Judges,
    Outcome,
    Requested,
    Subject,
)
from pytest_promotion.policy import Policy
from pytest_promotion.text import clean

_GIVEN: Final = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")
_RUN_ID: Final = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_LARGEST: Final = 64 * 2**20  # bytes of a file


@dataclass(frozen=True, slots=True)
class Share:
    """Which of the gates a session runs: number `index` of `count`, counted from 1."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def takes(self, gates: Collection[str]) -> set[str]:
        """The ids among all of *gates* that fall to it: dealt in the order of their names, the same everywhere."""
        return set(sorted(gates)[self.index - 1 :: self.count])


@dataclass(frozen=True, slots=True)
class Shard:
    """What one session found in its share, with all that has to agree between the shards of a run."""

    index: int
    count: int
    run_id: str
    ts_utc: str
    profile: str
    overrides: dict[str, Any]
    policy_path: str | None
    policy_sha256: str
    policy_resolved_sha256: str
    policy_files: tuple[Exhibit, ...]
    subject: Subject | None
    manifest: Exhibit | None
    git: GitState
    plan: tuple[Gate, ...]  # every gate that was collected, in this share or not
    known: tuple[str, ...]  # and every gate that there is
    results: tuple[GateResult, ...]  # of this share, before `requires` is looked at
    problems: tuple[str, ...]
    requested: Requested
    judges: Judges = field(default_factory=Judges)
    attachments: tuple[Exhibit, ...] = ()
    refreshed: tuple[tuple[str, CommandRun], ...] = ()
    not_applicable: dict[str, str] = field(default_factory=dict)
    stage: str = ""
    rules_as_of: str = ""  # in files of version 0.1 its thresholds did not depend on the time
    kind: str = "shard"
    schema_version: int = 1

    @property
    def common(self) -> dict[str, Any]:
        """What all shards of a run must agree on, by the name that a person calls it."""
        return {
            "run id": self.run_id,
            "number of shards": self.count,
            "profile": (self.profile, self.overrides),
            "stage": self.stage,
            "policy": (self.policy_path, self.policy_sha256, self.policy_resolved_sha256, self.policy_files),
            "sources of gates and versions of suites": self.judges,
            "subject": self.subject,
            "release manifest": self.manifest,
            "commit": (self.git.commit, self.git.tree),
            "list of gates": (self.plan, self.known),
            "choice of gates": self.requested,
            "gates that do not apply": self.not_applicable,
        }


Shards = frozenset[bytes]  # the contents of shard files: a set, so that merging is a union


def parse_share(text: str, run_id: str) -> Share:
    """The share that `--promotion-shard I/N` names. Raises `PolicyError`."""
    match = _GIVEN.fullmatch(text)
    if match is None or int(match[1]) > int(match[2]):
        raise PolicyError(f"--promotion-shard {text}: expected I/N with I from 1 to N, such as 2/3")
    if not run_id:
        raise PolicyError("--promotion-shard needs --promotion-run-id: all shards of a run must say the same one")
    return Share(int(match[1]), int(match[2]))


def check_run_id(text: str) -> None:
    """Refuses a run id that could not stand in a file name or a report. Raises `PolicyError`."""
    if not _RUN_ID.fullmatch(text):
        raise PolicyError(f"--promotion-run-id {text!r}: expected up to 128 letters, digits and . _ : -")


def shard_of(account: Account, share: Share, plan: Iterable[Gate]) -> Shard:
    """What a session found in its share; *plan* is every gate that it collected."""
    collected = {gate.id: gate for gate in plan}
    elsewhere = collected.keys() - share.takes(collected)
    policy = account.policy
    return Shard(
        index=share.index,
        count=share.count,
        run_id=account.run_id,
        ts_utc=iso(account.now),
        profile=policy.profile,
        overrides=policy.overrides,
        policy_path=account.policy_path,
        policy_sha256=policy.sources[0].sha256 if policy.sources else policy.resolved_sha256,
        policy_resolved_sha256=policy.resolved_sha256,
        policy_files=account.policy_files,
        judges=account.judges,
        subject=account.subject,
        manifest=account.manifest,
        git=account.git,
        plan=tuple(collected[name] for name in sorted(collected)),
        known=tuple(sorted(account.known)),
        results=tuple(one for one in account.results if one.gate.id not in elsewhere),
        problems=account.problems,
        requested=account.requested,
        attachments=account.attachments,
        refreshed=account.refreshed,
        not_applicable=dict(account.not_applicable),
        stage=policy.stage,
        rules_as_of=iso(account.rules_as_of),
    )


def written(shard: Shard) -> bytes:
    """The shard as its file, in which every text may leave the process."""
    return pack(clean(msgspec.to_builtins(shard))).encode("ascii", "backslashreplace") + b"\n"


def read(path: Path) -> bytes:
    """The content of the shard file at *path*. Raises `Unproven` for what is none."""
    content = read_given(path, largest=_LARGEST)
    if len(content) > _LARGEST:
        raise Unproven(f"{path} is larger than {_LARGEST >> 20} MB, which no shard is")
    parse(content, str(path))
    return content


def parse(content: bytes, name: str) -> Shard:
    """The shard in *content*; *name* is what messages call it. Raises `Unproven`."""
    plain = documents.parse_json(content, name)
    if not isinstance(plain, dict) or plain.get("kind") != "shard" or plain.get("schema_version") != 1:
        raise Unproven(f"{name} is no shard of a run")
    try:
        found = msgspec.convert(plain, Shard)
        parse_moment(found.ts_utc)
        parse_moment(found.rules_as_of or found.ts_utc)
    except (msgspec.ValidationError, BadTimestamp) as problem:
        raise Unproven(f"{name} is no shard of a run: {problem}") from None
    if not 1 <= found.index <= found.count:
        raise Unproven(f"{name} is shard {found.index} of {found.count}, which cannot be")
    return found


def account_of(shards: Shards, policy_of: Callable[[Shard], Policy]) -> Account:
    """
    What all of *shards* found out together; what is wrong with the set is among its problems.

    Args:
        policy_of: gives the policy that a shard was judged by.

    Raises:
        Unproven: where there is no shard at all, or its policy cannot be had.
    """
    found = sorted((parse(content, "a shard") for content in shards), key=lambda one: (one.index, pack(one)))
    if not found:
        raise Unproven("there are no shards to merge")
    first = found[0]
    problems = [*_disagreements(found), *_gaps(found), *_belied(found)]
    for one in found:
        problems += [f"shard {one.index}: {sentence}" for sentence in one.problems]
    return Account(
        run_id=first.run_id,
        now=max(parse_moment(one.ts_utc) for one in found),
        as_of=False,
        rules_as_of=min(parse_moment(one.rules_as_of or one.ts_utc) for one in found),
        results=tuple(_results(found)),
        known=frozenset(first.known),
        problems=tuple(dict.fromkeys(problems)),
        requested=first.requested,
        policy=policy_of(first),
        policy_path=first.policy_path,
        policy_files=first.policy_files,
        judges=first.judges,
        subject=first.subject,
        manifest=first.manifest,
        git=_git_state(found),
        attachments=tuple(item for one in found for item in one.attachments),
        refreshed=tuple(item for one in found for item in one.refreshed),
        not_applicable=first.not_applicable,
    )


def _git_state(found: Sequence[Shard]) -> GitState:
    """The commit of all shards, with the changes of each; dirty is None where one of them does not know it."""
    states = {one.git.dirty for one in found}
    changes = sorted({path for one in found for path in one.git.changes})
    dirty = True if True in states else None if None in states else False
    return GitState(found[0].git.commit, found[0].git.tree, dirty, tuple(changes[:CHANGES_NAMED]))


def _disagreements(found: Sequence[Shard]) -> Iterator[str]:
    first = found[0].common
    for one in found[1:]:
        for name, value in one.common.items():
            if value != first[name]:
                yield f"shard {found[0].index} and shard {one.index} have not the same {name}"


def _belied(found: Sequence[Shard]) -> Iterator[str]:
    for one in found:
        for result in one.results:
            record = result.record
            for sentence in belied(result.outcome, record.measurements, record.freshness):
                yield f"shard {one.index}: {result.gate.id}: {sentence}"


def _gaps(found: Sequence[Shard]) -> Iterator[str]:
    count = found[0].count
    there = [one.index for one in found]
    for index in range(1, count + 1):
        if index not in there:
            yield f"shard {index} of {count} is missing"
        elif there.count(index) > 1:
            yield f"shard {index} of {count} was run {there.count(index)} times: nobody can tell which one counts"


def _results(found: Sequence[Shard]) -> Iterator[GateResult]:
    """Every gate once, by the worst that any shard says of it; those of a missing shard have not run."""
    worst: dict[str, GateResult] = {}
    for one in found:
        own = Share(one.index, one.count).takes([gate.id for gate in one.plan])
        collected = {gate.id for gate in one.plan}
        for result in one.results:
            name = result.gate.id
            if name in collected and name not in own:
                result = replace(  # noqa: PLW2901 - the same result, told for what it is
                    result, outcome=Outcome.ERROR, reason=f"was run by shard {one.index}, which it does not belong to"
                )
            if name not in worst or worst[name].outcome.rank < result.outcome.rank:
                worst[name] = result
    first = found[0]
    for gate in first.plan:
        if gate.id not in worst:
            index = next(n for n in range(1, first.count + 1) if gate.id in _dealt(first, n))
            worst[gate.id] = GateResult(gate, Outcome.NOT_RUN, f"is missing with shard {index} of {first.count}")
    yield from (worst[name] for name in sorted(worst))


def _dealt(shard: Shard, index: int) -> set[str]:
    return Share(index, shard.count).takes([gate.id for gate in shard.plan])
