"""
DSSE v1.0.2: a payload of exact bytes, and who signed it.

What is signed is the pre-authentication encoding of the payload's type and bytes, so nothing
has to be canonical and nothing is parsed before it is verified. `verified` hands on the very
bytes that the signatures cover.

https://github.com/secure-systems-lab/dsse (protocol.md, envelope.md)
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import documents
from pytest_promotion.trust.keys import PrivateKey, PublicKey

IN_TOTO: Final = "application/vnd.in-toto+json"
_LARGEST: Final = 64 * 2**20  # bytes of an envelope; a decision of ten thousand gates has ten million
_SIGNATURES: Final = 100  # that are tried: each costs a verification with each key
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature. The key id is a hint that nobody vouches for: it may be absent, empty or wrong."""

    sig: bytes
    keyid: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with its signatures. Nothing in it is to be believed before `verified` said so."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    def line(self) -> bytes:
        """The envelope as one line of JSON, with standard base64."""
        signatures = [
            {**({} if one.keyid is None else {"keyid": one.keyid}), "sig": base64.b64encode(one.sig).decode()}
            for one in self.signatures
        ]
        document = {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": signatures,
        }
        return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed: `DSSEv1 <length> <type> <length> <payload>`, lengths in bytes, in decimal."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, payload_type: str, keys: Iterable[PrivateKey]) -> Envelope:
    """*payload* in an envelope that each of *keys* has signed."""
    message = encoding(payload_type, payload)
    return Envelope(payload, payload_type, tuple(Signature(key.sign(message), key.public.id) for key in keys))


def cosign(envelope: Envelope, key: PrivateKey) -> Envelope:
    """*envelope* with the signature of *key* added, unless that key has signed it already."""
    message = encoding(envelope.payload_type, envelope.payload)
    if any(key.public.verifies(one.sig, message) for one in envelope.signatures):
        return envelope
    return replace(envelope, signatures=(*envelope.signatures, Signature(key.sign(message), key.public.id)))


def parse(text: bytes, name: str) -> Envelope:
    """
    The envelope in *text*; *name* is what messages call it.

    Raises:
        Unproven: for whatever is not one, or not entirely: unknown fields change nothing that
            is signed and are left alone, duplicate ones are refused.
    """
    if len(text) > _LARGEST:
        raise Unproven(f"{name} is larger than {_LARGEST >> 20} MB, which no envelope is")
    found = documents.parse_json(text, name)
    if not isinstance(found, dict):
        raise Unproven(f"{name} is {documents.named(found)}, not an envelope")
    payload, kind, signatures = found["payload"], found["payloadType"], found["signatures"]
    if not isinstance(kind, str) or not isinstance(signatures, list) or not 0 < len(signatures) <= _SIGNATURES:
        raise Unproven(f"{name} is no envelope: expected a payloadType and 1 to {_SIGNATURES} signatures")
    return Envelope(_decoded(payload, name), kind, tuple(_signature(one, name) for one in signatures))


def verified(
    envelope: Envelope, keys: Iterable[PublicKey], *, payload_type: str = IN_TOTO, threshold: int = 1
) -> tuple[bytes, tuple[str, ...]]:
    """
    The payload, where at least *threshold* different keys of *keys* have signed it.

    Returns:
        the bytes that were signed, and the ids of the keys that signed them, sorted.

    Raises:
        Unproven: otherwise, and for a payload of another type.
    """
    if threshold < 1:
        raise Unproven(f"a threshold of {threshold} signatures would accept everything")
    if envelope.payload_type != payload_type:
        raise Unproven(f"the envelope holds {envelope.payload_type!r}, expected {payload_type!r}")
    message = encoding(envelope.payload_type, envelope.payload)
    # Every key against every signature: the key id is a hint, and one key counts once however often it signed.
    known = {key.id: key for key in keys}
    signers = sorted(
        key.id for key in known.values() if any(key.verifies(one.sig, message) for one in envelope.signatures)
    )
    if len(signers) < threshold:
        by = f"{len(signers)} of the {threshold} keys needed" if threshold > 1 else "none of the allowed keys"
        raise Unproven(f"the envelope is signed by {by}")
    return envelope.payload, tuple(signers)


def _signature(found: Any, name: str) -> Signature:
    if not isinstance(found, dict):
        raise Unproven(f"{name} has a signature that is {documents.named(found)}")
    keyid = found.get("keyid")
    if keyid is not None and not isinstance(keyid, str):
        raise Unproven(f"{name} has a key id that is {documents.named(keyid)}")
    return Signature(_decoded(found["sig"], name), keyid)


def _decoded(text: Any, name: str) -> bytes:
    """Base64 in either alphabet, with or without its padding; anything else in it is refused, not skipped."""
    if not isinstance(text, str):
        raise Unproven(f"{name} has {documents.named(text)} where base64 belongs")
    try:
        plain = text.encode("ascii").translate(_URL_SAFE).rstrip(b"=")
        found = base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        found = plain = b""
    # The last character has bits that decode to nothing: two texts for the same bytes would be one too many.
    if not plain or base64.b64encode(found).rstrip(b"=") != plain:
        raise Unproven(f"{name} has something that is no base64")
    return found
