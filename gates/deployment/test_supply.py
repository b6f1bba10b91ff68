"""The image has no hole that is known, and the plan for what it runs on loses nothing."""

import pytest

from pytest_promotion.readers.scan_file import read as read_scan
from pytest_promotion.readers.terraform import read as read_plan
from pytest_promotion.suites.deployment import plan_rules as of_plan
from pytest_promotion.suites.deployment import scan_rules as of_scan


@pytest.mark.critical(owner="security", fix="mend or suppress what the scan names, and scan the image again")
def test_security_scan(artifact, clock, freshness, policy, reason):
    """No more is known of the image that is promoted than is accepted, by scans of it that are whole and fresh."""
    most = {name: policy[f"max_{name}"] for name in ("critical", "high", "unknown")}
    limits = of_scan.limits(
        {
            "most": most,
            "only_fixable": policy["only_fixable"],
            "max_age": f"{policy.max_age.total_seconds():g}s",
            "image": policy["image"],
            "end_of_life": policy["allow_end_of_life"],
        }
    )
    scans = []
    for path in policy["scans"]:
        report = artifact(path)
        scan = read_scan(report.text.encode(), path)
        assert scan.created, f"{path} does not say when it was made"
        freshness(report, timestamp=of_scan.trimmed(scan.created), source="scan time")
        scans.append((path, scan))
    found = of_scan.judge(scans, limits, clock.now(), policy.future_skew)
    found.demand()
    counted = sum(found.counts.values())
    reason(f"{len(scans)} scans, {counted} findings within the limits")


@pytest.mark.critical(owner="platform", fix="terraform show -json PLAN | promotion plan mask - --out REPORT")
def test_infrastructure_plan(artifact, clock, freshness, policy, reason):
    """The plan is whole and fresh, none of its checks fails, nothing protected is lost, no value is kept."""
    asked = {"protected": policy["protected"], "most_lost": policy["max_lost"]}
    asked |= {name: policy[name] for name in ("drift", "undecided")}
    rules = of_plan.rules(asked | {"max_age": f"{policy.max_age.total_seconds():g}s"})
    report = artifact(policy["plan"])
    plan = read_plan(report.text.encode(), report.path)
    assert not plan.values, f"{report.path} holds values: keep what `promotion plan mask` makes of it"
    assert plan.made, f"{report.path} does not say when it was made"
    freshness(report, timestamp=plan.made, source="timestamp")
    found = of_plan.judge(plan, rules, clock.now(), policy.future_skew)
    found.demand()
    counted = ", ".join(f"{count} to {action}" for action, count in found.actions.items()) or "nothing changes"
    reason("; ".join((counted, *found.notes)))
