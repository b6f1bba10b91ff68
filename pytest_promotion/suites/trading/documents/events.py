"""
The rows of the event store, each as its stream has to be: typed, valid by its own schema, with a price or an expiry.

One pass beside the count of `pytest_promotion.evidence.event_store`, which looks at nothing but streams, times and ids.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import msgspec

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.trading.replay.invariants import ACTIVE, INTENT, RISK

if TYPE_CHECKING:
    from pytest_promotion.evidence.artifacts import Artifact

MARKET: Final = "hb.market_data.v1"

_UNSET: Final = msgspec.UNSET


class _Payload(msgspec.Struct, gc=False):
    correlation_id: Any = _UNSET
    mid_price: Any = _UNSET
    action: Any = _UNSET
    expires_at_ms: Any = _UNSET
    approved: Any = _UNSET
    reason: Any = _UNSET


class _Row(msgspec.Struct, gc=False):
    stream: str
    payload: _Payload
    correlation_id: Any = _UNSET
    event_type: Any = _UNSET
    schema_validation_status: Any = _UNSET


_ROWS: Final = msgspec.json.Decoder(_Row)


@dataclass
class Rule:
    """Rows that break one rule: how many, and where the first of them stands."""

    first: str
    count: int = 1

    def __str__(self) -> str:
        return self.first + (f", and {self.count - 1:,} more rows" if self.count > 1 else "")


@dataclass
class Rows:
    """What the rows of one store amount to."""

    broken: dict[str, Rule] = field(default_factory=dict)  # by stream and rule
    uncorrelated: dict[str, int] = field(default_factory=dict)  # by stream, by the row's own correlation_id
    uncorrelated_payloads: dict[str, int] = field(default_factory=dict)  # by stream, rows that have one of their own
    first_uncorrelated: str = ""
    lines: int = 0

    @property
    def problems(self) -> list[str]:
        """A sentence for each rule that rows break."""
        return list(map(str, self.broken.values()))


_SEEN: dict[str, Rows] = {}  # by digest: several gates ask of the same bytes


def rows_of(store: Artifact) -> Rows:
    """What the rows of *store* amount to. Raises `Unproven` with the line for one that is no event."""
    if store.sha256 not in _SEEN:
        # Another version of this file has other rules.
        rule = f"rows by {sha256(Path(__file__).read_bytes()).hexdigest()}"
        found = store.carried(rule, Rows, lambda before, lines: inspected(lines, store.path, before))
        if len(_SEEN) >= 8:
            _SEEN.clear()
        _SEEN[store.sha256] = found
    return _SEEN[store.sha256]


def inspected(lines: IO[bytes], path: str, before: Rows | None = None) -> Rows:
    """The same, of *lines* that follow those of which *before* is known."""
    found = before or Rows()
    number = found.lines
    for number, line in enumerate(lines, found.lines + 1):
        if not line.strip():
            continue
        try:
            row = _ROWS.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise Unproven(f"{path} line {number} is not an event: {problem}") from None
        stream = row.stream
        for rule in _broken(row):
            known = found.broken.get(f"{stream} {rule.partition(' is ')[0]}")
            if known is None:
                first = f"{path} line {number} ({stream}): {rule}"
                found.broken[f"{stream} {rule.partition(' is ')[0]}"] = Rule(first)
            else:
                known.count += 1
        if not _says_something(row.correlation_id):
            found.uncorrelated[stream] = found.uncorrelated.get(stream, 0) + 1
            found.first_uncorrelated = found.first_uncorrelated or f"line {number}"
        elif row.payload.correlation_id is not _UNSET and not _says_something(row.payload.correlation_id):
            found.uncorrelated_payloads[stream] = found.uncorrelated_payloads.get(stream, 0) + 1
    found.lines = number
    return found


def _broken(row: _Row) -> Iterator[str]:
    if not _says_something(row.event_type):
        yield f"event_type is {_shown(row.event_type)}, expected a text that is not empty"
    if row.schema_validation_status != "ok":
        yield f"schema_validation_status is {_shown(row.schema_validation_status)}, expected 'ok'"
    payload = row.payload
    if row.stream == MARKET and not _is_price(payload.mid_price):
        yield f"payload.mid_price is {_shown(payload.mid_price)}, expected a number above 0"
    if row.stream == INTENT:
        if not _says_something(payload.action):
            yield f"payload.action is {_shown(payload.action)}, expected a text that is not empty"
        elif payload.action in ACTIVE and not _is_price(payload.expires_at_ms):
            yield f"payload.expires_at_ms is {_shown(payload.expires_at_ms)}, expected when {payload.action} ends"
    if row.stream == RISK:
        if not isinstance(payload.approved, bool):
            yield f"payload.approved is {_shown(payload.approved)}, expected true or false"
        elif not payload.approved and not _says_something(payload.reason):
            yield f"payload.reason is {_shown(payload.reason)}, expected why it was denied"


def _says_something(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_price(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _shown(value: Any) -> str:
    if value is _UNSET:
        return "missing"
    return "null" if value is None else repr(value)[:60]
