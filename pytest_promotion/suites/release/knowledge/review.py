"""The weekly review: do the thresholds stay, or is there something to look into first?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import iso
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.knowledge import history, points
from pytest_promotion.suites.release.knowledge.points import TrendPoint, plain

FOLDER: Final = ".runtime/kb_benchmark_reviews"
KEEP: Final = "keep_thresholds"
INVESTIGATE: Final = "investigate_before_change"
TIGHTEN: Final = "consider_tighten"
INSUFFICIENT: Final = "insufficient_data"
EXIT: Final = {KEEP: 0, INVESTIGATE: 2, INSUFFICIENT: 3, TIGHTEN: 5}

_MARGIN: Final = Decimal("0.10")
_STEP: Final = Decimal("0.03")
_HIGHEST: Final = {"precision": Decimal("0.95"), "recall": Decimal("0.98")}
_TIGHTEN_POINTS: Final = 4


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision and why; thresholds where others are recommended."""

    decision: str
    rationale: str
    recommended: dict[str, float] | None = None


def decide(trend: Sequence[TrendPoint], min_points: int) -> Decided:
    """
    What the points say, in this order: too few of them; a failed one or any alert; a wide margin over at least
    four; else the thresholds stay. A recommended threshold is never below the one there is.
    """
    if len(trend) < max(min_points, 1):
        return Decided(INSUFFICIENT, f"{len(trend)} points, at least {max(min_points, 1)} are needed")
    failed = sum(one.failed for one in trend)
    alerted = sum(one.alerts > 0 for one in trend)
    if failed or alerted:
        said = f"{failed} of {len(trend)} points failed and {alerted} had alerts: find out why, then change thresholds"
        return Decided(INVESTIGATE, said)
    latest = trend[-1]
    thresholds = {"precision": latest.min_precision, "recall": latest.min_recall}
    averages = {name: _of(trend, name, _mean) for name in thresholds}
    wide = all(averages[name] >= thresholds[name] + _MARGIN for name in thresholds)
    raised = {
        name: max(value, min(value + _STEP, _HIGHEST[name])).quantize(Decimal("0.01"))
        for name, value in thresholds.items()
    }
    if len(trend) >= _TIGHTEN_POINTS and wide and any(raised[name] > thresholds[name] for name in thresholds):
        recommended = {f"min_{name}": float(max(raised[name], thresholds[name])) for name in thresholds}
        return Decided(TIGHTEN, f"both averages are {_MARGIN} or more above their thresholds", recommended)
    return Decided(KEEP, "no point failed, and the margin is no reason to tighten")


def run(
    folder: Path,
    profile: str,
    now: datetime,
    *,
    lookback: int = 4,
    min_points: int = 3,
    max_age: timedelta = timedelta(days=35),
) -> dict[str, Any]:
    """
    The review of the last *lookback* points of `<folder>/<profile>`, none of them older than *max_age*.

    Raises:
        Unproven: where the history cannot be read.
    """
    trend = points.read(folder, profile, now, since=now - max_age)
    chosen = trend.points[-lookback:]
    decided = decide(chosen, min_points)
    return {
        "schema_version": 1,
        "kind": "kb_review",
        "ts_utc": iso(now),
        "generated_at_utc": iso(now),
        "profile": profile,
        "lookback": lookback,
        "points": [one.document() for one in chosen],
        "changes": [{"ts_utc": iso(moment), "what": what} for moment, what in points.changes(chosen)],
        "left_out": trend.left_out,
        "summary": summary(chosen),
        "decision": {
            "decision": decided.decision,
            "rationale": decided.rationale,
            "recommended_thresholds": decided.recommended,
        },
    }


def read(
    folder: Path, profile: str, now: datetime, since: datetime, until: datetime
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """
    What the reviews in `<folder>/<profile>` from *since* on and before *until* decided, and what was left out.

    Raises:
        Unproven: where the folder cannot be listed.
    """
    found = history.reports(folder / profile, "review", profile, now)
    held = []
    for moment, name, data in found.reports:
        if not since <= moment < until:
            continue
        try:
            held.append(_decided(moment, name, data))
        except Unproven as problem:
            found.left_out.append({"path": name, "why": str(problem)})
    return held, found.left_out


def _decided(moment: datetime, name: str, data: dict[str, Any]) -> dict[str, Any]:
    decided, shown = data.get("decision"), data.get("points")
    if not isinstance(decided, dict) or not isinstance(shown, list):
        raise Unproven(f"{name} decides nothing")
    word = decided.get("decision")
    if not isinstance(word, str) or word not in EXIT:
        raise Unproven(f"{name} decides {word!r}, which is no decision")
    return {
        "path": name,
        "generated_at_utc": iso(moment),
        "points": len(shown),
        "decision": word,
        "rationale": decided.get("rationale"),
        "recommended_thresholds": decided.get("recommended_thresholds"),
    }


def summary(trend: Sequence[TrendPoint]) -> dict[str, Any]:
    """Count, averages, extremes and the way from the first to the last; None where nothing was measured."""
    found: dict[str, Any] = {"count": len(trend)}
    for word, reduce in (("avg", _mean), ("min", min), ("max", max)):
        for name in ("precision", "recall"):
            found[f"{word}_{name}"] = plain(_of(trend, name, reduce)) if _values(trend, name) else None
    for name in ("precision", "recall"):
        values = _values(trend, name)
        found[f"delta_{name}_first_to_last"] = plain(values[-1] - values[0]) if values else None
    found["failed_points"] = sum(one.failed for one in trend)
    found["blocking_alert_points"] = sum(one.blocking > 0 for one in trend)
    found["alert_points"] = sum(one.alerts > 0 for one in trend)
    latest = trend[-1] if trend else None
    found["latest_thresholds"] = latest and {
        "min_precision": plain(latest.min_precision),
        "min_recall": plain(latest.min_recall),
    }
    return found


def _values(trend: Sequence[TrendPoint], name: str) -> list[Decimal]:
    return [value for one in trend if (value := getattr(one, name)) is not None]


def _of(trend: Sequence[TrendPoint], name: str, reduce: Callable[[list[Decimal]], Decimal]) -> Decimal:
    return reduce(_values(trend, name))


def _mean(values: list[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)
