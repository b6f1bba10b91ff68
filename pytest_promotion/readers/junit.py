"""What a test run wrote down, in the form of JUnit that every runner can write: what passed, failed, was skipped."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Final

from pytest_promotion.errors import Unproven

_DECLARES: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)  # what no test run writes, and bombs are made of


@dataclass(frozen=True, slots=True)
class Counts:
    """Counted test by test; what a suite says of itself in its attributes counts where it says that more failed."""

    passed: int
    failed: int
    skipped: int


def read(text: str, origin: str) -> Counts:
    """The counts in the JUnit file *text*, called *origin*. Raises `Unproven` for what is none."""
    if _DECLARES.search(text):
        raise Unproven(f"{origin} declares entities: no test run writes that")
    try:
        root = ET.fromstring(text)  # noqa: S314 - nothing is declared in it
    except ET.ParseError as problem:
        raise Unproven(f"{origin} is not XML: {problem}") from None
    if root.tag not in ("testsuites", "testsuite"):
        raise Unproven(f"{origin} is no JUnit file: it starts with <{root.tag}>")
    found = {"passed": 0, "failed": 0, "skipped": 0}
    for case in root.iter("testcase"):
        inside = {child.tag for child in case}
        outcome = "failed" if inside & {"failure", "error"} else "skipped" if "skipped" in inside else "passed"
        found[outcome] += 1
    # A file that could not be loaded has no case: the suite says that something failed.
    declared = max(_declared(suite) for suite in root.iter() if suite.tag in ("testsuites", "testsuite"))
    found["failed"] = max(found["failed"], declared)
    return Counts(**found)


def _declared(suite: ET.Element) -> int:
    """The failures and errors that a suite declares; one that cannot be read as a number is one."""
    total = 0
    for name in ("failures", "errors"):
        text = suite.get(name, "0").strip() or "0"
        total += int(text) if text.isdecimal() and len(text) < 10 else 1
    return total
