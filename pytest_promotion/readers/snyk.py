"""
Snyk's JSON (`snyk test --json`, `snyk container test --json`, `snyk iac test --json`): one project, or a list of them.

An error is an object too, with `ok: false` and `error`; a project without dependencies was not scanned; and the same
vulnerability stands once for each path that leads to it.
"""

from __future__ import annotations

from typing import Any, Final

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_list, an_optional_object
from pytest_promotion.readers.findings import (
    MISCONFIGURATIONS,
    SEVERITIES,
    VULNERABILITIES,
    Finding,
    Scan,
    a_count,
    digests_of,
    distinct,
    severity_of,
    text,
)

_ISSUES: Final = "infrastructureAsCodeIssues"


def read(projects: list[dict[str, Any]], origin: str) -> Scan:
    """The scan in Snyk's *projects*. Raises `Unproven`, also where one of them is an error."""
    found: list[Finding] = []
    looked_at = 0
    images: list[Any] = []
    incomplete: list[str] = []
    kinds, targets = set(), []
    left_out: frozenset[str] = frozenset()
    for number, project in enumerate(_with_applications(projects, origin)):
        place = f"{origin}: project {number + 1}"
        if _ISSUES in project:
            here = _of_infrastructure(project, place)
            kinds.add(MISCONFIGURATIONS)
            looked_at += 1
        elif "vulnerabilities" in project:
            here = _of(project, place)
            kinds.add(VULNERABILITIES)
            looked_at += a_count(project.get("dependencyCount", 0), f"{place}: dependencyCount")
        else:
            why = project.get("error") or project.get("message") or "it has no vulnerabilities, not even none"
            raise Unproven(f"{place} was not scanned: {why}")
        if project.get("ok") is False and not any(not one.suppressed for one in here):
            incomplete.append(f"project {number + 1} is not ok by its own word, and nothing is listed")
        found += here
        left_out |= _below(project.get("severityThreshold"))
        docker = an_optional_object(project.get("docker"), f"{place}.docker")
        images.append(docker.get("imageId"))
        targets.append(str(project.get("projectName") or project.get("targetFile") or project.get("path") or ""))
    return Scan(
        "Snyk JSON",
        "Snyk",
        distinct(found),
        looked_at,
        digests=digests_of(*images),
        incomplete=tuple(incomplete),
        kinds=frozenset(kinds),
        target=", ".join(dict.fromkeys(filter(None, targets))),
        left_out=left_out,
    )


def _below(threshold: Any) -> frozenset[str]:
    """The severities that `--severity-threshold` left out."""
    if threshold not in ("critical", "high", "medium"):
        return frozenset()
    return frozenset(SEVERITIES[SEVERITIES.index(threshold) + 1 :])


def _with_applications(projects: list[dict[str, Any]], origin: str) -> list[dict[str, Any]]:
    """The projects, and the applications inside of a container, which are projects too."""
    found = []
    for project in projects:
        found.append(project)
        found += [
            an_object(one, f"{origin}: applications") for one in an_optional_list(project.get("applications"), origin)
        ]
    return found


def _of(project: dict[str, Any], place: str) -> list[Finding]:
    found = []
    for number, one in enumerate(a_list(project["vulnerabilities"], f"{place}.vulnerabilities")):
        spot = f"{place}.vulnerabilities[{number}]"
        said = an_object(one, spot)
        name = text(said.get("packageName") or said.get("name"), f"{spot}.packageName")
        fixed = said.get("nearestFixedInVersion") or ", ".join(
            map(str, an_optional_list(said.get("fixedIn"), f"{spot}.fixedIn"))
        )
        found.append(
            Finding(
                id=text(said.get("id"), f"{spot}.id"),
                severity=severity_of(said.get("severityWithCritical") or said.get("severity")),
                part=f"{name} {said.get('version', '')}".strip(),
                fixed_in=str(fixed) or ("an upgrade" if said.get("isUpgradable") is True else ""),
                published=str(said.get("publicationTime") or ""),
            )
        )
    # What `.snyk` ignores is listed apart, with whoever wrote the reason; it does not count and is not lost.
    filtered = an_optional_object(project.get("filtered"), f"{place}.filtered")
    for number, one in enumerate(an_optional_list(filtered.get("patch"), f"{place}.filtered.patch")):
        patch = an_object(one, f"{place}.filtered.patch[{number}]")
        part = f"{patch.get('packageName') or patch.get('name')} {patch.get('version', '')}".strip()
        found.append(
            Finding(str(patch.get("id")), severity_of(patch.get("severity")), part, suppressed="patched by Snyk")
        )
    ignored = filtered.get("ignore")
    for number, one in enumerate(an_optional_list(ignored, f"{place}.filtered.ignore")):
        spot = f"{place}.filtered.ignore[{number}]"
        said = an_object(one, spot)
        name = text(said.get("packageName") or said.get("name"), spot)
        part = f"{name} {said.get('version', '')}".strip()
        until = _ignored_until(said, spot)
        reason = "" if until is None else "ignored by .snyk"
        severity = severity_of(said.get("severityWithCritical") or said.get("severity"))
        found.append(Finding(str(said.get("id")), severity, part, suppressed=reason, suppressed_until=until or ""))
    return found


def _of_infrastructure(project: dict[str, Any], place: str) -> list[Finding]:
    """What `snyk iac test` found in one file."""
    found = []
    for number, one in enumerate(a_list(project[_ISSUES], f"{place}.{_ISSUES}")):
        spot = f"{place}.{_ISSUES}[{number}]"
        issue = an_object(one, spot)
        steps = an_optional_list(issue.get("path"), f"{spot}.path")
        part = f"{project.get('targetFile') or project.get('path') or '?'} {'.'.join(map(str, steps))}".strip()
        until = _ignored_until(issue, spot) if issue.get("isIgnored") is True else None
        found.append(
            Finding(
                id=text(issue.get("id") or issue.get("publicId"), f"{spot}.id"),
                severity=severity_of(issue.get("severity")),
                part=part,
                suppressed="" if until is None else "ignored by .snyk",
                suppressed_until=until or "",
                kind=MISCONFIGURATIONS,
            )
        )
    return found


def _ignored_until(said: dict[str, Any], spot: str) -> str | None:
    """When the last rule that ignores it ends; "" for never, None where none of them has a date that can be read."""
    rules = an_optional_list(an_optional_object(said.get("filtered"), f"{spot}.filtered").get("ignored"), spot)
    ends = []
    for one in rules:
        until = an_object(one, f"{spot}.filtered.ignored").get("expires")
        if until is None:
            return ""
        try:
            ends.append(iso(parse_moment(until)))
        except BadTimestamp:
            continue
    return max(ends, default=None if rules else "")
