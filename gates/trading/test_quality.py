"""What other machinery has to say: the target's own tests, its secrets scan, its replay and its regression."""

import pytest

from pytest_promotion import Unproven
from pytest_promotion.suites.trading.documents import reports
from pytest_promotion.suites.trading.documents.typed import typed
from pytest_promotion.suites.trading.rules import binding, harness
from pytest_promotion.suites.trading.rules.scanned import files_to_scan

JUDGED = "what a report judged; how old it is, is event_store_integrity_freshness's to ask"
COUNTED = {"collected", "passed", "skipped", "failed"}


@pytest.fixture
def about_the_store(artifact, measure, refused):
    """`about_the_store(report)`: the store that the report names is the one of now; a remark where it names none."""

    def demand(report):
        unbound = [] if "store" in report else [f"{report.path} does not name the event store that it judged"]
        listed = [] if unbound else report["store"]["files"]
        files = typed(listed, list[binding.StoreFile], report.path, place="store.files")
        judged = [(file, artifact(file.path, max_age="none", because=JUDGED)) for file in files]
        changed = list(binding.changed_since(judged))
        measure.none(f"{report.path}: other events", changed, among=len(files), may_be_empty=bool(unbound))
        measure.none("reports of no store", refused("unbound_reports", unbound), among=1)
        return "".join(f"; {one}" for one in unbound)

    return demand


@pytest.mark.critical(owner="engineering", fix="run the unit, service and integration suites and mend what fails")
def test_unit_service_integration_tests(measure, policy, reason, setting, stored_report):
    """The target's own suites ran, all groups of them, and passed with the coverage they owe."""
    report = stored_report("reports/tests/latest.json")
    measure.equals("rc", report["rc"], 0)
    groups = typed(report["groups"], dict, report.path, place="groups")
    for group in policy["groups"]:
        missing = sorted(COUNTED - set(typed(groups[group], dict, report.path, place=f"groups.{group}")))
        if missing:
            raise Unproven(
                f"{report.path}: groups.{group} has no {', '.join(missing)}, so what ran is not known: it was not "
                "written by `promotion tests run`; run that over the same tests"
            )
        counts = typed(groups[group], reports.GroupRun, report.path, place=f"groups.{group}")
        measure.at_least(f"{group} tests", counts.selected, 1)
        # A group that was skipped whole has tests, and none of them said anything.
        measure.at_least(f"{group} passed", counts.passed, 1)
        measure.equals(f"{group} failed", counts.failed, 0)
        measure.equals(f"{group} passed or skipped", counts.passed + counts.skipped, counts.collected)
    if policy["least_coverage_percent"] is not None:
        measure.at_least("coverage_percent", report["coverage_percent"], setting("least_coverage_percent"))
    reason(f"{len(groups)} groups ran and passed")


@pytest.mark.critical(owner="security", fix="remove and rotate the secret that is named here, then scan again")
def test_secrets_hygiene(artifact, freshness, measure, reason, workspace):
    """No secret stands in docs, reports or logs, and the scan looked at some."""
    report = artifact("reports/security/latest.json")
    freshness(report)
    # Some were written since. A scan of fewer than half of those that are there was of another folder.
    measure.at_least("scanned_files", report["scanned_files"], max(1, files_to_scan(workspace) // 2))
    found = list(map(str, typed(report["findings"], list[reports.LeakFound], report.path, place="findings")))
    measure.none("findings listed", found, among=report["scanned_files"])
    measure.equals("finding_count", report["finding_count"], 0)
    measure.equals("include_logs", report["include_logs"], True)
    measure.equals(f"{report.path} status", report["status"], "pass")
    reason(f"{report['scanned_files']} files scanned, none of them leaks")


@pytest.mark.critical(
    owner="engineering", fix="run the replay regression over all windows and look at the first divergence"
)
def test_replay_regression_first_class(
    about_the_store, artifact, freshness, measure, policy, reason, stored_report, workspace
):
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
    windows = typed(report["windows"], list[reports.WindowReplay], report.path, place="windows")
    found = {window.min_events: number for number, window in enumerate(windows)}
    for size in wanted:
        assert size in found, f"the window of {size} events was not replayed, only {sorted(found)}"
        one, place = windows[found[size]], f"windows[{found[size]}]"
        blockers = ", ".join(one.blockers)
        assert one.status == "pass", f"window {size} is {one.status!r}: {blockers} ({report.path}: {place})"
        measure.equals(f"window {size} blockers", len(one.blockers), 0)
        measure.equals(f"window {size} repeats", one.deterministic_repeat_pass, True)
        baseline = report["windows"][found[size]]["signature_baseline"]
        signature = typed(baseline, reports.Signature, report.path, place=f"{place}.signature_baseline")
        measure.at_least(f"window {size} events", signature.regression_event_count, size)
    remark = about_the_store(report)
    measure.equals("failed_windows", len(typed(report["failed_windows"], list, report.path, place="failed_windows")), 0)
    measure.at_least("repeat", report["repeat"], 2)
    measure.equals(f"{report.path} status", report["status"], "pass")
    reason(f"windows {', '.join(map(str, wanted))} replay to the same states{remark}")


@pytest.mark.critical(owner="engineering", fix="run the regression harness and mend the invariant it names")
def test_regression_backtest_harness(about_the_store, artifact, freshness, measure, reason, setting):
    """The regression harness ran over enough events and every invariant held."""
    report = artifact("reports/backtest_regression/latest.json")
    freshness(report)
    checks = typed(report["checks"], list[harness.Check], report.path, place="checks")
    dataset = typed(report["dataset_fingerprint"], harness.Dataset, report.path, place="dataset_fingerprint")
    wrong = list(harness.wrong_in_checks(checks, dataset))
    assert not wrong, f"{report.path}: {'; '.join(wrong)}"
    measure.at_least("checks", len(checks), len(harness.CHECKS))
    remark = about_the_store(report)
    measure.at_least("events", dataset.event_count, setting("min_events"))
    measure.equals(f"{report.path} status", report["status"], "pass")
    reason(f"{len(checks)} invariants hold over {dataset.event_count} events{remark}")
