"""Recording that a second person approves a candidate as it is now."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research.approvals import EVENT, involved, matter_of
from pytest_promotion.suites.research.connections import taking
from pytest_promotion.suites.research.database import writing
from pytest_promotion.suites.research.people import Person, asking, folded
from pytest_promotion.suites.research.store import add_event, demand_seen, get_candidate, get_events
from pytest_promotion.trust.approvals import Approval


@taking
def approve(
    conn: Connection,
    candidate_id: str,
    reason: str,
    *,
    by: Person | None = None,
    approval: Approval | None = None,
    seen: int | None = None,
) -> int:
    """
    Records that somebody approves the candidate as it is now, and returns the id of the event.

    *approval* is a signature of `signed_matter(matter_of(…))`; without one, *by* is who the machine says it is.

    Raises:
        PolicyError: without a reason, and for who created or evaluated it.
        Unproven: where there is no such candidate, it was never evaluated, or something happened since it was *seen*.
    """
    by = by or (Person(approval.by, "given") if approval is not None else asking())
    if not reason.strip():
        raise PolicyError("an approval needs a reason")
    with writing(conn):
        demand_seen(conn, candidate_id, seen)
        row = get_candidate(conn, candidate_id)
        if row is None:
            raise Unproven(f"candidate_id not found: {candidate_id}")
        events = get_events(conn, candidate_id)
        if folded(by.name) in involved(events):
            raise PolicyError(f"{by.name} created or evaluated {candidate_id}: a second person approves")
        content = {
            "matter": matter_of(row, events),
            "reason": reason.strip(),
            "approval": msgspec.to_builtins(approval) if approval is not None else None,
        }
        return add_event(conn, candidate_id, EVENT, content, by)
