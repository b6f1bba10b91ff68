"""
One run of the benchmark: the cases asked of a fresh index over the corpus.

The index is built in a temporary file that nobody else has and that is gone afterwards, from the
documents as they are now: nothing of an earlier run, of the environment or of another process can
get into the figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pytest_promotion.clock import iso
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.knowledge import cases, corpus, metrics
from pytest_promotion.suites.release.knowledge.index import opened
from pytest_promotion.suites.release.knowledge.policy import Settings

MEASURED: Final = "measured"
INCOMPLETE: Final = "incomplete"  # figures of a part of the corpus, which nobody may act on


def run(settings: Settings, now: datetime, engine: str = "fts5") -> dict[str, Any]:
    """
    The report of one run, as JSON values.

    `passed` is true where both averages are at least their thresholds and every document could be
    read; what is exactly at its threshold is enough. Averages are compared before they are rounded.

    Raises:
        PolicyError: for cases that are not usable, and an engine that is not there.
        Unproven: where nothing could be measured.
    """
    asked, cases_sha256 = cases.read(settings.cases)
    kept = corpus.read(settings.corpus)
    _refuse_strangers(asked, kept)
    with opened(kept.documents, engine) as library:
        found = [library.search(case.query, case.top_k, case.policy_profile) for case in asked]
        name, version = library.index.name, library.index.version
    grades = metrics.graded(asked, kept.documents)
    results = [
        metrics.compatible(case, hits)
        | {"id": case.id or f"case-{number}", "found": [hit.document.source_name for hit in hits]}
        | {"strict": metrics.strict(case, hits, grade) | {"by": "labels" if case.relevant else "keywords"}}
        for number, (case, hits, grade) in enumerate(zip(asked, found, grades, strict=True), 1)
    ]
    means = averages(results)
    failed = [name for name in means if means[name] < Decimal(str(getattr(settings, f"min_{name}")))]
    return {
        "schema_version": 1,
        "kind": "kb_benchmark",
        "ts_utc": iso(now),
        "generated_at_utc": iso(now),
        "status": INCOMPLETE if kept.problems else MEASURED,
        "passed": not failed and not kept.problems,
        "failed": failed,
        "profile": settings.profile,
        "mode": settings.mode,
        "blocking": settings.blocking,
        "thresholds": {"min_precision": settings.min_precision, "min_recall": settings.min_recall},
        "sources": settings.sources,
        "policy_path": settings.shown(settings.policy) if settings.policy else None,
        "policy_sha256": settings.policy_sha256 or None,
        "cases_file": settings.shown(settings.cases),
        "cases_sha256": cases_sha256,
        "corpus_dir": settings.shown(settings.corpus),
        "corpus_sha256": kept.sha256,
        "corpus_problems": kept.problems,
        "corpus_ignored": kept.ignored,
        "engine": {"name": name, "version": version},
        "database_url": "sqlite:///(temporary)" if name == "fts5" else "tantivy:///(memory)",
        "seeded_documents": len(kept.documents),
        "cases": len(asked),
        "avg_precision_at_k": rounded(means["precision"]),
        "avg_keyword_recall": rounded(means["recall"]),
        "strict": {
            key: None if value is None else rounded(value)
            for key in metrics.STRICT
            for value in [metrics.mean(result["strict"][key] for result in results)]
        },
        "results": results,
    }


def averages(results: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """
    The exact averages of `precision` and `recall`, from what each case found.

    Raises:
        Unproven: for results that are not those of a benchmark.
    """
    precision, recall = [], []
    for result in results:
        hits, matched = result["hits"], result["matched_hits"]
        found, missed = result["matched_keywords"], result["missed_keywords"]
        if not (isinstance(found, list) and isinstance(missed, list) and found + missed):
            raise Unproven("a case does not say which keywords it found and which not")
        if not all(type(count) is int for count in (hits, matched)) or not 0 <= matched <= hits:
            raise Unproven(f"a case says {matched!r} of {hits!r} hits")
        precision.append(metrics.share(matched, hits))
        recall.append(metrics.share(len(found), len(found) + len(missed)))
    means = {"precision": metrics.mean(precision), "recall": metrics.mean(recall)}
    known = {name: value for name, value in means.items() if value is not None}
    if known != means:
        raise Unproven("no case was asked: there is nothing to average")
    return known


def rounded(value: Decimal) -> float:
    """*value* as reports declare it."""
    return float(value.quantize(metrics.PLACES))


def _refuse_strangers(asked: list[cases.Case], kept: corpus.Corpus) -> None:
    """A label that names no document makes a perfect answer impossible, and a typo look like bad retrieval."""
    names = {document.source_name for document in kept.documents}
    strangers = sorted({name for case in asked for name in case.relevant} - names)
    if strangers:
        raise Unproven(f"the cases name documents that the corpus does not have: {', '.join(strangers[:5])}")
