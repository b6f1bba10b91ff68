"""Only the newest decision about a subject and a stage, or a profile, counts: the log says which one that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from pytest_promotion.clock import parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.history.index import Index
from pytest_promotion.history.log import NAME
from pytest_promotion.trust.stored import StoredDecision


@dataclass(frozen=True, slots=True)
class Newer:
    """The decision that took the place of another one."""

    file: str
    ts: datetime
    status: str


def superseded(decision: StoredDecision, content: bytes, folder: Path | None) -> Newer | None:
    """
    What came after *decision*, the bytes of whose file are *content*; None where nothing did.

    Args:
        folder: where the log lies; None where there is none.

    Raises:
        Unproven: where there is no log, it is damaged, or *decision* is not in it.
        OSError: where it cannot be read.
    """
    if folder is None or not (folder / NAME).exists():
        raise Unproven("no history lies beside it")
    with Index(folder) as index:
        newest = index.newest(
            decision.subject.digest if decision.subject else {}, decision.profile, decision.stage or ""
        )
    if newest is None:
        raise Unproven("it is not in the history that lies beside it")
    if newest.decision.sha256 == sha256(content).hexdigest():
        return None
    if newest.decision.run_id == decision.run_id:
        raise Unproven("the history has another decision of its run")
    if newest.decision.ts_utc < decision.ts_utc:
        raise Unproven("it is not in the history that lies beside it")
    return Newer(newest.decision.file, parse_moment(newest.decision.ts_utc), newest.decision.status)
