"""The unit tests of each language that the service is written in."""

import pytest

RECORDED = "promotion run --name tests --input . --output REPORT -- pytest --junitxml=REPORT; npm test likewise"


@pytest.mark.critical(owner="engineering", fix=RECORDED)
def test_unit_tests(artifact, freshness, javascript, measure, policy, python, reason):
    """In each language of the service unit tests ran on what is there, there are some, and none failed."""
    reports = [("Python", policy["python_report"], python), ("JavaScript", policy["javascript_report"], javascript)]
    assert any(folders for _, _, folders in reports), "neither Python nor JavaScript is there: nothing was tested"
    counted = []
    for language, path, folders in reports:
        if not folders:
            continue  # a project without that language
        report = artifact(path)
        tests = report.junit()
        freshness(report)
        measure.equals(f"{language} tests that failed", tests.failed, 0)
        measure.at_least(f"{language} tests that passed", tests.passed, policy["min_passed"])
        counted.append(f"{language} {tests.passed} passed, {tests.skipped} skipped")
    reason("; ".join(counted))
