"""
Candidates and their events, in a database.

Every function works in one transaction: its own, committed before it returns, or the caller's where one is open.
A status never changes without the event that says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from pytest_promotion.canonical import canonical, digest
from pytest_promotion.clock import iso
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research.chain import PREVIOUS, head
from pytest_promotion.suites.research.database import reading, writing
from pytest_promotion.suites.research.migrations import require_promotion_tables
from pytest_promotion.suites.research.tables import CANDIDATES, EVENTS
from pytest_promotion.suites.research.transitions import Status, demand_step, status_of

_NEEDED: Final = ("run_id", "signal_name", "dataset_id", "config_hash", "git_commit")
_OPTIONAL: Final = ("family_id", "estimator", "notes")
OWN_EVENTS: Final = ("created", "evaluated", "status_change")  # which nobody writes but the store and its service


def create_candidate(conn: Connection, payload: Mapping[str, Any]) -> str:
    """
    Adds an exploratory candidate, with the event that says so.

    *payload* has run_id, signal_name, dataset_id, config_hash and git_commit, none of them empty, and the horizon in
    bars; it may have family_id, estimator, notes, and as `evidence` what `evidence.named` makes.

    Returns:
        its id: `prom_` and 16 hex digits.

    Raises:
        PolicyError: for a field that is missing, empty, of another kind, or that no candidate has.
        Unproven: where the tables are not there.
    """
    row = _row(payload)
    require_promotion_tables(conn)
    with writing(conn):
        now = datetime.now(UTC)
        while _there(conn, identity := _identity(row, now)):
            now += timedelta(microseconds=1)
        row |= {"candidate_id": identity, "created_at_utc": iso(now), "status": "exploratory"}
        conn.execute(insert(CANDIDATES), row)
        add_event(conn, identity, "created", {"new_status": "exploratory", "evidence_sha256": evidence_digest(row)})
    return identity


def get_candidate(conn: Connection, candidate_id: str) -> dict[str, Any] | None:
    """The candidate's row, or None where there is none of that id."""
    with reading(conn):
        found = conn.execute(select(CANDIDATES).where(CANDIDATES.c.candidate_id == candidate_id)).mappings().first()
    return dict(found) if found is not None else None


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


def update_status(
    conn: Connection,
    candidate_id: str,
    status: str,
    reason: str | None = None,
    *,
    approver: str | None = None,
    seen: int | None = None,
) -> None:
    """
    Changes a status by hand, with the event that says from what to what, why, and who approved it.

    *seen* is the id of the last event that whoever decides knows of, 0 for none: see `demand_seen`.

    Raises:
        PolicyError: for a step that there is not, without a reason, and for accepting without an approver.
        Unproven: where there is no such candidate, and where an event came after the one that was seen.
    """
    new = status_of(status)
    if not reason or not reason.strip():
        raise PolicyError("a status that is changed by hand needs a reason")
    if new == "accepted" and not (approver or "").strip():
        raise PolicyError("accepting by hand needs an approver, whose name stays in the record")
    with writing(conn):
        demand_seen(conn, candidate_id, seen)
        change_status(conn, candidate_id, new, {"reason": reason.strip(), "manual": True, "approver": approver})


def demand_seen(conn: Connection, candidate_id: str, seen: int | None) -> None:
    """
    Raises `Unproven` where the candidate's last event is another than *seen*: somebody decided by an older state.

    None asks for nothing: a script that acts at once has seen no other state.
    """
    last = conn.execute(select(func.max(EVENTS.c.event_id)).where(EVENTS.c.candidate_id == candidate_id)).scalar() or 0
    if seen is not None and last != seen:
        raise Unproven(f"something happened to {candidate_id} since it was looked at, event {last}: look again")


def change_status(conn: Connection, candidate_id: str, new: Status, because: Mapping[str, Any]) -> None:
    """Writes the event and then the status, within the transaction of *conn*. Raises as `update_status` does."""
    # Locked where the database can: what is read here must still be so when it is changed.
    asked = select(CANDIDATES.c.status).where(CANDIDATES.c.candidate_id == candidate_id).with_for_update()
    old = conn.execute(asked).scalar()
    if old is None:
        raise Unproven(f"candidate_id not found: {candidate_id}")
    demand_step(status_of(old), new)  # another tool may have written any word
    told = {name: value for name, value in because.items() if value is not None}
    add_event(conn, candidate_id, "status_change", {"old_status": old, "new_status": new, **told})
    conn.execute(update(CANDIDATES).where(CANDIDATES.c.candidate_id == candidate_id).values(status=new))


