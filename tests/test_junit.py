"""The decision as JUnit, and pytest's own JUnit file after it: what a CI system counts is what was decided."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from pytest_promotion.model import Absence, Outcome, Requested
from pytest_promotion.reporting.junit import RUN, junit
from pytest_promotion.reporting.locations import Places
from pytest_promotion.reporting.pytest_junit import corrected
from tests.decisions import decided, gate, seen
from tests.test_render import HOSTILE_DECISIONS, mixed

# The rules of Jenkins' junit-10.xsd: the attributes and the children that each element may have, and the attributes
# that it has to have. In braces what pytest adds to it, and so do we.
SCHEMA = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}, set()),
    "testsuite": (
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
    ),
    "testcase": (
        {"name", "time", "classname", "group"} | {"file", "line"},
        {"skipped", "error", "failure", "system-out", "system-err"} | {"properties"},
        {"name"},
    ),
    "failure": ({"type", "message"}, set(), set()),
    "error": ({"type", "message"}, set(), set()),
    "skipped": ({"type", "message"}, set(), set()),
    "system-out": (set(), set(), set()),
    "properties": (set(), {"property"}, set()),
    "property": ({"name", "value"}, set(), {"name", "value"}),
}
TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


def valid(content):
    """The file, which keeps the rules and whose counts are those of its test cases."""
    root = ET.fromstring(content)
    for element in root.iter():
        attributes, children, required = SCHEMA[element.tag]
        assert required <= set(element.attrib) <= attributes, (element.tag, element.attrib)
        assert {child.tag for child in element} <= children, element.tag
    for suite in root.iter("testsuite"):
        assert TIME.fullmatch(suite.get("time", ""))
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(name)) == sum(case.find(tag) is not None for case in cases)
    return root


def shown(root):
    """What each test case is: the element that says so, its type and its message."""
    found = {}
    for case in root.iter("testcase"):
        bad = [child for child in case if child.tag in ("failure", "error", "skipped")]
        assert len(bad) <= 1
        assert case.get("name") not in found
        found[case.get("name")] = (bad[0].tag, bad[0].get("type"), bad[0].get("message")) if bad else None
    return found


def against(root):
    """How many test cases a reader counts as not passed."""
    return sum(case.find(tag) is not None for case in root.iter("testcase") for tag in ("failure", "error"))


class TestJunit:
    """The file of our own."""

    def test_outcomes_are_shown_by_one_table(self):
        """A gate that blocks and is not red, or one that does not block and is, contradicts the decision."""
        found = shown(valid(junit(mixed())))
        assert {name: one and one[:2] for name, one in found.items()} == {
            "pass": None,
            "seen": None,
            "fail": ("failure", "FAIL"),
            "error": ("error", "ERROR"),
            "inconclusive": ("failure", "INCONCLUSIVE"),
            "not_run": ("failure", "NOT_RUN"),
            "missing": ("failure", "NOT_RUN"),
            "slow": ("skipped", "FAIL"),
            "waived": ("skipped", "WAIVED"),
            "not_applicable": ("skipped", "NOT_APPLICABLE"),
            RUN: None,
        }
        assert found["slow"][2] == "warning: FAIL: slow is not good"
        assert found["fail"][2] == "FAIL: fail is not good"

    def test_the_counts_are_those_of_the_decision(self):
        """Four failures beside eight blocking gates are two answers to one question."""
        decision = mixed()
        root = valid(junit(decision))
        gates, run = root
        assert int(gates.get("tests")) == len(decision["checks"])
        assert int(gates.get("failures")) + int(gates.get("errors")) == len(decision["critical_failures"])
        assert (root.get("failures"), run.get("failures")) == (gates.get("failures"), "0")

    @pytest.mark.parametrize(
        ("decision", "count"),
        [
            (decided(gate("a")), 0),
            (decided(gate("a"), gate("b", "FAIL", severity="warning")), 0),
            (decided(gate("a"), gate("b", "WAIVED")), 0),
            (decided(gate("a"), gate("b", "FAIL"), gate("c", "ERROR")), 2),
            (decided(gate("a"), gate("b", "PASS", requires=("c",)), gate("c", "FAIL")), 2),
            (decided(gate("a"), problems=["the disk was full"]), 1),
            (decided(gate("a"), gate("b", "FAIL"), problems=["the disk was full"]), 2),
            (decided(gate("a", "FAIL", severity="warning")), 1),
            (decided(), 1),
            (decided(gate("a"), as_of=True), 1),
            (decided(gate("a"), gate("b", "NOT_RUN", absent=Absence.NOT_ASKED)), 1),
            (decided(gate("a"), requested=Requested.PARTS), 1),
        ],
        ids="pass warning waived fail requires problem both no-critical empty replay partial parts".split(),
    )
    def test_nothing_failed_means_pass(self, decision, count):
        """A file without a failure is taken for a PASS, whatever the decision beside it says."""
        assert against(valid(junit(decision))) == count
        assert (count == 0) == (decision["status"] == "PASS" and decision["kind"] == "decision")

    def test_a_gate_has_its_facts(self):
        """A red gate without an owner and its evidence is everybody's problem."""
        decision = decided(gate("a", "FAIL", owner="ops", fix="run it", record=seen("data/a.json")))
        [case] = [one for one in valid(junit(decision, Places(gates="sub"))).iter("testcase") if one.get("name") == "a"]
        assert {key: case.get(key) for key in ("classname", "file", "line")} == {
            "classname": "gates.test_all",
            "file": "sub/gates/test_all.py",
            "line": "7",
        }
        assert {one.get("name"): one.get("value") for one in case.iter("property")} == {
            "promotion.gate": "a",
            "promotion.severity": "critical",
            "promotion.outcome": "FAIL",
            "promotion.owner": "ops",
            "promotion.evidence": f"data/a.json sha256:{'ab' * 32}",
        }
        assert "owner: ops\nfix: run it\n" in case.find("failure").text

    def test_a_waiver_says_why_and_until_when(self):
        """Skipped without a reason is forgotten."""
        waiver = {"gate": "waived", "reason": "the vendor is late", "expires": "2026-03-01T00:00:00+00:00"}
        message = shown(valid(junit(mixed() | {"waivers": [waiver]})))["waived"][2]
        assert message == "WAIVED: waived is not good; accepted until 2026-03-01T00:00:00Z: the vendor is late"

    def test_characters_that_xml_does_not_have_are_codes(self):
        """One of them, and no reader opens the file: the red gate is shown nowhere."""
        decision = decided(gate("a", "FAIL"))
        decision["checks"][0] |= {"reason": "\x00\x1b[31m\ufffe\ud800 <&\"'>", "owner": "\x08"}
        decision["reasons"] = ["\x0b"]
        message = shown(valid(junit(decision)))["a"][2]
        assert message == "FAIL: \\x00\\x1b[31m\\xfffe\\xd800 <&\"'>"

    @settings(max_examples=60, deadline=None)
    @given(decision=HOSTILE_DECISIONS)
    def test_every_decision_keeps_the_rules(self, decision):
        """A report that is refused is a red gate that no dashboard shows."""
        root = valid(junit(decision))
        assert bool(against(root)) == (decision["status"] != "PASS")
        assert sum(int(suite.get("tests")) for suite in root) == len(decision["checks"]) + 1


