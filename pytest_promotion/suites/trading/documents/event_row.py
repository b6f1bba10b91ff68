"""
One row of the event store: its types, and whether it says what a row of its stream has to.

Versions are those that services write today: a row of another version has other rules.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from pytest_promotion.suites.trading.documents.kinds import STATES
from pytest_promotion.suites.trading.replay.invariants import ACTIVE, INTENT, RISK

MARKET: Final = "hb.market_data.v1"
_TARGET: Final = "set_target_base_pct"
_LONGEST_INTENT_MS: Final = 3_600_000
_LARGEST_EDGE: Final = 0.1  # of a quote, as a share of the price
_REPEATED: Final = (
    "event_id",
    "event_type",
    "producer",
    "instance_name",
    "controller_id",
    "connector_name",
    "trading_pair",
)
# Of Redis streams: milliseconds and a number among the entries of one.
_ENTRY: Final = re.compile(r"([1-9]\d*)-(\d+)")

_UNSET: Final = msgspec.UNSET


class Payload(msgspec.Struct, gc=False):
    """What a service says in a row, as far as rules read it."""

    correlation_id: Any = _UNSET
    mid_price: Any = _UNSET
    equity_quote: Any = _UNSET
    base_pct: Any = _UNSET
    target_base_pct: Any = _UNSET
    state: Any = _UNSET
    timestamp_ms: Any = _UNSET
    event_id: Any = _UNSET
    event_type: Any = _UNSET
    producer: Any = _UNSET
    instance_name: Any = _UNSET
    controller_id: Any = _UNSET
    connector_name: Any = _UNSET
    trading_pair: Any = _UNSET
    action: Any = _UNSET
    expires_at_ms: Any = _UNSET
    approved: Any = _UNSET
    reason: Any = _UNSET
    schema_version: Any = _UNSET
    spread_pct: Any = _UNSET
    net_edge_pct: Any = _UNSET
    category: Any = _UNSET
    severity: Any = _UNSET
    message: Any = _UNSET
    metadata: Any = _UNSET


class Row(msgspec.Struct, gc=False):
    """One row, with the names of who wrote it and about which bot."""

    stream: str
    payload: Payload
    correlation_id: Any = _UNSET
    event_type: Any = _UNSET
    schema_validation_status: Any = _UNSET
    ts_utc: Any = _UNSET
    event_id: Any = _UNSET
    producer: Any = _UNSET
    instance_name: Any = _UNSET
    controller_id: Any = _UNSET
    connector_name: Any = _UNSET
    trading_pair: Any = _UNSET
    event_version: Any = _UNSET
    stream_entry_id: Any = _UNSET


def broken(row: Row) -> Iterator[str]:
    """A sentence for each rule that the row by itself breaks."""
    if not says_something(row.event_type):
        yield f"event_type is {shown(row.event_type)}, expected a text that is not empty"
    if row.schema_validation_status != "ok":
        yield f"schema_validation_status is {shown(row.schema_validation_status)}, expected 'ok'"
    for where, stated, version in (
        ("event_version", row.event_version, "v1"),
        ("payload.schema_version", row.payload.schema_version, "1.0"),
    ):
        if stated not in (_UNSET, version):
            yield f"{where} is {shown(stated)}, expected {version!r}"
    yield from _repeated(row)
    if row.stream == MARKET:
        yield from _of_market(row.payload)
    if row.stream == INTENT:
        yield from _of_intent(row)
    if row.stream == RISK:
        yield from _of_risk(row.payload)


def _repeated(row: Row) -> Iterator[str]:
    """A payload may repeat what its row says; it is then about the same."""
    for name in _REPEATED:
        repeated, own = getattr(row.payload, name), getattr(row, name)
        if repeated is not _UNSET and repeated != own:
            yield f"payload.{name} is {shown(repeated)}, and {name} {shown(own)}"
    correlation = row.payload.correlation_id
    if says_something(correlation) and correlation != row.correlation_id:
        yield f"payload.correlation_id is {shown(correlation)}, and correlation_id {shown(row.correlation_id)}"
    moment = row.payload.timestamp_ms
    if moment is not _UNSET and str(moment) != str(row.ts_utc):
        yield f"payload.timestamp_ms is {shown(moment)}, and ts_utc {shown(row.ts_utc)}"


def entry_of(row: Row) -> tuple[int, int] | None:
    """The place of the row in its stream, None where it states none or no place."""
    found = _ENTRY.fullmatch(row.stream_entry_id) if isinstance(row.stream_entry_id, str) else None
    return (int(found[1]), int(found[2])) if found else None


def _of_intent(row: Row) -> Iterator[str]:
    """An intent is one of the known ones, ends within an hour of its row, and moves a target to a share of one."""
    payload, known = row.payload, (*ACTIVE, "resume")
    if payload.action not in known:
        yield f"payload.action is {shown(payload.action)}, expected {', '.join(known)}"
    elif payload.action in ACTIVE and not is_price(payload.expires_at_ms):
        yield f"payload.expires_at_ms is {shown(payload.expires_at_ms)}, expected when {payload.action} ends"
    begin = int(row.ts_utc) if isinstance(row.ts_utc, str) and row.ts_utc.isdecimal() else 0
    if is_price(payload.expires_at_ms) and not 0 < payload.expires_at_ms - begin <= _LONGEST_INTENT_MS:
        hour = f"within {_LONGEST_INTENT_MS} ms after ts_utc, {shown(row.ts_utc)}"
        yield f"payload.expires_at_ms is {shown(payload.expires_at_ms)}, expected {hour}"
    target = payload.target_base_pct
    if payload.action != _TARGET and target not in (None, _UNSET):
        yield f"payload.target_base_pct is {shown(target)}, and payload.action {shown(payload.action)} moves no target"
    elif payload.action == _TARGET and not is_share(target):
        yield f"payload.target_base_pct is {shown(target)}, expected a share from 0 to 1"


def _of_risk(payload: Payload) -> Iterator[str]:
    """A decision about risk is one, and a denial has a reason."""
    if not isinstance(payload.approved, bool):
        yield f"payload.approved is {shown(payload.approved)}, expected true or false"
    elif not payload.approved and not says_something(payload.reason):
        yield f"payload.reason is {shown(payload.reason)}, expected why it was denied"


def _of_market(payload: Payload) -> Iterator[str]:
    """A market row has a price; what it says of the bot that saw it is possible."""
    if not is_price(payload.mid_price):
        yield f"payload.mid_price is {shown(payload.mid_price)}, expected a number above 0"
    if payload.equity_quote is not _UNSET and not is_price(payload.equity_quote):
        yield f"payload.equity_quote is {shown(payload.equity_quote)}, expected a number above 0"
    for name in ("base_pct", "target_base_pct"):
        value = getattr(payload, name)
        if value is not _UNSET and not is_share(value):
            yield f"payload.{name} is {shown(value)}, expected a share from 0 to 1"
    if payload.spread_pct is not _UNSET and not is_share(payload.spread_pct):
        yield f"payload.spread_pct is {shown(payload.spread_pct)}, expected a share from 0 to 1"
    if payload.net_edge_pct is not _UNSET and not _is_edge(payload.net_edge_pct):
        yield f"payload.net_edge_pct is {shown(payload.net_edge_pct)}, expected a share up to {_LARGEST_EDGE:g}"
    if payload.state not in (_UNSET, *STATES):
        yield f"payload.state is {shown(payload.state)}, expected {', '.join(STATES)}"


def named(name: Any) -> str:
    """A name as a text, whatever stands in its place."""
    return name if isinstance(name, str) else shown(name)


def _is_edge(value: Any) -> bool:
    """Whether *value* is what a quote may gain or lose, a small share of the price."""
    try:
        return not isinstance(value, bool) and abs(float(value)) <= _LARGEST_EDGE
    except (TypeError, ValueError):
        return False


def is_share(value: Any) -> bool:
    """Whether *value* is a number from 0 to 1, or a text of one, as some services write it."""
    try:
        return not isinstance(value, bool) and 0 <= float(value) <= 1
    except (TypeError, ValueError):
        return False


def says_something(value: Any) -> bool:
    """Whether *value* is a text with something beside blanks."""
    return isinstance(value, str) and bool(value.strip())


def is_price(value: Any) -> bool:
    """Whether *value* is a finite number above 0."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def shown(value: Any) -> str:
    """The value in a sentence."""
    if value is _UNSET:
        return "missing"
    return "null" if value is None else repr(value)[:60]
