"""
What a retriever may answer, and nothing else.

An answer is an array of document names, best first, or an object with `ids`, or with `hits` that have an `id` and
perhaps a finite `score`. Names that the corpus does not have, other kinds of values and answers to another question
are errors of the retriever or of how it was connected, and none of them is a score of zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import named, parse_json
from pytest_promotion.suites.release.knowledge.cases import Question
from pytest_promotion.suites.release.knowledge.corpus import Corpus, Document
from pytest_promotion.suites.release.knowledge.index import Hit
from pytest_promotion.suites.release.knowledge.words import best_passage, terms
from pytest_promotion.text import legible

LARGEST = 16 << 20  # bytes of an answer


@dataclass(frozen=True, slots=True)
class Found:
    """The hits for one question, at most k and each document once, and how much more came back."""

    hits: list[Hit]
    duplicates: int = 0
    surplus: int = 0


def parsed(content: bytes, question: Question) -> Any:
    """The JSON of an answer. Raises `Unproven` for anything else, with the question and how the answer begins."""
    origin = f"the answer to {question.id}"
    if len(content) > LARGEST:
        raise Unproven(f"{origin} has more than {LARGEST} bytes")
    try:
        return parse_json(content, origin)
    except Unproven as problem:
        begins = legible(content[:80].decode("utf-8", "replace").strip())
        raise Unproven(f"{problem}; it begins with {begins!r}" if begins else str(problem)) from None


def names(answer: Any, question: Question) -> list[str]:
    """The names of documents in *answer*, best first. Raises `Unproven` for what is none."""
    origin = f"the answer to {question.id}"
    rows = answer
    if isinstance(answer, Mapping):
        echoed = answer.get("query")
        if echoed is not None and echoed != question.query:
            raise Unproven(f"{origin} is to another question: {legible(echoed)[:80]!r}")
        if ("ids" in answer) == ("hits" in answer):
            raise Unproven(f"{origin} has to have either ids or hits; it has {', '.join(sorted(map(str, answer)))}")
        rows = answer["ids"] if "ids" in answer else answer["hits"]
    if not isinstance(rows, list):
        raise Unproven(f"{origin} is {named(rows)}, expected an array of document names")
    return [_name(row, f"{origin} at [{place}]") for place, row in enumerate(rows)]


def _name(row: Any, origin: str) -> str:
    if isinstance(row, Mapping):
        score = row.get("score")
        number = isinstance(score, (int, float)) and not isinstance(score, bool)
        if score is not None and not (number and math.isfinite(score)):
            raise Unproven(f"{origin}: the score is {legible(score)[:40]!r}, expected a finite number")
        if "id" not in row:
            raise Unproven(f"{origin} has no id")
        row = row["id"]
    if not isinstance(row, str):
        raise Unproven(f"{origin} is {named(row)}, expected the name of a document as a text")
    return row


def hits(found: Sequence[str], question: Question, corpus: Corpus) -> Found:
    """
    The documents that *found* names.

    Raises:
        Unproven: for a name that the corpus does not have: the retriever searches something else, or names it
            otherwise.
    """
    known: dict[str, Document] = {}
    for given in found:
        document = corpus.document(given)
        if document is None:
            example = corpus.documents[0].source_name
            raise Unproven(
                f"the answer to {question.id} names {legible(given)[:80]!r}, which the corpus does not have; "
                f"its documents are named like {example!r}"
            )
        known[document.source_name] = document
    chosen = list(known.values())[: question.k]
    # A name says nothing of where in a document the answer is; the earlier system's figures are those of a passage.
    wanted = terms(question.query)
    ranked = [Hit(document, best_passage(document.text, wanted), 1 / rank) for rank, document in enumerate(chosen, 1)]
    return Found(ranked, len(found) - len(known), len(known) - len(chosen))