PYTEST = """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1"
failures="2" skipped="0" tests="6" time="0.1" timestamp="2026-02-22T12:47:36+00:00" hostname="here">
<testcase classname="x.gates.test_all" name="test_rests" time="0.01"><properties>
  <property name="promotion.gate" value="rests"/><property name="promotion.outcome" value="PASS"/></properties></testcase>
<testcase classname="x.gates.test_all" name="test_slow"><failure message="slow">the traceback</failure>
  <system-out>output</system-out></testcase>
<testcase classname="x.gates.test_all" name="test_cause"><failure message="no">one</failure></testcase>
<testcase classname="x.gates.test_all" name="test_cause"><error message="teardown">two</error></testcase>
<testcase classname="x.tests.test_unit" name="test_unit"><failure message="unit">unit</failure></testcase>
<testcase classname="x.gates.test_all" name="test_good"/>
</testsuite></testsuites>"""


class TestPytestsFile:
    """What `--junitxml` has named."""

    DECISION = decided(
        gate("rests", requires=("cause",)),
        gate("cause", "FAIL"),
        gate("slow", "FAIL", severity="warning"),
        gate("good"),
        gate("missing", "NOT_RUN", nodeid="", absent=Absence.NOT_COLLECTED),
    )

    def test_gates_get_the_outcomes_of_the_decision(self):
        """A gate that rests on one that failed is a success to pytest."""
        root = valid(corrected(PYTEST.encode(), self.DECISION, "x"))
        assert {name: one and one[:2] for name, one in shown(root).items()} == {
            "test_rests": ("failure", "INCONCLUSIVE"),
            "test_slow": ("skipped", "FAIL"),
            "test_cause": ("failure", "FAIL"),
            "test_unit": ("failure", None),
            "test_good": None,
            "missing": ("failure", "NOT_RUN"),
        }
        [outcome] = [one.get("value") for one in root.iter("property") if one.get("name") == "promotion.outcome"][:1]
        assert outcome == "INCONCLUSIVE"

    def test_what_pytest_wrote_is_still_there(self):
        """The traceback is in no other file of CI."""
        root = ET.fromstring(corrected(PYTEST.encode(), self.DECISION, "x"))
        texts = {case.get("name"): "".join(case.itertext()) for case in root.iter("testcase")}
        assert "the traceback" in texts["test_slow"]
        assert "output" in texts["test_slow"]
        assert "one\n\ntwo" in texts["test_cause"]
        assert texts["test_unit"] == "unit"

    def test_a_run_that_broke_is_a_failure(self):
        """Every gate passed and the decision is FAIL: nothing in the file would say so."""
        decision = decided(gate("good"), problems=["the worker gw0 died"])
        passed = ET.fromstring(PYTEST)
        for case in passed.findall(".//testcase")[:-1]:
            passed.find("testsuite").remove(case)
        root = valid(corrected(ET.tostring(passed), decision, "x"))
        assert shown(root)[RUN] == ("failure", "FAIL", "the worker gw0 died")

    def test_a_pass_adds_nothing(self):
        """A test case more is a test case that no one knows."""
        passed = ET.fromstring(PYTEST)
        for case in passed.findall(".//testcase")[:-1]:
            passed.find("testsuite").remove(case)
        assert shown(valid(corrected(ET.tostring(passed), decided(gate("good")), "x"))) == {"test_good": None}

    @pytest.mark.parametrize("content", [b"", b"<html/>", b"<testsuites>"])
    def test_what_is_no_junit_file_is_refused(self, content):
        """A file that was not corrected may say anything."""
        with pytest.raises(ValueError, match=r"."):
            corrected(content, self.DECISION)


