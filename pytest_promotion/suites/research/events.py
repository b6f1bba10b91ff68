"""The events of candidates: read in order, and added at the end of the chain, each with who asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from pytest_promotion.canonical import canonical
from pytest_promotion.clock import iso
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research.chain import PREVIOUS, head
from pytest_promotion.suites.research.connections import taking
from pytest_promotion.suites.research.database import reading
from pytest_promotion.suites.research.people import ASKED_BY, Person
from pytest_promotion.suites.research.tables import CANDIDATES, EVENTS


def add_event(
    conn: Connection, candidate_id: str, event_type: str, payload: Mapping[str, Any], by: Person | None = None
) -> int:
    """Adds an event of *by* at the end of the chain, within the transaction of *conn*."""
    if PREVIOUS in payload or ASKED_BY in payload:
        raise PolicyError(f"{PREVIOUS!r} and {ASKED_BY!r} are the chain's own")
    if not there(conn, candidate_id):
        raise Unproven(f"candidate_id not found: {candidate_id}")
    row = {
        "candidate_id": candidate_id,
        "ts_utc": iso(now()),
        "event_type": event_type,
        "payload_json": canonical_text(
            {**payload, ASKED_BY: by.document() if by is not None else None, PREVIOUS: head(conn)}
        ),
    }
    return int(conn.execute(insert(EVENTS).returning(EVENTS.c.event_id), row).scalar_one())


@taking
def get_events(conn: Connection, candidate_id: str) -> list[dict[str, Any]]:
    """The events of a candidate in the order in which they came, their payloads read."""
    asked = select(EVENTS).where(EVENTS.c.candidate_id == candidate_id).order_by(EVENTS.c.event_id)
    with reading(conn):
        rows = conn.execute(asked).mappings().all()
    return [{**row, "payload": json.loads(row["payload_json"] or "{}")} for row in rows]


def demand_seen(conn: Connection, candidate_id: str, seen: int | None) -> None:
    """
    Raises `Unproven` where the candidate's last event is another than *seen*: somebody decided by an older state.

    None asks for nothing: a script that acts at once has seen no other state.
    """
    last = conn.execute(select(func.max(EVENTS.c.event_id)).where(EVENTS.c.candidate_id == candidate_id)).scalar() or 0
    if seen is not None and last != seen:
        raise Unproven(f"something happened to {candidate_id} since it was looked at, event {last}: look again")


def canonical_text(value: Any) -> str:
    """RFC 8785, as text. Raises `PolicyError` for what has none: NaN, dates, large integers."""
    import rfc8785

    try:
        return canonical(plain(value)).decode()
    except rfc8785.CanonicalizationError as problem:
        raise PolicyError(f"there is a value that has no canonical JSON: {problem}") from None


def plain(value: Any) -> Any:
    """*value* with the scalars of numpy as Python's; what else it is, it stays."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    item = getattr(value, "item", None)
    if callable(item) and type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return item()
    return value


def there(conn: Connection, candidate_id: str) -> bool:
    asked = select(CANDIDATES.c.candidate_id).where(CANDIDATES.c.candidate_id == candidate_id)
    return conn.execute(asked).first() is not None


def now() -> datetime:
    """The present, UTC; a row and its event ask here."""
    return datetime.now(UTC)
