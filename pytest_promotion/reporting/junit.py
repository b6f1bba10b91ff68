"""
The decision as JUnit XML: what CI systems show as test results.

What is a failure or an error here blocks the promotion, and nothing else is one: a reader that counts them reads the
decision. JUnit has no word for a failure that does not block, so such a gate is skipped, with its reason.

The form is that of Jenkins' junit-10.xsd with three additions that pytest makes too: the attributes `file` and
`line`, and properties of a test case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final
from xml.etree import ElementTree as ET

from pytest_promotion.model import GateResult, Outcome, Severity
from pytest_promotion.reporting.escaping import line, xml
from pytest_promotion.reporting.locations import HERE, Places
from pytest_promotion.text import legible

RUN: Final = "the run itself"  # no gate has a space in its name before its bracket
GATE: Final = "promotion.gate"  # the property that says which gate a test case is
OUTCOME: Final = "promotion.outcome"

# Every gate's report carries one of each, and pytest keeps them until it ends: made once.
_SEVERITIES = {severity: ("promotion.severity", severity.value) for severity in Severity}
_OUTCOMES = {outcome: (OUTCOME, outcome.value) for outcome in Outcome}


def properties(result: GateResult) -> Iterator[tuple[str, str]]:
    """Name and value of each property that the report of a gate has; one for each piece of evidence."""
    yield GATE, legible(result.gate.id)
    yield _SEVERITIES[result.gate.severity]
    yield _OUTCOMES[result.outcome]
    if result.gate.owner:
        yield "promotion.owner", legible(result.gate.owner)
    for item in result.record.exhibits:
        path = legible(item.path)
        yield "promotion.evidence", f"{path} sha256:{item.sha256}" if item.exists else f"{path} absent"


def junit(decision: dict[str, Any], places: Places = HERE) -> bytes:
    """The JUnit report of a decision document: one suite for the gates, one for the run itself."""
    gates = ET.Element("testsuite", name="promotion gates")
    facts = {
        "status": decision["status"],
        "kind": decision["kind"],
        "scope": decision["scope"],
        "profile": decision["profile"],
        "run_id": decision["run_id"],
        "evidence_bundle_id": decision["evidence_bundle"]["evidence_bundle_id"],
    }
    gates.append(_properties((f"promotion.{name}", value) for name, value in facts.items()))
    cases = Cases(decision, places)
    gates.extend(map(cases.of_gate, decision["checks"]))
    run = ET.Element("testsuite", name="promotion run")
    run.append(cases.of_run())
    suites = ET.Element("testsuites", name="promotion")
    for suite in (gates, run):
        suite.set("timestamp", datetime.fromisoformat(decision["ts_utc"]).isoformat(timespec="seconds"))
        suite.set("time", f"{sum(float(case.get('time', 0)) for case in suite.iter('testcase')):.3f}")
        count(suite)
        suites.append(suite)
    for name in ("tests", "failures", "errors"):
        suites.set(name, str(sum(int(suite.get(name, 0)) for suite in (gates, run))))
    ET.indent(suites)
    return written(suites)


def written(root: ET.Element) -> bytes:
    """*root* as a file."""
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def count(suite: ET.Element) -> None:
    """Sets the counts of *suite* to what its test cases are."""
    cases = list(suite.iter("testcase"))
    suite.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))


class Cases:
    """The test cases of one decision."""

    def __init__(self, decision: dict[str, Any], places: Places = HERE) -> None:
        self._decision = decision
        self._places = places
        self._blocking = frozenset(decision["critical_failures"])
        self._warnings = frozenset(decision["warnings"])
        self._artifacts = {item["path"]: item for item in decision["evidence_bundle"]["artifacts"]}

    def of_gate(self, check: dict[str, Any]) -> ET.Element:
        """The test case of one gate."""
        path, *classes = check["nodeid"].partition("[")[0].split("::")[:-1] or ["promotion"]
        classname = ".".join([path.removesuffix(".py").replace("/", "."), *classes])
        case = _case(classname, check["name"], check["duration_s"])
        file, number = self._places.of_check(check)
        if file:
            case.set("file", xml(file))
            case.set("line", str(number))
        case.append(_properties(self._facts(check)))
        shown = self.shown_as(check)
        if shown is not None:
            case.append(shown)
        return case

    def of_run(self) -> ET.Element:
        """A test case that fails where something other than a gate is against the promotion."""
        case = _case("promotion", RUN, 0)
        reasons = [line(reason) for reason in run_reasons(self._decision)]
        if reasons:
            case.append(_bad("failure", self._decision["status"], "; ".join(reasons), "\n".join(reasons)))
        return case

    def shown_as(self, check: dict[str, Any]) -> ET.Element | None:
        """The child of a test case that says how its gate did not pass; None for one that passed."""
        outcome = check["outcome"]
        if outcome == "PASS":
            return None
        reason = line(check["reason"]) or "no reason is given"
        if check["name"] in self._blocking:
            tag = "error" if outcome == "ERROR" else "failure"
            return _bad(tag, outcome, f"{outcome}: {reason}", self._details(check))
        if outcome == "WAIVED":
            reason += "".join(
                f"; accepted until {one['expires'][:19]}Z: {line(one['reason'])}"
                for one in self._decision["waivers"]
                if one["gate"] == check["name"]
            )
        warning = "warning: " if check["name"] in self._warnings else ""
        return _bad("skipped", outcome, f"{warning}{outcome}: {reason}", self._details(check))

    def _details(self, check: dict[str, Any]) -> str:
        """What an owner needs: some readers show the text of a failure and not its message."""
        lines = [f"{check['outcome']} {check['name']} ({check['severity']}): {line(check['reason'])}"]
        lines += [f"{name}: {line(check[name])}" for name in ("owner", "fix") if check[name]]
        if check["nodeid"]:
            lines.append(f"at: {line(check['nodeid'])}" + (f" line {check['line']}" if check.get("line") else ""))
        lines += [f"evidence: {text}" for text in self._evidence(check)]
        return "\n".join(lines)

    def _facts(self, check: dict[str, Any]) -> Iterator[tuple[str, str]]:
        yield GATE, check["name"]
        yield "promotion.severity", check["severity"]
        yield OUTCOME, check["outcome"]
        if check["owner"]:
            yield "promotion.owner", check["owner"]
        for text in self._evidence(check):
            yield "promotion.evidence", text

    def _evidence(self, check: dict[str, Any]) -> Iterator[str]:
        for path in check["evidence_paths"]:
            item = self._artifacts.get(path)
            yield f"{line(path)} sha256:{item['sha256']}" if item and item["exists"] else f"{line(path)} absent"


def run_reasons(decision: dict[str, Any]) -> list[str]:
    """Why the decision may not be acted on, beside the gates that block."""
    names = decision["critical_failures"]
    of_gates = legible(f" critical gates did not pass: {', '.join(names)}")
    reasons = [reason for reason in decision["reasons"] if not (names and reason.endswith(of_gates))]
    if decision["kind"] != "decision":
        reasons.append(f"a {decision['kind']} is no decision to act on")
    if decision["status"] != "PASS" and not names and not reasons:
        reasons.append(f"the decision is {decision['status']}")
    return reasons


def _case(classname: str, name: str, seconds: float) -> ET.Element:
    return ET.Element("testcase", classname=xml(classname), name=xml(line(name)), time=f"{seconds:.3f}")


def _properties(pairs: Iterable[tuple[str, str]]) -> ET.Element:
    element = ET.Element("properties")
    for name, value in pairs:
        ET.SubElement(element, "property", name=name, value=xml(line(value)))
    return element


def _bad(tag: str, kind: str, message: str, text: str) -> ET.Element:
    element = ET.Element(tag, type=kind, message=xml(message))
    element.text = xml(text)
    return element