def record_event(conn: Connection, candidate_id: str, event_type: str, payload: Mapping[str, Any]) -> int:
    """
    Adds an event of any type but the store's own, and returns its id.

    Raises:
        PolicyError: for a type that the store writes itself, and a payload that has no canonical JSON.
        Unproven: where there is no such candidate.
    """
    if not event_type or event_type in OWN_EVENTS:
        raise PolicyError(f"{event_type!r} is no event to be recorded: {', '.join(OWN_EVENTS)} are the store's own")
    with writing(conn):
        return add_event(conn, candidate_id, event_type, payload)


def add_event(conn: Connection, candidate_id: str, event_type: str, payload: Mapping[str, Any]) -> int:
    """Adds an event at the end of the chain, within the transaction of *conn*."""
    if PREVIOUS in payload:
        raise PolicyError(f"{PREVIOUS!r} is the chain's own")
    if not _there(conn, candidate_id):
        raise Unproven(f"candidate_id not found: {candidate_id}")
    row = {
        "candidate_id": candidate_id,
        "ts_utc": iso(datetime.now(UTC)),
        "event_type": event_type,
        "payload_json": canonical_text({**payload, PREVIOUS: head(conn)}),
    }
    return int(conn.execute(insert(EVENTS).returning(EVENTS.c.event_id), row).scalar_one())


def get_events(conn: Connection, candidate_id: str) -> list[dict[str, Any]]:
    """The events of a candidate in the order in which they came, their payloads read."""
    asked = select(EVENTS).where(EVENTS.c.candidate_id == candidate_id).order_by(EVENTS.c.event_id)
    with reading(conn):
        rows = conn.execute(asked).mappings().all()
    return [{**row, "payload": json.loads(row["payload_json"] or "{}")} for row in rows]


def approvers(conn: Connection, candidate_ids: Sequence[str]) -> dict[str, str]:
    """Of those candidates that are accepted now because somebody said so: who it was."""
    table = EVENTS.c
    last = (
        select(func.max(table.event_id))
        .where(table.candidate_id.in_(candidate_ids), table.event_type == "status_change")
        .group_by(table.candidate_id)
    )
    asked = select(table.candidate_id, table.payload_json).where(table.event_id.in_(last))
    with reading(conn):
        rows = conn.execute(asked).all()
    said = {identity: json.loads(payload or "{}") for identity, payload in rows}
    return {
        identity: str(payload.get("approver"))
        for identity, payload in said.items()
        if payload.get("new_status") == "accepted" and payload.get("manual")
    }


def whole(conn: Connection, candidate_id: str) -> dict[str, Any]:
    """
    All that is known of a candidate: its row, `evidence` read, its `events`, the `last_evaluation` among them.

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
    return {
        **row,
        "evidence": json.loads(row["evidence_json"] or "null"),
        "events": events,
        "last_evaluation": evaluated[-1] if evaluated else None,
        "accepted_by_hand": by_hand.get(candidate_id),
    }


def evidence_digest(row: Mapping[str, Any]) -> str:
    """SHA-256 of all that an evaluation rests on: what the candidate is, and the files that it named."""
    names = ("run_id", "dataset_id", "signal_name", "horizon", "family_id", "evidence_json")
    return digest([row.get(name) for name in names])


def canonical_text(value: Any) -> str:
    """RFC 8785, as text. Raises `PolicyError` for what has none: NaN, dates, large integers."""
    import rfc8785

    try:
        return canonical(value).decode()
    except rfc8785.CanonicalizationError as problem:
        raise PolicyError(f"there is a value that has no canonical JSON: {problem}") from None


def _row(payload: Mapping[str, Any]) -> dict[str, Any]:
    known = {*_NEEDED, *_OPTIONAL, "horizon", "evidence"}
    if strange := sorted(set(payload) - known):
        raise PolicyError(f"a candidate has no {', '.join(strange)}: it is created exploratory, with an id of its own")
    for name in (*_NEEDED, *_OPTIONAL):
        value = payload.get(name)
        if (name in _NEEDED or value is not None) and (not isinstance(value, str) or not value.strip()):
            raise PolicyError(f"{name} is {value!r}, expected a text that is not empty")
    horizon = payload.get("horizon")
    if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
        raise PolicyError(f"horizon is {horizon!r}, expected a whole number of bars above 0")
    row = {name: payload.get(name) for name in (*_NEEDED, *_OPTIONAL)} | {"horizon": horizon}
    evidence = payload.get("evidence")
    return row | {"evidence_json": canonical_text(evidence) if evidence is not None else None}


def _identity(row: Mapping[str, Any], now: datetime) -> str:
    return f"prom_{digest([row['run_id'], row['signal_name'], row['horizon'], iso(now)])[:16]}"


def _there(conn: Connection, candidate_id: str) -> bool:
    asked = select(CANDIDATES.c.candidate_id).where(CANDIDATES.c.candidate_id == candidate_id)
    return conn.execute(asked).first() is not None
