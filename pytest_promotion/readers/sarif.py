"""
SARIF 2.1.0 of any scanner.

`level` is how loud a result is and not how bad: where a rule has a `security-severity`, a CVSS score as text, that
counts. `results` that is null means that nothing was run, an empty list that nothing was found. A suppression counts
where it is accepted, or has no status, and none beside it is rejected or under review (SARIF 3.27.23, 3.35).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_list, an_optional_object
from pytest_promotion.readers import sarif_tools
from pytest_promotion.readers.findings import Finding, Scan, digests_of, severity_of, severity_of_score, text
from pytest_promotion.readers.sarif_rules import Rules

VERSION: Final = "2.1.0"
_LEVELS: Final = {"error": "high", "warning": "medium", "note": "low", "none": "low"}
_NO_FINDING: Final = ("pass", "notApplicable", "informational")
_ELSEWHERE: Final = ("results", "driver", "extensions", "invocations", "conversion")
_ENDS: Final = ("expiryUtc", "expires", "expiresOn", "expirationDate")  # of a suppression, in its property bag
_ID_LENGTH: Final = 80


def read(document: dict[str, Any], origin: str) -> Scan:
    """The scan in a SARIF *document*. Raises `Unproven`."""
    if document.get("version") != VERSION:
        raise Unproven(f"{origin} is SARIF {document.get('version')!r}; {VERSION} is known")
    runs = a_list(document["runs"], f"{origin}: runs")
    every = [_run(an_object(one, f"{origin}: runs[{at}]"), f"{origin}: runs[{at}]") for at, one in enumerate(runs)]
    incomplete = [why for one in every for why in one.incomplete]
    inline = an_optional_list(document.get("inlineExternalProperties"), f"{origin}: inlineExternalProperties")
    if any(an_object(one, f"{origin}: inlineExternalProperties").get(part) for one in inline for part in _ELSEWHERE):
        incomplete.append("results stand outside of their runs, in inlineExternalProperties, which are not read")
    ends = [one.created for one in every]
    commits = {one.commit for one in every}
    return Scan(
        f"SARIF {VERSION}",
        ", ".join(dict.fromkeys(one.tool for one in every)),
        tuple(finding for one in every for finding in one.findings),
        sum(one.looked_at or 0 for one in every),
        # As old as the oldest of the runs, and undated where one of them is.
        min(filter(None, ends)) if ends and all(ends) else None,
        digests=frozenset().union(*(one.digests for one in every)),
        incomplete=tuple(incomplete),
        kinds=frozenset().union(*(one.kinds for one in every)),
        target=", ".join(dict.fromkeys(one.target for one in every if one.target)),
        commit=commits.pop() if len(commits) == 1 else "",
    )


def _run(run: dict[str, Any], place: str) -> Scan:
    tool = an_object(run.get("tool"), f"{place}.tool")
    driver = an_object(tool.get("driver"), f"{place}.tool.driver")
    name = text(driver.get("name"), f"{place}.tool.driver.name")
    version = driver.get("semanticVersion") or driver.get("version")
    scan = Scan(f"SARIF {VERSION}", f"{name} {version}" if isinstance(version, str) else name, (), 0)
    elsewhere = an_optional_object(run.get("externalPropertyFileReferences"), f"{place}.externalPropertyFileReferences")
    missing = [f"its {part} are in another file, which is not read" for part in _ELSEWHERE if elsewhere.get(part)]
    if run.get("results") is None:
        why = missing or [f"{name} has no results, not even none: it was not run"]
        return replace(scan, incomplete=tuple(why))
    calls = [an_object(one, f"{place}.invocations") for one in _list(run, "invocations", place)]
    rules = Rules(tool, calls, place)
    results = a_list(run["results"], f"{place}.results")
    found = [one for at, result in enumerate(results) for one in _of(result, rules, f"{place}.results[{at}]")]
    kinds, target, image = sarif_tools.looked_for(name, run, rules.every, place)
    kind = next(iter(kinds)) if len(kinds) == 1 else ""
    return replace(
        scan,
        findings=tuple(replace(one, kind=kind) if kind else one for one in found),
        looked_at=1,
        created=max((str(call.get("endTimeUtc") or "") for call in calls), default="") or None,
        incomplete=(*missing, *_failures(calls, place, name), *sarif_tools.not_parsed(run, place)),
        digests=digests_of(*image),
        kinds=kinds,
        target=target,
        commit=_commit(run, place),
    )


def _list(holder: dict[str, Any], name: str, place: str) -> list[Any]:
    return an_optional_list(holder.get(name), f"{place}.{name}")


def _commit(run: dict[str, Any], place: str) -> str:
    known = {
        str(an_object(one, f"{place}.versionControlProvenance").get("revisionId") or "")
        for one in _list(run, "versionControlProvenance", place)
    }
    return known.pop() if len(known) == 1 else ""


def _failures(calls: list[dict[str, Any]], place: str, tool: str) -> Iterator[str]:
    for call in calls:
        if call.get("executionSuccessful") is not True:
            yield f"{tool} says that it did not run to its end"
        for name in ("toolExecutionNotifications", "toolConfigurationNotifications"):
            for note in _list(call, name, place):
                if an_object(note, f"{place}.{name}").get("level") == "error":
                    message = an_optional_object(note.get("message"), f"{place}.{name}").get("text")
                    yield f"{tool} reports an error: {message or 'no reason is given'}"


def _of(result: Any, rules: Rules, place: str) -> Iterator[Finding]:
    fields = an_object(result, place)
    if fields.get("kind", "fail") in _NO_FINDING or fields.get("baselineState") == "absent":
        return
    rule = rules.of(fields, place)
    reason, until = _suppressed(fields, place)
    name = rules.name(fields) or (rule or {}).get("id")
    if not isinstance(name, str) or not name.strip():
        message = an_optional_object(fields.get("message"), f"{place}.message").get("text")
        name = str(message or "no rule is named")[:_ID_LENGTH]
    yield Finding(
        id=name,
        severity=_severity(fields, rule, rules, place),
        part=_part(fields, place),
        suppressed=reason,
        suppressed_until=until,
        kind=sarif_tools.kind_of(rule),
    )


def _severity(fields: dict[str, Any], rule: dict[str, Any] | None, rules: Rules, place: str) -> str:
    score = None
    for source in (fields, rule or {}):
        bag = an_optional_object(source.get("properties"), f"{place}.properties")
        score = bag.get("security-severity") if score is None else score
    if score is not None:
        # A number by GitHub's agreement; some write the word.
        by_score = severity_of_score(score)
        return by_score if by_score != "unknown" else severity_of(score)
    if rule is None:  # it points at a rule that is not there, which may have any severity
        return "unknown"
    level = fields.get("level")
    if level is None:
        # Where a tool lists its rules and not this one, what is usual for it is not known.
        level = rules.level(rule, place) if rule or not rules.every else "of a rule that is not listed"
    return _LEVELS.get(str(level), "unknown")


def _part(fields: dict[str, Any], place: str) -> str:
    for one in _list(fields, "locations", place):
        where = an_optional_object(an_object(one, place).get("physicalLocation"), place)
        uri = an_optional_object(where.get("artifactLocation"), place).get("uri")
        if isinstance(uri, str) and uri:
            line = an_optional_object(where.get("region"), place).get("startLine")
            return f"{uri}:{line}" if line else uri
    return "no place is given"


def _suppressed(fields: dict[str, Any], place: str) -> tuple[str, str]:
    """Why a result is suppressed, "" where it is not, and when that ends."""
    every = [an_object(one, f"{place}.suppressions") for one in _list(fields, "suppressions", place)]
    # `state` is what drafts of the format called it.
    if not every or any((one.get("status") or one.get("state") or "accepted") != "accepted" for one in every):
        return "", ""
    ends = []
    for one in every:
        bag = an_optional_object(one.get("properties"), f"{place}.suppressions.properties")
        until = next((bag[name] for name in _ENDS if bag.get(name) is not None), None)
        try:
            ends += [] if until is None else [iso(parse_moment(until))]
        except BadTimestamp:
            return "", ""
    why = "; ".join(str(one["justification"]) for one in every if one.get("justification"))
    return why or f"suppressed ({', '.join(str(one.get('kind', '?')) for one in every)})", min(ends, default="")
