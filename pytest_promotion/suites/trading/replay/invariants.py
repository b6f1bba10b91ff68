"""
What must hold for every row of a store, counted over all of them in one pass.

The streams and actions are those of the trading contract; an event of another stream is
counted, dated and correlated like any other.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from pytest_promotion.evidence.event_store.pages import opened, pages
from pytest_promotion.evidence.event_store.rows import Cause, Row
from pytest_promotion.evidence.event_store.tally import Tally, decode
from pytest_promotion.suites.trading.replay.windows import StoreFile

INTENT: Final = "hb.execution_intent.v1"
RISK: Final = "hb.risk_decision.v1"
ACTIVE: Final = ("soft_pause", "kill_switch", "set_target_base_pct")
_SAMPLE: Final = 10


class Told(Cause, kw_only=True, gc=False):
    """The parts of a payload that an invariant speaks of; `Any`, because a wrong type is a finding and no crash."""

    action: Any = None
    expires_at_ms: Any = None
    approved: Any = None
    reason: Any = None


class Judged(Row, kw_only=True, gc=False):
    """An event as the invariants need it."""

    event_type: str
    payload: Told


_JUDGED: Final = msgspec.json.Decoder(Judged)


@dataclass(slots=True)
class Seen:
    """What all rows amount to. `fingerprint` is a SHA-256 over every row, without its line end."""

    tally: Tally = field(default_factory=Tally)
    intents: int = 0
    endless: int = 0  # active intents that do not say when they end
    decisions: int = 0
    denied: int = 0
    unexplained: int = 0  # denials without a reason, and decisions that say neither yes nor no
    uncorrelated: int = 0  # rows without a correlation_id of their own, whatever their payload has
    duplicate_ids: int = 0
    fingerprint: str = ""
    sample_ids: list[str] = field(default_factory=list)
    sample_types: list[str] = field(default_factory=list)
    files: list[StoreFile] = field(default_factory=list)

    def judge(self, rows: Sequence[Judged]) -> None:
        """Adds rows to the invariants of their streams."""
        for row in rows:
            self.uncorrelated += not row.correlation_id
            if row.stream == INTENT:
                self.intents += 1
                self.endless += row.payload.action in ACTIVE and not _moment(row.payload.expires_at_ms)
            elif row.stream == RISK:
                self.decisions += 1
                if row.payload.approved is not True:
                    self.denied += 1
                    self.unexplained += row.payload.approved is not False or not _said(row.payload.reason)
        for row in rows[: _SAMPLE - len(self.sample_ids)]:
            self.sample_ids.append(row.event_id)
            self.sample_types.append(row.event_type)


def inspect(files: Sequence[str | os.PathLike[str]], now: datetime | None = None) -> Seen:
    """
    Reads every row of *files*, in the order given.

    Args:
        now: rows dated after it are counted as from the future.

    Raises:
        Unproven: for a line that is no event, as `evidence.store.scan`.
    """
    seen, running, ids = Seen(), sha256(), set[str]()
    for path in files:
        with opened(path) as store:
            raw = sha256()
            for offset, page in pages(store.file, store.name, 0, store.size):
                raw.update(page)
                rows, _ = decode(page, store.name, offset, _JUDGED)
                # Without line ends, so that a copy through another system has the same fingerprint.
                running.update(b"\n".join([line.strip() for line in page.split(b"\n") if line.strip()]) + b"\n")
                ids.update([row.event_id for row in rows])
                seen.tally.count(rows, now, None)
                seen.judge(rows)
            seen.files.append(StoreFile(store.name, store.size, raw.hexdigest()))
    seen.duplicate_ids = seen.tally.rows - len(ids)
    seen.fingerprint = running.hexdigest() if seen.tally.rows else ""
    return seen


def _moment(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _said(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
