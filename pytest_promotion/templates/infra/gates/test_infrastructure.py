"""May this change of the infrastructure be applied? Each test is one gate."""

import pytest

from pytest_promotion.readers import scan_file, terraform


@pytest.mark.critical(owner="platform", fix="terraform plan -out plan.bin, then terraform show -json plan.bin")
def test_plan(artifact, freshness, measure, policy, reason):
    """The plan is whole and recent, and loses nothing that is protected."""
    report = artifact(policy["plan"])
    plan = terraform.read(report.text.encode(), report.path)
    assert plan.errored is not True, f"{report.path} is of a plan that failed"
    assert plan.complete is not False, f"{report.path} is of a plan that is not complete"
    assert plan.made, f"{report.path} does not say when it was made"
    freshness(report, timestamp=plan.made, source="timestamp")
    failed = [name for name, status in plan.checks if status in ("fail", "error")]
    measure.none("checks that failed", failed, among=len(plan.checks), may_be_empty=True)
    lost = [change for change in plan.changes if change.loses]
    protected = [change.address for change in lost if change.kind in policy["protected"]]
    measure.none("protected resources that would be lost", protected, among=len(plan.changes), may_be_empty=True)
    measure.at_most("resources that would be lost", len(lost), policy["max_lost"])
    reason(f"{len(plan.changes)} resources in the plan, {len(lost)} lost")


@pytest.mark.critical(owner="security", fix="fix what the scan names, and scan again")
def test_scan(artifact, freshness, measure, policy):
    """A recent scan finds no more than is accepted."""
    report = artifact(policy["scan"])
    scan = scan_file.read(report.text.encode(), report.path)
    if scan.created:
        freshness(report, timestamp=scan.created, source="scan time")
    else:
        freshness(report)
    assert scan.looked_at != 0, f"{report.path} is of a scan that looked at nothing"
    assert not scan.incomplete, f"{report.path} may lack findings: {'; '.join(scan.incomplete)}"
    open_ = [finding.severity for finding in scan.findings if not finding.suppressed]
    for severity in ("critical", "high", "unknown"):
        measure.at_most(f"{severity} findings", open_.count(severity), policy[f"max_{severity}"])
