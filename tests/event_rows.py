"""Rows of an event store, as tests write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

START = datetime(2026, 5, 20, 9, 0, tzinfo=UTC)
NAMES = ("event_id", "stream", "ingest_ts_utc", "payload", "correlation_id")
STREAMS = ("hb.market_data.v1", "hb.signal.v1", "hb.fill.v1")


def row(number, **changes):
    """One event, a second after the one before."""
    made = {
        "event_id": f"id-{number}",
        "stream": STREAMS[number % 3],
        "correlation_id": f"cause-{number // 3}",
        "payload": {"number": number},
        "ingest_ts_utc": (START + timedelta(seconds=number)).isoformat(),
    }
    return {key: value for key, value in (made | changes).items() if value is not ...}


def line(number, **changes):
    return json.dumps(row(number, **changes)).encode() + b"\n"


def lines(*numbers):
    return b"".join(map(line, numbers))
