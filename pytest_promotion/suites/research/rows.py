"""One row of the store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from pytest_promotion.suites.research.connections import taking
from pytest_promotion.suites.research.database import reading
from pytest_promotion.suites.research.tables import CANDIDATES


@taking
def get_candidate(conn: Connection, candidate_id: str) -> dict[str, Any] | None:
    """The candidate's row, or None where there is none of that id."""
    with reading(conn):
        found = conn.execute(select(CANDIDATES).where(CANDIDATES.c.candidate_id == candidate_id)).mappings().first()
    return dict(found) if found is not None else None
