"""
Trivy's JSON, schema version 2.

`Results` is absent where nothing was scanned, and an operating system past its end of life has no advisories any more:
in both cases no finding is no news. What `--severity` and `--ignore-unfixed` left out is not written into the file.
"""

from __future__ import annotations

from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import an_object, an_optional_list, an_optional_object
from pytest_promotion.readers.findings import Finding, Scan, distinct, severity_of, text

VERSION: Final = 2


def read(document: dict[str, Any], origin: str) -> Scan:
    """The scan in Trivy's *document*. Raises `Unproven`."""
    if document["SchemaVersion"] != VERSION or isinstance(document["SchemaVersion"], bool):
        raise Unproven(f"{origin} has SchemaVersion {document['SchemaVersion']!r}; {VERSION} is known")
    results = an_optional_list(document.get("Results"), f"{origin}: Results")
    found = [one for number, result in enumerate(results) for one in _of(result, f"{origin}: Results[{number}]")]
    metadata = an_optional_object(document.get("Metadata"), f"{origin}: Metadata")
    system = an_optional_object(metadata.get("OS"), f"{origin}: Metadata.OS")
    name = f"{system.get('Family', 'its system')} {system.get('Name', '')}".strip()
    digests = [metadata.get("ImageID"), document.get("ArtifactID")]
    digests += [
        str(one).rpartition("@")[2] for one in an_optional_list(metadata.get("RepoDigests"), f"{origin}: RepoDigests")
    ]
    created = document.get("CreatedAt")
    trivy = an_optional_object(document.get("Trivy"), f"{origin}: Trivy")
    return Scan(
        form="Trivy JSON",
        tool=f"Trivy {trivy.get('Version', 'of unknown version')}",
        findings=distinct(found),
        looked_at=len(results),
        created=created if isinstance(created, str) else None,
        digests=frozenset(one for one in digests if isinstance(one, str) and one.startswith("sha256:")),
        end_of_life=name if system.get("EOSL") is True else "",
    )


def _of(result: Any, place: str) -> list[Finding]:
    here = an_object(result, place)
    target = text(here.get("Target"), f"{place}.Target")
    found = []
    for number, one in enumerate(an_optional_list(here.get("Vulnerabilities"), f"{place}.Vulnerabilities")):
        spot = f"{place}.Vulnerabilities[{number}]"
        said = an_object(one, spot)
        part = f"{text(said.get('PkgName'), f'{spot}.PkgName')} {said.get('InstalledVersion', '')}".strip()
        found.append(
            Finding(
                id=text(said.get("VulnerabilityID"), f"{spot}.VulnerabilityID"),
                severity=severity_of(said.get("Severity")),
                part=part,
                fixed_in=str(said.get("FixedVersion") or ""),
                published=str(said.get("PublishedDate") or ""),
            )
        )
    for number, one in enumerate(an_optional_list(here.get("Misconfigurations"), f"{place}.Misconfigurations")):
        spot = f"{place}.Misconfigurations[{number}]"
        said = an_object(one, spot)
        if said.get("Status") not in ("PASS", "EXCEPTION"):
            found.append(Finding(text(said.get("ID"), f"{spot}.ID"), severity_of(said.get("Severity")), target))
    for number, one in enumerate(an_optional_list(here.get("Secrets"), f"{place}.Secrets")):
        spot = f"{place}.Secrets[{number}]"
        said = an_object(one, spot)
        part = f"{target}:{said.get('StartLine', '?')}"
        found.append(Finding(text(said.get("RuleID"), f"{spot}.RuleID"), severity_of(said.get("Severity")), part))
    return found
