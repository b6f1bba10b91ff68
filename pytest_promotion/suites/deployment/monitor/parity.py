"""The end-to-end check as a finding: of this deployment, fresh, and recomputed from its traces."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_promotion.clock import FUTURE_SKEW, BadTimestamp, parse_moment
from pytest_promotion.durations import format_duration
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import an_object
from pytest_promotion.evidence.files import read_given
from pytest_promotion.json_files import read_object
from pytest_promotion.suites.deployment.determinism.comparison import compare
from pytest_promotion.suites.deployment.monitor.rules import Finding, State


def from_file(path: Path, environment: str, since: datetime | None, now: datetime, max_age_s: float) -> Finding:
    """What the report at *path* shows of what was deployed at *since*."""
    try:
        report = read_object(path)
    except Unproven as refusal:
        return Finding("parity", State.UNKNOWN, [str(refusal)])
    return finding(report, path.parent, environment, since, now, max_age_s)


def finding(
    report: dict[str, Any], folder: Path, environment: str, since: datetime | None, now: datetime, max_age_s: float
) -> Finding:
    """
    What a report of `promotion parity e2e` shows, its traces being in *folder*.

    One that was begun before *since* is of the version before, and neither well nor wrong.
    """
    try:
        started, ended = (parse_moment(report.get(name)) for name in ("started_at", "finished_at"))
        _of_this(report, environment, since, now, max_age_s, started, ended)
        status = report.get("status")
        reasons = [str(line) for line in report.get("reasons") or ()]
        if status == "fail":
            return Finding("parity", State.WRONG, reasons or ["the end-to-end check failed"])
        if status != "pass":
            raise Unproven("; ".join(reasons) or f"the end-to-end check is {status!r}")
        traces = an_object(report.get("traces"), "traces")
        run, replay = (_trace(folder, traces.get(side)) for side in ("run", "replay"))
        found = compare(run, replay, str(report.get("run_id")))
    except (Unproven, BadTimestamp) as refusal:
        return Finding("parity", State.UNKNOWN, [f"end-to-end parity: {refusal}"])
    if found.against:
        return Finding("parity", State.WRONG, list(found.against))
    return Finding("parity", State.WELL if found.same else State.UNKNOWN, list(found.unknown))


def _of_this(
    report: dict[str, Any],
    environment: str,
    since: datetime | None,
    now: datetime,
    max_age_s: float,
    started: datetime,
    ended: datetime,
) -> None:
    if report.get("kind") != "e2e_parity":
        raise Unproven(f"it is a {report.get('kind')!r}, expected an e2e_parity")
    if report.get("environment") != environment:
        raise Unproven(f"it is of the environment {report.get('environment')!r}, not of {environment!r}")
    age = (now - ended).total_seconds()
    if not -FUTURE_SKEW.total_seconds() <= age <= max_age_s or ended < started:
        raise Unproven(f"it is {format_duration(age)} old, expected at most {format_duration(max_age_s)}")
    if since is not None and started < since:
        raise Unproven(f"it was begun at {started}, before the deployment ended at {since}")


def _trace(folder: Path, name: Any) -> bytes:
    path = folder / str(name)
    return read_given(path)
