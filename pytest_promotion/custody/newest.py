"""Only the newest decision about a subject and a stage, or a profile, counts: the log says which one that is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from pytest_promotion.clock import parse_moment, stamp
from pytest_promotion.errors import Unproven
from pytest_promotion.history.index import Index
from pytest_promotion.history.log import NAME, Entry
from pytest_promotion.model import Status
from pytest_promotion.trust.stored import StoredDecision


@dataclass(frozen=True, slots=True)
class Newer:
    """The decision that took the place of another one. `stage` is the one that it is of, "" for none."""

    file: str
    ts: datetime
    status: str
    stage: str = ""


def superseded(decision: StoredDecision, content: bytes, folder: Path | None) -> Newer | None:
    """
    What came after *decision*, the bytes of whose file are *content*; None where nothing did.

    Args:
        folder: where the log lies; None where there is none.

    Raises:
        Unproven: where there is no log, it is damaged, or *decision* is not in it.
        OSError: where it cannot be read.
    """
    place = _with_log(folder)
    with Index(place) as index:
        newest = index.newest(
            decision.subject.digest if decision.subject else {}, decision.profile, decision.stage or ""
        )
        last = index.at(index.last())
    _refuse_unlogged(place, last)
    if newest is None:
        raise Unproven("it is not in the history that lies beside it")
    if newest.decision.sha256 == sha256(content).hexdigest():
        return None
    if newest.decision.run_id == decision.run_id:
        raise Unproven("the history has another decision of its run")
    if newest.decision.ts_utc < decision.ts_utc:
        raise Unproven("it is not in the history that lies beside it")
    return Newer(newest.decision.file, parse_moment(newest.decision.ts_utc), newest.decision.status)


def failed_before(decision: StoredDecision, folder: Path | None) -> Newer | None:
    """
    The newest decision of a stage that *decision* was promoted from, directly or not, if that is no PASS any more.

    Args:
        folder: where the log lies; None where there is none.

    Raises:
        Unproven: where there is no log, it is damaged, or it has nothing of such a stage.
        OSError: where it cannot be read.
    """
    before = _stage_before(check.name for check in decision.checks)
    if before is None:
        return None
    digest = decision.subject.digest if decision.subject else {}
    passed: set[str] = set()
    with Index(_with_log(folder)) as index:
        while before is not None and before not in passed:
            passed.add(before)
            last = index.newest(digest, "", before)
            if last is None:
                raise Unproven(f"the history has no decision of {before}, from which it was promoted")
            newest = index.newest(digest, last.decision.profile, before) or last
            if newest.decision.status != Status.PASS:
                found = newest.decision
                return Newer(found.file, parse_moment(found.ts_utc), found.status, before)
            before = _stage_before(name for names in last.decision.gates.values() for name in names)
    return None


def _refuse_unlogged(folder: Path, last: Entry | None) -> None:
    """Raises `Unproven` where a decision lies beside the log that is younger than its last entry."""
    if last is None:
        return
    since = f"promotion_gates_{stamp(parse_moment(last.decision.ts_utc))}"
    for name in sorted(os.listdir(folder)):
        if name.startswith("promotion_gates_") and name.endswith(".json") and name[: len(since)] > since:
            raise Unproven(f"{name} lies beside the history, and is not in it")


def _stage_before(gates: Iterable[str]) -> str | None:
    """The stage of which a gate demands the PASS, if one does."""
    found = (re.fullmatch(r"promoted_from\[(.+)\]", name) for name in gates)
    return next((match[1] for match in found if match), None)


def _with_log(folder: Path | None) -> Path:
    if folder is None or not (folder / NAME).exists():
        raise Unproven("no history lies beside it")
    return folder
