"""
The row of an event store, as strictly as a gate relies on it.

A row is one JSON object with at least `event_id`, `stream`, `ingest_ts_utc` and `payload`.
Other fields are allowed; these must be what they are said to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, NoReturn

import msgspec

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.evidence.event_store.duplicates import twin

LONGEST_LINE: Final = 2**20  # bytes; a longer one is no event, and would have to be held whole
_Named = Annotated[str, msgspec.Meta(min_length=1)]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event, with its payload as the bytes that stand in the row."""

    event_id: _Named
    stream: _Named
    ingest_ts_utc: _Moment
    payload: msgspec.Raw
    correlation_id: str | None = None
    event_type: str = ""


class Cause(msgspec.Struct, gc=False):
    """What a payload says of its cause, where nothing is not the same as null; and names it shares with its row."""

    correlation_id: str | msgspec.UnsetType | None = msgspec.UNSET
    event_id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    stream: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    ingest_ts_utc: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    payload: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Row(msgspec.Struct, gc=False):
    """What counting needs of an event: the payload is checked for shape and not kept."""

    event_id: _Named
    stream: _Named
    ingest_ts_utc: _Moment
    payload: Cause
    correlation_id: str | msgspec.UnsetType | None = msgspec.UNSET


def uncorrelated(rows: Sequence[Row]) -> int:
    """How many rows nothing ties to their cause: one whose writer filled the gap with its own id is not tied."""
    unset = msgspec.UNSET
    tied = [row.correlation_id and (row.payload.correlation_id is unset or row.payload.correlation_id) for row in rows]
    return len(tied) - sum(map(bool, tied))


ROWS: Final = msgspec.json.Decoder(Row)
EVENTS: Final = msgspec.json.Decoder(Event)


def event(line: bytes, place: str) -> Event:
    """The event on one line. Raises `Unproven` with *place* and what is wrong there."""
    try:
        found = EVENTS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        refuse(place, line, problem)
    refuse_twin(place, line)
    return found


def refuse(place: str, line: bytes, problem: Exception) -> NoReturn:
    """Raises `Unproven` with the sentence for a line that is no event."""
    if b"NaN" in line or b"Infinity" in line:
        parse_json(line, place)  # which says in which field
    raise Unproven(f"{place} {said(line, problem)}") from None


def refuse_twin(place: str, line: bytes) -> None:
    """Raises `Unproven` where the row on *line* names a field twice: readers differ in which one they take."""
    if name := twin(line):
        raise Unproven(f"{place} names {name} twice")


def said(line: bytes, problem: Exception) -> str:
    """What is wrong with a line, to be read after its place."""
    if isinstance(problem, UnicodeDecodeError):
        return "is not UTF-8"
    if isinstance(problem, RecursionError):
        return "is nested too deeply to read"
    if isinstance(problem, msgspec.ValidationError):
        message, _, tail = str(problem).partition(" - at `$")
        field = tail.rstrip("`").lstrip(".")
        wanted = message[:1].lower() + message[1:]
        return f"is not an event: {field + ': ' if field else ''}{wanted}"
    if not line.rstrip().endswith(b"}"):
        return "is half written"
    return f"is not JSON: {str(problem).removeprefix('JSON is malformed: ')}"
