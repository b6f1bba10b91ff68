"""Changing a status: by an evaluation, or by hand with a reason and, to accept, a second person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select, update

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research.connections import taking
from pytest_promotion.suites.research.database import reading, writing
from pytest_promotion.suites.research.digests import evidence_of
from pytest_promotion.suites.research.events import add_event, demand_seen, get_events
from pytest_promotion.suites.research.people import Person, asking
from pytest_promotion.suites.research.rows import get_candidate
from pytest_promotion.suites.research.tables import CANDIDATES, EVENTS
from pytest_promotion.suites.research.transitions import Status, demand_step, status_of


@taking
def update_status(
    conn: Connection,
    candidate_id: str,
    status: str,
    reason: str | None = None,
    *,
    approver: str | None = None,
    seen: int | None = None,
    by: Person | None = None,
    evidence_seen: str | None = None,
    evidence_base_path: Path | None = None,
) -> None:
    """
    Changes a status by hand, with the event that says from what to what, why, who asked and who approved it.

    *seen* is the id of the last event that whoever decides knows of, 0 for none: see `demand_seen`. To accept where a
    file of the evidence is no longer what was named, *evidence_seen* has to be the digest of what is there now, which
    `evidence.present_digest` gives and `promotion show` prints.

    Raises:
        PolicyError: for a step that there is not, without a reason, and for accepting without an approver other than
            *by*, or over evidence that changed.
        Unproven: where there is no such candidate, and where an event came after the one that was seen.
    """
    new = status_of(status)
    if not reason or not reason.strip():
        raise PolicyError("a status that is changed by hand needs a reason")
    if new == "accepted" and not (approver or "").strip():
        raise PolicyError("accepting by hand needs an approver, whose name stays in the record")
    by = by or asking()
    if new == "accepted" and by.same_as(approver):
        raise PolicyError(f"{approver} asks for it: accepting by hand needs another person's approval")
    now = _present_evidence(conn, candidate_id, evidence_seen, evidence_base_path) if new == "accepted" else None
    with writing(conn):
        demand_seen(conn, candidate_id, seen)
        if _recorded_already(conn, candidate_id, new):
            return
        told = {"reason": reason.strip(), "manual": True, "approver": approver, "evidence_now_sha256": now}
        change_status(conn, candidate_id, new, told, by)


def change_status(
    conn: Connection, candidate_id: str, new: Status, because: Mapping[str, Any], by: Person | None = None
) -> int:
    """
    Writes the event and then the status, within the transaction of *conn*, and returns the id of the event.

    Raises as `update_status` does.
    """
    # Locked where the database can: what is read here must still be so when it is changed.
    asked = select(CANDIDATES.c.status).where(CANDIDATES.c.candidate_id == candidate_id).with_for_update()
    old = conn.execute(asked).scalar()
    if old is None:
        raise Unproven(f"candidate_id not found: {candidate_id}")
    demand_step(old, new)
    told = {name: value for name, value in because.items() if value is not None}
    event = add_event(conn, candidate_id, "status_change", {"old_status": old, "new_status": new, **told}, by)
    conn.execute(update(CANDIDATES).where(CANDIDATES.c.candidate_id == candidate_id).values(status=new))
    return event


def record_change(conn: Connection, candidate_id: str, payload: Mapping[str, Any], by: Person) -> int:
    if strange := sorted(set(payload) - {"new_status", "old_status", "reason", "approver"}):
        raise PolicyError(f"a change of a status is not given {', '.join(strange)}: that is the store's own")
    new, reason, approver = status_of(payload.get("new_status")), payload.get("reason"), payload.get("approver")
    if not isinstance(reason, str) or not reason.strip():
        raise PolicyError("a status that is changed by hand needs a reason")
    with writing(conn):
        row = get_candidate(conn, candidate_id)
        if row is not None and payload.get("old_status") not in {None, row["status"]}:
            raise Unproven(f"{candidate_id} is {row['status']}, not {payload.get('old_status')}: look again")
        if new == "accepted" and (not isinstance(approver, str) or not approver.strip() or by.same_as(approver)):
            raise PolicyError("accepting by hand needs an approver other than who asks")
        now = _present_evidence(conn, candidate_id, None, None) if new == "accepted" else None
        told = {"reason": reason.strip(), "manual": True, "approver": approver, "evidence_now_sha256": now}
        return change_status(conn, candidate_id, new, told | {"recorded": True}, by)


def _present_evidence(conn: Connection, candidate_id: str, seen: str | None, base: Path | None) -> str | None:
    """The digest of the evidence as it is now; None where the candidate names none that can be looked at."""
    from pytest_promotion.suites.research.evidence_now import present_digest, states

    row = get_candidate(conn, candidate_id)
    if row is None:
        return None
    named = evidence_of(row, get_events(conn, candidate_id))
    try:
        changed = sorted(kind for kind, state in states(named, base).items() if state != "same")
        now = present_digest(named, base)
    except Unproven:
        return None
    if changed and seen != now:
        raise PolicyError(
            f"{', '.join(changed)} changed since the candidate was created: accepting it needs the digest of what was "
            f"seen (`promotion show {candidate_id}` prints it)"
        )
    return now


def _recorded_already(conn: Connection, candidate_id: str, new: Status) -> bool:
    """Whether the last event is this very change, recorded by `record_event`, which changed the status with it."""
    last = (
        conn.execute(
            select(EVENTS).where(EVENTS.c.candidate_id == candidate_id).order_by(EVENTS.c.event_id.desc()).limit(1)
        )
        .mappings()
        .first()
    )
    if last is None or last["event_type"] != "status_change":
        return False
    payload = json.loads(last["payload_json"] or "{}")
    return payload.get("recorded") is True and payload.get("new_status") == new


@taking
def approvers(conn: Connection, candidate_ids: Sequence[str]) -> dict[str, str]:
    """Of those candidates that are accepted now because somebody said so: who it was."""
    return {
        identity: str(payload.get("approver"))
        for identity, payload in _last(conn, candidate_ids, "status_change")
        if payload.get("new_status") == "accepted" and payload.get("manual")
    }


@taking
def weakened(conn: Connection, candidate_ids: Sequence[str]) -> dict[str, str]:
    """Of those candidates whose last evaluation asked less than the policy in force: what, and who approved that."""
    found = {}
    for identity, payload in _last(conn, candidate_ids, "evaluated"):
        policy = payload.get("policy") or {}
        if less := policy.get("weakened"):
            found[identity] = f"{', '.join(sorted(less))}, approved by {policy.get('approver')}"
    return found


def _last(conn: Connection, candidate_ids: Sequence[str], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each candidate with the payload of its last event of that kind."""
    table = EVENTS.c
    last = (
        select(func.max(table.event_id))
        .where(table.candidate_id.in_(candidate_ids), table.event_type == kind)
        .group_by(table.candidate_id)
    )
    with reading(conn):
        rows = conn.execute(select(table.candidate_id, table.payload_json).where(table.event_id.in_(last))).all()
    for identity, text in rows:
        yield identity, json.loads(text or "{}")
