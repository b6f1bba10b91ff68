"""The gate for unit tests: what it reads of each language, and that it cannot pass on nothing."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.readers.test_facts import suite

pytestmark = pytest.mark.slow
GATES = Path(__file__).parents[2] / "gates" / "deployment"
NOW = datetime.now(UTC)
CASE = '<testcase name="a"/>'


def report(*cases, at=NOW, **attributes):
    return suite(*cases, timestamp=at.isoformat(), **attributes)


@pytest.fixture
def judged(place):
    """`judged()`: the outcome and the reason of the gate, in a project with these files."""
    (place.path / "gates").mkdir(exist_ok=True)
    for name in ("test_units.py", "conftest.py"):
        shutil.copy(GATES / name, place.path / "gates" / name)
    rules = yaml.safe_load((GATES / "promotion.yaml").read_text())
    of_this = {"unit_tests": rules["gates"]["unit_tests"]}
    policy = rules | {"required": ["unit_tests"], "gates": of_this}
    place.file("promotion.yaml", yaml.safe_dump(policy))

    def judge():
        done = place.run()
        [check] = place.latest()["checks"]
        assert (done.ret == 0) == (check["outcome"] == "PASS"), check
        return check["outcome"], check["reason"]

    judge.file = place.file
    return judge


def test_a_project_of_one_language_needs_its_report_alone(judged):
    """A service without JavaScript could never pass."""
    judged.file("service/app.py", "X = 1\n")
    judged.file("reports/tests/pytest.xml", report(CASE, CASE))
    assert judged() == ("PASS", "Python 2 passed, 0 skipped")
    judged.file("web/src/app.js", "let x = 1\n")
    outcome, why = judged()
    assert (outcome, "npm.xml is missing" in why) == ("INCONCLUSIVE", True), why
    judged.file("reports/tests/npm.xml", report(CASE))
    assert judged() == ("PASS", "Python 2 passed, 0 skipped; JavaScript 1 passed, 0 skipped")


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (report(CASE, '<testcase name="b"><failure/></testcase>'), "FAIL"),
        (report('<testcase name="b"><skipped/></testcase>'), "FAIL"),
        (report(CASE, errors=1), "FAIL"),
        (report(CASE, at=NOW - timedelta(days=3)), "FAIL"),
        (suite(CASE), "INCONCLUSIVE"),
        (report(), "INCONCLUSIVE"),
        (report(CASE, tests=9), "INCONCLUSIVE"),
    ],
    ids=range(7),
)
def test_tests_that_did_not_pass_are_no_pass(judged, content, outcome):
    """A module that cannot be loaded, tests that were skipped, and a report of last week."""
    judged.file("service/app.py", "X = 1\n")
    judged.file("reports/tests/pytest.xml", content)
    assert judged()[0] == outcome


def test_a_project_without_code_is_no_pass(judged):
    """Nothing was tested there."""
    outcome, why = judged()
    assert (outcome, "nothing was tested" in why) == ("FAIL", True), why
