"""The decision as lines for a terminal: what is wrong, who mends it and how, then one line that counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pytest_promotion.text import listed

MOST: Final = 20  # gates of a kind; the decision has all of them
_LONGEST: Final = 1_000  # characters of a reason
Line = tuple[str, dict[str, bool]]  # with its colours

_MARKUP = {
    "PASS": {"green": True},
    "WAIVED": {"yellow": True},
    "PARTIAL": {"yellow": True},
    "NOT_RUN": {"yellow": True},
}
RED = {"red": True}
_YELLOW = {"yellow": True}


def summary(decision: dict[str, Any]) -> Iterator[Line]:
    """The lines below the heading, each with its colours. A decision without blemish has none."""
    checks = {check["name"]: check for check in decision["checks"]}
    yield from _few(decision["critical_failures"], lambda name: _blocking(checks[name], RED), "critical failures")
    yield from _few(decision["warnings"], lambda name: _blocking(checks[name], _YELLOW), "warnings")
    yield from _few(decision["waivers"], lambda waiver: _waived(waiver, checks), "waivers")
    apart = decision["not_applicable"]
    yield from _few(apart, lambda name: [(f"NOT_APPLICABLE {name}: {checks[name]['reason']}", {})], "not applicable")
    yield from _few(decision["reasons"], lambda reason: [(f"why not: {_short(reason)}", {})], "reasons")
    if decision["without_evidence"]:
        names = listed(decision["without_evidence"])
        yield f"without evidence: {names} passed and recorded nothing to rest on", _YELLOW
    advised = [one for one in decision["unproven"] if checks[one["gate"]]["pass"]]
    yield from _few(advised, _advised, "unproven gates")
    yield from _few(decision["weakened"], lambda weaker: [(f"weakened: {weaker}", _YELLOW)], "weakened settings")
    unused = decision.get("policy_unused", ())
    yield from _few(unused, lambda one: [(f"the policy sets what no gate reads: {one}", _YELLOW)], "unused settings")
    if decision["git"]["dirty"]:
        changes = f": {listed(decision['git']['changes'])}" if decision["git"]["changes"] else ""
        yield f"uncommitted: the working tree differs from the commit that the decision names{changes}", _YELLOW
    if decision["valid_until"]:
        until = decision["valid_until"]
        yield f"valid until {until['ts_utc'][:19]}Z, when {until['because']}", {}


def _advised(one: dict[str, str]) -> Iterator[Line]:
    yield f"unproven: {one['gate']}: {one['because']}", _YELLOW


def _few(items: Sequence[Any], lines: Callable[[Any], Iterable[Line]], kind: str) -> Iterator[Line]:
    """The lines of the first of *items*, and how many more there are."""
    for item in items[:MOST]:
        yield from lines(item)
    if len(items) > MOST:
        yield f"and {len(items) - MOST:,} more {kind}: see the decision", {}


def _short(reason: str) -> str:
    """A reason that lists what hundreds of items lack ends somewhere."""
    more = len(reason) - _LONGEST
    return reason if more <= 0 else f"{reason[:_LONGEST]}… and {more:,} more characters: see the decision"


def _waived(waiver: dict[str, Any], checks: dict[str, Any]) -> Iterator[Line]:
    yield f"WAIVED {waiver['gate']} ({waiver['severity']}): {checks[waiver['gate']]['reason']}", _YELLOW
    approvers = listed([who["name"] for who in waiver["approvers"]])
    yield f"    accepted until {waiver['expires'][:19]}Z by {approvers}: {waiver['reason']}", {}


def verdict(decision: dict[str, Any], path: str) -> Line:
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
    found = [f"{what}: {listed(names)}" for what, names in groups.items()]
    return f"pytest counts tests, the promotion counts gates; {'; '.join(found)}" if found else ""


def _blocking(check: dict[str, Any], markup: dict[str, bool]) -> Iterator[Line]:
    yield f"{check['outcome']} {check['name']} ({check['severity']}): {_short(check['reason'])}", markup
    if check["owner"]:
        yield f"    owner: {check['owner']}", {}
    if check["fix"]:
        yield f"    fix:   {check['fix']}", {}
