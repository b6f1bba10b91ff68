"""
The rows of the event store, each as its stream has to be: typed, valid by its own schema, with a price or an expiry.

One pass beside the count of `pytest_promotion.evidence.event_store`, which looks at nothing but streams, times and ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

import msgspec

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.trading.documents import event_pairs, event_row
from pytest_promotion.suites.trading.documents.event_pairs import Pairs
from pytest_promotion.suites.trading.documents.event_row import MARKET, Row

if TYPE_CHECKING:
    from pytest_promotion.evidence.artifacts import Artifact

_NAMES: Final = ("instance_name", "controller_id", "connector_name", "trading_pair")


class Source(NamedTuple):
    """Where rows are from, by the names that they have."""

    stream: str
    instance: str
    controller: str
    connector: str
    symbol: str


_ROWS: Final = msgspec.json.Decoder(Row)


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
    pairs: Pairs = field(default_factory=Pairs)
    _figures: dict[tuple[Source, str], float] = field(default_factory=dict)  # of the newest market row
    _entries: dict[str, tuple[int, int]] = field(default_factory=dict)  # of the newest row, by stream
    _stopped: dict[Source, str] = field(default_factory=dict)  # the place of the newest market row, where it says so

    @property
    def problems(self) -> list[str]:
        """A sentence for each rule that rows break."""
        stopped = [f"{place}: payload.state of the newest row is 'hard_stop'" for place in self._stopped.values()]
        return [*map(str, self.broken.values()), *self.pairs.lonely, *stopped]

    def note(self, row: Row, place: str) -> None:
        """Take in whose row it is, and how far its figures are from those of the row before it."""
        source = Source(row.stream, *(event_row.named(getattr(row, name)) for name in _NAMES))
        self.sources.setdefault(source, place)
        if row.stream != MARKET:
            return
        self._stopped.pop(source, None)
        if row.payload.state == "hard_stop":
            self._stopped[source] = place
        for name in ("mid_price", "equity_quote"):
            value = getattr(row.payload, name)
            if not event_row.is_price(value):
                continue
            before = self._figures.get((source, name), value)
            self._figures[source, name] = value
            step = max(value / before, before / value) - 1
            if step > self.largest_step:
                self.largest_step = step
                self.place_of_step = f"{place}: payload.{name} is {value:.10g}, in the row before {before:.10g}"

    def between(self, row: Row, place: str) -> Iterator[str]:
        """A sentence for each rule that the row breaks together with rows above it."""
        entry, before = event_row.entry_of(row), self._entries.get(row.stream)
        if entry is None:
            if row.stream_entry_id is not msgspec.UNSET:
                yield f"stream_entry_id is {event_row.shown(row.stream_entry_id)}, expected milliseconds-number"
        else:
            if before is not None and entry <= before:
                yield f"stream_entry_id is {row.stream_entry_id}, after {before[0]}-{before[1]} of the row before it"
            self._entries[row.stream] = entry
        yield from self.pairs.note(row, place)


_SEEN: dict[str, Rows] = {}  # by digest: several gates ask of the same bytes


def rows_of(store: Artifact) -> Rows:
    """What the rows of *store* amount to. Raises `Unproven` with the line for one that is no event."""
    if store.sha256 not in _SEEN:
        # Another version of these files has other rules.
        sources = b"".join(Path(str(each.__file__)).read_bytes() for each in (event_row, event_pairs))
        rule = f"rows by {sha256(Path(__file__).read_bytes() + sources).hexdigest()}"
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
        stream, repeated = row.stream, row.payload.correlation_id
        place = f"{path} line {number}"
        found.note(row, place)
        for rule in (*event_row.broken(row), *found.between(row, place)):
            known = found.broken.get(f"{stream} {rule.partition(' is ')[0]}")
            if known is None:
                found.broken[f"{stream} {rule.partition(' is ')[0]}"] = Rule(f"{place} ({stream}): {rule}")
            else:
                known.count += 1
        if not event_row.says_something(row.correlation_id):
            found.uncorrelated[stream] = found.uncorrelated.get(stream, 0) + 1
            found.first_uncorrelated = found.first_uncorrelated or f"line {number}"
        elif repeated is not msgspec.UNSET and not event_row.says_something(repeated):
            found.uncorrelated_payloads[stream] = found.uncorrelated_payloads.get(stream, 0) + 1
    found.lines = number
    return found
