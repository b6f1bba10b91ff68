"""
Content that a gate reads by itself, as text or as bytes, taken apart into values that can be changed one by one.

A form gives a document of dicts, lists and plain values, and writes such a document back. In forms that have only text,
a text that is a number stands for a number.
"""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_yaml

LARGEST_BYTES: Final = 2**20  # bytes: what is larger is not taken apart
_NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
# A number by itself: no part of a date, a version or a path.
_IN_TEXT: Final = re.compile(rf"(?<![\w.:/-])({_NUMBER.pattern})(?![\w.:/-]*\w)")


class Form(NamedTuple):
    """A document as it was read, and how one that was changed is written."""

    document: Any
    write: Callable[[Any], bytes]
    typed: bool = False  # whether numbers, booleans and null are told from texts
    prose: bool = False  # whether it is text without a form


def form_of(path: str, content: bytes | None) -> Form | None:
    """What *content* is, by the name of its file and by what it says; None for what is no text or is large."""
    if content is None or len(content) > LARGEST_BYTES:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in (".csv", ".tsv"):
        return _table(text, "\t" if suffix == ".tsv" else ",")
    for read in (_json, _json_lines, _xml):
        found = read(text)
        if found is not None:
            return found
    return (_yaml(content, path) if suffix in (".yaml", ".yml") else None) or _prose(text)


def number_of(text: str) -> float | None:
    """The number that *text* is; None where it is none."""
    if not _NUMBER.fullmatch(text):
        return None
    return float(text) if set(text) & set(".eE") else int(text)


def _json(text: str) -> Form | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, (dict, list)):
        return None
    return Form(found, lambda document: json.dumps(document).encode(), typed=True)


def _json_lines(text: str) -> Form | None:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return None
    try:
        rows = [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(row, dict) for row in rows):
        return None
    return Form(rows, json_lines, typed=True)


def json_lines(rows: Iterable[Any]) -> bytes:
    """*rows* as JSON lines."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _yaml(content: bytes, path: str) -> Form | None:
    try:
        found = parse_yaml(content, path)
    except Unproven:
        return None
    return Form(found, lambda document: json.dumps(document, default=str).encode(), typed=True)


def _table(text: str, separator: str) -> Form | None:
    """The first row with a value in each column: a column that is changed is changed in every row."""
    header: list[str] = []
    header, *rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row] or [header]
    if not rows or len(set(header)) != len(header):
        return None
    first = dict(zip(header, rows[0], strict=False))

    def write(document: dict[str, Any]) -> bytes:
        new = {at: str(document[name]) for at, name in enumerate(header) if document.get(name) != first.get(name)}
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=separator, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([new.get(at, cell) for at, cell in enumerate(row)] for row in rows)
        return out.getvalue().encode()

    return Form(first, write)


def _xml(text: str) -> Form | None:
    if not text.lstrip().startswith("<") or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities to expand
    except (ET.ParseError, ValueError):
        return None
    return Form(_of_element(root), lambda document: ET.tostring(_element(document), encoding="utf-8"))


def _of_element(element: ET.Element) -> dict[str, Any]:
    text = (element.text or "").strip()
    return {
        element.tag: {
            **{f"@{name}": value for name, value in element.attrib.items()},
            **({"text": text} if text else {}),
            **({"inside": [_of_element(child) for child in element]} if len(element) else {}),
        }
    }


def _element(document: dict[str, Any]) -> ET.Element:
    [(tag, content)] = document.items()
    element = ET.Element(tag, {name[1:]: str(value) for name, value in content.items() if name[0] == "@"})
    element.text = str(content.get("text", ""))
    element.extend(_element(child) for child in content.get("inside", ()))
    return element


def _prose(text: str) -> Form | None:
    """A text without a form: its numbers, and the words between them as one."""
    parts = _IN_TEXT.split(text)
    numbers = {f"number {number}": part for number, part in enumerate(parts[1::2], 1)}
    between = parts[::2]

    def write(document: dict[str, Any]) -> bytes:
        if document["its words"] != words:
            return f"{document['its words']}\n".encode()
        found = [between[0]]
        for name, after in zip(numbers, between[1:], strict=True):
            found += [str(document[name]), after]
        return "".join(found).encode()

    words = "".join(between).strip()[:40]
    return Form({"its words": words, **numbers}, write, prose=True) if words else None
