"""The validation ladder: what paper trading and the first live trades have shown so far."""

import pytest


@pytest.mark.warning(owner="trading", fix="let the paper soak run its window")
def test_validation_ladder_paper_soak(artifact, freshness, measure, reason):
    """The paper soak passed, lately."""
    soak = artifact("reports/paper_soak/latest.json")
    freshness(soak)
    measure.at_least("sample_count", soak["sample_count"], 1)
    measure.equals("status", soak["status"], "PASS")
    reason(f"the paper soak passed over {soak['sample_count']} samples")


@pytest.mark.warning(owner="trading", fix="validate the trades of the last session")
def test_validation_ladder_post_trade(artifact, freshness, measure, policy, reason):
    """The trades of the last session were validated and nothing critical was found."""
    path = "reports/analysis/post_trade_validation.json"
    if policy["not_yet_run"] == "accept" and not artifact.exists(path):
        measure.equals("not_yet_run", policy["not_yet_run"], "accept")
        reason("not run yet, which this profile accepts")
        return
    report = artifact(path)
    freshness(report)
    assert report["status"] in ("PASS", "WARNING"), f"{path}: status is {report['status']!r}, expected PASS or WARNING"
    reason(f"post-trade validation says {report['status']}")
