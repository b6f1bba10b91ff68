"""
Graded judgements (qrels), measured by trec_eval's own code: nDCG@k, recall@k and the reciprocal rank.

nDCG is trec_eval's: the gain of a document is its grade, where the `strict.ndcg` of this package counts 2^grade - 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_promotion.suites.release.knowledge.cases import Case
from pytest_promotion.suites.release.knowledge.index import Hit

METRICS: Final = ("ndcg", "recall_at_k", "mrr")
MISSING: Final = "graded judgements need pytrec_eval: pip install 'pytest-promotion[kb-graded]'"


def measured(asked: Sequence[Case], found: Sequence[Sequence[Hit]]) -> list[dict[str, float] | None] | None:
    """
    For each case its `METRICS`, rounded to four places; None for a case that labels no documents.

    Returns:
        None where pytrec_eval is not installed.
    """
    try:
        import pytrec_eval  # the extra `kb-graded`; 0.3 s, the greater part of it numpy and scipy
    except ImportError:
        return None
    judged: dict[str, dict[str, int]] = {case.id: dict(case.relevant) for case in asked if case.relevant}
    depths = sorted({case.top_k for case in asked if case.relevant})
    if not depths:
        return [None] * len(asked)
    # The order is what counts: trec_eval sorts by score, and ties by the name of the document.
    run: dict[str, dict[str, float]] = {
        case.id: {hit.document.source_name: float(len(hits) - rank) for rank, hit in enumerate(hits)}
        for case, hits in zip(asked, found, strict=True)
        if case.relevant
    }
    names = {f"ndcg_cut.{k}" for k in depths} | {f"recall.{k}" for k in depths} | {"recip_rank"}
    answers: Mapping[str, Mapping[str, Any]] = pytrec_eval.RelevanceEvaluator(judged, names).evaluate(run)
    return [_of(answers.get(case.id, {}), case.top_k) if case.relevant else None for case in asked]


def _of(answer: Mapping[str, Any], k: int) -> dict[str, float]:
    # A question without hits has no line of trec_eval's: nothing that was wanted came back.
    named = {"ndcg": f"ndcg_cut_{k}", "recall_at_k": f"recall_{k}", "mrr": "recip_rank"}
    return {name: round(float(answer.get(theirs, 0.0)), 4) for name, theirs in named.items()}
