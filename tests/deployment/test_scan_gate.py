"""The gate for scans: when they were made, what they looked for, what is excused, and by which word of the policy."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from pytest_promotion.provenance.producing import Order, recording
from tests.scans.test_formats import OS, grype, match
from tests.scans.test_scans import snyk, trivy, vulnerability

pytestmark = pytest.mark.slow
GATES = Path(__file__).parents[2] / "gates" / "deployment"
NOW = datetime.now(UTC)
SCAN = "reports/scans/trivy.json"
YOUNG = vulnerability(published=(NOW - timedelta(days=2)).isoformat())
IGNORED = {"Type": "vulnerability", "Status": "ignored", "Source": ".trivyignore", "Finding": vulnerability()}
KNOWN = {
    "scanned_at": (NOW - timedelta(minutes=5)).isoformat(),
    "scanned_at_because": "the job of the nightly scan ended then",
}


@pytest.fixture
def judged(place):
    """`judged(document, **thresholds)`: the outcome and the reason of the gate for one scan."""
    (place.path / "gates").mkdir(exist_ok=True)
    for name in ("test_supply.py", "conftest.py"):
        shutil.copy(GATES / name, place.path / "gates" / name)
    rules = yaml.safe_load((GATES / "promotion.yaml").read_text())
    of_these = {name: rules["gates"][name] for name in ("security_scan", "infrastructure_plan")}
    rules |= {"required": ["security_scan"], "gates": of_these}

    def judge(document, **thresholds):
        of_these["security_scan"]["thresholds"] |= thresholds
        place.file("promotion.yaml", yaml.safe_dump(rules))
        if document is not None:
            place.file(SCAN, document)
        place.run("-k", "security_scan")
        checks = (
            {check["name"]: check for check in place.latest()["checks"]}
            if (place.folder / "latest.json").exists()
            else {}
        )
        found = checks.get("security_scan", {"outcome": "NONE", "reason": ""})
        return found["outcome"], found["reason"]

    judge.place = place
    return judge


def fresh(**more):
    return trivy(CreatedAt=NOW.isoformat(), **more)


@pytest.mark.parametrize(
    ("document", "thresholds", "outcome", "message"),
    [
        (fresh(), {}, "PASS", "1 scans, 0 findings"),
        (fresh(Results=[OS | {"Vulnerabilities": [YOUNG]}]), {}, "FAIL", "1 critical findings"),
        (fresh(Results=[OS | {"Vulnerabilities": [YOUNG]}]), {"grace": ["critical=7d"]}, "PASS", "known for less than 7d"),
        (fresh(Results=[OS | {"Vulnerabilities": [YOUNG]}]), {"grace": ["critical=1d"]}, "FAIL", "1 critical findings"),
        (fresh(Results=[{"Target": "a", "Class": "secret"}]), {}, "INCONCLUSIVE", "no scan looked for vulnerabilities"),
        (fresh(), {"require": ["vulnerabilities", "secrets"]}, "INCONCLUSIVE", "no scan looked for secrets"),
        (fresh(Results=[OS | {"ExperimentalModifiedFindings": [IGNORED]}]), {}, "PASS", "CVE-2026-1 in musl 1.2.5 (ignored, .trivyignore)"),
        (snyk(), {}, "INCONCLUSIVE", "is undated"),
        (snyk(), KNOWN, "PASS", "1 scans"),
        (snyk(), KNOWN | {"scanned_at": (NOW - timedelta(days=3)).isoformat()}, "FAIL", "time that the policy declares"),
        (trivy(CreatedAt=(NOW - timedelta(days=3)).isoformat()), KNOWN, "FAIL", "old by its time of the scan"),
        (grype(match(), descriptor=grype()["descriptor"] | {"timestamp": NOW.isoformat()}), {}, "FAIL", "CVE-2026-1 in musl 1"),
    ],
    ids=range(12),
)  # fmt: skip
def test_the_gate_says_when_what_and_why(judged, document, thresholds, outcome, message):
    """Snyk could never pass the gate, since it writes no time; a scan for secrets did."""
    found, reason = judged(document, **thresholds)
    assert (found, message in reason) == (outcome, True), reason


def test_a_time_that_is_declared_needs_a_reason(judged):
    """Whoever types a time in says how it is known."""
    assert judged(snyk(), **(KNOWN | {"scanned_at_because": ""}))[0] != "PASS"


def test_a_statement_dates_the_scan_and_binds_it(judged):
    """The time in the policy is right on the day on which it is written."""
    order = Order.of("scan", ["snyk"], ["gates"], [SCAN])
    with recording(order, judged.place.path) as recorded:
        judged.place.file(SCAN, snyk())
        recorded.finish(0)
    assert judged(None)[0] == "PASS"
    assert judged(snyk(dependencyCount=15))[0] == "INCONCLUSIVE"
