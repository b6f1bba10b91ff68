"""
The baseline: what the knowledge base once could, and what drift is measured from.

It is the point that somebody accepted last. Before anybody did, it is the first point that met its
thresholds. It does not move by itself: that is what it is for.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.json_files import read_object, write_json
from pytest_promotion.suites.release.knowledge.history import Point, point

NAME: Final = "baseline.json"


def accept(folder: Path, profile: str, current: Point, now: datetime) -> dict[str, Any]:
    """Makes *current* the baseline of *profile*. Returns what was written. Raises `OSError`."""
    document = {
        "schema_version": 1,
        "kind": "kb_baseline",
        "ts_utc": iso(now),
        "profile": profile,
        "status": "measured",
        "passed": current.passed,
        "measured_at_utc": iso(current.moment),
        "avg_precision_at_k": float(current.figures.precision),
        "avg_keyword_recall": float(current.figures.recall),
        "cases_sha256": current.cases_sha256,
        "corpus_sha256": current.corpus_sha256,
        "benchmark": current.path,
    }
    write_json(folder / NAME, document)
    return document


def read(folder: Path, profile: str, history: list[Point]) -> Point | None:
    """
    The baseline of *profile*, or None where nothing ever met its thresholds.

    Raises:
        Unproven: for a baseline that was accepted and cannot be read: another one in its place
            would forgive what was lost since.
    """
    path = folder / NAME
    if not path.exists():
        return next((one for one in history if one.passed), None)
    document = read_object(path)
    if document.get("profile") != profile:
        raise Unproven(f"{path} is of the profile {document.get('profile')!r}")
    try:
        return point(document, parse_moment(document.get("measured_at_utc")), str(document.get("benchmark")))
    except BadTimestamp as problem:
        raise Unproven(f"{path}: {problem}") from None
