"""
Who has approved what, and whether these people are enough. Signatures are checked, then people are counted.

A quorum asks for so many people of each role. One person fills one place, whatever roles he has, and
whoever asked for the exception, or answers for what went wrong, fills none.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from pytest_promotion.errors import Unproven
from pytest_promotion.model import Approver
from pytest_promotion.trust import dsse, keys, ssh
from pytest_promotion.trust.signers import Signer

ANY: Final = "any"  # a place that everyone may fill who may sign at all


class Approval(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """One signature, by `ssh-keygen -Y` or in DSSE's encoding, in base64."""

    by: str
    ssh: str | None = None
    dsse: str | None = None


@dataclass(frozen=True, slots=True)
class Matter:
    """What is signed: its kind keeps a signature under one thing from being one under another."""

    kind: str  # "waiver", "override" or "post-mortem"
    payload: bytes

    @property
    def payload_type(self) -> str:
        """Of DSSE."""
        return f"application/vnd.pytest-promotion.{self.kind}+json"

    @property
    def namespace(self) -> str:
        """Of ssh-keygen."""
        return f"promotion-{self.kind}"


def approve(matter: Matter, by: str, key: Path | None, ssh_key: Path | None) -> Approval:
    """The approval of *matter* by a person, with the key in PEM form or with that of OpenSSH. Raises `Unproven`."""
    if ssh_key is not None:
        return Approval(by=by, ssh=ssh.sign(matter.payload, ssh_key, matter.namespace))
    if key is None:
        raise Unproven("nothing is approved without a key")
    envelope = dsse.sign(matter.payload, matter.payload_type, [keys.read_private(key)])
    return Approval(by=by, dsse=base64.b64encode(envelope.signatures[0].sig).decode())


def signer_of(approval: Approval, matter: Matter, signers: Mapping[str, Signer], now: datetime) -> Signer:
    """
    Who gave *approval* to *matter*.

    Raises:
        Unproven: where nobody of that name may sign at *now*, or the signature is not his.
    """
    signer = signers.get(approval.by)
    if signer is None:
        raise Unproven(f"{approval.by!r} is nobody who may sign")
    why = signer.untimely(now)
    if why:
        raise Unproven(f"it is signed by {signer.name}, {why}")
    if (approval.ssh is None) == (approval.dsse is None):
        raise Unproven(f"the approval of {signer.name} needs one of `ssh` and `dsse`")
    if signer.pem is not None and approval.dsse is not None:
        _check_dsse(approval.dsse, matter, signer)
    elif signer.ssh and approval.ssh is not None:
        ssh.check(matter.payload, approval.ssh, signer.ssh, signer.name, matter.namespace)
    else:
        kind = "DSSE, and his key is one of OpenSSH" if signer.ssh else "SSH, and his key is in PEM form"
        raise Unproven(f"the approval of {signer.name} is one by {kind}")
    return signer


def _check_dsse(signature: str, matter: Matter, signer: Signer) -> None:
    # Put back into the envelope that it was taken from, so that there is one strict reader of base64.
    line = {
        "payload": base64.b64encode(matter.payload).decode(),
        "payloadType": matter.payload_type,
        "signatures": [{"sig": signature}],
    }
    envelope = dsse.parse(json.dumps(line).encode(), f"the approval of {signer.name}")
    try:
        dsse.verified(envelope, [signer.pem] if signer.pem else [], payload_type=matter.payload_type)
    except Unproven:
        raise Unproven(f"the signature of {signer.name} is not good: it is not one by his key under this") from None


def approved(
    approvals: Sequence[Approval],
    matter: Matter,
    signers: Mapping[str, Signer],
    wanted: Mapping[str, int],
    now: datetime,
    excluded: Collection[str],
) -> list[Signer]:
    """
    The people who have approved *matter*, where they are enough for *wanted*.

    Every approval has to be good: one that is not was put there by a mistake or by somebody.

    Args:
        wanted: how many people of each role.
        excluded: who may not approve it, by name.

    Raises:
        Unproven: with what is wrong or who is missing.
    """
    found: list[Signer] = []
    for approval in approvals:
        if approval.by in excluded:
            raise Unproven(f"{approval.by} may not approve what he asked for or answers for")
        if any(approval.by == one.name for one in found):
            raise Unproven(f"{approval.by} has approved it twice")
        found.append(signer_of(approval, matter, signers, now))
    missing = lacking(wanted, [Approver(one.name, one.roles) for one in found])
    if missing:
        raise Unproven(f"it lacks the approval of {', '.join(missing)}")
    return found


def lacking(wanted: Mapping[str, int], people: Sequence[Approver]) -> list[str]:
    """
    The places that cannot be filled when each of *people* fills one at most: roles, one for each place.

    A maximum matching by augmenting paths (Kuhn): who came first moves to another of his places
    where that lets one more be filled.
    """
    places = [role for role in sorted(wanted) for _ in range(wanted[role])]
    holder: dict[int, int] = {}  # from a person to the place that he fills

    def fill(place: int, tried: set[int]) -> bool:
        for number, person in enumerate(people):
            if number in tried or places[place] not in (ANY, *person.roles):
                continue
            tried.add(number)
            if number not in holder or fill(holder[number], tried):
                holder[number] = place
                return True
        return False

    return [role for place, role in enumerate(places) if not fill(place, set())]
