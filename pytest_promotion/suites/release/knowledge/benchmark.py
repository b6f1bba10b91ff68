"""
One run of the benchmark: the cases, asked of the application's own search or of a fresh index over the corpus.

The index is built in a temporary file that nobody else has and that is gone afterwards, from the
documents as they are now: nothing of an earlier run, of the environment or of another process can
get into the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from pytest_promotion.clock import iso
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.release.knowledge import cases, corpus, graded, index, measuring, metrics
from pytest_promotion.suites.release.knowledge.measuring import DECLARED, averages, rounded, shown
from pytest_promotion.suites.release.knowledge.policy import Settings

__all__ = ["DECLARED", "INCOMPLETE", "MEASURED", "TOO_FEW", "averages", "labelled", "of_corpus", "rounded", "run"]

MEASURED: Final = "measured"
INCOMPLETE: Final = "incomplete"  # figures of a part of the corpus, which nobody may act on
TOO_FEW: Final = "too_few_queries"  # figures of fewer questions than the policy wants


def run(settings: Settings, now: datetime, engine: str = "fts5") -> dict[str, Any]:
    """The report of one run, as JSON values. Raises as `of_corpus` does."""
    return of_corpus(settings, corpus.read(settings.corpus), now, engine)


def of_corpus(settings: Settings, kept: corpus.Corpus, now: datetime, engine: str = "fts5") -> dict[str, Any]:
    """
    The report of one run over the documents in *kept*, as JSON values.

    `passed` is true where every average is at least its threshold, every document could be read and enough was asked;
    what is exactly at its threshold is enough. Averages are compared before they are rounded.

    Raises:
        PolicyError: for cases that are not usable, and an engine that is not there.
        Unproven: where nothing could be measured, as where the retriever did not answer.
    """
    given, cases_sha256 = cases.read(settings.cases)
    asked = [labelled(case, kept) for case in given]
    judged = measuring.connected(settings, asked, kept) if settings.connection else None
    references = [measuring.built_in(name, asked, kept) for name in _references(engine, alone=judged is None)]
    measured = judged or references[0]
    means = measured.means
    _refuse_missing(settings, asked, means)
    failed = [name for name, least in settings.minimums.items() if name in means and means[name] < Decimal(str(least))]
    too_few = _too_few(settings, asked)
    status = INCOMPLETE if kept.problems else TOO_FEW if too_few else MEASURED
    name = engine if judged is None else "connected"
    return {
        "schema_version": 1,
        "kind": "kb_benchmark",
        "ts_utc": iso(now),
        "generated_at_utc": iso(now),
        "status": status,
        "passed": not failed and status == MEASURED,
        "failed": failed,
        "profile": settings.profile,
        "mode": settings.mode,
        "blocking": settings.blocking,
        "thresholds": {f"min_{name}": least for name, least in settings.minimums.items()},
        "sources": settings.sources,
        "policy_path": settings.shown(settings.policy) if settings.policy else None,
        "policy_sha256": settings.policy_sha256 or None,
        "cases_file": settings.shown(settings.cases),
        "cases_sha256": cases_sha256,
        "corpus_dir": settings.shown(settings.corpus),
        "corpus_sha256": kept.sha256,
        "corpus_problems": kept.problems,
        "corpus_empty": kept.empty,
        "corpus_ignored": kept.ignored,
        "retriever": measured.identity,
        "engine": {"name": measured.identity["given"], "version": measured.identity["version"]},
        "database_url": _DATABASES[name],
        "seeded_documents": len(kept.documents),
        "cases": len(asked),
        "min_queries": settings.min_queries,
        "too_few": too_few,
        **{declared: shown(means.get(metric)) for metric, declared in DECLARED.items()},
        "intervals": measured.intervals(),
        "strict": {
            key: shown(metrics.mean(result["strict"][key] for result in measured.results)) for key in metrics.STRICT
        },
        "retrievers": [one.row() for one in ([judged] if judged else []) + references],
        "results": measured.results,
    }


_DATABASES: Final = {"fts5": "sqlite:///(temporary)", "tantivy": "tantivy:///(memory)", "connected": None}


def _references(engine: str, *, alone: bool) -> Sequence[str]:
    """The built-in engines to ask: the one that is judged, or beside a connected retriever all that are installed."""
    if alone:
        return [engine]
    return [name for name in index.ENGINES if index.installed(name)]


def labelled(case: cases.Case, kept: corpus.Corpus) -> cases.Case:
    """
    *case* with the corpus's own names for its documents.

    Raises:
        Unproven: for a label that names no document: it makes a perfect answer impossible, and a typo look like bad
            retrieval.
    """
    named = {label: kept.document(label) for label in case.relevant}
    strangers = sorted(label for label, document in named.items() if document is None)
    if strangers:
        raise Unproven(f"the cases name documents that the corpus does not have: {', '.join(strangers[:5])}")
    relevant = {document.source_name: case.relevant[label] for label, document in named.items() if document}
    return msgspec.structs.replace(case, relevant=relevant)


def _refuse_missing(settings: Settings, asked: Sequence[cases.Case], means: dict[str, Decimal]) -> None:
    """A threshold for what was not measured is not met, and not failed either."""
    missing = [name for name in settings.minimums if name not in means]
    if "content_recall" in missing and not any(name in means for name in ("ndcg", "recall_at_k", "mrr")):
        raise Unproven("no case has expected_keywords and no graded judgement is measured: nothing looks at the texts")
    wanted = [name for name in missing if name in graded.METRICS]
    if wanted and any(case.relevant for case in asked):
        raise PolicyError(f"min_{wanted[0]}: {graded.MISSING}")
    if wanted:
        raise Unproven(f"min_{wanted[0]} cannot be judged: no case names relevant documents")


def _too_few(settings: Settings, asked: Sequence[cases.Case]) -> str:
    """That fewer questions were asked than the policy wants, as a sentence; "" where there are enough."""
    counts = {"cases": len(asked)}
    if any(name in settings.minimums for name in graded.METRICS):
        counts["cases with relevant documents"] = sum(bool(case.relevant) for case in asked)
    short = [f"{count} {what}" for what, count in counts.items() if count < settings.min_queries]
    return f"{' and '.join(short)}, at least {settings.min_queries} are needed" if short else ""
