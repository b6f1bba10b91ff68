"""
Break-glass: acting on a decision that says FAIL, with a quorum of its own, an end, and a debt.

An override is bound to the bytes of one decision and makes nothing PASS. It is owed a post-mortem, which
somebody who may sign attests; until then the gate `overrides_reviewed` fails every promotion after it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec

from pytest_promotion.canonical import canonical
from pytest_promotion.clock import FUTURE_SKEW, BadTimestamp, iso, parse_moment, stamp
from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import documents
from pytest_promotion.evidence.typed import converted
from pytest_promotion.policy import OverrideQuorum
from pytest_promotion.text import legible, listed
from pytest_promotion.trust.approvals import Approval, Matter, approved, signer_of
from pytest_promotion.trust.signers import Signer
from pytest_promotion.trust.stored import StoredDecision, StoredSubject

SUFFIX: Final = ".override.json"
REVIEW: Final = ".post-mortem.json"
_NOTED: Final = re.compile(r"^- \S+ override ([\w.+-]+\.override\.json) ", re.MULTILINE)
_Text = Annotated[str, msgspec.Meta(min_length=1, pattern=r"\S")]
_Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Overridden(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The decision that is overridden, by the digest of its file."""

    sha256: _Hex
    run_id: str
    ts_utc: str
    critical_failures: list[str]


