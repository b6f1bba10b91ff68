"""What other machinery has to say: the target's own tests, its secrets scan, its replay and its regression."""

import pytest

from pytest_promotion import Unproven
from pytest_promotion.suites.trading.documents import reports
from pytest_promotion.suites.trading.documents.typed import typed
from pytest_promotion.suites.trading.rules import harness

COUNTED = {"collected", "passed", "skipped", "failed"}


@pytest.mark.critical(owner="engineering", fix="run the unit, service and integration suites and mend what fails")
def test_unit_service_integration_tests(measure, policy, reason, setting, stored_report):
    """The target's own suites ran, all groups of them, and passed with the coverage they owe."""
    report = stored_report("reports/tests/latest.json")
    measure.equals("rc", report["rc"], 0)
    groups = report["groups"]
    for group in policy["groups"]:
        missing = sorted(COUNTED - set(groups[group]))
        if missing:
            raise Unproven(
                f"{report.path}: groups.{group} has no {', '.join(missing)}, so nobody can tell what ran: it was not "
                "written by `promotion tests run`; run that over the same tests"
            )
        counts = typed(groups[group], reports.GroupRun, f"{report.path}: groups.{group}")
        measure.at_least(f"{group} tests", counts.selected, 1)
        # A group that was skipped whole has tests, and none of them said anything.
        measure.at_least(f"{group} passed", counts.passed, 1)
        measure.equals(f"{group} failed", counts.failed, 0)
        measure.equals(f"{group} passed or skipped", counts.passed + counts.skipped, counts.collected)
    if policy["least_coverage_percent"] is not None:
        measure.at_least("coverage_percent", report["coverage_percent"], setting("least_coverage_percent"))
    reason(f"{len(groups)} groups ran and passed")


@pytest.mark.critical(owner="security", fix="remove and rotate the secret that is named here, then scan again")
def test_secrets_hygiene(artifact, freshness, measure, reason):
    """No secret stands in docs, reports or logs, and the scan looked at some."""
    report = artifact("reports/security/latest.json")
    freshness(report)
    measure.at_least("scanned_files", report["scanned_files"], 1)
    listed = report["findings"]
    found = [
        str(typed(one, reports.LeakFound, f"{report.path}: findings[{number}]")) for number, one in enumerate(listed)
    ]
    measure.none("findings listed", found, among=report["scanned_files"])
    measure.equals("finding_count", report["finding_count"], 0)
    measure.equals("include_logs", report["include_logs"], True)
    measure.equals(f"{report.path} status", report["status"], "pass")
    reason(f"{report['scanned_files']} files scanned, none of them leaks")


@pytest.mark.critical(
    owner="engineering", fix="run the replay regression over all windows and look at the first divergence"
)
def test_replay_regression_first_class(artifact, freshness, measure, policy, reason, stored_report, workspace):
    """Replaying the last events twice gives the same states, in every window."""
    if policy["skip_replay_cycle"] and policy["skipped_counts_as"] == "not_run":
        pytest.skip("skip_replay_cycle is set; a replay that was skipped shows nothing")
    places = policy["reports"]
    path = next((path for path in places if (workspace / path).exists()), places[0])
    wanted = policy["windows"]
    if not wanted:
        stored_report(path)
        return
    report = artifact(path)
    freshness(report)
    found = {}
    for number, window in enumerate(report["windows"]):
        place = f"{report.path}: windows[{number}]"
        one = typed(window, reports.WindowReplay, place)
        found[one.min_events] = one, window, place
    for size in wanted:
        assert size in found, f"the window of {size} events was not replayed, only {sorted(found)}"
        one, window, place = found[size]
        assert one.status == "pass", f"window {size} is {one.status!r}: {', '.join(one.blockers)} ({place})"
        measure.equals(f"window {size} blockers", len(one.blockers), 0)
        measure.equals(f"window {size} repeats", one.deterministic_repeat_pass, True)
        signature = typed(window["signature_baseline"], reports.Signature, f"{place}.signature_baseline")
        measure.at_least(f"window {size} events", signature.regression_event_count, size)
    measure.equals("failed_windows", len(report["failed_windows"]), 0)
    measure.at_least("repeat", report["repeat"], 2)
    measure.equals(f"{report.path} status", report["status"], "pass")
    reason(f"windows {', '.join(map(str, wanted))} replay to the same states")


@pytest.mark.critical(owner="engineering", fix="run the regression harness and mend the invariant it names")
def test_regression_backtest_harness(artifact, freshness, measure, reason, setting):
    """The regression harness ran over enough events and every invariant held."""
    report = artifact("reports/backtest_regression/latest.json")
    freshness(report)
    checks = [
        typed(check, harness.Check, f"{report.path}: checks[{number}]") for number, check in enumerate(report["checks"])
    ]
    dataset = typed(report["dataset_fingerprint"], harness.Dataset, f"{report.path}: dataset_fingerprint")
    wrong = list(harness.wrong_in_checks(checks, dataset))
    assert not wrong, f"{report.path}: {'; '.join(wrong)}"
    measure.at_least("checks", len(checks), len(harness.CHECKS))
    measure.at_least("events", dataset.event_count, setting("min_events"))
    measure.equals(f"{report.path} status", report["status"], "pass")
    reason(f"{len(checks)} invariants hold over {dataset.event_count} events")
