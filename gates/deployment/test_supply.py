"""The image has no hole that is known, and the plan for what it runs on loses nothing."""

import pytest

from pytest_promotion.suites.deployment import plan_rules as of_plan
from pytest_promotion.suites.deployment import scan_rules as of_scan


@pytest.mark.critical(owner="security", fix="mend or suppress what the scan names, and scan the image again")
def test_security_scan(artifact, clock, freshness, policy, reason):
    """No more is known of the image that is promoted than is accepted, by scans of it that are whole and fresh."""
    most = {name: policy[f"max_{name}"] for name in ("critical", "high", "unknown")}
    limits = of_scan.limits(
        {
            "most": most,
            "most_licences": of_scan.pairs(policy["max_licences"], int),
            "require": policy["require"],
            "only_fixable": policy["only_fixable"],
            "grace": of_scan.pairs(policy["grace"], str),
            "max_age": f"{policy.max_age.total_seconds():g}s",
            "image": policy["image"],
            "end_of_life": policy["allow_end_of_life"],
        }
    )
    scans = []
    for path in policy["scans"]:
        report = artifact(path)
        scan = report.scan()
        if scan.created is None and policy["scanned_at"] is not None:
            because = of_scan.reviewable(policy["scanned_at_because"])
            freshness(report, timestamp=policy["scanned_at"], source=f"time that the policy declares ({because})")
            scan = scan.dated(str(policy["scanned_at"]))
        else:  # by the scanner's own time, or by the statement of the command that wrote it
            freshness(report)
            scan = scan.dated(report.timestamp.isoformat())
        scans.append((path, scan))
    found = of_scan.judge(scans, limits, clock.now(), policy.future_skew)
    found.demand()
    counted = sum(found.counts.values())
    excused = "".join(f", {count} {why}" for why, count in found.excused.items())
    reason(f"{len(scans)} scans, {counted} findings within the limits{excused}{of_scan.named_excuses(found)}")


@pytest.mark.critical(owner="platform", fix="terraform show -json PLAN | promotion plan mask - --out REPORT")
def test_infrastructure_plan(artifact, clock, freshness, policy, reason):
    """The plan is whole and fresh, none of its checks fails, nothing protected is lost, no value is kept."""
    asked = {"protected": policy["protected"], "most_lost": policy["max_lost"]}
    asked |= {name: policy[name] for name in ("drift", "undecided")}
    rules = of_plan.rules(asked | {"max_age": f"{policy.max_age.total_seconds():g}s"})
    report = artifact(policy["plan"])
    plan = report.plan()
    assert not plan.values, f"{report.path} holds values: keep what `promotion plan mask` makes of it"
    assert plan.made, f"{report.path} does not say when it was made"
    freshness(report)
    found = of_plan.judge(plan, rules, clock.now(), policy.future_skew)
    found.demand()
    counted = ", ".join(f"{count} to {action}" for action, count in found.actions.items()) or "nothing changes"
    reason("; ".join((counted, *found.notes)))
