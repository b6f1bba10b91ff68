"""What other machinery has to say: the target's own tests, its secrets scan, its replay and its regression."""

import pytest


@pytest.mark.critical(owner="engineering", fix="run the unit, service and integration suites and mend what fails")
def test_unit_service_integration_tests(measure, policy, reason, stored_report):
    """The target's own suites ran, all groups of them, and passed with the coverage they owe."""
    report = stored_report("reports/tests/latest.json")
    measure.equals("rc", report["rc"], 0)
    for group in policy["groups"]:
        counts = report["groups"][group]
        measure.at_least(f"{group} tests", counts["selected"], 1)
        # A group that was skipped whole has tests, and none of them said anything.
        measure.at_least(f"{group} passed", counts["passed"], 1)
        measure.equals(f"{group} passed or skipped", counts["passed"] + counts["skipped"], counts["collected"])
    if policy["least_coverage_percent"] is not None:
        measure.at_least("coverage_percent", report["coverage_percent"], policy["least_coverage_percent"])
    reason(f"{len(report['groups'])} groups ran and passed")


@pytest.mark.critical(owner="security", fix="remove and rotate the secret that reports/security/latest.json locates")
def test_secrets_hygiene(measure, reason, stored_report):
    """No secret stands in docs, reports or logs, and the scan looked at some."""
    report = stored_report("reports/security/latest.json")
    measure.at_least("scanned_files", report["scanned_files"], 1)
    measure.equals("finding_count", report["finding_count"], 0)
    measure.equals("findings listed", len(report["findings"]), 0)
    reason(f"{report['scanned_files']} files scanned, none of them leaks")


@pytest.mark.critical(
    owner="engineering", fix="run the replay regression over all windows and look at the first divergence"
)
def test_replay_regression_first_class(measure, policy, reason, stored_report, workspace):
    """Replaying the last events twice gives the same states, in every window."""
    if policy["skip_replay_cycle"] and policy["skipped_counts_as"] == "not_run":
        pytest.skip("skip_replay_cycle is set; a replay that was skipped shows nothing")
    places = policy["reports"]
    report = stored_report(next((path for path in places if (workspace / path).exists()), places[0]))
    wanted = policy["windows"]
    if not wanted:
        return
    measure.equals("failed_windows", len(report["failed_windows"]), 0)
    found = {window["min_events"]: window for window in report["windows"]}
    for size in wanted:
        assert size in found, f"the window of {size} events was not replayed, only {sorted(found)}"
        measure.equals(f"window {size} status", found[size]["status"], "pass")
        measure.equals(f"window {size} repeats", found[size]["deterministic_repeat_pass"], True)
    measure.at_least("repeat", report["repeat"], 2)
    reason(f"windows {', '.join(map(str, wanted))} replay to the same states")


@pytest.mark.critical(owner="engineering", fix="run the regression harness and mend the invariant it names")
def test_regression_backtest_harness(measure, policy, reason, stored_report):
    """The regression harness ran over enough events and every invariant held."""
    report = stored_report("reports/backtest_regression/latest.json")
    checks = report["checks"]
    assert checks, "the harness checked nothing"
    for check in checks:
        measure.equals(measure.text("check", check["name"]), check["pass"], True)
    events = report["dataset_fingerprint"]["event_count"]
    measure.at_least("events", events, policy["min_events"])
    reason(f"{len(checks)} invariants hold over {events} events")
