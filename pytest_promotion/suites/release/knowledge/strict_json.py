"""JSON files that people write for the benchmark: read into types, or refused with the place."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.evidence.files import read_given

Wanted = TypeVar("Wanted")


def read(path: Path, wanted: type[Wanted], what: str) -> tuple[Wanted, str]:
    """
    The JSON at *path* as *wanted*, and the SHA-256 of its bytes.

    Raises:
        PolicyError: for a file that is missing or unreadable, for NaN, duplicate keys, unknown
            keys and wrong types, with the place; *what* it should have been stands in the message.
    """
    content = read_given(path, f"{what} {path}", refusal=PolicyError)
    try:
        return convert(parse_json(content, str(path)), wanted, str(path)), hashlib.sha256(content).hexdigest()
    except Unproven as problem:
        raise PolicyError(str(problem)) from None


def convert(data: Any, wanted: Any, origin: str) -> Any:
    """*data* as *wanted*. Raises `PolicyError` with the place in *origin*."""
    try:
        return msgspec.convert(data, wanted)
    except msgspec.ValidationError as problem:
        said, _, place = str(problem).partition(" - at `$")
        where = f" at {place.rstrip('`').lstrip('.')}" if place else ""
        raise PolicyError(f"{origin}{where}: {said[:1].lower()}{said[1:]}") from None
