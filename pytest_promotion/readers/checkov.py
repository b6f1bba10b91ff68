"""Checkov's JSON: a report for each framework. Without its platform it gives no severity: unknown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import an_object, an_optional_list, an_optional_object
from pytest_promotion.readers.findings import (
    MISCONFIGURATIONS,
    SECRETS,
    VULNERABILITIES,
    Finding,
    Scan,
    a_count,
    severity_of,
    text,
)


def read(reports: list[dict[str, Any]], origin: str) -> Scan:
    """The scan in Checkov's *reports*. Raises `Unproven`."""
    found: list[Finding] = []
    incomplete: list[str] = []
    kinds, versions = set(), set()
    looked_at = 0
    for at, report in enumerate(reports):
        place = f"{origin}: report {at + 1}"
        results = an_optional_object(report.get("results"), f"{place}.results")
        summary = an_optional_object(report.get("summary"), f"{place}.summary") or report
        form = str(report.get("check_type", ""))
        kind = _kind(form)
        kinds |= {kind}
        versions |= {str(summary.get("checkov_version", ""))} - {""}
        failed = list(_checks(results, "failed_checks", kind, place))
        skipped = list(_checks(results, "skipped_checks", kind, place))
        found += [*failed, *skipped]
        counts = {name: a_count(summary.get(name, 0), f"{place}.summary.{name}") for name in ("passed", "failed")}
        looked_at += max(counts["passed"], len(an_optional_list(results.get("passed_checks"), place)))
        looked_at += len(failed) + len(skipped)
        if counts["failed"] > len(failed):
            incomplete.append(f"{form} counts {counts['failed']} failed checks, and {len(failed)} are listed")
        errors = an_optional_list(results.get("parsing_errors"), f"{place}.results.parsing_errors")
        unparsed = max(len(errors), _number(summary, "parsing_errors", place), _number(summary, "parsingerrors", place))
        if unparsed:
            incomplete.append(f"{unparsed} files of {form} could not be parsed")
    return Scan(
        form="Checkov JSON",
        tool=f"Checkov {', '.join(sorted(versions)) or 'of unknown version'}",
        findings=tuple(found),
        looked_at=looked_at,
        incomplete=tuple(incomplete),
        kinds=frozenset(kinds),
    )


def _number(summary: dict[str, Any], name: str, place: str) -> int:
    return a_count(summary.get(name, 0), f"{place}.summary.{name}")


def _kind(form: str) -> str:
    return VULNERABILITIES if form.startswith("sca_") else SECRETS if form == "secrets" else MISCONFIGURATIONS


def _checks(results: dict[str, Any], name: str, kind: str, place: str) -> Iterator[Finding]:
    for at, one in enumerate(an_optional_list(results.get(name), f"{place}.{name}")):
        spot = f"{place}.{name}[{at}]"
        check = an_object(one, spot)
        result = an_optional_object(check.get("check_result"), f"{spot}.check_result")
        details = an_optional_object(check.get("vulnerability_details"), f"{spot}.vulnerability_details")
        lines = check.get("file_line_range")
        line = f":{lines[0]}" if isinstance(lines, list) and lines else ""
        package = f"{details.get('package_name', '')} {details.get('package_version', '')}".strip()
        path = check.get("file_path") or check.get("resource")
        if not isinstance(path, str):
            raise Unproven(f"{spot} names no file and no resource")
        reason = str(result.get("suppress_comment") or "skipped by a comment or an option")
        yield Finding(
            id=text(details.get("id") or check.get("check_id"), f"{spot}.check_id"),
            severity=severity_of(check.get("severity") or details.get("severity")),
            part=package or f"{path}{line} {check.get('resource', '')}".strip(),
            fixed_in=str(details.get("lowest_fixed_version") or ""),
            published=str(details.get("published_date") or ""),
            suppressed=reason if name == "skipped_checks" else "",
            kind=kind,
        )
