"""Small files that other programs read: written whole or not at all, read strictly or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pytest_promotion import atomic
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import named, parse_json
from pytest_promotion.evidence.files import read_given


def write(path: Path, content: str) -> None:
    """Puts *content* at *path* by rename. Raises `OSError`."""
    atomic.write(path, content.encode())


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Puts the JSON of *document* at *path* by rename. Raises `OSError`."""
    write(path, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object at *path*. Raises `Unproven` for whatever else is there, and for nothing."""
    content = read_given(path)
    found = parse_json(content, str(path))
    if not isinstance(found, dict):
        raise Unproven(f"{path} is {named(found)}, expected an object")
    return found


def append_line(path: Path, line: str) -> None:
    """
    Adds one line at the end, in one write, so that two writers never mix theirs. Raises `OSError`.

    A last line that an earlier writer left half-written is ended first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(handle).st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, (b"\n" if torn else b"") + line.encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
