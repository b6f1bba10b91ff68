"""
The reports that Trivy's operator keeps in a cluster: one of vulnerabilities, of secrets, or of configuration.

The counts in `summary` are compared with what is listed: a list that was cut says less than its summary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_object
from pytest_promotion.readers.findings import (
    MISCONFIGURATIONS,
    SECRETS,
    VULNERABILITIES,
    Finding,
    Scan,
    a_count,
    digests_of,
    severity_of,
    text,
)

GROUP: Final = "aquasecurity.github.io/"
_LIFETIME: Final = "trivy-operator.aquasecurity.github.io/report-ttl"
_GO_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_CONFIGURATION: Final = (MISCONFIGURATIONS, "checks")
_KINDS: Final = {
    "VulnerabilityReport": (VULNERABILITIES, "vulnerabilities"),
    "ClusterVulnerabilityReport": (VULNERABILITIES, "vulnerabilities"),
    "ExposedSecretReport": (SECRETS, "secrets"),
    **dict.fromkeys(("ConfigAuditReport", "ClusterConfigAuditReport", "InfraAssessmentReport"), _CONFIGURATION),
    **dict.fromkeys(("ClusterInfraAssessmentReport", "RbacAssessmentReport"), _CONFIGURATION),
    "ClusterRbacAssessmentReport": _CONFIGURATION,
}


def read(document: dict[str, Any], origin: str) -> Scan:
    """The scan in a report of the operator. Raises `Unproven`, for the kinds of reports that are no scan as well."""
    form = document.get("kind")
    if form not in _KINDS:
        raise Unproven(f"{origin} is a {form} of Trivy's operator, which is not read: {', '.join(sorted(_KINDS))} are")
    kind, name = _KINDS[form]
    report = an_object(document.get("report"), f"{origin}: report")
    items = a_list(report.get(name), f"{origin}: report.{name}")
    found = [
        finding
        for at, one in enumerate(items)
        if (finding := _finding(kind, an_object(one, f"{origin}: {name}[{at}]"), f"{origin}: {name}[{at}]"))
    ]
    artifact = an_optional_object(report.get("artifact"), f"{origin}: report.artifact")
    scanner = an_optional_object(report.get("scanner"), f"{origin}: report.scanner")
    system = an_optional_object(report.get("os"), f"{origin}: report.os")
    incomplete = list(_fewer(report, found, origin))
    if kind == VULNERABILITIES and not system:
        incomplete.append("it does not say of which system, which may be past its end of life")
    created = report.get("updateTimestamp")
    return Scan(
        form=f"{form} of Trivy's operator",
        tool=f"{scanner.get('name', 'Trivy')} {scanner.get('version', 'of unknown version')}",
        findings=tuple(found),
        looked_at=1 if kind != MISCONFIGURATIONS or items else 0,
        created=created if isinstance(created, str) else None,
        digests=digests_of(artifact.get("digest")),
        incomplete=tuple(incomplete),
        end_of_life=str(system.get("family", "its system")) if system.get("eosl") is True else "",
        kinds=frozenset((kind,)),
        valid_until=_valid_until(document, created, origin),
        target=":".join(str(artifact[key]) for key in ("repository", "tag") if artifact.get(key)),
    )


def _valid_until(document: dict[str, Any], created: Any, origin: str) -> str | None:
    """When the operator deletes the report; None where it does not say."""
    metadata = an_optional_object(document.get("metadata"), f"{origin}: metadata")
    lifetime = an_optional_object(metadata.get("annotations"), f"{origin}: metadata.annotations").get(_LIFETIME)
    found = _GO_DURATION.fullmatch(lifetime) if isinstance(lifetime, str) and len(lifetime) < 20 else None
    if not found or not any(found.groups()):
        return None
    hours, minutes, seconds = (int(one or 0) for one in found.groups())
    try:
        return iso(parse_moment(created) + timedelta(hours=hours, minutes=minutes, seconds=seconds))
    except (BadTimestamp, OverflowError):
        return None


def _finding(kind: str, fields: dict[str, Any], place: str) -> Finding | None:
    severity = severity_of(fields.get("severity"))
    if kind == VULNERABILITIES:
        part = f"{text(fields.get('resource'), f'{place}.resource')} {fields.get('installedVersion', '')}".strip()
        name = text(fields.get("vulnerabilityID"), f"{place}.vulnerabilityID")
        published = str(fields.get("publishedDate") or "")
        return Finding(name, severity, part, str(fields.get("fixedVersion") or ""), published)
    if kind == SECRETS:
        return Finding(text(fields.get("ruleID"), f"{place}.ruleID"), severity, str(fields.get("target")), kind=SECRETS)
    if fields.get("success") is True:
        return None
    name = str(fields.get("checkID") or fields.get("title") or "a check without an id")
    return Finding(name, severity, "the resource of the report", kind=MISCONFIGURATIONS)


def _fewer(report: dict[str, Any], found: list[Finding], origin: str) -> Iterator[str]:
    summary = an_optional_object(report.get("summary"), f"{origin}: report.summary")
    for severity in ("critical", "high", "medium", "low", "unknown"):
        declared = summary.get(f"{severity}Count")
        listed = sum(1 for one in found if one.severity == severity)
        if declared is not None and a_count(declared, f"{origin}: report.summary.{severity}Count") > listed:
            yield f"its summary counts {declared} {severity} findings, and {listed} are listed"