class Override(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`<decision>.override.json`."""

    schema_version: Literal[1] = 1
    kind: Literal["override"]
    decision: Overridden
    subject: StoredSubject
    reason: _Text
    incident: _Text
    requested_by: _Text
    created: str
    expires: str
    approvals: list[Approval] = []

    @property
    def matter(self) -> Matter:
        """What those who approve it sign: all of it but the approvals."""
        plain = msgspec.to_builtins(self)
        del plain["approvals"]
        return Matter("override", canonical(plain))


class Review(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`<decision>.post-mortem.json`: somebody attests that this document is the post-mortem of that override."""

    schema_version: Literal[1] = 1
    kind: Literal["post-mortem"]
    override_sha256: _Hex  # of what was signed of it
    document_sha256: _Hex
    ts_utc: str
    attested: Approval

    @property
    def matter(self) -> Matter:
        """What is signed: all of it but the signature."""
        plain = msgspec.to_builtins(self)
        del plain["attested"]
        return Matter("post-mortem", canonical(plain))


@dataclass(frozen=True, slots=True)
class Owed:
    """An override with the post-mortem that was written about it, as far as they are there."""

    name: str
    override: Any  # the JSON of the file
    review: Any  # that of the attestation, or None
    document_sha256: str  # of the post-mortem itself, or ""


def override_of(
    decision: StoredDecision,
    content: bytes,
    *,
    reason: str,
    incident: str,
    requested_by: str,
    now: datetime,
    expires: datetime,
) -> Override:
    """
    The override, still without approvals, of the decision whose file is *content*.

    Raises:
        Unproven: for what is no decision that says FAIL about something.
    """
    if decision.kind != "decision" or decision.status != "FAIL":
        raise Unproven(
            f"it is a {decision.kind} that says {decision.status}: only a decision that says FAIL is overridden"
        )
    if decision.subject is None:
        raise Unproven("the decision does not say what it is about")
    itself = Overridden(
        sha256=sha256(content).hexdigest(),
        run_id=decision.run_id,
        ts_utc=decision.ts_utc,
        critical_failures=decision.critical_failures,
    )
    return Override(
        kind="override",
        decision=itself,
        subject=decision.subject,
        reason=reason,
        incident=incident,
        requested_by=requested_by,
        created=iso(now),
        expires=iso(expires),
    )


def stem_of(decision: StoredDecision, stem: str) -> str:
    """What the files of an override begin with; `latest` would be another decision tomorrow."""
    return stem if stem != "latest" else f"promotion_gates_{stamp(parse_moment(decision.ts_utc))}"


def parse(content: bytes, name: str) -> Override:
    """The override in the file *content*, called *name*. Raises `Unproven`."""
    return converted(documents.parse_json(content, name), Override, f"{name} is no override")


def review_of(override: Override, document: bytes, now: datetime) -> Review:
    """The statement, still to be signed, that *document* is the post-mortem of *override*."""
    return Review(
        kind="post-mortem",
        override_sha256=sha256(override.matter.payload).hexdigest(),
        document_sha256=sha256(document).hexdigest(),
        ts_utc=iso(now),
        attested=Approval(by=""),
    )


def check(
    override: Override,
    decision: StoredDecision,
    content: bytes,
    quorum: OverrideQuorum | None,
    signers: Mapping[str, Signer],
    at: datetime,
    skew: timedelta = FUTURE_SKEW,
) -> list[Signer]:
    """
    Who approved that the decision in *content* is overridden at the moment *at*.

    Raises:
        Unproven: where it is another decision or subject, has expired, lasts too long, or lacks its quorum.
    """
    if quorum is None or quorum.max is None:
        raise Unproven("the policy has no exceptions.override: nothing can be overridden")
    if decision.kind != "decision" or decision.status != "FAIL":
        raise Unproven(f"it overrides a {decision.kind} that says {decision.status}: only FAIL can be overridden")
    if override.decision.sha256 != sha256(content).hexdigest():
        raise Unproven("it overrides another decision")
    if decision.subject is None or override.subject.digest != decision.subject.digest:
        raise Unproven("it is about something else than the decision")
    created, expires = _moments(override)
    if created > at + skew:
        raise Unproven(f"it is of {iso(created)}, which is yet to come")
    if expires - created > parse_duration(quorum.max):
        raise Unproven(f"it lasts longer than {quorum.max}, the most that the policy allows")
    if expires <= at:
        raise Unproven(f"it expired at {iso(expires)}")
    if override.requested_by not in signers:
        raise Unproven(f"{override.requested_by!r} asked for it, and is nobody who may sign")
    return approved(override.approvals, override.matter, signers, quorum.approvals, at, {override.requested_by})


def noted(incidents: str) -> set[str]:
    """The files of the overrides that the incidents document tells of."""
    return set(_NOTED.findall(incidents))


def note(name: str, override: Override) -> str:
    """The line for the incidents document."""
    said = " ".join(override.reason.split())
    failures = listed(override.decision.critical_failures, 20) or "none named"
    return legible(
        f"- {override.created} override {name} of run {override.decision.run_id} by {override.requested_by}, "
        f"incident {' '.join(override.incident.split())}: {said} (critical: {failures})"
    )


def owing(
    every: Sequence[Owed],
    quorum: OverrideQuorum | None,
    signers: Mapping[str, Signer],
    now: datetime,
    skew: timedelta = FUTURE_SKEW,
) -> list[str]:
    """A sentence for each override without a post-mortem that somebody attested."""
    due = quorum.post_mortem_within if quorum is not None else OverrideQuorum().post_mortem_within
    found = []
    for one in every:
        late = ""
        try:
            override = converted(one.override, Override, f"{one.name} is no override")
            created, _ = _moments(override)
            late = f"; it was due {due} after {iso(created)}" if now - created > parse_duration(due) else ""
            _check_review(one, override, signers, (created, now + skew))
        except Unproven as refusal:
            found.append(f"{one.name}: {refusal}{late}")
    return found


def _check_review(
    one: Owed, override: Override, signers: Mapping[str, Signer], between: tuple[datetime, datetime]
) -> None:
    if one.review is None or not one.document_sha256:
        raise Unproven(f"incident {override.incident} has no post-mortem")
    review = converted(one.review, Review, f"the post-mortem of {one.name} is no review")
    if review.override_sha256 != sha256(override.matter.payload).hexdigest():
        raise Unproven("its post-mortem is that of another override")
    if review.document_sha256 != one.document_sha256:
        raise Unproven("its post-mortem was changed after it was attested")
    try:
        moment = parse_moment(review.ts_utc)
    except BadTimestamp as problem:
        raise Unproven(f"its post-mortem is of {problem}") from None
    if not between[0] <= moment <= between[1]:
        raise Unproven(f"its post-mortem is of {iso(moment)}, which is before the override or yet to come")
    # By the keys of that day: a review does not become undone when somebody's key expires.
    signer_of(review.attested, review.matter, signers, moment)


def _moments(override: Override) -> tuple[datetime, datetime]:
    try:
        return parse_moment(override.created), parse_moment(override.expires)
    except BadTimestamp as problem:
        raise Unproven(f"its times cannot be read: {problem}") from None
