"""Signatures of producers: whose signature on a statement of `promotion run` counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.text import listed
from pytest_promotion.trust import dsse, keys, signers

if TYPE_CHECKING:
    from pytest_promotion.trust.keys import PublicKey
    from pytest_promotion.trust.signers import Signer

ROLE: Final = "producer"  # where some signer has it, no other signature counts


def verifier(content: bytes, name: str, now: datetime) -> Callable[[bytes, str], bytes]:
    """
    What gives the payload of an envelope that an allowed signer has signed, and raises `Unproven` for any other.

    Args:
        content: the file of signers.
        name: what messages call it.
        now: the moment at which the keys have to be valid.

    Raises:
        Unproven: where the file cannot be used.
    """
    try:
        known = signers.read(content, name)
    except PolicyError as problem:
        raise Unproven(str(problem)) from None
    with_role = [one for one in known.values() if ROLE in one.roles]
    allowed = [one for one in with_role or known.values() if not one.untimely(now)]
    public = [key for one in allowed for key in [_key(one)] if key is not None]
    who = listed(sorted(one.name for one in allowed)) or "no signer"

    def verify(envelope: bytes, statement: str) -> bytes:
        try:
            found = dsse.parse(envelope, statement)
        except Unproven:
            raise Unproven(
                f"{statement} is not signed, and `provenance: signed` demands it: promotion run --sign KEYFILE …"
            ) from None
        try:
            payload, _ = dsse.verified(found, public)
        except Unproven as problem:
            raise Unproven(f"{statement}: {problem} ({name} allows {who})") from None
        return payload

    return verify


def _key(signer: Signer) -> PublicKey | None:
    if signer.pem is not None:
        return signer.pem
    try:
        return keys.ssh_public_key(signer.ssh.encode(), f"the key of {signer.name}")
    except Unproven:
        return None  # a security key, which signs no envelopes
