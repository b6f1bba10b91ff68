"""
What the portfolio's risk did to a bot stands in the event store twice: as an intent, and as an audit row about it.

Both have one `correlation_id` and tell of one action. Of a pair, a row may be in the file of another day.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_promotion.suites.trading.documents.event_row import Row, says_something, shown
from pytest_promotion.suites.trading.replay.invariants import INTENT

AUDIT: Final = "hb.audit.v1"
ABOUT_ACTIONS: Final = "portfolio_risk_action"  # the category of an audit row
BREACH: Final = "portfolio_risk_breach"  # the reason of an intent
_PREFIX: Final = "portfolio_risk_"
_QUIET: Final = ("debug", "info")  # severities that no one is told of
_EDGE_MS: Final = 300_000  # an intent lasts five minutes
_MOST: Final = 10_000


@dataclass
class Half:
    """An intent, or the audit row about one, whose other row has not been seen."""

    place: str
    kind: str
    moment: int
    instance: str
    action: str
    details: str


@dataclass
class Pairs:
    """The halves whose other row has not been seen; of more than 10,000 the oldest are counted only."""

    halves: dict[str, Half] = field(default_factory=dict)  # by correlation_id
    forgotten: int = 0
    first_ms: int = 0
    last_ms: int = 0

    def note(self, row: Row, place: str) -> Iterator[str]:
        """Take in a row; the sentences for what it contradicts, in itself or in the row that belongs to it."""
        moment = int(row.ts_utc) if isinstance(row.ts_utc, str) and row.ts_utc.isdecimal() else 0
        if moment:
            self.first_ms, self.last_ms = min(self.first_ms or moment, moment), max(self.last_ms, moment)
        half = _half(row, place, moment)
        if half is None:
            return
        yield from _wrong_alone(row)
        other = self.halves.pop(str(row.correlation_id), None)
        if other is None:
            self.halves[str(row.correlation_id)] = half
            if len(self.halves) > _MOST:
                del self.halves[next(iter(self.halves))]
                self.forgotten += 1
            return
        if other.kind == half.kind:
            yield f"correlation_id is that of another {half.kind}"
        if other.instance != half.instance:
            yield f"instance_name is {half.instance!r}, the {other.kind} of it has {other.instance!r}"
        if other.action != half.action:
            yield f"the action is {half.action!r}, the {other.kind} of it has {other.action!r}"
        if other.details != half.details:
            yield f"its metadata.details are not those of the {other.kind} of it"

    @property
    def lonely(self) -> list[str]:
        """The sentence for rows without their other one, unless that may be in the file of another day."""
        inside = [
            half for half in self.halves.values() if self.first_ms + _EDGE_MS <= half.moment <= self.last_ms - _EDGE_MS
        ]
        count = len(inside) + self.forgotten
        if not count:
            return []
        first = f"{inside[0].place}: no row is the other one of this {inside[0].kind}, by its correlation_id"
        rest = f", and {count - 1:,} more rows" if count > 1 else ""
        return [first + rest] if inside else [f"{count:,} rows have no other one of their pair"]


def _half(row: Row, place: str, moment: int) -> Half | None:
    """The row as one of a pair, None for a row of another kind."""
    payload = row.payload
    details = _details(payload.metadata)
    if row.stream == AUDIT and payload.category == ABOUT_ACTIONS:
        action = str(payload.message).removeprefix(_PREFIX)
        return Half(place, "audit", moment, str(row.instance_name), action, details)
    if row.stream == INTENT and isinstance(payload.metadata, dict) and str(row.producer).startswith(_PREFIX):
        return Half(place, "intent", moment, str(row.instance_name), str(payload.action), details)
    return None


def _wrong_alone(row: Row) -> Iterator[str]:
    """Where the row of a pair does not say why, or tells of it too quietly."""
    payload = row.payload
    if row.stream == INTENT and not says_something(payload.metadata.get("reason")):
        yield f"payload.metadata.reason is {shown(payload.metadata.get('reason'))}, expected why it acts"
    if row.stream == AUDIT and (not says_something(payload.severity) or payload.severity in _QUIET):
        yield f"payload.severity is {shown(payload.severity)}, expected one above info"
    try:
        stated = json.loads(_details(payload.metadata)).get("portfolio_action")
    except (ValueError, AttributeError, RecursionError):
        yield "payload.metadata.details is no JSON object"
        return
    action = payload.action if row.stream == INTENT else str(payload.message).removeprefix(_PREFIX)
    if stated != action:
        yield f"portfolio_action of payload.metadata.details is {shown(stated)}, the row tells of {shown(action)}"


def _details(metadata: Any) -> str:
    details = metadata.get("details") if isinstance(metadata, dict) else None
    return details if isinstance(details, str) else ""
