"""The decision as lines for a terminal: what is wrong, who mends it and how, then one line that counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MARKUP = {
    "PASS": {"green": True},
    "WAIVED": {"yellow": True},
    "PARTIAL": {"yellow": True},
    "NOT_RUN": {"yellow": True},
}
RED = {"red": True}
_NAMED = 3  # gates in a line; all are above it


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
    if decision["git"]["dirty"]:
        yield "uncommitted: the working tree differs from the commit that the decision names", {"yellow": True}
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
    block = len(decision["critical_failures"])
    blocks = f", {block} block{'s' if block == 1 else ''}" if block else ""
    count = len(decision["warnings"])
    warned = f", {count} warning{'s' if count > 1 else ''} to review" if count else ""
    scope = "" if decision["scope"] == "full" else f"; scope {decision['scope']}"
    bundle = decision["evidence_bundle"]["evidence_bundle_id"][:12]
    status = decision["status"]
    apart = len(decision["not_applicable"])
    not_applicable = f", {apart} not applicable" if apart else ""
    gates = f"{passed} of {len(checks)} gates passed{waived}{blocks}{not_applicable}{warned}{scope}"
    line = f"promotion: {status} ({gates}; profile {decision['profile']}{replayed})"
    if path:
        line += f" evidence {bundle} {path}"
    return line, {"bold": True, **_MARKUP.get(status, RED)}


def difference(decision: dict[str, Any], tests: Mapping[str, str]) -> str:
    """
    Why pytest's counts are not those of the decision, in one line; "" where nothing is counted differently.

    Args:
        tests: "passed", "skipped" or "failed" by node id, as pytest has counted them.
    """
    blocking = frozenset(decision["critical_failures"])
    groups: dict[str, list[str]] = {}
    for check in decision["checks"]:
        counted = tests.get(check["nodeid"], "")
        if check["outcome"] == "NOT_APPLICABLE":
            continue
        if counted == "passed" and check["outcome"] != "PASS":
            groups.setdefault("passed as a test and not as a gate", []).append(check["name"])
        elif counted == "failed" and check["name"] not in blocking:
            groups.setdefault("failed and does not block", []).append(check["name"])
        elif counted == "skipped" and check["name"] in blocking:
            groups.setdefault("was skipped and blocks", []).append(check["name"])
        elif not counted and check["name"] in blocking:
            groups.setdefault("never ran and blocks", []).append(check["name"])
    found = [f"{what}: {_some(names)}" for what, names in groups.items()]
    return f"pytest counts tests, the promotion counts gates; {'; '.join(found)}" if found else ""


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _blocking(check: dict[str, Any], markup: dict[str, bool]) -> Iterator[tuple[str, dict[str, bool]]]:
    yield f"{check['outcome']} {check['name']} ({check['severity']}): {check['reason']}", markup
    if check["owner"]:
        yield f"    owner: {check['owner']}", {}
    if check["fix"]:
        yield f"    fix:   {check['fix']}", {}
