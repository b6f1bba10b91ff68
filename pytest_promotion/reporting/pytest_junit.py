"""
pytest's own JUnit file, corrected after the decision.

pytest writes down how each test ended. What a gate rests on, whether it can fail, and whether its failure blocks is
known only when all of them have ended, so that pytest shows gates as successes that the decision counts against the
promotion. The test cases of gates get the outcomes of the decision, with the rule of `reporting.junit`; all others stay
as they are.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from pytest_promotion import atomic
from pytest_promotion.reporting.escaping import xml
from pytest_promotion.reporting.junit import GATE, OUTCOME, Cases, count, written

_BAD: Final = ("failure", "error", "skipped")  # children of a test case that did not pass


class PytestReport:
    """The file that `--junitxml` names: corrected each time from what pytest wrote."""

    name = "JUnit file of pytest"

    def __init__(self, path: Path, prefix: str, since: float) -> None:
        """A file that was last changed before the moment *since* is of another session, and stays as it is."""
        self._path = Path(os.path.realpath(path))
        self._prefix = prefix
        self._since = since
        self._content: bytes | None = None

    def correct(self, decision: dict[str, Any]) -> None:
        """
        Gives its gates the outcomes of *decision*.

        A file that is not there or is no regular one is left to those who miss it. Raises `OSError` and `ValueError`.
        """
        if self._content is None:
            if not self._path.is_file() or self._path.stat().st_mtime < self._since:
                return
            self._content = self._path.read_bytes()
        content = corrected(self._content, decision, self._prefix)
        atomic.write(self._path, content, mode=stat.S_IMODE(self._path.stat().st_mode))


def corrected(report: bytes, decision: dict[str, Any], prefix: str = "") -> bytes:
    """
    The JUnit file *report* with the outcomes of *decision*.

    Args:
        prefix: what `--junitprefix` puts before the name of each class.

    Raises:
        ValueError: where *report* is no JUnit file.
    """
    root = _parsed(report)
    suites = [root] if root.tag == "testsuite" else list(root.iter("testsuite"))
    if not suites:
        raise ValueError("it has no test suite")
    cases = Cases(decision)
    found = _by_gate(suites, decision, prefix)
    for check in decision["checks"]:
        for number, (suite, case) in enumerate(found.get(check["name"], ())):
            if number:  # pytest writes a second one for a tear-down that failed after the gate
                suite.remove(case)
            else:
                _correct(case, check, cases, [other for _, other in found[check["name"]]])
    suite = suites[0]
    if decision["status"] != "PARTIAL":  # a partial run leaves gates out on purpose
        suite.extend(cases.of_gate(check) for check in decision["checks"] if check["name"] not in found)
    if decision["status"] == "FAIL":
        of_run = cases.of_run()
        if of_run.find("failure") is not None:
            suite.append(of_run)
    for one in suites:
        count(one)
    return written(root)


def _parsed(report: bytes) -> ET.Element:
    try:
        return ET.fromstring(report)  # noqa: S314 - this process has written it
    except ET.ParseError as problem:
        raise ValueError(str(problem)) from None


def _by_gate(
    suites: list[ET.Element], decision: dict[str, Any], prefix: str
) -> dict[str, list[tuple[ET.Element, ET.Element]]]:
    """The test cases of each gate with their suites: by its property, and by its node id where the gate never ended."""
    names = {_address(check["nodeid"], prefix): check["name"] for check in decision["checks"] if check["nodeid"]}
    found: dict[str, list[tuple[ET.Element, ET.Element]]] = {}
    for suite in suites:
        for case in suite.findall("testcase"):
            # The last one is the plugin's: a gate may record a property of the same name before.
            address = case.get("classname", ""), case.get("name", "")
            name = next(reversed(_values(case, GATE)), None) or names.get(address)
            if name is not None:
                found.setdefault(name, []).append((suite, case))
    return found


def _address(nodeid: str, prefix: str) -> tuple[str, str]:
    """What pytest calls the class and the test case of a node id."""
    place, bracket, parameters = nodeid.partition("[")
    path, *names = place.split("::")
    classes = [*([prefix] if prefix else []), path.replace("/", ".").removesuffix(".py"), *names[:-1]]
    return ".".join(classes), xml("".join([*names[-1:], bracket, parameters]))


def _values(case: ET.Element, name: str) -> list[str]:
    return [item.get("value", "") for item in case.iter("property") if item.get("name") == name]


def _correct(case: ET.Element, check: dict[str, Any], cases: Cases, reported: list[ET.Element]) -> None:
    shown = cases.shown_as(check)
    texts = [child.text for one in reported for child in one if child.tag in _BAD and child.text]
    for child in [child for child in case if child.tag in _BAD]:
        case.remove(child)
    if shown is not None:
        # With pytest's own text below: the traceback is there and nowhere else in this file.
        shown.text = "\n\n".join([shown.text or "", *texts])
        case.append(shown)
    for item in case.iter("property"):
        if item.get("name") == OUTCOME:
            item.set("value", check["outcome"])
