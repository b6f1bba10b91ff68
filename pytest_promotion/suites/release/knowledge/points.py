"""What monitor reports say, as the points of a trend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from pytest_promotion.clock import iso
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.knowledge import history
from pytest_promotion.suites.release.knowledge.benchmark import MEASURED
from pytest_promotion.suites.release.knowledge.monitor import OFF


@dataclass(frozen=True, slots=True)
class Trend:
    """The points, oldest first, and the reports that are none, with the reason."""

    points: list[TrendPoint]
    left_out: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """
    One monitor report. Precision and recall are None where nothing could be measured.

    It is `failed` where it did not pass, was not measured, or is below its own thresholds, also where the
    profile only reports that.
    """

    moment: datetime
    precision: Decimal | None
    recall: Decimal | None
    min_precision: Decimal
    min_recall: Decimal
    passed: bool
    alerts: int
    blocking: int
    monitor: str
    benchmark: str | None
    key: tuple[str, str]  # digests of cases and corpus

    @property
    def failed(self) -> bool:
        if self.precision is None or self.recall is None or not self.passed:
            return True
        return self.precision < self.min_precision or self.recall < self.min_recall

    def document(self) -> dict[str, Any]:
        """The point as reports show it."""
        return {
            "timestamp_utc": iso(self.moment),
            "precision": plain(self.precision),
            "recall": plain(self.recall),
            "threshold_precision": plain(self.min_precision),
            "threshold_recall": plain(self.min_recall),
            "passed": self.passed,
            "failed": self.failed,
            "alert_count": self.alerts,
            "blocking_alert_count": self.blocking,
            "monitor_path": self.monitor,
            "benchmark_path": self.benchmark,
        }


def read(
    folder: Path, profile: str, now: datetime, since: datetime | None = None, until: datetime | None = None
) -> Trend:
    """
    The points of `<folder>/<profile>` from *since* on and before *until*, as far as they are not after *now*.

    Raises:
        Unproven: where the folder cannot be listed.
    """
    found = history.reports(folder / profile, "monitor", profile, now)
    trend = Trend([], found.left_out)
    for moment, name, data in found.reports:
        if (since and moment < since) or (until and moment >= until):
            continue
        if data.get("status") == OFF:
            trend.left_out.append({"path": name, "why": "monitoring was off"})
            continue
        try:
            trend.points.append(_point(moment, name, data))
        except Unproven as problem:
            trend.left_out.append({"path": name, "why": str(problem)})
    return trend


def _point(moment: datetime, name: str, data: dict[str, Any]) -> TrendPoint:
    alerts, thresholds, current = data.get("alerts"), data.get("thresholds"), data.get("current_metrics")
    if not isinstance(alerts, list) or not all(isinstance(one, dict) for one in alerts):
        raise Unproven(f"{name} has no list of alerts")
    if not isinstance(thresholds, dict):
        raise Unproven(f"{name} has no thresholds")
    precision = recall = None
    if data.get("status") == MEASURED:
        if not isinstance(current, dict):
            raise Unproven(f"{name} says measured and has no figures")
        precision = history.share(current, "avg_precision_at_k", name)
        recall = history.share(current, "avg_keyword_recall", name)
    return TrendPoint(
        moment=moment,
        precision=precision,
        recall=recall,
        min_precision=history.share(thresholds, "min_precision", name),
        min_recall=history.share(thresholds, "min_recall", name),
        passed=data.get("passed") is True,
        alerts=len(alerts),
        blocking=sum(one.get("blocking") is not False for one in alerts),
        monitor=name,
        benchmark=data.get("benchmark_path"),
        key=(str(data.get("cases_sha256")), str(data.get("corpus_sha256"))),
    )


def changes(points: Sequence[TrendPoint]) -> list[tuple[datetime, str]]:
    """When thresholds, cases or corpus became others than they were, and which."""
    found = []
    for before, after in pairwise(points):
        said = []
        if (before.min_precision, before.min_recall) != (after.min_precision, after.min_recall):
            said.append("thresholds")
        said += [what for what, old, new in zip(("cases", "corpus"), before.key, after.key, strict=True) if old != new]
        if said:
            found.append((after.moment, ", ".join(said)))
    return found


def plain(value: Decimal | None) -> float | None:
    """*value* as JSON writes it, rounded to four places."""
    return None if value is None else round(float(value), 4)
