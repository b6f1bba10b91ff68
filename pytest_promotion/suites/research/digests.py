"""The evidence of a candidate that counts, and the digests of it and of its row. No database is needed for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_promotion.canonical import digest
from pytest_promotion.errors import Unproven

SEAL: Final = "record_sha256"
# The columns that a candidate keeps from its creation on: all but its status.
FIXED: Final = (
    "candidate_id",
    "created_at_utc",
    "dataset_id",
    "run_id",
    "family_id",
    "signal_name",
    "horizon",
    "estimator",
    "config_hash",
    "git_commit",
    "notes",
    "evidence_json",
)


def evidence_of(row: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Any:
    """The evidence that counts: what was adopted last for a candidate of another tool, else what its row has."""
    adopted = [event["payload"].get("evidence") for event in events if event["event_type"] == "adopted"]
    try:
        return adopted[-1] if adopted else json.loads(row["evidence_json"] or "null")
    except ValueError:
        raise Unproven("the candidate's evidence is no JSON") from None


def evidence_digest(row: Mapping[str, Any], events: Sequence[Mapping[str, Any]] = ()) -> str:
    """SHA-256 of all that an evaluation rests on: what the candidate is, and the files that it named, or adopted."""
    names = ("run_id", "dataset_id", "signal_name", "horizon", "family_id", "evidence_json")
    adopted = [event["payload"].get("evidence") for event in events if event["event_type"] == "adopted"]
    return digest([row.get(name) for name in names] + adopted[-1:])


def row_digest(row: Mapping[str, Any]) -> str:
    """SHA-256 of all columns that a candidate was created with."""
    return digest({name: row.get(name) for name in FIXED})


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """*record* with the digest of it, as `record_sha256`. An older one is replaced."""
    content = {name: value for name, value in record.items() if name != SEAL}
    return content | {SEAL: digest(content)}


def demand_sealed(record: Mapping[str, Any]) -> None:
    """Raises `Unproven` where *record* is not what `sealed` made: it was edited, or is of an older version."""
    if not record.get(SEAL) or record[SEAL] != sealed(record)[SEAL]:
        raise Unproven("the record is not as `promotion show ID --json` printed it: print it again")
