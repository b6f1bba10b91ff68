"""
How often a data set was asked, counted from what the store has, not from what a candidate says of itself.

A data set is the same where its name is, or where a candidate of another name rests on the same sweep.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, or_, select

from pytest_promotion.suites.research.database import reading
from pytest_promotion.suites.research.evidence import BUNDLE, SWEEP
from pytest_promotion.suites.research.tables import CANDIDATES

_FAMILY: Final = re.compile(r"^\D*?(?=[\W_]*\d|$)")


@dataclass(frozen=True, slots=True)
class Attempts:
    """
    Hypotheses (signal and horizon) on record for the data set, for the signal's family in it, and for the day.

    `sweeps` counts the distinct sweeps of the data set; a candidate that names none is a sweep of its own.
    """

    dataset: int
    family: int
    day: int
    sweeps: int

    def document(self) -> dict[str, int]:
        """For the event of an evaluation."""
        return asdict(self)


def signal_family(name: str) -> str:
    """The family of a signal: its name up to the first digit, as `momentum` of `momentum_20`."""
    found = _FAMILY.match(name)
    return (found.group() if found else "") or name


def attempts(conn: Connection, row: Mapping[str, Any]) -> Attempts:
    """The attempts of which the candidate *row* is one."""
    sweep = _named(row, SWEEP)
    columns = (
        CANDIDATES.c.candidate_id,
        CANDIDATES.c.dataset_id,
        CANDIDATES.c.signal_name,
        CANDIDATES.c.horizon,
        CANDIDATES.c.created_at_utc,
        CANDIDATES.c.evidence_json,
    )
    with reading(conn):
        names = {row["dataset_id"]}
        if sweep:
            alike = select(CANDIDATES.c.dataset_id).where(CANDIDATES.c.evidence_json.contains(sweep, autoescape=True))
            names |= set(conn.execute(alike.distinct()).scalars())
        asked = select(*columns).where(or_(*(CANDIDATES.c.dataset_id == name for name in names)))
        rows = [dict(found) for found in conn.execute(asked).mappings()]
    if all(found["candidate_id"] != row["candidate_id"] for found in rows):
        rows.append(dict(row))
    hypotheses = {(found["signal_name"], found["horizon"]) for found in rows}
    family, day = signal_family(row["signal_name"]), str(row["created_at_utc"])[:10]
    return Attempts(
        dataset=len(hypotheses),
        family=sum(signal_family(name) == family for name, _ in hypotheses),
        day=len({(f["signal_name"], f["horizon"]) for f in rows if str(f["created_at_utc"])[:10] == day}),
        sweeps=len({_named(found, SWEEP) or _named(found, BUNDLE) or found["candidate_id"] for found in rows}),
    )


def _named(row: Mapping[str, Any], kind: str) -> str:
    """The digest of a file that a candidate names; empty where it names none."""
    try:
        found = json.loads(row["evidence_json"] or "null")["artifacts"][kind]["sha256"]
    except (ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) else ""
