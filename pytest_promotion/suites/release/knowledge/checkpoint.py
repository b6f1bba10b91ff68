"""The monthly checkpoint: what a month of monitoring, its reviews and its threshold changes come to."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import iso
from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.release.knowledge import changes, points, review
from pytest_promotion.suites.release.knowledge.points import TrendPoint

FOLDER: Final = ".runtime/kb_monthly_checkpoints"
STABLE: Final = "stable"
ATTENTION: Final = "attention_required"
CANDIDATE: Final = "candidate_for_threshold_change"
EXIT: Final = {STABLE: 0, ATTENTION: 2, review.INSUFFICIENT: 3, CANDIDATE: 5}


def span(month: str, now: datetime) -> tuple[datetime, datetime]:
    """
    The first moment of *month* (`YYYY-MM`, in UTC) and the first after it.

    Raises:
        PolicyError: for what is no month, and for one that has not begun.
    """
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    except ValueError:
        raise PolicyError(f"{month!r} is no month, expected one such as 2026-02") from None
    if len(month) != len("2026-02") or first > now:
        raise PolicyError(f"{month!r} is no month that has begun, expected one such as {before(now)}")
    return first, after


def before(now: datetime) -> str:
    """The month before the one of *now*: the last one that is complete."""
    year, month = (now.year, now.month - 1) if now.month > 1 else (now.year - 1, 12)
    return f"{year:04}-{month:02}"


def run(
    month: str, profile: str, now: datetime, *, folder: Path, reviews: Path, records: Path, min_points: int = 3
) -> dict[str, Any]:
    """
    The checkpoint of *month*.

    Args:
        folder, reviews: where monitor and review reports are, each below the profile's name.
        records: where the records of threshold changes are.
        min_points: fewer monitor reports than that are too few to call the month stable.

    Raises:
        PolicyError: for what is no month.
        Unproven: where a folder cannot be read.
    """
    first, after = span(month, now)
    trend = points.read(folder, profile, now, first, after)
    held, torn = review.read(reviews, profile, now, first, after)
    changed, unread = changes.read(records, profile, first.date(), after.date())
    summary = review.summary(trend.points)
    words = Counter(one["decision"] for one in held)
    latest = held[-1]["decision"] if held else None
    return {
        "schema_version": 1,
        "kind": "kb_checkpoint",
        "ts_utc": iso(now),
        "generated_at_utc": iso(now),
        "profile": profile,
        "month": month,
        "month_complete": now >= after,
        "summary": {
            "monitor_points": len(trend.points),
            "review_points": len(held),
            "threshold_change_records": len(changed),
            "avg_precision": summary["avg_precision"],
            "avg_recall": summary["avg_recall"],
            "failed_monitor_points": summary["failed_points"],
            "total_alerts": sum(one.alerts for one in trend.points),
            "review_decisions": dict(sorted(words.items())),
            "governance_status": _status(trend.points, latest, min_points, unread=bool(unread)),
            "latest_review_decision": latest,
        },
        "monitors": [_monitor(one) for one in trend.points],
        "points": [one.document() for one in trend.points],
        "changes": [{"ts_utc": iso(moment), "what": what} for moment, what in points.changes(trend.points)],
        "reviews": held,
        "threshold_changes": [one.document() for one in changed],
        "left_out": [*trend.left_out, *torn, *unread],
    }


def _status(trend: list[TrendPoint], latest: str | None, min_points: int, *, unread: bool) -> str:
    """One word, the worst first. What was alerted or not measured needs attention, also where it blocked nothing."""
    if any(one.failed or one.alerts for one in trend) or latest == review.INVESTIGATE or unread:
        return ATTENTION
    if len(trend) < max(min_points, 1):
        return review.INSUFFICIENT
    return CANDIDATE if latest == review.TIGHTEN else STABLE


def _monitor(one: TrendPoint) -> dict[str, Any]:
    shown = one.document()
    kept = {key: shown[key] for key in ("precision", "recall", "passed", "alert_count")}
    return {"path": one.monitor, "generated_at_utc": shown["timestamp_utc"]} | kept
