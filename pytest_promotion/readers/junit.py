"""What a test run wrote down, in the form of JUnit that every runner can write: what passed, failed, was skipped."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.readers.encodings import decode
from pytest_promotion.readers.xml_files import root_of

_SUITES = ("testsuites", "testsuite")
_BROKEN = {"failure", "error"}  # elements, of a test or of a suite
# What `status` or `result` of a test says, where no element inside it does.
_FAILED = {"failed", "failure", "fail", "error", "errored"}
_NOT_RUN = {"notrun", "skipped", "skip", "suppressed", "disabled", "ignored"}


@dataclass(frozen=True, slots=True)
class Counts:
    """Counted test by test; what a suite says of itself in its attributes counts where it says that more failed."""

    passed: int
    failed: int
    skipped: int
    created: str | None = None  # ISO 8601: when the oldest of its suites began, where each says it with an offset

    @property
    def total(self) -> int:
        """All tests."""
        return self.passed + self.failed + self.skipped


def read_file(content: bytes, origin: str) -> Counts:
    """The counts in the bytes of a JUnit file. Raises `Unproven` for what is none, and where no test is listed."""
    found = read(decode(content, origin), origin)
    if not found.total:
        raise Unproven(f"{origin} lists no test: none of none failed")
    return found


def read(text: str, origin: str) -> Counts:
    """
    The counts in the JUnit file *text*, called *origin*.

    Raises:
        Unproven: for what is none, and where a suite says that it ran more tests than it lists.
    """
    root = root_of(text, origin)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2].lower()
    if root.tag not in _SUITES:
        raise Unproven(f"{origin} is no JUnit file: it starts with <{root.tag}>")
    found = {"passed": 0, "failed": 0, "skipped": 0}
    for case in root.iter("testcase"):
        found[_outcome(case)] += 1
    suites = [suite for suite in root.iter() if suite.tag in _SUITES]
    for suite in suites:
        _refuse_unlisted(suite, origin)
        found["failed"] += sum(1 for child in suite if child.tag in _BROKEN)
    # A file that could not be loaded has no case: the suite says that something failed.
    found["failed"] = max(
        found["failed"], *(_declared(suite, "failures") + _declared(suite, "errors") for suite in suites)
    )
    return Counts(**found, created=_began(suites))


def _outcome(case: ET.Element) -> str:
    inside = {child.tag for child in case}
    words = {case.get(name, "").strip().lower() for name in ("status", "result")}
    if inside & _BROKEN or words & _FAILED:
        return "failed"
    return "skipped" if "skipped" in inside or words & _NOT_RUN else "passed"


def _refuse_unlisted(suite: ET.Element, origin: str) -> None:
    """Refuses half a file. An error while a test is torn down counts as one more test, and has no case of its own."""
    listed = sum(1 for _ in suite.iter("testcase"))
    ran = suite.get("tests", "").strip() or "0"
    if not ran.isdecimal() or len(ran) > 9:
        raise Unproven(f"{origin}: {suite.get('name') or suite.tag} says that it ran {ran!r} tests")
    if int(ran) > listed + _declared(suite, "errors"):
        name = suite.get("name") or suite.tag
        raise Unproven(f"{origin}: {name} says that it ran {ran} tests, and lists {listed}")


def _declared(suite: ET.Element, name: str) -> int:
    """The failures or errors that a suite declares; a number that cannot be read is one."""
    text = suite.get(name, "0").strip() or "0"
    return int(text) if text.isdecimal() and len(text) < 10 else 1


def _began(suites: list[ET.Element]) -> str | None:
    moments = []
    for suite in suites:
        if suite.find("testcase") is None:
            continue
        try:
            moments.append(iso(parse_moment(suite.get("timestamp"))))
        except BadTimestamp:
            return None  # most runners write the time of the machine, and not of which zone
    return min(moments, default=None)
