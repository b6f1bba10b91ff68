"""
How good an answer is.

Two families. The first is the earlier system's own definition, kept so that figures compare:
keywords as parts of words, in names and titles too, over the hits that came back. The second is what the
field means by these words (Manning, Raghavan, Schütze: Introduction to Information Retrieval, chapter 8).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from math import log2
from typing import Any, Final

from pytest_promotion.suites.release.knowledge.cases import Case
from pytest_promotion.suites.release.knowledge.corpus import Document
from pytest_promotion.suites.release.knowledge.index import Hit
from pytest_promotion.suites.release.knowledge.words import compatibility, snippet, terms, whole

PLACES: Final = Decimal("0.0001")
STRICT: Final = ("precision_at_k", "recall_at_k", "mrr", "ndcg", "word_precision", "word_recall")
_HIGHEST: Final = 3


def compatible(case: Case, hits: Sequence[Hit]) -> dict[str, Any]:
    """
    The earlier system's fields for one case, each share rounded to four places.

    `precision_at_k`: hits with an expected keyword anywhere in name, title, type or snippet, by
    hits that came back. `keyword_recall`: keywords found in any hit, by keywords expected. In a case without
    keywords a hit matches where it is labelled, and recall is of the labelled documents.
    """
    if not case.keywords:
        return _labelled(case, hits)
    wanted = terms(case.query)
    blobs = [_blob(hit, wanted) for hit in hits]
    by_hit = [[word for word in case.keywords if word in blob] for blob in blobs]
    matched = sum(map(bool, by_hit))
    found = [word for word in case.keywords if any(word in words for words in by_hit)]
    return {
        "query": case.query,
        "policy_profile": case.policy_profile,
        "top_k": case.top_k,
        "hits": len(hits),
        "matched_hits": matched,
        "matched_keywords": found,
        "missed_keywords": [word for word in case.keywords if word not in found],
        "hit_keywords": by_hit,
        "precision_at_k": share(matched, len(hits)),
        "keyword_recall": share(len(found), len(case.keywords)),
    }


def _labelled(case: Case, hits: Sequence[Hit]) -> dict[str, Any]:
    names = [hit.document.source_name for hit in hits]
    found = [name for name in case.relevant if name in names]
    return {
        "query": case.query,
        "policy_profile": case.policy_profile,
        "top_k": case.top_k,
        "hits": len(hits),
        "matched_hits": len(found),
        "matched_documents": found,
        "missed_documents": [name for name in case.relevant if name not in names],
        "precision_at_k": share(len(found), len(hits)),
        "keyword_recall": share(len(found), len(case.relevant)),
    }


def content(case: Case, hits: Sequence[Hit], relevant: Collection[str]) -> dict[str, Any] | None:
    """
    Which expected keywords are whole words of the bodies of the documents that came back, and which are not.

    Names and titles do not count. *relevant* are the documents that the case labels: where it labels any, the
    keywords of other documents do not count either. None for a case without keywords.
    """
    if not case.keywords:
        return None
    patterns = {word: whole(compatibility(word)) for word in case.keywords}
    by_hit = []
    for hit in hits:
        body = compatibility(hit.document.text).lower()
        counts = not relevant or hit.document.source_name in relevant
        by_hit.append([word for word, pattern in patterns.items() if counts and pattern.search(body)])
    there = {word for words in by_hit for word in words}
    return {
        "matched_keywords": [word for word in case.keywords if word in there],
        "missed_keywords": [word for word in case.keywords if word not in there],
        "hit_keywords": by_hit,
    }


def strict(case: Case, hits: Sequence[Hit], grades: dict[str, int]) -> dict[str, Any]:
    """
    One case as the field judges it. *grades*: from source names to how relevant a document is, the irrelevant left out.

    `precision_at_k`: relevant hits by `top_k`, however few came back. `recall_at_k`: by all relevant
    documents there are. `mrr`: one by the rank of the first relevant hit. `ndcg`: gains of 2^grade - 1,
    discounted by log2(rank + 1), by those of the best order. `word_precision`, `word_recall`: the keywords
    as whole words of the passages. None for what has no denominator.
    """
    gained = [grades.get(hit.document.source_name, 0) for hit in hits]
    relevant = sum(grade > 0 for grade in gained)
    first = next((rank for rank, grade in enumerate(gained, 1) if grade), None)
    best = _discounted(sorted(grades.values(), reverse=True)[: case.top_k])
    patterns = [whole(word) for word in case.keywords]
    texts = [hit.passage.lower() for hit in hits]
    return {
        "relevant": len(grades),
        "precision_at_k": share(relevant, case.top_k),
        "recall_at_k": share(relevant, len(grades)) if grades else None,
        "mrr": share(1, first) if first else 0.0,
        "ndcg": round(_discounted(gained) / best, 4) if grades else None,
        "word_precision": share(sum(any(p.search(text) for p in patterns) for text in texts), len(texts)),
        "word_recall": share(sum(any(p.search(text) for text in texts) for p in patterns), len(patterns)),
    }


def graded(cases: Sequence[Case], documents: Iterable[Document]) -> list[dict[str, int]]:
    """For each case its relevant documents: as it labels them, else by how many of its keywords are words of them."""
    found: list[dict[str, int]] = [dict(case.relevant) for case in cases]
    unlabelled = [number for number, case in enumerate(cases) if not case.relevant]
    patterns = {word: whole(word) for number in unlabelled for word in cases[number].keywords}
    for document in documents if unlabelled else ():
        text = document.text.lower()
        # `in` first: it is ten times as fast, and most words are in few documents.
        there = {word for word, pattern in patterns.items() if word in text and pattern.search(text)}
        for number in unlabelled if there else ():
            grade = sum(word in there for word in cases[number].keywords)
            if grade:
                found[number][document.source_name] = min(grade, _HIGHEST)
    return found


def share(part: int, of: int) -> float:
    """`part / of`, rounded to four places; 0 where there was nothing."""
    return float((Decimal(part) / Decimal(of)).quantize(PLACES, ROUND_HALF_EVEN)) if of else 0.0


def mean(values: Iterable[float | None]) -> Decimal | None:
    """The exact mean of what was rounded, without the Nones; None where nothing is left."""
    known = [Decimal(str(value)) for value in values if value is not None]
    return sum(known, Decimal(0)) / len(known) if known else None


def _blob(hit: Hit, wanted: list[str]) -> str:
    document = hit.document
    said = snippet(hit.passage, wanted)
    return f"{document.source_name} {document.title} {document.source_type} {said}".lower()


def _discounted(grades: Sequence[int]) -> float:
    return float(sum((2**grade - 1) / log2(rank + 1) for rank, grade in enumerate(grades, 1)))
