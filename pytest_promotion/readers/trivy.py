"""
Trivy's JSON, schema version 2, and what it writes of a cluster (`trivy k8s`).

`Results` is absent where nothing was scanned, and an operating system past its end of life has no advisories any more:
in both cases no finding is no news. What `--severity` and `--ignore-unfixed` left out is not written into the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_list, an_optional_object
from pytest_promotion.readers.findings import (
    LICENCES,
    MISCONFIGURATIONS,
    SECRETS,
    VULNERABILITIES,
    Finding,
    Scan,
    digests_of,
    distinct,
    severity_of,
    text,
)

VERSION: Final = 2
_CLASSES: Final = {
    "os-pkgs": VULNERABILITIES,
    "lang-pkgs": VULNERABILITIES,
    "secret": SECRETS,
    "license": LICENCES,
    "license-file": LICENCES,
    "config": MISCONFIGURATIONS,
}
# Those of a list of a result, by what they are.
_LISTS: Final = {
    "Vulnerabilities": VULNERABILITIES,
    "Misconfigurations": MISCONFIGURATIONS,
    "Secrets": SECRETS,
    "Licenses": LICENCES,
}
_TYPES: Final = {  # of a finding that was taken away
    "vulnerability": "Vulnerabilities",
    "misconfiguration": "Misconfigurations",
    "secret": "Secrets",
    "license": "Licenses",
}
_CLUSTER: Final = ("Vulnerabilities", "Misconfigurations", "Resources", "Findings")


def read(document: dict[str, Any], origin: str) -> Scan:
    """The scan in Trivy's *document*. Raises `Unproven`."""
    if document["SchemaVersion"] != VERSION or isinstance(document["SchemaVersion"], bool):
        raise Unproven(f"{origin} has SchemaVersion {document['SchemaVersion']!r}; {VERSION} is known")
    results = an_optional_list(document.get("Results"), f"{origin}: Results")
    found, kinds = _results(results, f"{origin}: Results")
    metadata = an_optional_object(document.get("Metadata"), f"{origin}: Metadata")
    created = document.get("CreatedAt")
    trivy = an_optional_object(document.get("Trivy"), f"{origin}: Trivy")
    repository = an_optional_list(metadata.get("RepoDigests"), f"{origin}: RepoDigests")
    target, commit = document.get("ArtifactName"), metadata.get("Commit")
    return Scan(
        form="Trivy JSON",
        tool=f"Trivy {trivy.get('Version', 'of unknown version')}",
        findings=distinct(found),
        looked_at=len(results),
        created=created if isinstance(created, str) else None,
        digests=digests_of(metadata.get("ImageID"), document.get("ArtifactID"), *repository),
        end_of_life=_end_of_life(metadata, origin),
        kinds=kinds,
        target=target if isinstance(target, str) else "",
        commit=commit if isinstance(commit, str) else "",
    )


def read_cluster(document: dict[str, Any], origin: str) -> Scan:
    """The scan of a cluster in a *document* of `trivy k8s`, which names no time. Raises `Unproven`."""
    found: list[Finding] = []
    kinds: frozenset[str] = frozenset()
    incomplete, systems, looked_at = [], [], 0
    for name in _CLUSTER:
        for at, one in enumerate(an_optional_list(document.get(name), f"{origin}: {name}")):
            place = f"{origin}: {name}[{at}]"
            resource = an_object(one, place)
            called = "/".join(str(resource[key]) for key in ("Namespace", "Kind", "Name") if resource.get(key))
            if resource.get("Error"):
                incomplete.append(f"{called} was not scanned: {resource['Error']}")
            results = an_optional_list(resource.get("Results"), f"{place}.Results")
            here, what = _results(results, f"{place}.Results")
            found, kinds, looked_at = found + here, kinds | what, looked_at + len(results)
            metadata = resource.get("Metadata") or []  # one system, or those of several images
            described = [metadata] if isinstance(metadata, dict) else a_list(metadata, f"{place}.Metadata")
            systems += [_end_of_life(an_object(one, f"{place}.Metadata"), place) for one in described]
            if VULNERABILITIES in what and not described:
                incomplete.append(f"{called}: it does not say of which system, which may be past its end of life")
    return Scan(
        form="Trivy JSON of a cluster",
        tool="Trivy",
        findings=distinct(found),
        looked_at=looked_at,
        incomplete=tuple(incomplete),
        end_of_life=next(filter(None, systems), ""),
        kinds=kinds,
        target=str(document.get("ClusterName") or ""),
    )


