"""Files of one JSON object a line that are only appended to: deployments, and approvals of stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pytest_promotion.canonical import canonical
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.evidence.files import read_file
from pytest_promotion.evidence.typed import converted
from pytest_promotion.json_files import append_line

_Row = TypeVar("_Row", bound=msgspec.Struct)


def append(path: Path, row: msgspec.Struct) -> None:
    """Adds *row* to the file at *path* and returns when it is on the disk. Raises `OSError`."""
    append_line(path, canonical(msgspec.to_builtins(row)).decode())


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
