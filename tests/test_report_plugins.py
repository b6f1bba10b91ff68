"""Beside pytest-html and allure-pytest, the real ones: a failed warning gate is no plain red, and no bad gate is green."""

from __future__ import annotations

import html
import json
import os
import re
from importlib.util import find_spec

import pytest

from tests.test_junit import GATES

pytestmark = pytest.mark.slow

HTML = ("-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin", "-p", "pytest_html.fixtures", "--html=report.html")
ALLURE = ("-p", "allure_pytest.plugin", "--alluredir=allure")


def needs(name):
    """Skips where a developer has not installed *name* yet; in CI a test that is skipped is one that is lost."""
    if find_spec(name) is None and not os.environ.get("CI"):
        pytest.skip(f"{name} is not installed: make test installs it")


@pytest.fixture
def gates(good_place):
    """A project with gates of many outcomes, one of which is owned."""
    owned = GATES.replace("@pytest.mark.warning\n", '@pytest.mark.warning(owner="ops & <co>")\n')
    return good_place.write(test_all=owned)


class TestHtml:
    """pytest-html's table."""

    @pytest.fixture(autouse=True)
    def _installed(self):
        needs("pytest_html")

    def rows(self, place):
        """The cells of each row by the name of its test, and the page."""
        page = (place.path / "report.html").read_text(encoding="utf-8")
        data = json.loads(html.unescape(re.search(r'data-jsonblob="([^"]*)"', page)[1]))
        rows = {
            name.partition("::")[2]: test["resultsTableRow"] for name, found in data["tests"].items() for test in found
        }
        return {name: [re.sub(r"<.*?>", "", cell) for cell in cells] for name, cells in rows.items()}, page

    @pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
    def test_a_column_says_severity_and_outcome(self, gates, workers):
        """Failed is red, whether it blocks or not; passed is green, though the gate cannot fail."""
        gates.run(*HTML, *workers, apart=True)
        found, page = self.rows(gates)
        assert "<th>Promotion</th>" in page
        assert "The decision is in reports/promotion_gates" in page
        assert found["test_slow"][:2] == ["Failed", "warning FAIL"]
        assert found["test_cause"][:2] == ["Failed", "critical FAIL"]
        assert found["test_vacuous"][:2] == ["Passed", "critical INCONCLUSIVE"]
        assert found["test_good"][:2] == ["Passed", "critical PASS"]
        # It ran before the gate that it rests on, or after it.
        assert found["test_rests"][1] in ("critical PASS if cause passes", "critical INCONCLUSIVE")

    def test_what_a_gate_rests_on_is_known_once_it_ended(self, gates):
        """A green row that says PASS is read as one."""
        later = "import pytest\n\n@pytest.mark.critical(requires=['vacuous', 'good'])\ndef test_later(measure):\n"
        gates.write(test_later=f"{later}    measure.at_least('x', 1, 0)\n").run(*HTML, apart=True)
        assert self.rows(gates)[0]["test_later"][:2] == ["Passed", "critical INCONCLUSIVE"]

    def test_other_tests_have_an_empty_cell(self, gates):
        """A row that is one cell short has each value in the wrong column."""
        gates.file("tests/test_unit.py", "def test_unit():\n    pass\n")
        gates.run("tests", *HTML, apart=True)
        found, _ = self.rows(gates)
        assert found["test_unit"][:2] == ["Passed", ""]
        assert len({len(cells) for cells in found.values()}) == 1


class TestAllure:
    """The results that allure-pytest writes."""

    @pytest.fixture(autouse=True)
    def _installed(self):
        needs("allure_pytest")

    def results(self, place):
        """Each result by the name of its test, with its labels as a set of pairs."""
        found = [json.loads(path.read_text(encoding="utf-8")) for path in (place.path / "allure").glob("*-result.json")]
        return {
            result["name"]: result | {"labels": {(label["name"], label["value"]) for label in result["labels"]}}
            for result in found
        }

    @pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
    def test_results_are_those_of_the_decision(self, gates, workers):
        """Each worker writes its own files, and knows nothing of what the others found."""
        gates.run(*ALLURE, *workers, apart=True)
        found = self.results(gates)
        assert {name: result["status"] for name, result in found.items() if "parameters" not in name} == {
            "test_good": "passed",
            "test_rests": "failed",
            "test_cause": "failed",
            "test_vacuous": "failed",
            "test_slow": "skipped",
        }
        assert found["test_slow"]["statusDetails"]["message"] == "warning: FAIL: seconds is 31, expected <= 20"
        assert "measure.at_most" in found["test_slow"]["statusDetails"]["trace"]
        assert found["test_slow"]["labels"] >= {
            ("severity", "minor"),
            ("owner", "ops & <co>"),
            ("tag", "FAIL"),
            ("promotion.gate", "slow"),
            ("promotion.severity", "warning"),
            ("promotion.outcome", "FAIL"),
        }
        assert found["test_rests"]["labels"] >= {("severity", "critical"), ("promotion.outcome", "INCONCLUSIVE")}
        assert "rests on cause" in found["test_rests"]["statusDetails"]["message"]

    def test_a_severity_of_ones_own_stays(self, gates):
        """Who sorts by Allure's severities has chosen them."""
        gates.write(
            test_own="import allure, pytest\n\n@allure.severity(allure.severity_level.BLOCKER)\n@pytest.mark.critical\n"
            "def test_own(measure):\n    measure.at_least('x', 1, 0)\n"
        )
        gates.run(*ALLURE, apart=True)
        labels = self.results(gates)["test_own"]["labels"]
        assert {value for name, value in labels if name == "severity"} == {"blocker"}

    def test_results_of_another_session_stay(self, gates):
        """`--alluredir` adds to a folder, and the gates of an earlier session were judged by another decision."""
        other = gates.file(
            "allure/other-result.json",
            json.dumps(
                {
                    "name": "test_cause",
                    "status": "passed",
                    "labels": [
                        {"name": "promotion.gate", "value": "cause"},
                        {"name": "promotion.run", "value": "another"},
                    ],
                }
            ),
        )
        before = other.read_bytes()
        gates.run(*ALLURE, apart=True)
        assert other.read_bytes() == before

    def test_half_a_result_of_a_killed_session_is_passed_over(self, good_place):
        """Allure does not show it, so nothing contradicts the decision."""
        good_place.file("allure/broken-result.json", "{")
        assert good_place.run(*ALLURE, apart=True).ret == 0
