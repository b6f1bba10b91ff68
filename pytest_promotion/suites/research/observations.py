"""Series that were named after a candidate was created: data that nobody had seen."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from pytest_promotion.clock import parse_moment
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.reading import Root
from pytest_promotion.suites.research.connections import taking
from pytest_promotion.suites.research.database import reading, writing
from pytest_promotion.suites.research.evidence import read_relative
from pytest_promotion.suites.research.evidence_now import read_named
from pytest_promotion.suites.research.observed import EVENT
from pytest_promotion.suites.research.people import Person, asking
from pytest_promotion.suites.research.recomputed import SERIES
from pytest_promotion.suites.research.series import Series
from pytest_promotion.suites.research.store import add_event, get_candidate
from pytest_promotion.suites.research.tables import CANDIDATES, EVENTS
from pytest_promotion.suites.research.unseen import KINDS

_MOST_ACCEPTED: Final = 200  # candidates that a new one is compared with, the newest first


@taking
def observe(
    conn: Connection,
    candidate_id: str,
    path: str | os.PathLike[str],
    kind: str = "out-of-sample",
    base: Path = Path(),
    *,
    by: Person | None = None,
) -> int:
    """
    Names the series in the CSV at *path*, below *base*, as data that did not exist when the candidate was created.

    Returns:
        the id of the event.

    Raises:
        PolicyError: for another kind than `out-of-sample` or `paper`.
        Unproven: where there is no such candidate or file, and for moments before the creation or in the future.
    """
    if kind not in KINDS:
        raise PolicyError(f"{kind!r} is no kind of unseen data; there are {', '.join(KINDS)}")
    root = Root(base)
    relative, content, digest = read_relative(root, path)
    series = Series.read(content, relative)
    row = get_candidate(conn, candidate_id)
    if row is None:
        raise Unproven(f"candidate_id not found: {candidate_id}")
    if series.moments[0] <= parse_moment(row["created_at_utc"]):
        raise Unproven(f"{relative} begins {series.moments[0].isoformat()}, not after the candidate's creation")
    if series.moments[-1] > datetime.now(UTC):
        raise Unproven(f"{relative} ends {series.moments[-1].isoformat()}, which is in the future")
    told = {
        "kind": kind,
        "base": root.real,
        "path": relative,
        "sha256": digest,
        "size_bytes": len(content),
        "first": series.moments[0].isoformat(),
        "last": series.moments[-1].isoformat(),
        "n_obs": len(series.values),
    }
    with writing(conn):
        return add_event(conn, candidate_id, EVENT, told, by or asking())


def looks_at(conn: Connection, row: Mapping[str, Any]) -> int:
    """How many unseen series were named for the signal at that horizon on the data set, by whichever candidate."""
    alike = (
        select(EVENTS.c.payload_json)
        .join(CANDIDATES, CANDIDATES.c.candidate_id == EVENTS.c.candidate_id)
        .where(EVENTS.c.event_type == EVENT)
        .where(*(CANDIDATES.c[name] == row[name] for name in ("dataset_id", "signal_name", "horizon")))
    )
    with reading(conn):
        payloads = conn.execute(alike).scalars().all()
    return len({json.loads(text).get("sha256") for text in payloads})


def of_accepted(conn: Connection, row: Mapping[str, Any]) -> dict[str, Series]:
    """The coefficients of other candidates that are accepted on the data set, where their files are still there."""
    asked = (
        select(CANDIDATES.c.candidate_id, CANDIDATES.c.horizon, CANDIDATES.c.evidence_json)
        .where(CANDIDATES.c.dataset_id == row["dataset_id"], CANDIDATES.c.status == "accepted")
        .where(CANDIDATES.c.candidate_id != row["candidate_id"])
        .order_by(CANDIDATES.c.created_at_utc.desc())
        .limit(_MOST_ACCEPTED)
    )
    with reading(conn):
        rows = conn.execute(asked).all()
    found = {}
    for identity, horizon, text in rows:
        evidence = json.loads(text or "null")
        try:
            artifact = evidence["artifacts"][f"{SERIES}.{horizon}"]
            content = read_named(Path(evidence["base"]), artifact["path"], artifact["sha256"])
            found[identity] = Series.read(content, artifact["path"])
        except (KeyError, TypeError, Unproven):
            continue  # accepted without a series, or archived since: there is nothing to compare with
    return found
