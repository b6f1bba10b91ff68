"""When a file was written, by what stands in it: modification times say when it was copied."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import PurePosixPath
from typing import IO, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import documents
from pytest_promotion.evidence.artifacts import TIMESTAMP_FIELDS, moment_of

_Dated = tuple[datetime, str]
# "Generated at: `2026-02-24T03:59:36+00:00`", "Written 2026-02-24T03:59:36+00:00.", "- ts_utc: 2026-…"
_STATED = re.compile(
    r"^[ \t>*_#-]*(generated|written|ts_utc|last_update_utc)(?: (?:at|on))?[ \t:*_`|]+(\d{4}-\d{2}-\d{2}[^\s`*_,;|]*)",
    re.IGNORECASE | re.MULTILINE,
)


def dated(name: str, file: IO[bytes], size: int, field: str = "") -> _Dated:
    """
    The moment that the content of a file is of, in UTC, and the field that says so.

    Args:
        name: its path; the suffix tells how it is read.
        file: its bytes; of a JSON-lines file only the end is read.
        field: what dates it, instead of `ts_utc` and `last_update_utc`; in JSON lines and
            CSV a field of the rows, in an event store `ingest_ts_utc`.

    Raises:
        Unproven: for a file that is empty, half written, undated or dated in a way that
            means no moment.
    """
    reader = _READERS.get(PurePosixPath(name).suffix)
    if reader is None:
        raise Unproven(f"{name} is of no kind that states a time: expected one of {', '.join(_READERS)}")
    return reader(name, file, size, field)


def _json(name: str, file: IO[bytes], size: int, field: str) -> _Dated:  # noqa: ARG001 - one shape for all
    found = documents.parse_json(file.read(), name)
    if not isinstance(found, dict):
        raise Unproven(f"{name} is {documents.named(found)} at its top level, expected an object")
    names = (field,) if field else TIMESTAMP_FIELDS
    for each in names:
        if each in found:
            return moment_of(found[each], each, name), each
    raise Unproven(f"{name} is undated: it has no {' or '.join(names)}")


def _last_row(name: str, file: IO[bytes], size: int, field: str) -> _Dated:
    from pytest_promotion.evidence.event_store.pages import Opened
    from pytest_promotion.evidence.event_store.rows import event
    from pytest_promotion.evidence.event_store.tail import last_line

    offset, line = last_line(Opened(name, file, size, ()))
    place = f"{name}, the last line (byte {offset})"
    if not field:
        return event(line, place).ingest_ts_utc, "ingest_ts_utc"
    row = documents.parse_json(line, place)
    if not isinstance(row, dict):
        raise Unproven(f"{place} is {documents.named(row)}, not an object")
    return moment_of(row[field], field, place), field


def _newest_row(name: str, file: IO[bytes], size: int, field: str) -> _Dated:  # noqa: ARG001
    wanted = field or TIMESTAMP_FIELDS[0]
    return max(moment_of(row[wanted], wanted, row.origin) for row in documents.csv_rows(file, name)), wanted


def _markdown(name: str, file: IO[bytes], size: int, field: str) -> _Dated:  # noqa: ARG001
    text = documents.decode(file.read(), name)
    if not text.endswith("\n"):
        raise Unproven(f"{name} does not end with a line end: it may be half written")
    found = {moment_of(stated.rstrip("."), word.lower(), name): word.lower() for word, stated in _STATED.findall(text)}
    if not found:
        raise Unproven(f"{name} is undated: no line starts with Written, Generated, ts_utc or last_update_utc")
    if len(found) > 1:
        raise Unproven(f"{name} states {len(found)} different times")
    return found.popitem()


_READERS: Final[dict[str, Callable[[str, IO[bytes], int, str], _Dated]]] = {
    ".json": _json,
    ".jsonl": _last_row,
    ".csv": _newest_row,
    ".md": _markdown,
}
