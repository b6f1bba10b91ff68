"""Accepting a point of the history as the baseline: who says that its figures are the ones to keep to, and why."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.knowledge import baseline, history
from pytest_promotion.suites.release.knowledge.benchmark import MEASURED


def run(folder: Path, profile: str, now: datetime, *, by: str, because: str, max_age: timedelta) -> dict[str, Any]:
    """
    Accepts the newest point in `<folder>/<profile>`; the cumulative sum starts again from *now*.

    Returns:
        the record, with the alerts that the newest monitor report raised, as it was kept.

    Raises:
        PolicyError: where the name or the reason is missing.
        Unproven: where there is no point, where the newest did not meet its thresholds or is older than *max_age*, and
            where the monitor measured nothing since.
    """
    said = baseline.Acceptance(by, because)
    place = folder / profile
    with history.held(place):
        points, _ = history.points(place, profile, now)
        reports = history.reports(place, "monitor", profile, now).reports
        if not points or not reports:
            raise Unproven(f"{place} has no point to accept: run promotion kb monitor first")
        newest, (_, name, report) = points[-1], reports[-1]
        if report.get("status") != MEASURED or Path(str(report.get("benchmark_path"))).name != newest.path:
            raise Unproven(f"{name}, the newest report, is not about {newest.path}: run promotion kb monitor first")
        if now - newest.moment > max_age:
            raise Unproven(f"{newest.path} is {(now - newest.moment).days} days old: run promotion kb monitor first")
        if not newest.passed:
            raise Unproven(f"{newest.path} did not meet its thresholds, and cannot be the baseline")
        alerts = report.get("alerts")
        raised = [str(one.get("code")) for one in alerts if isinstance(one, dict)] if isinstance(alerts, list) else []
        return baseline.accept(place, profile, newest, now, said, raised)
