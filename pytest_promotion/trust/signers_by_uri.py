"""
Keys that no file holds: a PKCS#11 token or a cloud's key store signs, by a signer of securesystemslib.

The public half is a PEM file of ours, and verifying goes on with it alone. Each signature is checked with it
as soon as it was made: another key behind the same URI signs nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_given
from pytest_promotion.trust.keys import LARGEST_KEY_FILE, PrivateKey, public_key

SCHEMES: Final = ("awskms", "azurekms", "file2", "gcpkms", "hsm")
PIN: Final = "PROMOTION_KEY_PIN"
_URI: Final = re.compile(r"([a-z][a-z0-9]+):.*")


def is_uri(text: str) -> bool:
    """Whether *text* names a key by URI: `file2:k` does, `k` and `./file2:k` do not."""
    match = _URI.fullmatch(text)
    return match is not None and not Path(text).exists()


def private_key_at(uri: str, public: Path) -> PrivateKey:
    """
    The key at *uri*, whose public half is in the PEM file *public*. The URI is not opened before something is signed.

    Raises:
        Unproven: for a scheme that is not supported, a public key that is no Ed25519 or ECDSA P-256, and a package
            that is not installed.
    """
    scheme = uri.partition(":")[0]
    if scheme not in SCHEMES:
        raise Unproven(f"{scheme}: is not supported: a key is a PEM file, or one of {', '.join(SCHEMES)}")
    pem = read_given(public, largest=LARGEST_KEY_FILE)
    own = public_key(pem, str(public))
    signer = _signer(uri, pem)

    def sign(message: bytes) -> bytes:
        try:
            made = bytes.fromhex(signer().sign(message).signature)
        except Exception as problem:  # noqa: BLE001 - each token and cloud raises its own
            raise Unproven(f"{uri} does not sign: {_why(problem)}") from None
        if not own.verifies(made, message):
            raise Unproven(f"{uri} signs with another key than that of {public}")
        return made

    return PrivateKey(own, sign)


def _signer(uri: str, pem: bytes) -> Callable[[], Any]:
    try:
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        library = import_module("securesystemslib.signer")  # so that types are checked without the extra, too
    except ImportError:
        raise Unproven("keys by URI need the extra `kms`: pip install 'pytest-promotion[kms]'") from None
    known = library.SSlibKey.from_crypto(load_pem_public_key(pem))
    made: list[Any] = []

    def signer() -> Any:
        if not made:
            made.append(library.Signer.from_priv_key_uri(uri, known, _secret))
        return made[0]

    return signer


def _secret(name: str) -> str:
    if PIN not in os.environ:
        raise Unproven(f"it asks for a {name}: set {PIN}")
    return os.environ[PIN]


def _why(problem: Exception) -> str:
    # PKCS#11 errors have a name and often no text.
    return f"{type(problem).__name__}: {problem}".removesuffix(": ")
