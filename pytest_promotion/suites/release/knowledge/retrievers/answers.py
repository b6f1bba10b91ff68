"""
What a retriever may answer, and nothing else.

An answer is an array of document names, best first, or an object with `ids`, or with `hits` that have an `id`, and
optionally a finite `score` and the `passage` that was found. Names and passages that the corpus does not have, other
kinds of values and answers to another question are errors of the retriever or of how it was connected, and none of them
is a score of zero.
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
from pytest_promotion.suites.release.knowledge.words import best_passage, composed, terms
from pytest_promotion.text import legible

LARGEST = 16 << 20  # bytes of an answer


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A document as the retriever names it, and the passage of it that was found, where it says which."""

    name: str
    passage: str = ""


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


def names(answer: Any, question: Question) -> list[NamedDocument]:
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


def _name(row: Any, origin: str) -> NamedDocument:
    passage = ""
    if isinstance(row, Mapping):
        score, passage = row.get("score"), row.get("passage") or ""
        number = isinstance(score, (int, float)) and not isinstance(score, bool)
        if score is not None and not (number and math.isfinite(score)):
            raise Unproven(f"{origin}: the score is {legible(score)[:40]!r}, expected a finite number")
        if not isinstance(passage, str):
            raise Unproven(f"{origin}: the passage is {named(passage)}, expected a text")
        if "id" not in row:
            raise Unproven(f"{origin} has no id")
        row = row["id"]
    if not isinstance(row, str):
        raise Unproven(f"{origin} is {named(row)}, expected the name of a document as a text")
    return NamedDocument(row, passage)


def hits(found: Sequence[NamedDocument], question: Question, corpus: Corpus) -> Found:
    """
    The documents that *found* names.

    Raises:
        Unproven: for a name that the corpus does not have, and a passage that its document does not: the retriever
            searches something else, or names it otherwise.
    """
    wanted = terms(question.query)
    known: dict[str, Hit] = {}
    for one in found:
        document = corpus.document(one.name)
        if document is None:
            example = corpus.documents[0].source_name
            raise Unproven(
                f"the answer to {question.id} names {legible(one.name)[:80]!r}, which the corpus does not have; "
                f"its documents are named like {example!r}"
            )
        if document.source_name not in known:
            known[document.source_name] = Hit(document, _passage(one, document, wanted, question), 1 / (len(known) + 1))
    ranked = list(known.values())[: question.k]
    return Found(ranked, len(found) - len(known), len(known) - len(ranked))


def _passage(one: NamedDocument, document: Document, wanted: list[str], question: Question) -> str:
    """What the figures of passages look at: the passage that was found, else the one with the most of the question."""
    if not one.passage.strip():
        return best_passage(document.text, wanted)
    passage = composed(one.passage)
    if " ".join(passage.split()) not in " ".join(document.text.split()):
        raise Unproven(
            f"the answer to {question.id} has a passage that {document.source_name} does not: {legible(passage)[:60]!r}"
        )
    return passage
