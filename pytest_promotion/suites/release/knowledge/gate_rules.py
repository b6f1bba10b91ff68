"""What the gate `kb_benchmark` demands, from thresholds that a policy may leave out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pytest_promotion.suites.release.knowledge.policy import FIGURES


def limits(thresholds: Mapping[str, Any], measured: Collection[str]) -> dict[str, Any]:
    """
    The least average of each figure that is judged, by its name.

    Precision and recall are; so is the recall by the documents' texts, at the threshold of recall where it has none
    of its own. Where no case has keywords, *measured* does not have it, and a threshold of graded judgements has to
    stand in its place.
    """
    found = {name: thresholds[f"min_{name}"] for name in FIGURES if _given(thresholds, f"min_{name}")}
    found |= {name: thresholds[f"min_{name}"] for name in ("precision", "recall")}
    graded = found.keys() & {"ndcg", "recall_at_k", "mrr"}
    if "content_recall" not in found and ("content_recall" in measured or not graded):
        found["content_recall"] = found["recall"]
    return found


def least_cases(thresholds: Mapping[str, Any], in_file: int) -> int:
    """How many cases have to have been asked: all that are *in_file*, and as many as the policy wants."""
    return max(in_file, int(thresholds["min_queries"]) if _given(thresholds, "min_queries") else 1)


def wanted_profile(thresholds: Mapping[str, Any]) -> str | None:
    """The profile of the benchmark's policy that has to have been measured; None for any."""
    return str(thresholds["benchmark_profile"]) if _given(thresholds, "benchmark_profile") else None


def wanted_retriever(thresholds: Mapping[str, Any]) -> str | None:
    """The retriever that has to have been measured, as the benchmark's policy gives it; None for any."""
    return str(thresholds["retriever"]) if _given(thresholds, "retriever") else None


def compared_with_baseline(report: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """
    For precision, recall and content recall what the baseline in a monitor's *report* had, and what was measured now.

    Where questions were added since, both are averages over those of the baseline. The contents are left out where
    neither has a figure of them.
    """
    before = report["baseline"]
    now = before["compared"]
    names = {"precision": "avg_precision_at_k", "recall": "avg_keyword_recall", "content": "content_recall"}
    found = {name: (before[key], now[key]) for name, key in names.items()}
    return {name: pair for name, pair in found.items() if pair != (None, None)}


def drop(thresholds: Mapping[str, Any], metric: str) -> Any:
    """How far *metric* may fall; the contents as far as recall where nothing else is said."""
    if metric == "content" and not _given(thresholds, "max_content_drop"):
        return thresholds["max_recall_drop"]
    return thresholds[f"max_{metric}_drop"]


def _given(thresholds: Mapping[str, Any], name: str) -> bool:
    return name in thresholds and thresholds[name] is not None
