"""
The chain of events: each names the digest of the one before it, so that none is changed or taken out unseen.

The database refuses changes too, but whoever owns its file can take the refusal away. A chain cut off at its end is
still whole: keep the digest of its head elsewhere, and give it when the chain is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, RowMapping, select

from pytest_promotion.canonical import digest
from pytest_promotion.suites.research.database import reading
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


def digest_of(row: RowMapping) -> str:
    """SHA-256 of an event as it stands in the database, its payload as text."""
    return digest([row["event_id"], row["candidate_id"], row["ts_utc"], row["event_type"], row["payload_json"]])


def head(conn: Connection) -> str:
    """The digest of the last event; empty where there is none."""
    with reading(conn):
        last = conn.execute(select(EVENTS).order_by(EVENTS.c.event_id.desc()).limit(1)).mappings().first()
    return digest_of(last) if last is not None else ""


def check(conn: Connection, anchor: str = "") -> Checked:
    """
    Reads all events, and each candidate's status beside its last event.

    *anchor* is a head that was kept elsewhere: an event with that digest has to be there.
    """
    problems: list[str] = []
    before, unchained, many, anchored = "", 0, 0, not anchor
    statuses: dict[str, str] = {}
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
            if row["event_type"] == "created":
                statuses[row["candidate_id"]] = "exploratory"
            elif row["event_type"] == "status_change":
                statuses[row["candidate_id"]] = str(payload.get("new_status"))
        for candidate, status in conn.execute(select(CANDIDATES.c.candidate_id, CANDIDATES.c.status)):
            told = statuses.get(candidate)
            if told != status:
                problems.append(f"{candidate} is {status}, and its events say {told or 'nothing'}")
    if not anchored:
        problems.append(f"no event has the digest {anchor}: the chain was cut off, or is another one")
    return Checked(many, unchained, before, tuple(problems))


def _events(conn: Connection) -> Iterator[RowMapping]:
    after = -(2**31)
    while True:
        page = select(EVENTS).where(EVENTS.c.event_id > after).order_by(EVENTS.c.event_id).limit(_PAGE)
        rows = conn.execute(page).mappings().all()
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1]["event_id"]
