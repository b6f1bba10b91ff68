"""What can be wrong with rows: too few of them, half of one, and wrong values in their fields."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, Final

from pytest_promotion.model import Record
from pytest_promotion.prove.observers import Look
from pytest_promotion.prove.values import NO_DIRECTION, REMOVED, changed, chosen, dotted, wrong_values

SUFFIXES: Final = (".jsonl", ".ndjson", ".csv")
_IN_ONE_ROW: Final = ("null", "removed", "NaN", "number as text", "boolean as text")
_IN_EVERY_ROW: Final = (NO_DIRECTION, "emptied")  # one row among many may be so

_YAML: Final = (".yaml", ".yml")

Change = Callable[[bytes], bytes]
Wrong = tuple[str, str, tuple[Change, ...]]  # what is wrong, in which field, and how the file is made so


def is_json(path: str) -> bool:
    """Whether a document at *path* is read as JSON: whatever is not called YAML or rows is."""
    return PurePosixPath(path).suffix.lower() not in (*_YAML, *SUFFIXES)


def wrong_rows(path: str, look: Look, record: Record) -> Iterator[Wrong]:
    """Everything that can be wrong with the rows that the gate looked at."""
    suffix = PurePosixPath(path).suffix
    if suffix not in SUFFIXES:
        return
    if look.how & {"rows", "events"}:
        yield "no rows", "", (_header_only if suffix == ".csv" else lambda _: b"\n",)
        yield "last row half written", "", (_half_written,)
    if look.rows:
        first = look.rows[min(look.rows)].seen
        yield from _cells(first) if suffix == ".csv" else _fields(first)
    yield from _cut(path, look, record)


def _header_only(content: bytes) -> bytes:
    return content.split(b"\n", 1)[0] + b"\n"


def _half_written(content: bytes) -> bytes:
    last = content.rstrip(b"\n").rsplit(b"\n", 1)[-1]
    return content.rstrip(b"\n")[: -max(1, len(last) // 2)]


# --- JSON lines ---


def _fields(seen: Any) -> Iterator[Wrong]:
    for place, value in chosen(seen):
        for kind, values in wrong_values(value):
            if kind in _IN_ONE_ROW:
                yield kind, f"row 1: {dotted(place)}", tuple(in_lines(place, new, first=True) for new in values)
            elif kind in _IN_EVERY_ROW:
                yield kind, f"row *: {dotted(place)}", tuple(in_lines(place, new, first=False) for new in values)


def in_lines(place: Any, new: Any, *, first: bool) -> Change:
    """How *new* is put at *place* in the first row, or in every row that has it."""

    def edited(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        filled = [number for number, line in enumerate(lines) if line.strip()]
        for number in filled[:1] if first else filled:
            try:
                lines[number] = json.dumps(changed(json.loads(lines[number]), place, new)).encode() + b"\n"
            except (LookupError, TypeError):
                continue  # a row without that field
        return b"".join(lines)

    return edited


# --- CSV ---


def _cells(seen: Any) -> Iterator[Wrong]:
    """
    Of each column that was looked at: gone, without a value, and NaN in place of a number.

    An empty cell or a NaN among many may be within what the gate tolerates, so that a column of them counts too. Cells
    are text, and a number in one may be the name of something: nothing says in which direction it had to be judged.
    """
    for place, value in chosen(seen):
        column = str(place[0])
        if not isinstance(value, str):
            continue
        yield "removed", f"column {column}", (in_column(column, REMOVED),)
        if value:
            yield "empty cell", f"column {column}", (in_column(column, "", first=True), in_column(column, ""))
        if _is_number(value):
            yield "NaN", f"column {column}", (in_column(column, "nan", first=True), in_column(column, "nan"))


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def in_column(column: str, new: Any, *, first: bool = False) -> Change:
    """How *new* is put in a column, in the first row or in each; `REMOVED` takes the column away."""

    def edited(content: bytes) -> bytes:
        text = content.decode()
        header, *rows = filter(None, csv.reader(io.StringIO(text, newline="")))
        at = header.index(column)
        if new is REMOVED:
            rows = [row[:at] + row[at + 1 :] for row in (header, *rows)]
        else:
            for row in rows[:1] if first else rows:
                row[at] = new
            rows = [header, *rows]
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\r\n" if "\r\n" in text else "\n").writerows(rows)
        return out.getvalue().encode()

    return edited


# --- fewer rows ---


def _cut(path: str, look: Look, record: Record) -> Iterator[Wrong]:
    """The file with fewer rows, where the gate measured how many it has: as many as are just too few."""
    if look.reading.content is None:
        return
    head = path.endswith(".csv")
    count = sum(1 for line in look.reading.content.splitlines() if line.strip()) - head
    for one in record.measurements:
        enough = one.threshold
        counted = isinstance(one.value, int) and not isinstance(one.value, bool) and one.value == count
        if one.ok and counted and one.operator in (">=", "==") and isinstance(enough, int) and 0 < enough <= count:
            yield "rows removed", "", (lambda content, keep=enough - 1 + head: _first(content, keep),)  # type: ignore[misc]
            return


def _first(content: bytes, rows: int) -> bytes:
    lines = [line for line in content.splitlines(keepends=True) if line.strip()]
    return b"".join(lines[:rows])