def _end_of_life(metadata: dict[str, Any], place: str) -> str:
    system = an_optional_object(metadata.get("OS"), f"{place}: Metadata.OS")
    return (
        f"{system.get('Family', 'its system')} {system.get('Name', '')}".strip() if system.get("EOSL") is True else ""
    )


def _results(results: list[Any], place: str) -> tuple[list[Finding], frozenset[str]]:
    """What was found in *results*, and what was looked for."""
    found: list[Finding] = []
    kinds = set()
    for at, result in enumerate(results):
        here = an_object(result, f"{place}[{at}]")
        kind = _CLASSES.get(str(here.get("Class")))
        kinds |= {kind} if kind else {what for name, what in _LISTS.items() if here.get(name)}
        found += _of(here, f"{place}[{at}]")
    return found, frozenset(kinds)


def _of(result: dict[str, Any], place: str) -> Iterator[Finding]:
    target = result.get("Target")
    if not isinstance(target, str):  # which is empty for packages of Java
        raise Unproven(f"{place}.Target is {target!r}, expected a text")
    for name in _LISTS:
        for at, one in enumerate(an_optional_list(result.get(name), f"{place}.{name}")):
            spot = f"{place}.{name}[{at}]"
            yield from _one(name, an_object(one, spot), target, spot)
    # What an ignore file, a policy or VEX took away.
    for at, one in enumerate(an_optional_list(result.get("ExperimentalModifiedFindings"), place)):
        spot = f"{place}.ExperimentalModifiedFindings[{at}]"
        fields = an_object(one, spot)
        name = _TYPES.get(str(fields.get("Type")), "")
        if not name:
            raise Unproven(f"{spot} is of type {fields.get('Type')!r}")
        words = [str(fields[key]) for key in ("Status", "Statement", "Source") if fields.get(key)]
        why = ", ".join(words) or "taken away without a reason"
        yield from _one(name, an_object(fields.get("Finding"), f"{spot}.Finding"), target, spot, why)


def _one(name: str, fields: dict[str, Any], target: str, spot: str, why: str = "") -> Iterator[Finding]:
    severity = severity_of(fields.get("Severity"))
    if name == "Vulnerabilities":
        version = fields.get("InstalledVersion", "")
        yield Finding(
            id=text(fields.get("VulnerabilityID"), f"{spot}.VulnerabilityID"),
            severity=severity,
            part=f"{text(fields.get('PkgName'), f'{spot}.PkgName')} {version}".strip(),
            fixed_in=str(fields.get("FixedVersion") or ""),
            published=str(fields.get("PublishedDate") or ""),
            suppressed=why,
        )
    elif name == "Misconfigurations":
        if fields.get("Status") == "EXCEPTION":
            why = why or "an exception of Trivy's policy"
        if fields.get("Status") != "PASS":
            part = f"{target}{_line(fields)}"
            yield Finding(text(fields.get("ID"), f"{spot}.ID"), severity, part, suppressed=why, kind=MISCONFIGURATIONS)
    elif name == "Secrets":
        part = f"{target}:{fields.get('StartLine', '?')}"
        yield Finding(text(fields.get("RuleID"), f"{spot}.RuleID"), severity, part, suppressed=why, kind=SECRETS)
    else:
        part = str(fields.get("PkgName") or fields.get("FilePath") or target)
        yield Finding(text(fields.get("Name"), f"{spot}.Name"), severity, part, suppressed=why, kind=LICENCES)


def _line(fields: dict[str, Any]) -> str:
    cause = fields.get("CauseMetadata")
    line = cause.get("StartLine") if isinstance(cause, dict) else None
    return f":{line}" if line else ""
