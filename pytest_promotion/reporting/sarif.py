"""
The decision as SARIF 2.1.0: what code scanning shows beside the line of a gate.

Only what stands against the promotion is a result, so that a service that ignores `kind` raises no
alert for a gate that passed. A decision that may not be acted on always has a result of its own: no log of
one is ever empty, whatever was cut.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final
from urllib.parse import quote

from pytest_promotion.reporting.escaping import line
from pytest_promotion.reporting.locations import HERE, Places
from pytest_promotion.text import listed

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# GitHub shows so many results of a run and reads so many rules; of what comes after it says nothing.
RESULTS: Final = 5_000
RULES: Final = 25_000
# A gate id is the name of a function: none has a slash before its bracket.
DECISION: Final = "promotion/decision"


def sarif(decision: dict[str, Any], places: Places = HERE) -> dict[str, Any]:
    """The SARIF log of a decision document."""
    checks = sorted(decision["checks"], key=_urgency)
    rules = [_decision_rule(), *map(_rule, checks)][:RULES]
    against = [check for check in checks if check["outcome"] != "PASS"]
    shown = against[: RESULTS - 1]
    rules_at = {rule["id"]: index for index, rule in enumerate(rules)}
    results = [_of_check(check, decision, places, rules_at) for check in shown]
    if not _may_be_acted_on(decision):
        results.insert(0, _of_decision(decision, places, len(against) - len(shown)))
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": decision["tool"]["name"],
                        "semanticVersion": decision["tool"]["version"],
                        "rules": rules,
                    }
                },
                "automationDetails": {"id": f"promotion/{decision['profile']}/{decision['run_id']}"},
                "invocations": [{"executionSuccessful": True, "endTimeUtc": _utc(decision["ts_utc"])}],
                "artifacts": [_artifact(item) for item in decision["evidence_bundle"]["artifacts"] if item["exists"]],
                "columnKind": "unicodeCodePoints",
                "results": results,
                "properties": {
                    "status": decision["status"],
                    "kind": decision["kind"],
                    "scope": decision["scope"],
                    "evidenceBundleId": decision["evidence_bundle"]["evidence_bundle_id"],
                },
            }
        ],
    }


def _may_be_acted_on(decision: dict[str, Any]) -> bool:
    return bool(decision["status"] == "PASS" and decision["kind"] == "decision")


def _urgency(check: dict[str, Any]) -> tuple[bool, bool]:
    return check["pass"], check["severity"] != "critical"


def _level(check: dict[str, Any]) -> str:
    return "error" if check["severity"] == "critical" else "warning"


def _decision_rule() -> dict[str, Any]:
    said = "Every required gate ran in this run, and every critical one passed."
    return {"id": DECISION, "shortDescription": {"text": said}, "defaultConfiguration": {"level": "error"}}


def _rule(check: dict[str, Any]) -> dict[str, Any]:
    rule = {
        "id": check["name"],
        "shortDescription": {"text": _text(check["rule"]) or _text(check["name"])},
        "defaultConfiguration": {"level": _level(check)},
        "properties": {"tags": ["promotion", check["severity"]]},
    }
    if check["fix"]:
        rule["help"] = {"text": _text(check["fix"])}
    return rule


def _of_decision(decision: dict[str, Any], places: Places, more: int) -> dict[str, Any]:
    said = f"The promotion is {decision['status']}"
    if decision["kind"] != "decision":
        said += f", by a {decision['kind']}, which is no decision to act on"
    said = ": ".join([said, listed(decision["reasons"], separator="; ")] if decision["reasons"] else [said])
    if more:
        said += f"; {more} more gates did not pass and are not listed here"
    result = {
        "ruleId": DECISION,
        "ruleIndex": 0,
        "kind": "fail",
        "level": "error",
        "message": {"text": _text(said)},
        "partialFingerprints": _fingerprint(DECISION),
    }
    return result | _located(*places.of_policy(decision))


def _of_check(
    check: dict[str, Any], decision: dict[str, Any], places: Places, rules_at: dict[str, int]
) -> dict[str, Any]:
    # `open` and `notApplicable` would fit what is inconclusive or has not run, but SARIF allows them no
    # level (3.27.10), and a gate that blocks a promotion would be listed as a remark.
    result = {
        "ruleId": check["name"],
        **({"ruleIndex": rules_at[check["name"]]} if check["name"] in rules_at else {}),
        "kind": "fail",
        "level": _level(check),
        "message": {"text": _text(f"{check['outcome']}: {check['reason'] or 'no reason is given'}")},
        "partialFingerprints": _fingerprint(check["name"]),
        "properties": {"outcome": check["outcome"], "severity": check["severity"], "owner": check["owner"]},
    }
    if check["outcome"] == "WAIVED":
        why = [one["reason"] for one in decision["waivers"] if one["gate"] == check["name"]]
        accepted = {"kind": "external", "status": "accepted", "justification": _text("; ".join(why))}
        result["suppressions"] = [accepted]
    # A required gate that nobody wrote stands where it is asked for.
    file, number = places.of_check(check)
    return result | (_located(file, number) or _located(*places.of_policy(decision)))


def _located(file: str, number: int) -> dict[str, Any]:
    if not file:
        return {}
    where = {"artifactLocation": {"uri": quote(file)}, "region": {"startLine": number}}
    return {"locations": [{"physicalLocation": where}]}


def _artifact(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "location": {"uri": quote(item["path"]), "uriBaseId": "PROMOTION_ROOT"},
        "length": item["size_bytes"],
        "hashes": {"sha-256": item["sha256"]},
    }


def _fingerprint(name: str) -> dict[str, str]:
    # By the gate and not by its reason: an alert stays the same while what it found changes.
    return {"gateId/v1": hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()}


def _utc(moment: str) -> str:
    return moment.replace("+00:00", "Z")


def _text(value: str) -> str:
    """A plain text message: `[a](b)` in it would be a link."""
    return line(value).replace("](", "] (")
