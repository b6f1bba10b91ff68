"""
Keys: Ed25519 and ECDSA P-256, as PEM files that openssl reads too.

A key is known by the SHA-256 of its public half (SubjectPublicKeyInfo, DER): the same key has
the same id whoever wrote its file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_promotion import atomic
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.files import read_given

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Algorithm = Literal["ed25519", "ecdsa-p256"]
LARGEST_KEY_FILE: Final = 64 * 2**10  # bytes; a PEM file has less than one thousand


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What checks a signature."""

    id: str  # hex
    verifies: Callable[[bytes, bytes], bool]  # signature, message


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """What makes one. `public` is its other half."""

    public: PublicKey
    sign: Callable[[bytes], bytes]


def public_key(pem: bytes, name: str) -> PublicKey:
    """The public key in *pem*; *name* is what messages call it. Raises `Unproven`."""
    serialization = _serialization()
    try:
        found = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError):
        raise Unproven(f"{name} is no public key in PEM form") from None
    except Exception as problem:  # noqa: BLE001 - the library's UnsupportedAlgorithm, imported only with it
        raise Unproven(f"{name} cannot be used: {problem}") from None
    return _public(found, name)


def ssh_public_key(line: bytes, name: str) -> PublicKey:
    """The public key in a line of OpenSSH's form; *name* is what messages call it. Raises `Unproven`."""
    serialization = _serialization()
    try:
        found = serialization.load_ssh_public_key(line)
    except Exception as problem:  # noqa: BLE001 - ValueError, and the library's UnsupportedAlgorithm
        raise Unproven(f"{name} is no public key of OpenSSH: {problem}") from None
    return _public(found, name)


def private_key(pem: bytes, name: str) -> PrivateKey:
    """The private key in *pem*, which is not encrypted. Raises `Unproven`."""
    serialization = _serialization()
    try:
        found = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise Unproven(f"{name} is encrypted: give a key without a passphrase, from a secret store") from None
    except ValueError:
        raise Unproven(f"{name} is no private key in PEM form") from None
    except Exception as problem:  # noqa: BLE001 - see above
        raise Unproven(f"{name} cannot be used: {problem}") from None
    return PrivateKey(_public(found.public_key(), name), _signer(found))


def read_public(path: Path) -> PublicKey:
    """The public key in the file at *path*. Raises `Unproven`."""
    return public_key(_content(path), str(path))


def read_private(path: Path) -> PrivateKey:
    """The private key in the file at *path*. Raises `Unproven`."""
    return private_key(_content(path), str(path))


def private_key_of(text: str, public: Path | None = None) -> PrivateKey:
    """
    The private key that *text* names: a PEM file, or a URI of a key store with its public half in the file *public*.

    Raises:
        PolicyError: for a URI without *public*, and a file with it.
        Unproven: for a key that cannot be used.
    """
    from pytest_promotion.trust import signers_by_uri

    if signers_by_uri.is_uri(text) != (public is not None):
        raise PolicyError(
            "a key by URI needs --public-key FILE, its public half in PEM form; a key in a file has its own"
        )
    return read_private(Path(text)) if public is None else signers_by_uri.private_key_at(text, public)


def generate(place: Path, algorithm: Algorithm = "ed25519") -> tuple[Path, Path]:
    """
    Writes a new key pair: *place* (mode 0600) and *place*`.pub`.

    Returns:
        both paths, the private one first.

    Raises:
        Unproven: where one of them is there already, or cannot be written. No key is ever overwritten.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    serialization = _serialization()
    made: Ed25519PrivateKey | EllipticCurvePrivateKey
    made = ed25519.Ed25519PrivateKey.generate() if algorithm == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    private = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    beside = place.with_name(f"{place.name}.pub")
    _create(place, private, 0o600)
    try:
        _create(beside, public, 0o644)
    except Unproven:
        with contextlib.suppress(OSError):
            place.unlink()  # half a pair is of no use, and would stand in the way of the next try
        raise
    return place, beside


def _create(path: Path, content: bytes, mode: int) -> None:
    try:
        atomic.write(path, content, mode=mode, overwrite=False)
    except FileExistsError:
        raise Unproven(f"{path} is there already: a key is never overwritten") from None
    except OSError as problem:
        raise Unproven(f"{path} cannot be written: {(problem.strerror or 'failed').lower()}") from None


def _content(path: Path) -> bytes:
    return read_given(path, largest=LARGEST_KEY_FILE)


def _public(found: Any, name: str) -> PublicKey:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    key: Ed25519PublicKey | EllipticCurvePublicKey = found
    if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, ec.SECP256R1):
        raise Unproven(f"{name} is on the curve {key.curve.name}: expected Ed25519 or ECDSA P-256")
    if not isinstance(key, (ed25519.Ed25519PublicKey, ec.EllipticCurvePublicKey)):
        raise Unproven(f"{name} is a {type(found).__name__.lstrip('_')}: expected Ed25519 or ECDSA P-256")

    def verifies(signature: bytes, message: bytes) -> bool:
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, message)
            else:
                key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    serialization = _serialization()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(sha256(der).hexdigest(), verifies)


def _signer(key: Any) -> Callable[[bytes], bytes]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    if isinstance(key, ec.EllipticCurvePrivateKey):
        curve: EllipticCurvePrivateKey = key
        return lambda message: curve.sign(message, ec.ECDSA(hashes.SHA256()))
    edwards: Ed25519PrivateKey = key
    return edwards.sign


def _serialization() -> Any:
    try:
        from cryptography.hazmat.primitives import serialization
    except ImportError:
        raise Unproven("signatures need the extra `sign`: pip install 'pytest-promotion[sign]'") from None
    return serialization
