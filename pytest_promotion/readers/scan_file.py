"""Which scanner wrote it: told from what is in it, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import named
from pytest_promotion.gc_pause import Paused
from pytest_promotion.readers import (
    checkov,
    cyclonedx,
    gitleaks,
    grype,
    kics,
    osv,
    sarif,
    semgrep,
    snyk,
    trivy,
    trivy_operator,
)
from pytest_promotion.readers.encodings import parse_json
from pytest_promotion.readers.findings import Scan

READ: Final = (
    "SARIF 2.1.0; the JSON of Trivy, its cluster scans and its operator, Grype, Snyk, OSV-Scanner, Semgrep, Checkov, "
    "KICS and Gitleaks; CycloneDX with vulnerabilities"
)
_OSV: Final = {"results", "experimental_config", "license_summary", "image_metadata", "package_metadata"}
# A document with these keys is of a format that is known and is not read.
_REFUSED: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (("spdxVersion",), "an SPDX bill of materials, which lists no vulnerabilities"),
    (("spdx:document",), "an SPDX bill of materials, which lists no vulnerabilities"),
    (("@context", "@graph"), "an SPDX 3 bill of materials, which is not read"),
    (("@context", "statements"), "an OpenVEX document: give it to the scanner, which lists what it excuses"),
    (("document", "product_tree"), "a CSAF document: give it to the scanner, which lists what it excuses"),
    (("vulns", "hasMore"), "a page of the answer of Semgrep's platform"),
    (("vulns", "cursor"), "a page of the answer of Semgrep's platform"),
    (("auditReportVersion",), "the JSON of npm audit; pip-audit, npm and others can be asked by OSV-Scanner or Trivy"),
    (("scanInfo", "vulnerabilities"), "a report of Wiz or of Dependency-Track"),
    (("reportSchema", "scanInfo"), "the JSON of Dependency-Check, which can write SARIF"),
    (("metrics", "generated_at", "results"), "the JSON of Bandit, which can write SARIF: bandit -f sarif"),
    (("imageScanFindings",), "an answer of Amazon ECR"),
    (("jsonapi", "data"), "an answer of Snyk's API"),
    (("data",), "an answer of GitHub's API"),
    (("scan", "vulnerabilities"), "a security report of GitLab"),
)


def read(content: bytes, origin: str) -> Scan:
    """
    The scan in *content*, in one of the formats of `READ`.

    Raises:
        Unproven: for anything else, by its name where it is known, and for versions that are not known.
    """
    with Paused():
        document = parse_json(content, origin)
        if isinstance(document, dict):
            return _of_object(document, origin)
        if isinstance(document, list):
            return _of_list(document, origin)
    raise Unproven(f"{origin} is {named(document)} that no scanner writes; read are {READ}")


def _of_object(document: dict[str, Any], origin: str) -> Scan:
    for keys, form in _REFUSED:
        if all(key in document for key in keys):
            raise Unproven(f"{origin} is {form}; read are {READ}")
    for keys, reader in _READERS:
        if all(key in document for key in keys):
            return reader(document, origin)
    if "results" in document and set(document) <= _OSV:
        return osv.read(document, origin)
    if "ok" in document and ("error" in document or "path" in document or "vulnerabilities" in document):
        return snyk.read([document], origin)
    if str(document.get("apiVersion", "")).startswith(trivy_operator.GROUP):
        return trivy_operator.read(document, origin)
    if set(document) == {"Findings"}:
        raise Unproven(f"{origin} is a list in the format of AWS Security Hub; read are {READ}")
    if document and all(str(key).endswith(".aquasecurity.github.io") for key in document):
        raise Unproven(f"{origin} is a collection of reports of Trivy's operator: give each of them by itself")
    raise Unproven(f"{origin} is an object that no scanner known here writes; read are {READ}")


def _of_list(document: list[Any], origin: str) -> Scan:
    if not document:
        raise Unproven(f"{origin} is an empty list, which does not say what was looked at, or whether anything was")
    objects = [one for one in document if isinstance(one, dict)]
    if len(objects) == len(document):
        for keys, reader in _OF_LISTS:
            if all(all(key in one for key in keys) for one in objects):
                return reader(objects, origin)
        if "Target" in objects[0]:
            raise Unproven(f"{origin} is JSON of Trivy before 0.20, which does not say what was looked at: use a newer")
        if "url" in objects[0] and "state" in objects[0]:
            raise Unproven(f"{origin} is an answer of GitHub's API; read are {READ}")
    raise Unproven(f"{origin} is a list that no scanner known here writes; read are {READ}")


_READERS: Final[tuple[tuple[tuple[str, ...], Callable[[dict[str, Any], str], Scan]], ...]] = (
    (("SchemaVersion",), trivy.read),
    (("runs",), sarif.read),
    (("bomFormat",), cyclonedx.read),
    (("matches", "source"), grype.read),
    (("matches",), grype.read),
    (("ClusterName",), trivy.read_cluster),
    (("files_scanned", "queries"), kics.read),
    (("check_type", "results"), lambda document, origin: checkov.read([document], origin)),
    (("checkov_version",), lambda document, origin: checkov.read([document], origin)),
    (("results", "errors"), semgrep.read),
    (("vulnerabilities", "dependencyCount"), lambda document, origin: snyk.read([document], origin)),
    (("infrastructureAsCodeIssues",), lambda document, origin: snyk.read([document], origin)),
)
_OF_LISTS: Final[tuple[tuple[tuple[str, ...], Callable[[list[dict[str, Any]], str], Scan]], ...]] = (
    (("ok",), snyk.read),
    (("check_type",), checkov.read),
    (("RuleID", "File"), gitleaks.read),
    (("rule", "file", "commit"), gitleaks.read),
)
