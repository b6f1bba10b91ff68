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
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.trading.documents.kinds import STATES
from pytest_promotion.suites.trading.replay.invariants import ACTIVE, INTENT, RISK

if TYPE_CHECKING:
    from pytest_promotion.evidence.artifacts import Artifact

MARKET: Final = "hb.market_data.v1"
_TARGET: Final = "set_target_base_pct"
_LONGEST_INTENT_MS: Final = 3_600_000
_NAMES: Final = ("instance_name", "controller_id", "connector_name", "trading_pair")
_REPEATED: Final = ("event_id", "event_type", "producer", *_NAMES)

_UNSET: Final = msgspec.UNSET


class _Payload(msgspec.Struct, gc=False):
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


class _Row(msgspec.Struct, gc=False):
    stream: str
    payload: _Payload
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


class Source(NamedTuple):
    """Where rows are from, by the names that they have."""

    stream: str
    instance: str
    controller: str
    connector: str
    symbol: str


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
    sources: dict[Source, str] = field(default_factory=dict)  # with the place of the first row
    largest_step: float = 0.0  # of a price or an equity, from one market row of a bot to its next, as a share
    place_of_step: str = ""
    _figures: dict[tuple[Source, str], float] = field(default_factory=dict)  # of the newest market row

    @property
    def problems(self) -> list[str]:
        """A sentence for each rule that rows break."""
        return list(map(str, self.broken.values()))

    def note(self, row: _Row, place: str) -> None:
        """Take in whose row it is, and how far its figures are from those of the row before it."""
        source = Source(row.stream, *(_named(getattr(row, name)) for name in _NAMES))
        self.sources.setdefault(source, place)
        if row.stream != MARKET:
            return
        for name in ("mid_price", "equity_quote"):
            value = getattr(row.payload, name)
            if not _is_price(value):
                continue
            before = self._figures.get((source, name), value)
            self._figures[source, name] = value
            step = max(value / before, before / value) - 1
            if step > self.largest_step:
                self.largest_step = step
                self.place_of_step = f"{place}: payload.{name} is {value:.10g}, in the row before {before:.10g}"


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
        found.note(row, f"{path} line {number}")
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
    yield from _repeated(row)
    if row.stream == MARKET:
        yield from _of_market(row.payload)
    if row.stream == INTENT:
        yield from _of_intent(row)
    if row.stream == RISK:
        if not isinstance(row.payload.approved, bool):
            yield f"payload.approved is {_shown(row.payload.approved)}, expected true or false"
        elif not row.payload.approved and not _says_something(row.payload.reason):
            yield f"payload.reason is {_shown(row.payload.reason)}, expected why it was denied"


def _repeated(row: _Row) -> Iterator[str]:
    """A payload may repeat what its row says; it is then about the same."""
    for name in (
        "event_id",
        "event_type",
        "producer",
        "instance_name",
        "controller_id",
        "connector_name",
        "trading_pair",
    ):
        repeated, own = getattr(row.payload, name), getattr(row, name)
        if repeated is not _UNSET and repeated != own:
            yield f"payload.{name} is {_shown(repeated)}, and {name} {_shown(own)}"
    moment = row.payload.timestamp_ms
    if moment is not _UNSET and str(moment) != str(row.ts_utc):
        yield f"payload.timestamp_ms is {_shown(moment)}, and ts_utc {_shown(row.ts_utc)}"


def _of_intent(row: _Row) -> Iterator[str]:
    """An intent is one of the known ones, ends within an hour of its row, and moves a target to a share of one."""
    payload, known = row.payload, (*ACTIVE, "resume")
    if payload.action not in known:
        yield f"payload.action is {_shown(payload.action)}, expected {', '.join(known)}"
    elif payload.action in ACTIVE and not _is_price(payload.expires_at_ms):
        yield f"payload.expires_at_ms is {_shown(payload.expires_at_ms)}, expected when {payload.action} ends"
    begin = int(row.ts_utc) if isinstance(row.ts_utc, str) and row.ts_utc.isdecimal() else 0
    if _is_price(payload.expires_at_ms) and not 0 < payload.expires_at_ms - begin <= _LONGEST_INTENT_MS:
        hour = f"within {_LONGEST_INTENT_MS} ms after ts_utc, {_shown(row.ts_utc)}"
        yield f"payload.expires_at_ms is {_shown(payload.expires_at_ms)}, expected {hour}"
    target = payload.target_base_pct
    if (payload.action == _TARGET or target not in (None, _UNSET)) and not _is_share(target):
        yield f"payload.target_base_pct is {_shown(target)}, expected a share from 0 to 1"


def _of_market(payload: _Payload) -> Iterator[str]:
    """A market row has a price; what it says of the bot that saw it is possible."""
    if not _is_price(payload.mid_price):
        yield f"payload.mid_price is {_shown(payload.mid_price)}, expected a number above 0"
    if payload.equity_quote is not _UNSET and not _is_price(payload.equity_quote):
        yield f"payload.equity_quote is {_shown(payload.equity_quote)}, expected a number above 0"
    for name in ("base_pct", "target_base_pct"):
        value = getattr(payload, name)
        if value is not _UNSET and not _is_share(value):
            yield f"payload.{name} is {_shown(value)}, expected a share from 0 to 1"
    if payload.state not in (_UNSET, *STATES):
        yield f"payload.state is {_shown(payload.state)}, expected {', '.join(STATES)}"


def _named(name: Any) -> str:
    return name if isinstance(name, str) else _shown(name)


def _is_share(value: Any) -> bool:
    """Whether *value* is a number from 0 to 1, or a text of one, as some services write it."""
    try:
        return not isinstance(value, bool) and 0 <= float(value) <= 1
    except (TypeError, ValueError):
        return False


def _says_something(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_price(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _shown(value: Any) -> str:
    if value is _UNSET:
        return "missing"
    return "null" if value is None else repr(value)[:60]
