"""
Candidates and their events, in a database.

Every function works in one transaction of its own, committed before it returns; several are one within
`database.writing`. Connections are those of SQLAlchemy or of `sqlite3`.
A status never changes without the event that says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from pytest_promotion.canonical import digest
from pytest_promotion.clock import iso
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research import events
from pytest_promotion.suites.research.connections import taking
from pytest_promotion.suites.research.database import reading, writing
from pytest_promotion.suites.research.digests import evidence_digest, evidence_of, row_digest, sealed
from pytest_promotion.suites.research.events import add_event, canonical_text, demand_seen, get_events, plain, there
from pytest_promotion.suites.research.migrations import require_promotion_tables
from pytest_promotion.suites.research.people import Person, asking
from pytest_promotion.suites.research.rows import get_candidate
from pytest_promotion.suites.research.statuses import approvers, change_status, record_change, update_status, weakened
from pytest_promotion.suites.research.tables import CANDIDATES, EVENTS
from pytest_promotion.suites.research.transitions import status_of

__all__ = [
    "OWN_EVENTS",
    "add_event",
    "adopt",
    "approvers",
    "canonical_text",
    "change_status",
    "create_candidate",
    "create_candidates",
    "demand_seen",
    "evidence_digest",
    "evidence_of",
    "get_candidate",
    "get_events",
    "last_policy",
    "list_candidates",
    "record_event",
    "update_status",
    "weakened",
    "whole",
]
_NEEDED: Final = ("run_id", "signal_name", "dataset_id", "config_hash", "git_commit")
_OPTIONAL: Final = ("family_id", "estimator", "notes")
OWN_EVENTS: Final = ("created", "evaluated", "status_change", "observed", "approved", "adopted")  # the store's own


@taking
def create_candidate(conn: Connection, payload: Mapping[str, Any], *, by: Person | None = None) -> str:
    """
    Adds an exploratory candidate, with the event that says so.

    *payload* has run_id, signal_name, dataset_id, config_hash and git_commit, none of them empty, and the horizon in
    bars; it may have family_id, estimator, notes, and as `evidence` what `evidence.named` makes. *by* is who asks.

    Returns:
        its id: `prom_` and 16 hex digits.

    Raises:
        PolicyError: for a field that is missing, empty, of another kind, or that no candidate has.
        Unproven: where the tables are not there.
    """
    [identity] = create_candidates(conn, [payload], by=by)
    return identity


@taking
def create_candidates(
    conn: Connection, payloads: Sequence[Mapping[str, Any]], *, by: Person | None = None
) -> list[str]:
    """
    Adds as many candidates in one transaction: all of them, or none. Returns their ids, in order.

    Raises:
        PolicyError, Unproven: as `create_candidate` does, with the number of the payload, counted from 1.
    """
    rows = []
    for number, payload in enumerate(payloads, 1):
        try:
            rows.append(_row(payload))
        except PolicyError as problem:
            raise PolicyError(f"candidate {number}: {problem}" if len(payloads) > 1 else str(problem)) from None
    require_promotion_tables(conn)
    by = by or asking()
    found = []
    with writing(conn):
        now = events.now()
        for row in rows:
            while there(conn, identity := _identity(row, now)):
                now += timedelta(microseconds=1)
            row |= {"candidate_id": identity, "created_at_utc": iso(now), "status": "exploratory"}
            conn.execute(insert(CANDIDATES), row)
            told = {"new_status": "exploratory", "evidence_sha256": evidence_digest(row), "row_sha256": row_digest(row)}
            add_event(conn, identity, "created", told, by)
            found.append(identity)
    return found


@taking
def list_candidates(
    conn: Connection,
    status: str | None = None,
    dataset_id: str | None = None,
    signal_name: str | None = None,
    limit: int = 100,
    before: tuple[str, str] | None = None,
) -> list[dict[str, Any]]:
    """
    Candidates that the filters let through, the newest first, at most *limit*.

    *before* are the created_at_utc and the candidate_id of the last row of a page: the next page begins behind it.

    Raises:
        PolicyError: for a status that there is not, and for a limit below 1.
    """
    if limit < 1:
        raise PolicyError(f"a page of {limit} candidates")
    wanted = {"status": status and status_of(status), "dataset_id": dataset_id, "signal_name": signal_name}
    table = CANDIDATES.c
    asked = select(CANDIDATES).order_by(table.created_at_utc.desc(), table.candidate_id.desc()).limit(limit)
    for name, value in wanted.items():
        if value is not None:
            asked = asked.where(table[name] == value)
    if before is not None:
        moment, identity = before
        asked = asked.where(
            table.created_at_utc <= moment, (table.created_at_utc < moment) | (table.candidate_id < identity)
        )
    with reading(conn):
        return [dict(row) for row in conn.execute(asked).mappings()]


@taking
def record_event(
    conn: Connection,
    candidate_id: str,
    event_type: str,
    payload: Mapping[str, Any],
    *,
    by: Person | None = None,
) -> int:
    """
    Adds an event of any type but the store's own, and returns its id.

    A `status_change` with `new_status`, `reason` and, to accept, `approver` is a change by hand: it changes the status
    too, and an `update_status` to the same status right after it does nothing.

    Raises:
        PolicyError: for a type that the store writes itself, and a payload that has no canonical JSON.
        Unproven: where there is no such candidate.
    """
    if event_type == "status_change":
        return record_change(conn, candidate_id, payload, by or asking())
    if not event_type or event_type in OWN_EVENTS:
        raise PolicyError(f"{event_type!r} is no event to be recorded: {', '.join(OWN_EVENTS)} are the store's own")
    with writing(conn):
        return add_event(conn, candidate_id, event_type, payload, by or asking())


@taking
def adopt(conn: Connection, candidate_id: str, evidence: Mapping[str, Any], *, by: Person | None = None) -> int:
    """
    Gives a candidate of another tool evidence with digests (see `evidence.named`), by an event whose id is returned.

    Raises:
        PolicyError: where the candidate's own evidence has digests already.
        Unproven: where there is no such candidate.
    """
    from pytest_promotion.suites.research.evidence import is_named

    with writing(conn):
        row = get_candidate(conn, candidate_id)
        if row is None:
            raise Unproven(f"candidate_id not found: {candidate_id}")
        if is_named(row["evidence_json"]):
            raise PolicyError(f"{candidate_id} has evidence with digests: it is judged by that")
        return add_event(conn, candidate_id, "adopted", {"evidence": dict(evidence)}, by or asking())


@taking
def whole(conn: Connection, candidate_id: str) -> dict[str, Any]:
    """
    All that is known of a candidate: its row, `evidence` read, its `events`, the `last_evaluation` among them, and as
    `record_sha256` the digest of all that, by which a gate sees that it was edited.

    Raises:
        Unproven: where there is none of that id.
    """
    with reading(conn):
        row = get_candidate(conn, candidate_id)
        events = get_events(conn, candidate_id)
        by_hand = approvers(conn, [candidate_id])
    if row is None:
        raise Unproven(f"candidate_id not found: {candidate_id}")
    evaluated = [event for event in events if event["event_type"] == "evaluated"]
    return sealed(
        {
            **row,
            "evidence": evidence_of(row, events),
            "events": events,
            "last_evaluation": evaluated[-1] if evaluated else None,
            "accepted_by_hand": by_hand.get(candidate_id),
        }
    )


def last_policy(conn: Connection) -> dict[str, Any] | None:
    """The policy file that the last evaluation in the store used; None where none did."""
    asked = select(EVENTS.c.payload_json).where(EVENTS.c.event_type == "evaluated").order_by(EVENTS.c.event_id.desc())
    with reading(conn):
        text = conn.execute(asked.limit(1)).scalar()
    found = (json.loads(text or "{}").get("policy") or {}).get("base")
    return found if isinstance(found, dict) else None


def _row(payload: Mapping[str, Any]) -> dict[str, Any]:
    known = {*_NEEDED, *_OPTIONAL, "horizon", "evidence"}
    if strange := sorted(set(payload) - known):
        raise PolicyError(f"a candidate has no {', '.join(strange)}: it is created exploratory, with an id of its own")
    for name in (*_NEEDED, *_OPTIONAL):
        value = payload.get(name)
        if (name in _NEEDED or value is not None) and (not isinstance(value, str) or not value.strip()):
            raise PolicyError(f"{name} is {value!r}, expected a text that is not empty")
    horizon = plain(payload.get("horizon"))
    if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
        raise PolicyError(f"horizon is {horizon!r}, expected a whole number of bars above 0")
    row = {name: payload.get(name) for name in (*_NEEDED, *_OPTIONAL)} | {"horizon": horizon}
    evidence = payload.get("evidence")
    return row | {"evidence_json": canonical_text(evidence) if evidence is not None else None}


def _identity(row: Mapping[str, Any], now: datetime) -> str:
    return f"prom_{digest([row['run_id'], row['signal_name'], row['horizon'], iso(now)])[:16]}"
