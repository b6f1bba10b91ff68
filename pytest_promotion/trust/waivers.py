"""
Waivers as they are written: `waivers.yaml`, read strictly, each approved by its quorum.

An entry whose form is wrong is an error for every candidate. One that is well written and for another
candidate is left alone. What is signed is the RFC 8785 form of an entry without its approvals.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final

import msgspec

from pytest_promotion.canonical import canonical
from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.decision.waivers import untimely
from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.model import Approver, Granted, Severity, Subject, ValidUntil, Waiver
from pytest_promotion.policy import Policy, PolicySource, WaiverQuorum
from pytest_promotion.trust import signers as people
from pytest_promotion.trust.approvals import Approval, Matter, approved
from pytest_promotion.trust.entries import items
from pytest_promotion.trust.signers import Signer

SUBJECT: Final = re.compile(r"sha256:[0-9a-f]{64}|gitCommit:(?:[0-9a-f]{40}|[0-9a-f]{64})")
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A waiver as it is written."""

    gate: _Text
    severity: Severity
    subjects: Annotated[list[str], msgspec.Meta(min_length=1)]
    fingerprint: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    limits: dict[str, bool | int | float | str] = {}
    reason: _Text
    owner: _Text
    requested_by: _Text
    created: str
    expires: str
    approvals: list[Approval] = []


@dataclass(frozen=True, slots=True)
class Written:
    """An entry with its place; `problem` says what is wrong with its form."""

    where: str
    entry: Entry | None
    problem: str = ""


def matter_of(entry: Entry) -> Matter:
    """What those who approve *entry* sign."""
    plain = msgspec.to_builtins(entry)
    del plain["approvals"]
    return Matter("waiver", canonical(plain))


def read(content: bytes, name: str) -> Iterator[Written]:
    """The entries of the file *content*, called *name*. Raises `PolicyError` where it is no file of waivers."""
    for item in items(content, name, "waivers", Entry):
        if item.found is None:
            yield Written(item.where, None, item.problem)
            continue
        try:
            _check_form(item.found)
        except (Unproven, BadTimestamp) as problem:
            yield Written(item.where, None, f"{item.where}: {problem}")
        else:
            yield Written(item.where, item.found)


def _check_form(entry: Entry) -> None:
    if any(mark in entry.gate for mark in "*?"):
        raise Unproven(f"the gate {entry.gate!r} is over-broad: a waiver is for one gate, by its whole id")
    for subject in entry.subjects:
        if not SUBJECT.fullmatch(subject):
            raise Unproven(
                f"the subject {subject!r} is over-broad or no digest: expected sha256:HEX or gitCommit:HEX, whole"
            )
    if len(set(entry.subjects)) != len(entry.subjects):
        raise Unproven("a subject stands in it twice")
    for name, limit in entry.limits.items():
        if isinstance(limit, float) and not math.isfinite(limit):
            raise Unproven(f"the limit of {name} is {limit}, which everything is below")
    if not all(text.strip() for text in (entry.reason, entry.owner, entry.requested_by)):
        raise Unproven("reason, owner and requested_by have to say something")
    created, expires = parse_moment(entry.created), parse_moment(entry.expires)
    if expires <= created:
        raise Unproven(f"it expires at {iso(expires)}, which is not after it was created")
    try:
        matter_of(entry)
    except Exception as problem:  # noqa: BLE001 - what has no canonical form cannot be signed
        raise Unproven(f"it cannot be signed: {problem}") from None


def granted(policy: Policy, subject: Subject | None, now: datetime) -> Granted:
    """The waivers of *policy* for the candidate *subject*, and what is wrong with the others."""
    if policy.waivers is None:
        return Granted()
    name = _name(policy.waivers)
    try:
        written = list(read(policy.waivers.content, name))
        signers = signers_of(policy)
    except PolicyError as problem:
        return Granted(problems=(str(problem),))
    own = {f"{kind}:{text}" for kind, text in subject.digest.items()} if subject else set()
    found: list[Waiver] = []
    problems: list[str] = []
    for one in written:
        if one.entry is None:
            problems.append(one.problem)
        elif own & set(one.entry.subjects):
            try:
                found.append(waiver_of(one.entry, one.where, policy, signers, now))
            except Unproven as refusal:
                problems.append(f"{one.where}: the waiver of {one.entry.gate} cannot be used: {refusal}")
    return Granted(tuple(found), tuple(problems))


def signers_of(policy: Policy) -> dict[str, Signer]:
    """Who may sign. Raises `PolicyError`."""
    return people.read(policy.signers.content, _name(policy.signers)) if policy.signers else {}


def waiver_of(entry: Entry, where: str, policy: Policy, signers: Mapping[str, Signer], now: datetime) -> Waiver:
    """
    The waiver in *entry*, which the policy allows and its quorum has approved.

    Raises:
        Unproven: otherwise. Whether it is the right time for it is `waiving.untimely`'s to say, unless nobody
            could approve it then.
    """
    quorum = _quorum(policy, entry)
    created, expires = parse_moment(entry.created), parse_moment(entry.expires)
    if quorum.max is None or expires - created > parse_duration(quorum.max):
        raise Unproven(f"it lasts longer than {quorum.max}, the most that the policy allows")
    if len(entry.subjects) > quorum.subjects:
        raise Unproven(
            f"it is over-broad: for {len(entry.subjects)} candidates, and the policy allows {quorum.subjects}"
        )
    if entry.requested_by not in signers:
        raise Unproven(
            f"{entry.requested_by!r} asked for it, and is nobody who may sign: self-approval could not be seen"
        )
    bare = Waiver(
        gate=entry.gate,
        severity=entry.severity,
        subjects=tuple(entry.subjects),
        fingerprint=entry.fingerprint,
        limits=dict(entry.limits),
        reason=entry.reason,
        owner=entry.owner,
        requested_by=entry.requested_by,
        created=iso(created),
        expires=iso(expires),
        approvers=(),
        ends=ValidUntil(iso(expires), f"the waiver of {entry.gate} expires"),
        where=where,
    )
    late = untimely(bare, now, policy.rules.timestamps.skew)
    if late:
        raise Unproven(f"it {late}")  # told before the keys, which may have expired with it
    who = approved(entry.approvals, matter_of(entry), signers, quorum.approvals, now, {entry.owner, entry.requested_by})
    return _with(bare, who)


def _with(bare: Waiver, who: list[Signer]) -> Waiver:
    ends = [(bare.ends.ts_utc, bare.ends.because)]
    ends += [
        (iso(one.valid_until), f"the key of {one.name} expires, who approved the waiver of {bare.gate}")
        for one in who
        if one.valid_until is not None
    ]
    return replace(bare, approvers=tuple(Approver(one.name, one.roles) for one in who), ends=ValidUntil(*min(ends)))


def _quorum(policy: Policy, entry: Entry) -> WaiverQuorum:
    rules = policy.rules.exceptions.waiver
    quorum = rules.critical if entry.severity is Severity.CRITICAL else rules.warning
    if quorum is None:
        raise Unproven(f"the policy has no exceptions.waiver.{entry.severity.value}: no such gate can be waived")
    return quorum


def _name(source: PolicySource) -> str:
    return source.path.rpartition("/")[2]
