"""
The chain of events: each names the digest of the one before it, so that none is changed or taken out unseen.

The database refuses changes too, but whoever owns its file can take the refusal away. A chain cut off at its end is
still whole: keep the digest of its head elsewhere, and give it when the chain is checked. Rows of candidates are in no
chain; they are compared with their own events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, select

from pytest_promotion.canonical import digest
from pytest_promotion.suites.research import triggers
from pytest_promotion.suites.research.connections import taking
from pytest_promotion.suites.research.database import reading
from pytest_promotion.suites.research.digests import evidence_digest, row_digest
from pytest_promotion.suites.research.tables import CANDIDATES, EVENTS

PREVIOUS: Final = "previous"  # the member of a payload that names the event before
_PAGE: Final = 10_000  # rows in memory at a time


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check found: `events` were read, `unchained` of them are older than the chain, `head` is its end."""

    events: int
    unchained: int
    head: str
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong. An empty store has nothing that could be."""
        return not self.problems


@dataclass(slots=True)
class _History:
    """What the events say of one candidate."""

    status: str | None = None
    row_sha256: str | None = None
    evidence_sha256: str | None = None
    adopted: dict[str, Any] | None = None
    passed: dict[int, Mapping[str, Any]] = field(default_factory=dict)  # evaluations to accepted, by their ids
    accepted_by: Mapping[str, Any] | None = None  # the change that made it accepted, while it is


def digest_of(row: RowMapping) -> str:
    """SHA-256 of an event as it stands in the database, its payload as text."""
    return digest([row["event_id"], row["candidate_id"], row["ts_utc"], row["event_type"], row["payload_json"]])


def head(conn: Connection) -> str:
    """The digest of the last event; empty where there is none."""
    with reading(conn):
        last = conn.execute(select(EVENTS).order_by(EVENTS.c.event_id.desc()).limit(1)).mappings().first()
    return digest_of(last) if last is not None else ""


@taking
def check(conn: Connection, anchor: str = "") -> Checked:
    """
    Reads all events, and each candidate's row beside them: status, what it was created with, and its acceptance.

    An acceptance needs an evaluation of its own that passed on the same evidence, or a change by hand with a name. The
    triggers have to be there. *anchor* is a head that was kept elsewhere: an event with that digest has to be there.
    """
    problems = [f"the trigger {name} is {state}" for name, state in triggers.wrong(conn).items()]
    before, unchained, many, anchored = "", 0, 0, not anchor
    histories: dict[str, _History] = {}
    with reading(conn):
        for row in _events(conn):
            payload = json.loads(row["payload_json"] or "{}")
            said = payload.get(PREVIOUS)
            if said is None and unchained == many:
                unchained += 1
            elif said != before:
                problems.append(f"event {row['event_id']} does not follow the one before it")
            before = digest_of(row)
            many += 1
            anchored = anchored or before == anchor
            _follow(histories.setdefault(row["candidate_id"], _History()), row, payload)
        for candidate in conn.execute(select(CANDIDATES)).mappings():
            problems += _compared(dict(candidate), histories.pop(candidate["candidate_id"], _History()))
    problems += [f"{identity} has events and is not there" for identity in sorted(map(str, histories))]
    if not anchored:
        problems.append(f"no event has the digest {anchor}: the chain was cut off, or is another one")
    return Checked(many, unchained, before, tuple(problems))


def _follow(history: _History, row: RowMapping, payload: Mapping[str, Any]) -> None:
    kind = row["event_type"]
    if kind == "created":
        history.status = "exploratory"
        history.row_sha256 = payload.get("row_sha256")
        history.evidence_sha256 = payload.get("evidence_sha256")
    elif kind == "adopted":
        history.adopted = {"event_type": kind, "payload": payload}
    elif kind == "evaluated" and payload.get("passed") is True:
        history.passed[row["event_id"]] = payload
    elif kind == "status_change":
        history.status = str(payload.get("new_status"))
        history.accepted_by = payload if history.status == "accepted" else None


def _compared(row: Mapping[str, Any], history: _History) -> Iterator[str]:
    """In what a candidate's row is another one than its events say."""
    identity = row["candidate_id"]
    if history.status != row["status"]:
        yield f"{identity} is {row['status']}, and its events say {history.status or 'nothing'}"
    if history.row_sha256 is not None and history.row_sha256 != row_digest(row):
        yield f"{identity} is not what it was created as: its row was changed"
    elif history.row_sha256 is None and history.evidence_sha256 not in {None, evidence_digest(row)}:
        yield f"{identity} rests on other evidence than it was created with: its row was changed"
    accepted = history.accepted_by
    if accepted is None or (accepted.get("manual") and accepted.get("approver")):
        return
    evaluation = history.passed.get(accepted.get("evaluation") or 0)
    if evaluation is None:
        yield f"{identity} was accepted without an evaluation of its own that passed"
        return
    now = evidence_digest(row, [history.adopted] if history.adopted else [])
    if evaluation.get("evidence_sha256") not in {None, now}:
        yield f"{identity} was accepted on other evidence than it has"
    if evaluation.get("target_status") not in {None, "accepted"}:
        yield f"{identity} was accepted by an evaluation to {evaluation.get('target_status')}"


def _events(conn: Connection) -> Iterator[RowMapping]:
    after = -(2**31)
    while True:
        page = select(EVENTS).where(EVENTS.c.event_id > after).order_by(EVENTS.c.event_id).limit(_PAGE)
        rows = conn.execute(page).mappings().all()
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1]["event_id"]