GATES = """
import os
import pytest


@pytest.mark.critical(requires=["cause"])
def test_rests(artifact, measure):
    measure.at_least("score", artifact("evidence/good.json")["score"], 0.5)


@pytest.mark.critical
def test_cause(artifact, measure):
    measure.at_least("score", artifact("evidence/good.json")["score"], 0.95)


@pytest.mark.critical
def test_vacuous(artifact):
    artifact("evidence/good.json")
    assert (False, "never")


@pytest.mark.critical
@pytest.mark.parametrize("case", ["a::b", "c[d]/e.py"])
def test_parameters(measure, case):
    measure.equals("case", case, "a::b")


@pytest.mark.warning
def test_slow(measure):
    measure.at_most("seconds", 31, 20)
"""


def read(place):
    """pytest's file after a session, with its test cases by name."""
    content = (place.path / "junit.xml").read_bytes()
    return content, valid(content)


@pytest.mark.slow
class TestSessions:
    """What is on the disk after a session with `--junitxml`."""

    @pytest.mark.parametrize(
        "options",
        [(), ("-n2",), ("-o", "junit_family=xunit1"), ("--junitprefix=pre",)],
        ids=["alone", "workers", "xunit1", "prefix"],
    )
    def test_no_blocking_gate_is_a_success(self, good_place, options):
        """CI shows this file, and nothing else."""
        good_place.write(test_all=GATES)
        good_place.file(
            "promotion.yaml", {"version": 1, "required": ["good", "rests", "cause", "vacuous", "parameters", "none"]}
        )
        good_place.run("--junitxml=junit.xml", *options)
        content, root = read(good_place)
        decision = good_place.latest()
        found = shown(root)
        assert {name: one and one[0] for name, one in found.items()} == {
            "test_good": None,
            "test_rests": "failure",
            "test_cause": "failure",
            "test_vacuous": "failure",
            "test_parameters[a::b]": None,
            "test_parameters[c[d]/e.py]": "failure",
            "test_slow": "skipped",
            "none": "failure",
        }
        assert against(root) == len(decision["critical_failures"]) == 5
        assert decision["attachments"][0]["sha256"] == sha256(content).hexdigest()
        assert "gates/test_all.py:13: GateFailed" in "".join(root.itertext()).replace("\\", "/")

    def test_a_pass_has_no_failure(self, good_place):
        """A warning gate that failed does not block, and a red file blocks."""
        warning = "import pytest\n\n@pytest.mark.warning\ndef test_slow(measure):\n    measure.at_most('s', 31, 20)\n"
        done = good_place.write(test_slow=warning).run("--junitxml=junit.xml", "--promotion-junit=own.xml")
        assert (done.ret, good_place.latest()["status"]) == (0, "PASS")
        for root in (read(good_place)[1], valid((good_place.path / "own.xml").read_bytes())):
            assert against(root) == 0

    def test_a_worker_that_died_leaves_an_error(self, good_place):
        """A gate that never ended has no properties, and must not be there twice."""
        good_place.write(test_kills="import os, pytest\n\n@pytest.mark.critical\ndef test_kills():\n    os._exit(0)\n")
        good_place.run("--junitxml=junit.xml", "-n1")
        found = shown(read(good_place)[1])
        assert found["test_kills"][:2] == ("error", "ERROR")
        assert found[RUN][0] == "failure"

    def test_a_tear_down_that_failed_is_one_test_case(self, good_place):
        """pytest writes two for it, and CI counts two."""
        good_place.write(
            test_two="import pytest\n\n@pytest.fixture\ndef broken():\n    yield\n    raise ValueError('left open')\n\n"
            "@pytest.mark.critical\ndef test_two(broken, measure):\n    measure.at_least('x', 1, 2)\n"
        )
        good_place.run("--junitxml=junit.xml")
        assert against(read(good_place)[1]) == 1

    @pytest.mark.parametrize("option", ["--promotion-sarif=taken", "--promotion-reports=taken"])
    def test_a_decision_that_changed_is_in_the_file(self, good_place, option):
        """Every gate passed, and then the disk was full."""
        good_place.file("taken" if "reports" in option else "taken/x", "")
        done = good_place.run("--junitxml=junit.xml", option)
        assert done.ret != 0
        if "sarif" in option:
            assert shown(read(good_place)[1])[RUN][0] == "failure"

    def test_other_tests_stay_as_they_are(self, good_place):
        """A unit test beside the gates is pytest's business."""
        good_place.file("tests/test_unit.py", "def test_unit():\n    assert 1 == 2\n")
        good_place.run("tests", "--junitxml=junit.xml")
        found = shown(read(good_place)[1])
        assert found["test_unit"][0] == "failure"
        assert found["test_good"] is None

    def test_a_share_of_the_gates_is_not_corrected(self, good_place):
        """A shard decides nothing: the gate that others rest on may be in another one."""
        good_place.write(test_all=GATES)
        good_place.run("--junitxml=junit.xml", "--promotion-shard=1/1", "--promotion-run-id=r")
        assert shown(read(good_place)[1])["test_rests"] is None


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_in_the_table_of_the_reference(outcome):
    """A reader of CI looks up why a gate is grey."""
    page = (Path(__file__).parents[1] / "docs/reference/outcomes.md").read_text(encoding="utf-8")
    table = page.partition("## In the reports of others")[2]
    assert f"`{outcome.value}`" in table
