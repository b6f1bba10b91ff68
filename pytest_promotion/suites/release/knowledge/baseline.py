"""
The baseline: what the knowledge base once could, and what drift is measured from.

It is the point that somebody accepted last. Before anybody did, it is the median of the first points that met their
thresholds, so that no lucky one of them is what all later ones are held to. It does not move by itself: that is what
it is for.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.json_files import read_object, write_json
from pytest_promotion.suites.release.knowledge import comparison, history
from pytest_promotion.suites.release.knowledge.history import Figures, Point

NAME: Final = "baseline.json"


@dataclass(frozen=True, slots=True)
class Baseline:
    """
    What drift is measured from.

    Attributes:
        point: the run that was accepted, or the first of those that the figures are the median of.
        figures: what later runs are held to.
        since: the cumulative sum counts the runs after this moment.
        runs: the files that it rests on, which retention spares.
    """

    point: Point
    figures: Figures
    since: datetime
    runs: tuple[str, ...]
    cases: frozenset[str]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who accepts a point as the baseline, and why. Raises `PolicyError` where either is missing."""

    by: str
    because: str

    def __post_init__(self) -> None:
        if len(self.by.strip()) < 2 or len(self.because.split()) < 2:
            raise PolicyError("accepting a baseline takes a name and a reason of at least two words")


def accept(
    folder: Path, profile: str, current: Point, now: datetime, said: Acceptance, alerts: Sequence[str] = ()
) -> dict[str, Any]:
    """
    Makes *current* the baseline of *profile*, and records that it was done.

    Args:
        said: who accepted it and why.
        alerts: the codes of the alerts that are acknowledged by it.

    Returns:
        what was written. Raises `OSError`.
    """
    document = {
        "schema_version": 1,
        "kind": "kb_baseline",
        "ts_utc": iso(now),
        "generated_at_utc": iso(now),
        "profile": profile,
        "status": "measured",
        "passed": current.passed,
        "accepted_by": said.by.strip(),
        "because": said.because.strip(),
        "acknowledged": list(alerts),
        "measured_at_utc": iso(current.moment),
        "avg_precision_at_k": float(current.figures.precision),
        "avg_keyword_recall": float(current.figures.recall),
        "content_recall": None if current.figures.content is None else float(current.figures.content),
        "cases_sha256": current.cases_sha256,
        "corpus_sha256": current.corpus_sha256,
        "retriever": {"given": current.retriever},
        "case_digests": sorted(comparison.cases(current)),
        "benchmark": current.path,
    }
    write_json(folder / NAME, document)
    history.keep(folder, "accepted", document, now)
    return document


def read(folder: Path, profile: str, earlier: Sequence[Point], min_history: int) -> Baseline | None:
    """
    The baseline of *profile*, or None where nothing ever met its thresholds.

    Args:
        min_history: of so many points the provisional baseline is the median.

    Raises:
        Unproven: for a baseline that was accepted and cannot be read: another one in its place
            would forgive what was lost since.
    """
    path = folder / NAME
    if not path.exists():
        return _provisional(earlier, min_history)
    document = read_object(path)
    if document.get("profile") != profile:
        raise Unproven(f"{path} is of the profile {document.get('profile')!r}")
    try:
        point = history.point(document, parse_moment(document.get("measured_at_utc")), str(document.get("benchmark")))
        since = parse_moment(document.get("ts_utc"))
    except BadTimestamp as problem:
        raise Unproven(f"{path}: {problem}") from None
    asked = document.get("case_digests")
    keys = frozenset(map(str, asked)) if isinstance(asked, list) else frozenset()
    return Baseline(point, point.figures, since, (point.path,), keys)


def _provisional(earlier: Sequence[Point], min_history: int) -> Baseline | None:
    first = next((one for one in earlier if one.passed), None)
    if first is None:
        return None
    alike = [
        one
        for one in earlier
        if one.passed and (one.cases_sha256, one.retriever) == (first.cases_sha256, first.retriever)
    ][: max(min_history, 1)]
    content = [one.figures.content for one in alike if one.figures.content is not None]
    figures = Figures(
        statistics.median_low([one.figures.precision for one in alike]),
        statistics.median_low([one.figures.recall for one in alike]),
        statistics.median_low(content) if content else None,
    )
    return Baseline(first, figures, first.moment, tuple(one.path for one in alike), comparison.cases(first))
