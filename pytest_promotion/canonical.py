"""RFC 8785 bytes: the form of a JSON value in which equal values have equal digests."""

from __future__ import annotations

import hashlib
from typing import Any


def canonical(value: Any) -> bytes:
    """
    The RFC 8785 form of *value*.

    Raises:
        rfc8785.CanonicalizationError: for what has no such form: NaN and infinities,
            integers beyond 2**53, lone surrogates, keys that are not strings.
    """
    import rfc8785  # here, because an idle session never needs it

    return rfc8785.dumps(value)


def digest(value: Any) -> str:
    """SHA-256 of the RFC 8785 form of *value*, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()
