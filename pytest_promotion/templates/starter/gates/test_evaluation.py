"""May this candidate be promoted? Each test is one gate."""

import pytest


@pytest.mark.critical(owner="you", fix="python gates/evaluate.py")
def test_evaluation(artifact, freshness, measure, policy):
    """The candidate was evaluated lately, on enough cases, and is good enough."""
    report = artifact("reports/evaluation.json")
    freshness(report)
    measure.equals("status", report["status"], "complete")
    measure.at_least("score", report["score"], policy["min_score"], min_samples=100, samples=report["samples"])
