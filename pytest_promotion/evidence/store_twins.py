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
from operator import attrgetter
from typing import Any, Final

import msgspec

_NAMES: Final = ("event_id", "stream", "ingest_ts_utc", "payload", "correlation_id")
_QUOTED: Final = tuple(f'"{name}"'.encode() for name in _NAMES)
_SPELLED: Final = re.compile(rb"\\u00[567]")  # a letter of a name may be written as its number
_Found = msgspec.Raw | msgspec.UnsetType


class _Within(msgspec.Struct, gc=False):
    event_id: _Found = msgspec.UNSET
    stream: _Found = msgspec.UNSET
    ingest_ts_utc: _Found = msgspec.UNSET
    payload: _Found = msgspec.UNSET
    correlation_id: _Found = msgspec.UNSET


class _Names(msgspec.Struct, gc=False):
    payload: _Within
    correlation_id: _Found = msgspec.UNSET


_DECODER: Final = msgspec.json.Decoder(_Names)
_OF_A_PAYLOAD: Final = attrgetter(*_NAMES)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with every name it has, in order."""


_READER: Final = json.JSONDecoder(object_pairs_hook=_Pairs)


def suspected(page: bytes, correlations: Sequence[str | None]) -> bool:
    """Whether a row on *page* may name a field twice; *correlations* are those of its rows, each decoded and whole."""
    if b"\\" in page and _SPELLED.search(page):
        return True
    counts = [page.count(name) for name in _QUOTED]
    rows = len(correlations)
    if counts == [rows] * len(_NAMES) and None not in correlations:
        return False  # each row has each name at least once, so none has one twice
    named = _DECODER.decode_lines(page)
    unset = msgspec.UNSET
    expected = [rows] * 4 + [sum([row.correlation_id is not unset for row in named])]
    for place, found in enumerate(zip(*[_OF_A_PAYLOAD(row.payload) for row in named], strict=True)):
        expected[place] += sum([one is not unset for one in found])
    return counts != expected


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
