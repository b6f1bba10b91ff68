"""Corpus and cases from collections of BEIR and TREC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.knowledge.exchange import lines
from pytest_promotion.suites.release.knowledge.exchange.lines import Judgements


def beir(folder: Path, split: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """
    The rows of `corpus_pack.json` and the cases in a BEIR collection: `corpus.jsonl`, `queries.jsonl`,
    `qrels/<split>.tsv`.

    Questions that the split does not judge are left out.

    Raises:
        Unproven: for rows that are not whole, ids that stand twice, and judgements of what is not there.
    """
    pack: dict[str, dict[str, Any]] = {}
    for origin, row in lines.objects(folder / "corpus.jsonl"):
        name = lines.text(row, "_id", origin)
        if name in pack:
            raise Unproven(f"{origin}: the id {name!r} is a duplicate")
        title = row.get("title") or ""
        pack[name] = {
            "source_name": name,
            "source_type": "txt",
            "title": title if isinstance(title, str) else "",
            "content": lines.text(row, "text", origin),
        }
    queries: dict[str, str] = {}
    for origin, row in lines.objects(folder / "queries.jsonl"):
        name = lines.text(row, "_id", origin)
        if name in queries:
            raise Unproven(f"{origin}: the id {name!r} is a duplicate")
        queries[name] = lines.text(row, "text", origin)
    judged: Judgements = {}
    for number, (origin, cells) in enumerate(lines.fields(folder / "qrels" / f"{split}.tsv", 3, "\t")):
        if number == 0 and cells[2].lower() == "score":
            continue  # the header
        question, document, grade = cells
        if document not in pack:
            raise Unproven(f"{origin}: {document!r} is judged, and corpus.jsonl does not have it")
        lines.judge(judged, question, document, grade, origin)
    return list(pack.values()), _cases(queries, judged)


def trec(qrels: Path, queries: Path) -> list[dict[str, Any]]:
    """
    The cases of TREC judgements (`question 0 document grade`) and of questions, one a line after its id and a tab.

    Raises:
        Unproven: as `beir`.
    """
    asked: dict[str, str] = {}
    for origin, (name, text) in lines.fields(queries, 2, "\t"):
        if name in asked:
            raise Unproven(f"{origin}: the id {name!r} is a duplicate")
        asked[name] = text
    judged: Judgements = {}
    for origin, (question, _iteration, document, grade) in lines.fields(qrels, 4, None):
        lines.judge(judged, question, document, grade, origin)
    return _cases(asked, judged)


def _cases(queries: dict[str, str], judged: Judgements) -> list[dict[str, Any]]:
    strangers = sorted(judged.keys() - queries.keys())
    if strangers:
        raise Unproven(f"{strangers[0]!r} is judged, and no question has that id")
    cases = [
        {"id": name, "query": text, "relevant": found}
        for name, text in queries.items()
        if (found := lines.relevant(judged.get(name, {})))
    ]
    if not cases:
        raise Unproven("no question has a relevant document")
    return cases
