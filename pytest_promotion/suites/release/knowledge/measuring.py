"""What one retriever answers to the cases, and the figures of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.knowledge import graded, index, intervals, metrics
from pytest_promotion.suites.release.knowledge.cases import Case
from pytest_promotion.suites.release.knowledge.corpus import Corpus
from pytest_promotion.suites.release.knowledge.index import Hit
from pytest_promotion.suites.release.knowledge.policy import Settings
from pytest_promotion.suites.release.knowledge.retrievers import answers

# What is averaged, and may have a threshold, by the name that reports give the average.
DECLARED: Final = {
    "precision": "avg_precision_at_k",
    "recall": "avg_keyword_recall",
    "content_recall": "content_recall",
    "ndcg": "ndcg",
    "recall_at_k": "recall_at_k",
    "mrr": "mrr",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """The answers of one retriever, what each is worth, and their averages where there is something to average."""

    identity: dict[str, Any]
    results: list[dict[str, Any]]
    means: dict[str, Decimal]

    def row(self) -> dict[str, Any]:
        """The retriever as a row of the table."""
        return self.identity | {declared: shown(self.means.get(name)) for name, declared in DECLARED.items()}

    def intervals(self) -> dict[str, list[float] | None]:
        """The 95 % interval of each average, by the name that reports give it."""
        series = {DECLARED[name]: [_value(result, name) for result in self.results] for name in self.means}
        return intervals.of_means(series)


def built_in(engine: str, asked: Sequence[Case], kept: Corpus) -> Measured:
    """The answers of the built-in index. Raises `PolicyError` where it is not installed, `Unproven` on a full disk."""
    with index.opened(kept.documents, engine) as library:
        found = [
            answers.Found(library.search(one.query, one.k, one.profile)) for one in (case.question for case in asked)
        ]
        identity = {"kind": "built-in", "given": library.index.name, "version": library.index.version, "files": {}}
    return _measured(identity, asked, found, kept)


def connected(settings: Settings, asked: Sequence[Case], kept: Corpus) -> Measured:
    """The answers of the retriever that *settings* connect. Raises `Unproven` where it did not answer properly."""
    connection = settings.connection
    if connection is None:
        raise Unproven("no retriever is connected")
    retriever = connection.opened(settings.root)
    questions = [case.question for case in asked]
    rows = retriever.names(questions)
    found = [answers.hits(names, question, kept) for names, question in zip(rows, questions, strict=True)]
    return _measured(connection.identity(retriever, settings.root), asked, found, kept)


def _measured(
    identity: dict[str, Any], asked: Sequence[Case], answered: Sequence[answers.Found], kept: Corpus
) -> Measured:
    found: list[Sequence[Hit]] = [one.hits for one in answered]
    grades = metrics.graded(asked, kept.documents)
    judged = graded.measured(asked, found) or [None] * len(asked)
    results = [
        metrics.compatible(case, hits)
        | {"id": case.id, "case_sha256": case.sha256, "found": [hit.document.source_name for hit in hits]}
        | {"duplicates": answer.duplicates, "surplus": answer.surplus}
        | {"content": metrics.content(case, hits, case.relevant), "graded": judgement}
        | {"strict": metrics.strict(case, hits, grade) | {"by": "labels" if case.relevant else "keywords"}}
        for case, answer, hits, grade, judgement in zip(asked, answered, found, grades, judged, strict=True)
    ]
    return Measured(identity, results, averages(results))


def averages(results: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """
    The exact averages of what each case found: `precision` and `recall`, and of the others those that there are.

    Raises:
        Unproven: for results that are not those of a benchmark.
    """
    found = {}
    for name in DECLARED:
        mean = metrics.mean([_value(result, name) for result in results])
        if mean is not None:
            found[name] = mean
    if not {"precision", "recall"} <= found.keys():
        raise Unproven("no case was asked: there is nothing to average")
    return found


def _value(result: Mapping[str, Any], name: str) -> float | None:
    if name == "precision":
        hits, matched = result["hits"], result["matched_hits"]
        if not all(type(count) is int for count in (hits, matched)) or not 0 <= matched <= hits:
            raise Unproven(f"a case says {matched!r} of {hits!r} hits")
        return metrics.share(matched, hits)
    if name == "recall":
        return _found_share(result, "documents" if "matched_documents" in result else "keywords")
    if name == "content_recall":
        content = result["content"]
        return None if content is None else _found_share(content, "keywords")
    judged = result["graded"]
    if judged is None:
        return None
    value = judged[name]
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise Unproven(f"a case says {name} is {value!r}, expected a number from 0 to 1")
    return float(value)


def _found_share(result: Mapping[str, Any], what: str) -> float:
    found, missed = result[f"matched_{what}"], result[f"missed_{what}"]
    if not (isinstance(found, list) and isinstance(missed, list) and found + missed):
        raise Unproven(f"a case does not say which {what} it found and which not")
    return metrics.share(len(found), len(found) + len(missed))


def rounded(value: Decimal) -> float:
    """*value* as reports declare it."""
    return float(value.quantize(metrics.PLACES))


def shown(value: Decimal | None) -> float | None:
    """*value* as reports declare it; None where there is none."""
    return None if value is None else rounded(value)
