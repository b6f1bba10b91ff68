"""
What earlier runs wrote, in the order of the time inside it.

The folder may have been restored, copied or shared: modification times mean nothing, and what
is empty, torn, foreign or from the future is left out and named, never counted as a point of zero.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from pytest_promotion.clock import FUTURE_SKEW, BadTimestamp, iso, parse_moment, stamp
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import named, parse_json
from pytest_promotion.evidence.files import read_given
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.suites.release.knowledge.benchmark import MEASURED

FOLDER: Final = ".runtime/kb_benchmark_history"
_LOCK_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run measured, exactly as it was written; None for the contents where a report has no such figure."""

    precision: Decimal
    recall: Decimal
    content: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One run in the history."""

    moment: datetime
    figures: Figures
    passed: bool
    cases_sha256: str
    corpus_sha256: str
    path: str  # the file's name
    retriever: str = ""
    results: tuple[dict[str, Any], ...] = ()

    def comparable(self, other: Point) -> bool:
        """Whether both were asked the same, of the same search over the same documents."""
        same = (self.cases_sha256, self.corpus_sha256) == (other.cases_sha256, other.corpus_sha256)
        return same and self.retriever == other.retriever


@dataclass(frozen=True, slots=True)
class Found:
    """The reports of one kind, oldest first, and what was left out and why."""

    reports: list[tuple[datetime, str, dict[str, Any]]]  # moment, file name, content
    left_out: list[dict[str, str]]


def reports(folder: Path, kind: str, profile: str, now: datetime) -> Found:
    """
    The `<kind>_*.json` in *folder* that are reports of *profile* and not later than *now*.

    A folder that is not there has none. Raises `Unproven` where it cannot be listed.
    """
    found = Found([], [])
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return found
    except OSError as problem:
        raise Unproven(f"{folder} cannot be read: {(problem.strerror or 'failed').lower()}") from None
    for name in names:
        if not name.startswith(f"{kind}_") or not name.endswith(".json"):
            continue
        try:
            found.reports.append(_report(folder, name, profile, now))
        except (Unproven, BadTimestamp) as problem:
            found.left_out.append({"path": name, "why": str(problem)})
    found.reports.sort(key=lambda one: one[:2])
    return found


def _report(folder: Path, name: str, profile: str, now: datetime) -> tuple[datetime, str, dict[str, Any]]:
    content = read_given(folder / name, name)
    data = parse_json(content, name)
    if not isinstance(data, dict):
        raise Unproven(f"{name} is {named(data)}, expected an object")
    if data.get("profile") != profile:
        raise Unproven(f"{name} is of the profile {data.get('profile')!r}")
    moment = parse_moment(data.get("generated_at_utc"))
    if moment > now + FUTURE_SKEW:
        raise Unproven(f"{name} is from the future: {iso(moment)}")
    return moment, name, data


def points(folder: Path, profile: str, now: datetime) -> tuple[list[Point], list[dict[str, str]]]:
    """The measured points of *profile*, oldest first, and what was left out with the reason."""
    found = reports(folder, "benchmark", profile, now)
    kept = []
    for moment, name, data in found.reports:
        try:
            kept.append(point(data, moment, name))
        except Unproven as problem:
            found.left_out.append({"path": name, "why": str(problem)})
    return kept, found.left_out


def point(report: dict[str, Any], moment: datetime, name: str) -> Point:
    """The point that a benchmark's report is. Raises `Unproven` for one that measured nothing."""
    if report.get("status") != MEASURED:
        raise Unproven(f"{name} measured nothing: its status is {report.get('status')!r}")
    digests = [report.get(key) for key in ("cases_sha256", "corpus_sha256")]
    if not all(isinstance(one, str) and one for one in digests):
        raise Unproven(f"{name} does not say of which cases and corpus it is")
    content = None if report.get("content_recall") is None else share(report, "content_recall", name)
    figures = Figures(share(report, "avg_precision_at_k", name), share(report, "avg_keyword_recall", name), content)
    results = report.get("results")
    rows = tuple(row for row in results if isinstance(row, dict)) if isinstance(results, list) else ()
    passed, searched = report.get("passed") is True, retriever(report)
    return Point(moment, figures, passed, str(digests[0]), str(digests[1]), name, searched, rows)


def retriever(report: dict[str, Any]) -> str:
    """What a report says was measured, without its version; reports of earlier versions name the engine alone."""
    for key, field in (("retriever", "given"), ("engine", "name")):
        part = report.get(key)
        if isinstance(part, dict) and isinstance(part.get(field), str):
            return str(part[field])
    return ""


def share(report: dict[str, Any], key: str, origin: str) -> Decimal:
    """The number from 0 to 1 under *key*, as it is written. Raises `Unproven` for anything else."""
    value = report.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise Unproven(f"{origin}: {key} is {value!r}, expected a number from 0 to 1")
    return Decimal(str(value))


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Nobody else judges or writes this history meanwhile. Raises `Unproven` where that takes too long."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".history.lock", timeout=_LOCK_S):
            yield
    except Timeout:
        raise Unproven(f"another run has held {folder} for {_LOCK_S:.0f} s") from None


def keep(folder: Path, kind: str, report: dict[str, Any], moment: datetime) -> Path:
    """Writes *report* as `<kind>_<moment>.json`, or `_1` and so on after it, and over nothing. Raises `OSError`."""
    content = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return ReportFolder(folder).place(f"{kind}_{stamp(moment)}", {".json": content.encode()})


def retire(folder: Path, kind: str, profile: str, now: datetime, retain: int, spared: Sequence[str] = ()) -> list[str]:
    """
    Removes the oldest reports of *kind* but *retain* of them, and no file that is not such a report.

    Returns:
        the names of what it removed, oldest first.
    """
    names = [name for _, name, _ in reports(folder, kind, profile, now).reports]
    gone = [name for name in names[: max(0, len(names) - retain)] if name not in spared]
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    return gone
