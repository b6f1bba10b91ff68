"""Looks, one after the other, and what they leave on disk."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

from pytest_promotion import atomic
from pytest_promotion.clock import Clock, iso, parse_moment, stamp
from pytest_promotion.errors import Unproven
from pytest_promotion.interrupts import stop_event
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.suites.deployment.monitor.observe import UNTOLD, Watched, look
from pytest_promotion.suites.release.rollout import journal as journals
from pytest_promotion.suites.release.rollout.plan import Ending

UNKNOWN: Final = 3
_WORST_FIRST: Final = (Ending.ROLLBACK_FAILED.code, UNTOLD, Ending.ROLLED_BACK.code, 2, UNKNOWN, 0)


def watch(
    watched: Watched, reports: Path, settle_s: float, interval_s: float, duration_s: float, clock: Clock
) -> tuple[dict[str, Any], int]:
    """
    Looks each *interval_s* seconds for *duration_s* seconds, once for 0, and ends with a rollback.

    The first look waits until the deployment is *settle_s* seconds old: before, nothing is to be seen of it. A report
    goes to `<reports>/monitor` where the status is another than at the look before; `latest.json` is of the newest.

    Returns:
        the last report, and the exit code of the worst look; ended from outside, it has not seen everything.

    Raises:
        OSError: where no report can be written before the first look.
    """
    folder = reports / "monitor"
    folder.mkdir(parents=True, exist_ok=True)
    last = _begun(watched, clock)
    atomic.write(folder / "latest.json", _text(last))
    codes = []
    with stop_event() as ended:
        ended.wait(_young(watched, settle_s, clock))
        until = time.monotonic() + duration_s
        while not ended.is_set():
            found = look(watched, clock)
            before, last = last, watched.mask.document(found.document(watched))
            codes.append(found.code)
            try:
                if last["status"] != before["status"] or len(codes) == 1:
                    ReportFolder(folder).place(f"monitor_{stamp(found.at)}", {".json": _text(last)})
                atomic.write(folder / "latest.json", _text(last))
            except OSError:
                codes.append(UNKNOWN)  # a full disk ends no watch, and whoever has to was told
            rolled = found.rollback is not None and found.rollback["done"] is not None
            if rolled or time.monotonic() + interval_s > until:
                break
            ended.wait(interval_s)
        else:
            codes.append(UNKNOWN)
    return last, min(codes, key=_WORST_FIRST.index)


def _begun(watched: Watched, clock: Clock) -> dict[str, Any]:
    """What is known before the first look."""
    return {
        "schema_version": 1,
        "kind": "monitor",
        "ts_utc": iso(clock.now()),
        "env": watched.plan.env,
        "project_name": watched.plan.project,
        "deployment": None,
        "status": "inconclusive",
        "exit_code": UNKNOWN,
        "dry_run": watched.plan.dry_run,
        "findings": [],
        "rollback": None,
        "told": [],
    }


def _young(watched: Watched, settle_s: float, clock: Clock) -> float:
    """Seconds until the deployment has settled."""
    try:
        found = journals.read_done(watched.plan.runtime, watched.plan.project)
    except Unproven:
        return 0.0
    if found is None or not found.ended_utc:
        return 0.0
    age = (clock.now() - parse_moment(found.ended_utc)).total_seconds()
    return min(settle_s, max(0.0, settle_s - age))


def _text(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
