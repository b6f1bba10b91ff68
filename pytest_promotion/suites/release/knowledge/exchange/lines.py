"""Lines of the formats that BEIR and TREC use, read strictly: half a row is a refusal and no shorter row."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import decode, json_rows
from pytest_promotion.evidence.files import read_given

Judgements = dict[str, dict[str, int]]  # from questions to documents and their grades

_HIGHEST = 3


def objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a file of JSON lines, each with where it stands. Raises `Unproven`."""
    content = read_given(path, path.name)
    for number, row in enumerate(json_rows(io.BytesIO(content), path.name), 1):
        yield f"{path.name} line {number}", row


def fields(path: Path, count: int, separator: str | None) -> Iterator[tuple[str, list[str]]]:
    """The rows of a text file, of *count* fields each, with where they stand. Raises `Unproven`."""
    for number, line in enumerate(decode(read_given(path, path.name), path.name).splitlines(), 1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split(separator)]
        if len(cells) != count or not all(cells):
            raise Unproven(f"{path.name} line {number} has {len(cells)} fields, expected {count}: {line[:60]!r}")
        yield f"{path.name} line {number}", cells


def text(row: dict[str, Any], key: str, origin: str) -> str:
    """The text under *key*. Raises `Unproven` where there is none."""
    value = row.get(key)
    if not isinstance(value, str):
        raise Unproven(f"{origin}: {key} is {value!r}, expected a text")
    return value


def judge(into: Judgements, question: str, document: str, grade: str, origin: str) -> None:
    """
    Adds a judgement; one of 0 or less says that a document is not relevant, and is left out.

    Raises:
        Unproven: for a grade that is no whole number or above 3, and a document that is judged twice.
    """
    try:
        value = int(grade)
    except ValueError:
        raise Unproven(f"{origin}: the grade is {grade!r}, expected a whole number") from None
    if value > _HIGHEST:
        raise Unproven(f"{origin}: the grade is {value}; grades go up to {_HIGHEST}")
    judged = into.setdefault(question, {})
    if document in judged:
        raise Unproven(f"{origin}: {document!r} is judged twice for {question!r}")
    judged[document] = value


def relevant(judged: dict[str, int]) -> dict[str, int]:
    """The documents that are relevant, with their grades."""
    return {document: grade for document, grade in judged.items() if grade > 0}


def token(value: str, what: str) -> str:
    """*value* as a field between blanks. Raises `Unproven` where it has a blank itself."""
    if not value or len(value.split()) != 1:
        raise Unproven(f"the {what} {value!r} has a blank in it, and cannot be written to a line of TREC's")
    return value
