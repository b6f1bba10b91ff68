"""
A field that stands twice in one row: refused, since every reader takes another of the two.

The decoder takes the last and says nothing. So names are counted: on a page of n rows each
stands n times, and once more for every payload that bears it. Only where that does not add
up, each line is read by a reader that sees every name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

_NAMES: Final = ("event_id", "stream", "ingest_ts_utc", "payload", "correlation_id")
_QUOTED: Final = {name: f'"{name}"'.encode() for name in _NAMES}
_SPELLED: Final = re.compile(rb"\\u00[567]")  # a letter of a name may be written as its number


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with every name it has, in order."""


_READER: Final = json.JSONDecoder(object_pairs_hook=_Pairs)


class Named(Protocol):
    """A decoded row, whose payload keeps the names that it shares with rows; unset for what is not there."""

    payload: Any
    correlation_id: str | msgspec.UnsetType | None


def suspected(page: bytes, rows: Sequence[Named]) -> bool:
    """Whether one of *rows*, which are all that stands on *page*, may name a field twice."""
    if b"\\" in page and _SPELLED.search(page):
        return True
    unset, count = msgspec.UNSET, len(rows)
    for name, quoted in _QUOTED.items():
        expected = count
        if name == "correlation_id":  # the one that a row may lack
            expected -= sum([row.correlation_id is unset for row in rows])
        found = page.count(quoted)
        # Each row has the name at least so often, so where the sum is right, none has it once more.
        if found != expected and found != expected + sum([getattr(row.payload, name) is not unset for row in rows]):
            return True
    return False


def twin(line: bytes) -> str:
    """The field that one row, or its payload, names twice; empty for none. The line is a whole row."""
    try:
        row = _READER.decode(line.decode())
    except (ValueError, RecursionError):
        return "(nested too deeply to tell)"
    for found in (row, *(value for name, value in row if name == "payload")):
        names = [name for name, _ in found] if isinstance(found, _Pairs) else []
        for name in _NAMES:
            if names.count(name) > 1:
                return name
    return ""
