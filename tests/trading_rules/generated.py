"""
Wrong values made to order: each scalar of a file ten times as large, a tenth, with another sign, another name of the
same column, null and removed. One change a time, so that each shows whether any gate reads what was changed.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

import yaml

REMOVED: Final = object()
# Of a Compose file, what the bots and the watched services are given; the rest is another tool's to judge.
_COMPOSED: Final = re.compile(r"services/(bot\d|coordination-service)/environment/")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_PLAIN: Final = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")

Place = tuple[Any, ...]


@dataclass(frozen=True)
class Wrong:
    """One wrong value: where, of which kind, and the file's content with it."""

    path: str
    place: str
    kind: str
    content: Callable[[], bytes]

    @property
    def id(self) -> str:
        return f"{self.path}:{self.place}:{self.kind}"


def wrong_values(path: str, content: bytes) -> Iterator[Wrong]:
    """Every wrong value of the file at *path*, one at a time; of rows, in those that stand for their kind."""
    suffix = PurePosixPath(path).suffix
    if suffix == ".json":
        yield from _of_document(path, json.loads(content), lambda document: json.dumps(document, indent=1).encode())
    elif suffix in (".yml", ".yaml"):
        document = yaml.safe_load(content)
        yield from _of_document(path, document, lambda changed: yaml.safe_dump(changed, sort_keys=False).encode())
    elif suffix == ".csv":
        yield from _of_table(path, content)
    elif suffix == ".jsonl":
        yield from _of_events(path, content)


def _of_document(path: str, document: Any, written: Any) -> Iterator[Wrong]:
    scalars = list(_scalars(document))
    for place, value in scalars:
        name = "/".join(map(str, place))
        if "compose" in path and not _COMPOSED.match(name):
            continue
        column = [other for where, other in scalars if _column(where) == _column(place)]
        for kind, new in _changes(value, column):
            yield Wrong(path, name, kind, lambda place=place, new=new: written(_changed(document, place, new)))


def _of_table(path: str, content: bytes) -> Iterator[Wrong]:
    header, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    for number in sorted({len(rows) // 2, len(rows) - 1}):
        for at, name in enumerate(header):
            cell = rows[number][at]
            place = f"{'last' if number == len(rows) - 1 else 'middle'}/{name}"
            for kind, new in _cells(cell, [row[at] for row in rows]):
                yield Wrong(path, place, kind, partial(_table, header, rows, number, at, new))


def _table(header: list[str], rows: list[list[str]], number: int, at: int, new: str) -> bytes:
    changed = [list(row) for row in rows]
    changed[number][at] = new
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([header, *changed])
    return out.getvalue().encode()


def _of_events(path: str, content: bytes) -> Iterator[Wrong]:
    lines = content.splitlines()
    rows = [json.loads(line) for line in lines]
    kinds: dict[tuple[Any, Any], list[int]] = {}
    for number, row in enumerate(rows):
        kinds.setdefault((row["stream"], row["payload"].get("action")), []).append(number)
    columns: dict[Place, list[Any]] = {}
    for other in rows:
        for place, value in _scalars(other):
            columns.setdefault(place, []).append(value)
    for numbers in kinds.values():
        number = numbers[len(numbers) // 2]
        row = rows[number]
        for place, value in _scalars(row):
            for kind, new in _changes(value, columns[place]):
                name = "/".join(map(str, (row["stream"], row["payload"].get("action") or "row", *place)))
                yield Wrong(path, name, kind, partial(_lines, lines, number, row, place, new))


def _lines(lines: list[bytes], number: int, row: Any, place: Place, new: Any) -> bytes:
    changed = json.dumps(_changed(row, place, new)).encode()
    return b"\n".join([*lines[:number], changed, *lines[number + 1 :]]) + b"\n"


def _scalars(document: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _scalars(value, (*place, key))
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from _scalars(value, (*place, number))
    else:
        yield place, document


def _column(place: Place) -> str:
    return "/".join("*" if isinstance(step, int) else step for step in map(_of_bot, place))


def _of_bot(step: Any) -> Any:
    return "*" if isinstance(step, str) and re.fullmatch(r"bot\d", step) else step


def _changes(value: Any, column: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, bool):
        yield "flipped", not value
    elif isinstance(value, (int, float)) and math.isfinite(value):
        yield from _numbers(value)
    elif isinstance(value, str) and _PLAIN.fullmatch(value):
        yield from ((kind, f"{new:.10f}".rstrip("0").rstrip(".")) for kind, new in _numbers(float(value)))
    elif isinstance(value, str) and not _MOMENT.match(value):
        yield from _names(value, column)
        if "=" in value:
            yield "unlike", f"{value.partition('=')[0]}=unlike"
    if value is not None:
        yield "null", None
        yield "removed", REMOVED


def _numbers(value: float) -> Iterator[tuple[str, Any]]:
    if value:
        yield "times ten", value * 10
        yield "a tenth", value / 10
        yield "sign", -value
    else:
        yield "not zero", 1


def _names(value: str, column: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    other = next((one for one in column if isinstance(one, str) and one != value and one), None)
    if other is not None:
        yield "another", other
    yield "unknown", f"{value}_unknown"


def _cells(cell: str, column: list[str]) -> Iterator[tuple[str, str]]:
    if cell in ("True", "False"):
        yield "flipped", str(cell == "False")
    elif _PLAIN.fullmatch(cell):
        for kind, new in _numbers(float(cell)):
            yield kind, repr(new)
        yield "no number", "n/a"
    elif cell and not _MOMENT.match(cell):
        yield from _names(cell, column)
    if cell:
        yield "emptied", ""


def _changed(document: Any, place: Place, new: Any) -> Any:
    document = copy.deepcopy(document)
    *way, last = place
    here = document
    for step in way:
        here = here[step]
    if new is REMOVED:
        del here[last]
    else:
        here[last] = new
    return document
