"""The service is fast enough under load."""

import pytest

from pytest_promotion.suites.deployment.slo import targets


@pytest.mark.critical(owner="platform", fix="run the load test again; see which objective it misses with promotion slo")
def test_e2e_slo(artifact, freshness, measure, policy, reason):
    """Every critical objective is met, recomputed from what the load test measured."""
    summary = artifact(policy["summary"])
    measured = summary.load_test()
    freshness(summary)
    kept = "keep what `promotion slo FILE --masked OUT` writes"
    assert not measured.holds_setup_data, f"{summary.path} holds setup_data, in which secrets may be: {kept}"
    measure.at_least("requests", measured.requests, policy["min_requests"])
    missed = [rule for rule, held in measured.thresholds.items() if not held]
    measure.none("thresholds of k6 that were missed", missed, among=len(measured.thresholds), may_be_empty=True)
    asked = artifact(policy["targets"], max_age="none", because="what is aimed at, and not what was measured")
    wanted = targets.targets_of(asked["targets"], asked.path)
    for name, target in wanted.items():
        if target.severity != "critical":
            continue
        value = measured.value(target.metric, target.stat)
        if target.at_most is not None:
            measure.at_most(name, value, target.at_most)
        else:
            measure.at_least(name, value, target.at_least)
    reason(f"{len(wanted)} objectives over {measured.requests} requests")
