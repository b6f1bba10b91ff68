"""
The decision as CTRF, the Common Test Report Format.

Its readers count `failed`, so the decision itself is the first test: a report in which nothing failed
is one of a PASS, also where a gate was skipped or the run broke and no gate did.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pytest_promotion.reporting.escaping import line
from pytest_promotion.text import listed

VERSION: Final = "0.0.0"
_REASONS: Final = 10  # in a message; the decision has all of them
DECISION: Final = "promotion decision"  # no gate has a space in its name before its bracket

_STATUS: Final = {
    "PASS": "passed",
    "WAIVED": "other",  # it did not pass: someone accepted that
    "NOT_APPLICABLE": "skipped",
    "NOT_RUN": "skipped",
    "INCONCLUSIVE": "failed",
    "FAIL": "failed",
    "ERROR": "failed",
}


def ctrf(decision: dict[str, Any]) -> dict[str, Any]:
    """The CTRF report of a decision document. It knows when the decision was taken, not when the run began."""
    tests = [_of_decision(decision), *map(_of_check, decision["checks"])]
    counts = dict.fromkeys(("passed", "failed", "skipped", "pending", "other"), 0)
    for test in tests:
        counts[test["status"]] += 1
    taken = round(datetime.fromisoformat(decision["ts_utc"]).timestamp() * 1000)
    return {
        "reportFormat": "CTRF",
        "specVersion": VERSION,
        "runId": decision["run_id"],
        "timestamp": decision["ts_utc"],
        "generatedBy": decision["tool"]["name"],
        "results": {
            "tool": {"name": decision["tool"]["name"], "version": decision["tool"]["version"]},
            "summary": {"tests": len(tests), **counts, "start": taken, "stop": taken},
            "tests": tests,
        },
        "extra": {
            "kind": decision["kind"],
            "scope": decision["scope"],
            "profile": decision["profile"],
            "evidence_bundle_id": decision["evidence_bundle"]["evidence_bundle_id"],
        },
    }


def _of_decision(decision: dict[str, Any]) -> dict[str, Any]:
    passed = decision["status"] == "PASS" and decision["kind"] == "decision"
    said = decision["reasons"] if decision["kind"] == "decision" else ["a replay is no decision to act on"]
    return {
        "name": DECISION,
        "status": "passed" if passed else "failed",
        "rawStatus": decision["status"],
        "duration": 0,
        **({"message": listed(list(map(line, said)), _REASONS, separator="; ")} if said else {}),
        "tags": ["promotion"],
    }


def _of_check(check: dict[str, Any]) -> dict[str, Any]:
    file = check["nodeid"].partition("::")[0]
    test = {
        "name": check["name"],
        "status": _STATUS.get(check["outcome"], "failed"),
        "rawStatus": check["outcome"],
        "duration": round(check["duration_s"] * 1000),
        "message": line(check["reason"]),
        "tags": ["promotion", check["severity"]],
        "labels": {"owner": check["owner"], "fix": check["fix"]},
        "extra": {"evidence": list(check["evidence_paths"]), "requires": list(check["requires"])},
    }
    if file:
        test["filePath"] = file
    if check.get("line"):
        test["line"] = check["line"]
    return test
