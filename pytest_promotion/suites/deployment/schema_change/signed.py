"""Approvals of a change by signature: of the commits between base and head, by the people of `signers.yaml`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from pytest_promotion.canonical import canonical
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.deployment.schema_change.changes import Commit
from pytest_promotion.trust.approvals import Approval, Matter, approved
from pytest_promotion.trust.entries import items
from pytest_promotion.trust.signers import Signer

KIND: Final = "schema-change"


def matter_of(fork: str, head: str) -> Matter:
    """What is signed: the two commits, and so everything between them."""
    return Matter(KIND, canonical({"base": fork, "head": head}))


def read(content: bytes, name: str) -> list[Approval]:
    """The approvals in the file *content*, called *name*. Raises `Unproven`."""
    try:
        found = list(items(content, name, "approvals", Approval))
    except PolicyError as problem:
        raise Unproven(str(problem)) from None
    for item in found:
        if item.problem:
            raise Unproven(item.problem)
    return [item.found for item in found]


def added(content: bytes, name: str, approval: Approval) -> bytes:
    """The file *content* with *approval* at its end. Raises `Unproven`, also where he has approved already."""
    before = read(content, name) if content else []
    if any(one.by == approval.by for one in before):
        raise Unproven(f"{approval.by} has approved already: remove that approval first")
    # JSON is YAML, and what was written by hand around it is not kept.
    return msgspec.json.format(msgspec.json.encode({"version": 1, "approvals": [*before, approval]}), indent=2) + b"\n"


def lacking(
    given: Sequence[Approval],
    matter: Matter,
    signers: Mapping[str, Signer],
    wanted: Mapping[str, int],
    now: datetime,
    commits: Collection[Commit],
) -> list[str]:
    """What *given* lacks of the approvals that are *wanted*. Whom a commit says it is by approves nothing."""
    writers = {name.lower() for one in commits for name in one.people}
    excluded = {name for name in signers if name.lower() in writers}
    try:
        approved(given, matter, signers, wanted, now, excluded)
    except Unproven as refusal:
        return [str(refusal)]
    return []
