"""The knowledge base finds what it is asked for, and not less than it did."""

import pytest

from pytest_promotion.suites.release.knowledge import benchmark, drift, gate_rules

CASES = "what is asked, and not what was answered"
METRICS = benchmark.DECLARED


@pytest.mark.critical(owner="knowledge", fix="promotion kb benchmark --profile PROFILE --output REPORT")
def test_kb_benchmark(artifact, freshness, measure, policy, reason):
    """The cases of this profile are answered well enough, by name and by text, each average recomputed."""
    report, cases = artifact(policy["report"]), artifact(policy["cases"], max_age="none", because=CASES)
    freshness(report)
    measure.equals("status", report["status"], benchmark.MEASURED)
    measure.equals("cases", report["cases_sha256"], cases.sha256)
    profile = gate_rules.wanted_profile(policy)
    if profile is not None:
        measure.equals("profile", report["profile"], profile)
    wanted = gate_rules.wanted_retriever(policy)
    if wanted is not None:
        measure.equals("retriever", report["retriever"]["given"], wanted)
    results = report["results"]
    averages = benchmark.averages(results)
    for metric, average in averages.items():
        measure.equals(f"declared {metric}", report[METRICS[metric]], benchmark.rounded(average))
    least = gate_rules.least_cases(policy, len(cases.data))
    for metric, limit in gate_rules.limits(policy, averages).items():
        average = float(averages[metric]) if metric in averages else None
        measure.at_least(metric, average, limit, least, samples=len(results))
    reason(f"{len(results)} cases: precision {report[METRICS['precision']]}, recall {report[METRICS['recall']]}")


@pytest.mark.critical(owner="knowledge", fix="promotion kb monitor --profile PROFILE, then see its alerts")
def test_kb_drift(artifact, freshness, measure, policy, reason):
    """The newest look of the monitor raised no alert, and found the baseline no further above than it may be."""
    report = artifact.latest(policy["reports"])
    freshness(report)
    measure.equals("status", report["status"], benchmark.MEASURED)
    measure.equals("cases", report["cases_sha256"], artifact(policy["cases"], max_age="none", because=CASES).sha256)
    measure.equals("passed", report["passed"], True)
    measure.at_least("earlier points", report["history_points_used"], policy["min_history"])
    assert report["baseline"], "there is no baseline to have drifted from"
    for metric, (before, now) in gate_rules.compared_with_baseline(report).items():
        lost = drift.lost(measure.number(metric, before), measure.number(metric, now))
        measure.at_most(f"{metric} lost since the baseline", lost, gate_rules.drop(policy, metric))
    raised = [alert["code"] for alert in report["alerts"]]
    measure.none("alerts of the monitor", raised, among=len(report["alerts"]), may_be_empty=True)
    reason(f"no alert after {report['history_points_used']} earlier points")
