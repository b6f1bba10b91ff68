"""Corpus, cases and answers for BEIR and TREC, as texts by the name of their file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.knowledge.cases import Case
from pytest_promotion.suites.release.knowledge.corpus import Corpus
from pytest_promotion.suites.release.knowledge.exchange.lines import token


def beir(asked: Sequence[Case], kept: Corpus) -> dict[str, str]:
    """`corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`. Raises `Unproven` for cases without labels."""
    judged = [f"{case.id}\t{name}\t{grade}" for case in asked for name, grade in case.relevant.items()]
    if not judged:
        raise Unproven("no case names relevant documents: there are no judgements to write")
    return {
        "corpus.jsonl": _objects(
            {"_id": one.source_name, "title": one.title, "text": one.text} for one in kept.documents
        ),
        "queries.jsonl": _objects({"_id": case.id, "text": case.query} for case in asked),
        "qrels/test.tsv": "".join(f"{line}\n" for line in ["query-id\tcorpus-id\tscore", *judged]),
    }


def trec(asked: Sequence[Case], report: dict[str, Any] | None) -> dict[str, str]:
    """
    `qrels.txt` and `queries.tsv`, and of a benchmark's *report* the answers as `run.txt`.

    Raises:
        Unproven: for cases without labels, names with blanks, and a report of other cases.
    """
    judged = [
        f"{token(case.id, 'id')} 0 {token(name, 'name')} {grade}"
        for case in asked
        for name, grade in case.relevant.items()
    ]
    if not judged:
        raise Unproven("no case names relevant documents: there are no judgements to write")
    files = {
        "qrels.txt": "".join(f"{line}\n" for line in judged),
        "queries.tsv": "".join(f"{case.id}\t{' '.join(case.query.split())}\n" for case in asked),
    }
    return files if report is None else files | {"run.txt": _run(asked, report)}


def _run(asked: Sequence[Case], report: dict[str, Any]) -> str:
    results = report.get("results")
    if not isinstance(results, list) or [row.get("id") for row in results] != [case.id for case in asked]:
        raise Unproven("the report is about other cases")
    lines = []
    for row in results:
        for rank, name in enumerate(row["found"], 1):
            score = len(row["found"]) - rank + 1
            lines.append(f"{token(row['id'], 'id')} Q0 {token(name, 'name')} {rank} {score} promotion\n")
    return "".join(lines)


def _objects(rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
