"""A second person: whose approval counts, of exactly which evidence, and by signature where the policy asks for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from pytest_promotion.canonical import canonical
from pytest_promotion.clock import parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_file
from pytest_promotion.suites.research.digests import evidence_digest
from pytest_promotion.suites.research.observed import digest_of
from pytest_promotion.suites.research.people import ASKED_BY, Person, folded, person_of
from pytest_promotion.suites.research.policy import InForce
from pytest_promotion.trust.approvals import Approval, Matter, signer_of
from pytest_promotion.trust.signers import Signer, read

EVENT: Final = "approved"
_KIND: Final = "research-candidate"


def matter_of(
    row: Mapping[str, Any], events: Sequence[Mapping[str, Any]], policy_sha256: str | None = None
) -> dict[str, Any]:
    """
    What is approved: the candidate, the digests of its evidence, of its unseen data, and of the policy file in force.

    Raises:
        Unproven: where it was never evaluated, so that nobody knows by which policy.
    """
    if policy_sha256 is None:
        evaluated = [event["payload"] for event in events if event["event_type"] == "evaluated"]
        policy_sha256 = (evaluated[-1].get("policy") or {}).get("base_sha256") if evaluated else None
        if policy_sha256 is None:
            raise Unproven(f"{row['candidate_id']} was never evaluated: there is nothing to approve yet")
    return {
        "candidate_id": row["candidate_id"],
        "evidence_sha256": evidence_digest(row, events),
        "unseen_sha256": digest_of(events),
        "policy_sha256": policy_sha256,
    }


def signed_matter(matter: Mapping[str, Any]) -> Matter:
    """*matter* as it is signed: its RFC 8785 form."""
    return Matter(_KIND, canonical(dict(matter)))


def counted(
    events: Sequence[Mapping[str, Any]], row: Mapping[str, Any], force: InForce, evaluator: Person
) -> list[Person]:
    """
    The people whose approval of this evidence, under this policy, counts: neither creator nor evaluator, each once.

    Raises:
        Unproven: where the policy asks for signatures and there is no file of signers, or a signature is not good.
    """
    matter = matter_of(row, events, force.base.sha256)
    excluded = involved(events) | {folded(evaluator.name)}
    asked = force.policy.approval
    signers = signers_in(asked.signers) if asked.signed else None
    found: dict[str, Person] = {}
    for event in events:
        payload = event["payload"]
        if event["event_type"] == "status_change" and payload.get("new_status") == "exploratory":
            found.clear()  # it was reopened: what was approved before was another state
        if event["event_type"] != EVENT or payload.get("matter") != matter:
            continue
        person = _person(event, matter, signers)
        if person is not None and folded(person.name) not in excluded:
            found[folded(person.name)] = person
    return list(found.values())


def signers_in(path: str | None) -> dict[str, Signer]:
    """Who may sign. Raises `Unproven` where the file is not there, `PolicyError` where it is wrong."""
    if path is None:
        raise Unproven("the policy asks for signatures and names no file of signers")
    try:
        return read(read_file(Path(path)), path)
    except OSError as problem:
        raise Unproven(f"{path}: {(problem.strerror or 'cannot be read').lower()}") from None


def _person(event: Mapping[str, Any], matter: Mapping[str, Any], signers: Mapping[str, Signer] | None) -> Person | None:
    payload = event["payload"]
    if signers is None:
        return person_of(payload.get(ASKED_BY))
    try:
        approval = msgspec.convert(payload.get("approval"), Approval)
    except msgspec.ValidationError:
        return None  # a name without a signature, where the policy asks for one
    signer = signer_of(approval, signed_matter(matter), signers, parse_moment(event["ts_utc"]))
    return Person(signer.name, "signature")


def involved(events: Sequence[Mapping[str, Any]]) -> set[str]:
    """Who created or evaluated the candidate, named its files or its unseen data."""
    kinds = {"created", "evaluated", "adopted"}
    people = (person_of(event["payload"].get(ASKED_BY)) for event in events if event["event_type"] in kinds)
    return {folded(person.name) for person in people if person is not None}
