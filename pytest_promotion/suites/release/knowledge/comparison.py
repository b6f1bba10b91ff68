"""
Two runs whose documents differ, compared by the questions and the documents that both have.

A corpus that is edited every week has no two runs over the same documents, and what was added or taken away on purpose
is no loss of what stayed. What stayed and says less is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.json_files import read_object, write_json
from pytest_promotion.suites.release.knowledge import metrics
from pytest_promotion.suites.release.knowledge.history import Figures, Point

_LEAST_SHARE: Final = Decimal("0.5")  # of an earlier run's documents: with fewer in common, it is another corpus


def keep_names(folder: Path, profile: str, corpus_sha256: str, names: Collection[str]) -> None:
    """Writes which documents a version of the corpus has, once, beside the reports about it. Raises `OSError`."""
    path = _path(folder, corpus_sha256)
    if not path.exists():
        write_json(
            path, {"kind": "kb_corpus", "profile": profile, "corpus_sha256": corpus_sha256, "documents": sorted(names)}
        )


def forget_names(folder: Path, points: Sequence[Point]) -> None:
    """Removes the names of corpora that none of *points* is about."""
    wanted = {_path(folder, one.corpus_sha256) for one in points}
    for path in folder.glob("corpus_*.json"):
        if path not in wanted:
            path.unlink(missing_ok=True)


def names(folder: Path, corpus_sha256: str) -> frozenset[str] | None:
    """The documents of a version of the corpus; None where they were not kept, or the file is another one."""
    try:
        document = read_object(_path(folder, corpus_sha256))
    except (OSError, Unproven):
        return None
    listed = document.get("documents")
    if document.get("corpus_sha256") != corpus_sha256 or not isinstance(listed, list):
        return None
    return frozenset(map(str, listed))


def earlier(current: Point, other: Point, folder: Path) -> Figures | None:
    """
    What *other* measured, on the scale of *current*: the difference of the two is that over what both have.

    None where they cannot be compared: another search, a question of *other* that is not asked any more, documents
    that are not known, or too few of *other*'s that are left.
    """
    if current.comparable(other):
        return other.figures
    if current.retriever != other.retriever or not cases(other) <= cases(current) or not cases(other):
        return None
    now, then = names(folder, current.corpus_sha256), names(folder, other.corpus_sha256)
    if now is None or then is None or not then or Decimal(len(now & then)) / len(then) < _LEAST_SHARE:
        return None
    common = cases(other)
    try:
        before, after = (restricted(one, common, now & then) for one in (other, current))
    except Unproven:
        return None
    own, content = current.figures, None
    if own.content is not None and before.content is not None and after.content is not None:
        content = own.content + before.content - after.content
    return Figures(
        own.precision + before.precision - after.precision, own.recall + before.recall - after.recall, content
    )


def cases(point: Point) -> frozenset[str]:
    """The digests of what was asked."""
    return frozenset(str(row["case_sha256"]) for row in point.results if row.get("case_sha256"))


def restricted(point: Point, keys: Collection[str], documents: Collection[str] | None = None) -> Figures:
    """
    The averages of *point* over the cases *keys*, and of its hits only those among *documents*, where they are given.

    Raises:
        Unproven: where none of the cases is there, and for results that are not those of a benchmark.
    """
    rows = [row for row in point.results if str(row.get("case_sha256")) in keys]
    try:
        precision = metrics.mean([_precision(row, documents) for row in rows])
        recall = metrics.mean([_recall(row, documents) for row in rows])
        content = metrics.mean([_content(row, documents) for row in rows])
    except (ArithmeticError, KeyError, TypeError, ValueError) as problem:
        raise Unproven(f"{point.path} has results that are not as a benchmark writes them: {problem}") from None
    if precision is None or recall is None:
        raise Unproven(f"{point.path} has none of the cases")
    rounded = None if content is None else content.quantize(metrics.PLACES)
    return Figures(precision.quantize(metrics.PLACES), recall.quantize(metrics.PLACES), rounded)


def _hits(
    row: Mapping[str, Any], words: Sequence[Sequence[str]], documents: Collection[str] | None
) -> list[Sequence[str]]:
    pairs = zip(row["found"], words, strict=True)
    return [matched for name, matched in pairs if documents is None or name in documents]


def _precision(row: Mapping[str, Any], documents: Collection[str] | None) -> float:
    if "hit_keywords" in row:
        hits = _hits(row, row["hit_keywords"], documents)
    else:
        hits = _hits(row, [[name] if name in row["matched_documents"] else [] for name in row["found"]], documents)
    return metrics.share(sum(map(bool, hits)), len(hits))


def _recall(row: Mapping[str, Any], documents: Collection[str] | None) -> float | None:
    if "hit_keywords" in row:
        return _union(row, row["hit_keywords"], row, documents)
    found, missed = (
        [name for name in row[key] if documents is None or name in documents]
        for key in ("matched_documents", "missed_documents")
    )
    return metrics.share(len(found), len(found) + len(missed)) if found or missed else None


def _content(row: Mapping[str, Any], documents: Collection[str] | None) -> float | None:
    content = row["content"]
    return None if content is None else _union(row, content["hit_keywords"], content, documents)


def _union(
    row: Mapping[str, Any], words: Sequence[Sequence[str]], of: Mapping[str, Any], documents: Collection[str] | None
) -> float:
    found = {word for matched in _hits(row, words, documents) for word in matched}
    return metrics.share(len(found), len(of["matched_keywords"]) + len(of["missed_keywords"]))


def _path(folder: Path, corpus_sha256: str) -> Path:
    return folder / f"corpus_{corpus_sha256[:16]}.json"
