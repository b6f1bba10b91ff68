"""
Who may sign for what: `signers.yaml`.

Each person has one name, one key and some roles. A key that stands under two names is refused: it
would let one person count as two.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.trust import keys
from pytest_promotion.trust.entries import items
from pytest_promotion.trust.keys import PublicKey

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")  # what allowed_signers takes for no pattern
_ROLE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SSH: Final = re.compile(r"(?P<kind>[a-z0-9@.-]+) +(?P<body>[A-Za-z0-9+/]+={0,2})(?: +\S.*)?")
_SSH_KINDS: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


class _Written(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    name: str
    roles: Annotated[list[str], msgspec.Meta(min_length=1)]
    key: str
    valid_from: str | None = None
    valid_until: str | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """A person whose signature counts. One of `ssh` and `pem` says which kind of signature that is."""

    name: str
    roles: tuple[str, ...]
    identity: str  # of the key, whichever form it is written in
    ssh: str  # "ssh-ed25519 AAAA…", or ""
    pem: PublicKey | None
    valid_from: datetime | None
    valid_until: datetime | None
    where: str

    def untimely(self, now: datetime) -> str:
        """Why the key does not count at *now*, as the end of a sentence; "" where it does."""
        if self.valid_from is not None and now < self.valid_from:
            return f"whose key is not valid before {iso(self.valid_from)}"
        if self.valid_until is not None and now >= self.valid_until:
            return f"whose key was valid until {iso(self.valid_until)}"
        return ""


def read(content: bytes, name: str) -> dict[str, Signer]:
    """
    The signers in the file *content*, called *name*, by their names.

    Raises:
        PolicyError: with the line of what is wrong; then nobody in the file counts.
    """
    found: dict[str, Signer] = {}
    owners: dict[str, str] = {}
    for item in items(content, name, "signers", _Written):
        if item.problem:
            raise PolicyError(item.problem)
        signer = _signer(item.found, item.where)
        if signer.name in found:
            raise PolicyError(f"{item.where}: the signer {signer.name!r} stands twice")
        if signer.identity in owners:
            raise PolicyError(f"{item.where}: {signer.name} has the key of {owners[signer.identity]}")
        found[signer.name], owners[signer.identity] = signer, signer.name
    return found


def _signer(written: _Written, where: str) -> Signer:
    if not NAME.fullmatch(written.name):
        raise PolicyError(f"{where}: the name {written.name!r} is none: expected letters, digits and . _ @ + -")
    for role in written.roles:
        if not _ROLE.fullmatch(role) or role == "any":
            raise PolicyError(
                f"{where}: the role {role!r} is none: expected small letters, digits and -, and not `any`"
            )
    try:
        since, until = (
            None if text is None else parse_moment(text) for text in (written.valid_from, written.valid_until)
        )
        identity, ssh, pem = _key(written.key.strip(), f"the key of {written.name}")
    except (BadTimestamp, Unproven) as problem:
        raise PolicyError(f"{where}: {problem}") from None
    if since and until and since >= until:
        raise PolicyError(f"{where}: the key of {written.name} is never valid")
    return Signer(written.name, tuple(dict.fromkeys(written.roles)), identity, ssh, pem, since, until, where)


def _key(text: str, name: str) -> tuple[str, str, PublicKey | None]:
    if text.startswith("-----BEGIN "):
        pem = keys.public_key(text.encode(), name)
        return pem.id, "", pem
    match = _SSH.fullmatch(text)
    if match is None or match["kind"] not in _SSH_KINDS:
        raise Unproven(f"{name} is neither a public key in PEM form nor one of {', '.join(_SSH_KINDS)}")
    try:
        body = base64.b64decode(match["body"], validate=True)
    except binascii.Error:
        body = b""
    kind = match["kind"].encode()
    # The kind stands inside as well: a line that says one and holds another is nobody's key.
    if not body.startswith(len(kind).to_bytes(4, "big") + kind):
        raise Unproven(f"{name} is damaged: what it holds is no {match['kind']}")
    return _identity(body, match["kind"], name), f"{match['kind']} {match['body']}", None


def _identity(body: bytes, kind: str, name: str) -> str:
    """The same for the key in PEM form, so that one key under two names is seen in either form."""
    if kind.startswith("sk-"):
        return sha256(body).hexdigest()  # a security key has no PEM form
    return keys.ssh_public_key(f"{kind} {base64.b64encode(body).decode()}".encode(), name).id
