"""Files of one JSON object a line that are only appended to: deployments, and approvals of stages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from filelock import FileLock, Timeout

from pytest_promotion.canonical import canonical
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.evidence.files import read_file
from pytest_promotion.evidence.typed import converted

_Row = TypeVar("_Row", bound=msgspec.Struct)
_LOCK_S = 30.0  # how long to wait for another writer; each holds the lock for milliseconds


def append(path: Path, row: msgspec.Struct) -> None:
    """Adds *row* to the file at *path* and returns when it is on the disk. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = canonical(msgspec.to_builtins(row)) + b"\n"
    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_LOCK_S), path.open("ab+") as file:
            end = file.seek(0, os.SEEK_END)
            if end and os.pread(file.fileno(), 1, end - 1) != b"\n":
                line = b"\n" + line  # after what a killed writer left of a line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except Timeout:
        raise OSError(0, f"{path} is locked by another writer") from None


def read(path: Path, kind: type[_Row]) -> list[_Row]:
    """
    The rows of the file at *path*, oldest first; none where there is no file.

    Raises:
        Unproven: with the line that is no such row, or where the file cannot be read.
    """
    try:
        content = read_file(path)
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise Unproven(f"{path.name} cannot be read: {(problem.strerror or 'failed').lower()}") from None
    rows = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            plain: Any = parse_json(line, f"{path.name} line {number}")
            rows.append(converted(plain, kind, f"{path.name} line {number} is not what belongs there"))
    return rows
