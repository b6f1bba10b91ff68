"""The decision as Markdown: what a reviewer reads, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pytest_promotion.reporting.escaping import cell as _cell
from pytest_promotion.reporting.escaping import code as _code
from pytest_promotion.reporting.escaping import text as _text
from pytest_promotion.text import listed

_PATHS: Final = 10  # pieces of evidence of one gate


def markdown(decision: dict[str, Any]) -> str:
    """The Markdown of a decision document."""
    return "\n".join(_lines(decision)) + "\n"


def _lines(decision: dict[str, Any]) -> Iterator[str]:
    checks = {check["name"]: check for check in decision["checks"]}
    yield f"# Promotion: {decision['status']}"
    yield ""
    if decision["kind"] == "replay":
        yield f"**A replay as of {decision['clock']['now_utc']}: not a decision to act on.**"
        yield ""
    subject = decision["subject"]
    if subject:
        algorithm, hexes = next(iter(subject["digest"].items()))
        yield f"- Subject: {_text(subject['name'])} `{algorithm}:{hexes}`"
    if decision.get("stage"):
        yield f"- Stage: {_code(decision['stage'])}"
    yield f"- Decided: {decision['ts_utc']}, profile {_code(decision['profile'])}, scope {_code(decision['scope'])}"
    until = decision["valid_until"]
    if until:
        yield f"- Valid until: {until['ts_utc']} ({_text(until['because'])})"
    if decision["without_evidence"]:
        yield f"- Passed without evidence: {_text(listed(decision['without_evidence']))}"
    yield from (f"- Unproven: {_text(one['gate'])}: {_text(one['because'])}" for one in decision["unproven"])
    yield from (f"- Weakened: {_text(weaker)}" for weaker in decision["weakened"])
    yield f"- Run: {_code(decision['run_id'])}"

    yield from _section(
        "Why not", [f"- {_text(reason)}" for reason in decision["reasons"]], "- nothing stands against it"
    )
    failures = [line for name in decision["critical_failures"] for line in _blocking(checks[name])]
    yield from _section("Critical failures", failures, "- none")
    review = [line for name in decision["warnings"] for line in _blocking(checks[name])]
    yield from _section("Warnings to review", review, "- none")
    if decision["waivers"]:
        yield from _section("Waived", [line for one in decision["waivers"] for line in _waived(one, checks)], "")

    yield from _listed_apart(decision)

    yield ""
    yield "## All checks"
    yield ""
    yield "| gate | severity | outcome | reason |"
    yield "|---|---|---|---|"
    for check in decision["checks"]:
        yield f"| {_cell(check['name'])} | {check['severity']} | {check['outcome']} | {_cell(check['reason'])} |"

    bundle = decision["evidence_bundle"]
    yield ""
    yield "## Evidence"
    yield ""
    yield f"Bundle `{bundle['evidence_bundle_id']}`, {bundle['artifact_count']} artifacts."
    yield ""
    yield "| artifact | sha256 | bytes |"
    yield "|---|---|---|"
    for item in bundle["artifacts"]:
        digest = f"`{item['sha256']}`" if item["exists"] else "absent"
        digest += ", secret: not kept" if item.get("secret") else "" if item.get("kept", True) else ", not kept"
        yield f"| {_cell(item['path'])} | {digest} | {item['size_bytes']} |"
    yield from _judges(decision)


_HOLDS = {True: "met now", False: "not met now", None: "whether it is met now is not known"}


def _listed_apart(decision: dict[str, Any]) -> Iterator[str]:
    """Gates that do not count, or not yet."""
    checks, now = decision["checks"], decision["clock"]["now_utc"]
    later = [
        f"- **{_text(check['name'])}** is critical from {check['effective_on']} on: {check['outcome']}"
        for check in checks
        if (check.get("effective_on") or "") > now
    ]
    later += [
        f"- {_text(one['threshold'])} of **{_text(check['name'])}** is {_text(str(one['value']))}"
        f" from {one['effective_on']} on: {_HOLDS[one['pass']]}"
        for check in checks
        for one in check.get("upcoming") or ()
    ]
    shadow = [check for check in checks if check.get("shadow")]
    apart = [check for check in checks if check["outcome"] == "NOT_APPLICABLE" and not check.get("shadow")]
    if later:
        yield from _section("Later", later, "")
    if shadow:
        lines = [f"- **{_text(check['name'])}** {check['outcome']}: {_text(check['reason'])}" for check in shadow]
        yield from _section("In shadow, not counted", lines, "")
    if apart:
        lines = [f"- **{_text(check['name'])}** {_text(check['reason'])}" for check in apart]
        yield from _section("Not applicable", lines, "")


def _judges(decision: dict[str, Any]) -> Iterator[str]:
    judges, git = decision.get("judges"), decision["git"]
    if not judges:  # a decision of version 0.1
        return
    yield ""
    yield "## Judges"
    yield ""
    commit = f"commit `{git['commit']}`" if git["commit"] else "no commit"
    yield f"At {commit}{', **with uncommitted changes**' if git['dirty'] else ''}."
    yield ""
    yield "| source | sha256 |"
    yield "|---|---|"
    for name, version in judges["suites"].items():
        yield f"| suite {_cell(name)} | version {_cell(version)} |"
    for item in judges["sources"]:
        yield f"| {_cell(item['path'])} | `{item['sha256']}` |"


def _section(title: str, lines: list[str], otherwise: str) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from lines or [otherwise]


def _blocking(check: dict[str, Any]) -> Iterator[str]:
    yield f"- **{_text(check['name'])}** {check['outcome']}: {_text(check['reason'])}"
    if check["owner"]:
        yield f"  - Owner: {_text(check['owner'])}"
    if check["fix"]:
        yield f"  - Fix: {_text(check['fix'])}"
    if check["evidence_paths"]:
        yield f"  - Evidence: {_text(listed(check['evidence_paths'], _PATHS))}"


def _waived(waiver: dict[str, Any], checks: dict[str, Any]) -> Iterator[str]:
    name = waiver["gate"]
    yield f"- **{_text(name)}** {waiver['outcome']}, accepted until {waiver['expires']}: {_text(waiver['reason'])}"
    yield f"  - What is wrong: {_text(checks[name]['reason'])}"
    yield f"  - Owner: {_text(waiver['owner'])}"
    approvers = (f"{who['name']} ({listed(who['roles'])})" for who in waiver["approvers"])
    yield f"  - Approved by: {_text(listed(approvers))}; asked for by {_text(waiver['requested_by'])}"
    yield f"  - Stands in: {_text(waiver['where'])}, for the failure `{waiver['fingerprint'][:12]}`"
