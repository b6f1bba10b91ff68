"""The decision as lines for a terminal: what is wrong, who mends it and how, then one line that counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_MARKUP = {
    "PASS": {"green": True},
    "WAIVED": {"yellow": True},
    "PARTIAL": {"yellow": True},
    "NOT_RUN": {"yellow": True},
}
RED = {"red": True}


def summary(decision: dict[str, Any]) -> Iterator[tuple[str, dict[str, bool]]]:
    """The lines below the heading, each with its colours. A decision without blemish has none."""
    checks = {check["name"]: check for check in decision["checks"]}
    for name in decision["critical_failures"]:
        yield from _blocking(checks[name], RED)
    for name in decision["warnings"]:
        yield from _blocking(checks[name], {"yellow": True})
    for waiver in decision["waivers"]:
        yield f"WAIVED {waiver['gate']} ({waiver['severity']}): {checks[waiver['gate']]['reason']}", {"yellow": True}
        approvers = ", ".join(who["name"] for who in waiver["approvers"])
        yield f"    accepted until {waiver['expires'][:19]}Z by {approvers}: {waiver['reason']}", {}
    for name in decision["not_applicable"]:
        yield f"NOT_APPLICABLE {name}: {checks[name]['reason']}", {}
    for reason in decision["reasons"]:
        yield f"why not: {reason}", {}
    if decision["without_evidence"]:
        yield (
            f"without evidence: {', '.join(decision['without_evidence'])} passed and recorded nothing to rest on",
            {"yellow": True},
        )
    for weaker in decision["weakened"]:
        yield f"weakened: {weaker}", {"yellow": True}
    if decision["valid_until"]:
        until = decision["valid_until"]
        yield f"valid until {until['ts_utc'][:19]}Z, when {until['because']}", {}


def verdict(decision: dict[str, Any], path: str) -> tuple[str, dict[str, bool]]:
    """The last line: the status and where to read on."""
    checks = [check for check in decision["checks"] if check["outcome"] != "NOT_APPLICABLE"]
    passed = sum(check["pass"] for check in checks)
    replayed = ", a replay" if decision["kind"] == "replay" else ""
    waivers = len(decision["waivers"])
    waived = f", {waivers} of them by waiver" if waivers else ""
    count = len(decision["warnings"])
    warned = f", {count} warning{'s' if count > 1 else ''} to review" if count else ""
    scope = "" if decision["scope"] == "full" else f"; scope {decision['scope']}"
    bundle = decision["evidence_bundle"]["evidence_bundle_id"][:12]
    status = decision["status"]
    apart = len(decision["not_applicable"])
    not_applicable = f", {apart} not applicable" if apart else ""
    gates = f"{passed} of {len(checks)} gates passed{waived}{not_applicable}{warned}{scope}"
    line = f"promotion: {status} ({gates}; profile {decision['profile']}{replayed})"
    if path:
        line += f" evidence {bundle} {path}"
    return line, {"bold": True, **_MARKUP.get(status, RED)}


def _blocking(check: dict[str, Any], markup: dict[str, bool]) -> Iterator[tuple[str, dict[str, bool]]]:
    yield f"{check['outcome']} {check['name']} ({check['severity']}): {check['reason']}", markup
    if check["owner"]:
        yield f"    owner: {check['owner']}", {}
    if check["fix"]:
        yield f"    fix:   {check['fix']}", {}
