"""Reading a decision in order to act on it: what is unfinished, of another run or expired is no PASS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.json_files import read_object
from pytest_promotion.text import listed


@dataclass(frozen=True, slots=True)
class Heard:
    """What a decision file says to someone who would act on it now."""

    status: str  # "PASS", "FAIL", or "UNKNOWN" where nothing can be told
    why: str
    run_id: str = ""
    critical_failures: tuple[str, ...] = ()
    valid_until: str | None = None


def hear(path: Path, now: datetime, *, since: datetime | None = None, not_run: str = "") -> Heard:
    """
    The decision at *path*.

    Args:
        since: a decision taken before that moment is another run's, and says nothing.
        not_run: the id of the run that lay there before.
    """
    try:
        document = read_object(path)
    except Unproven as refusal:
        return Heard("UNKNOWN", str(refusal))
    failures = tuple(str(name) for name in _list(document, "critical_failures"))
    run_id = str(document.get("run_id", ""))
    if not run_id or run_id == not_run:
        return Heard("UNKNOWN", "no decision of this run was written")
    if document.get("finished") is not True:
        return Heard("FAIL", "the session did not finish", run_id, failures)
    if document.get("kind") != "decision":
        return Heard("UNKNOWN", f"it is a {document.get('kind')}, not a decision", run_id, failures)
    if document.get("status") != "PASS" or document.get("passed") is not True:
        return Heard("FAIL", listed(_list(document, "reasons"), separator="; "), run_id, failures)
    until = document.get("valid_until")
    ends_at = until.get("ts_utc") if isinstance(until, dict) else until
    try:
        taken = parse_moment(document.get("ts_utc"))
        ends = None if until is None else parse_moment(ends_at)
    except BadTimestamp as problem:
        return Heard("UNKNOWN", f"its times cannot be read: {problem}", run_id, failures)
    if since is not None and taken < since:
        return Heard("UNKNOWN", "no decision of this run was written", run_id, failures)
    if ends is None:
        return Heard("PASS", "every required gate passed", run_id, failures)
    if ends < now:
        return Heard("FAIL", f"it expired at {iso(ends)}", run_id, failures, iso(ends))
    return Heard("PASS", "every required gate passed", run_id, failures, iso(ends))


def run_id_at(path: Path) -> str:
    """The id of the run whose decision lies at *path*, or ""."""
    try:
        return str(read_object(path).get("run_id", ""))
    except Unproven:
        return ""


def _list(document: dict[str, Any], key: str) -> list[Any]:
    found = document.get(key)
    return found if isinstance(found, list) else []
