"""The JSON of KICS. What it could not scan, and queries that did not run, are counted in it."""

from __future__ import annotations

from typing import Any, Final

from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_list
from pytest_promotion.readers.findings import MISCONFIGURATIONS, SECRETS, Finding, Scan, a_count, severity_of, text

_FAILURES: Final = {
    "files_failed_to_scan": "files could not be scanned",
    "queries_failed_to_execute": "queries did not run",
}


def read(document: dict[str, Any], origin: str) -> Scan:
    """The scan in the *document* of KICS. Raises `Unproven`."""
    found = []
    for at, one in enumerate(a_list(document.get("queries"), f"{origin}: queries")):
        place = f"{origin}: queries[{at}]"
        query = an_object(one, place)
        name = text(query.get("query_id") or query.get("query_name"), f"{place}.query_id")
        kind = SECRETS if query.get("category") == "Secret Management" else MISCONFIGURATIONS
        for number, inner in enumerate(a_list(query.get("files"), f"{place}.files")):
            spot = f"{place}.files[{number}]"
            file = an_object(inner, spot)
            part = f"{text(file.get('file_name'), f'{spot}.file_name')}:{file.get('line', '?')}"
            found.append(Finding(name, severity_of(query.get("severity")), part, kind=kind))
    counts = {name: a_count(document.get(name, 0), f"{origin}: {name}") for name in _FAILURES}
    incomplete = [f"{counts[name]} {what}" for name, what in _FAILURES.items() if counts[name]]
    total = a_count(document.get("total_counter"), f"{origin}: total_counter")
    if total > len(found):
        incomplete.append(f"it counts {total} findings, and {len(found)} are listed")
    if not a_count(document.get("queries_total", 0), f"{origin}: queries_total"):
        incomplete.append("no query was run")
    ended = document.get("end")
    version = document.get("kics_version")
    return Scan(
        form="KICS JSON",
        tool=f"KICS {version if isinstance(version, str) else 'of unknown version'}",
        findings=tuple(found),
        looked_at=a_count(document.get("files_parsed", document["files_scanned"]), f"{origin}: files_parsed"),
        created=ended if isinstance(ended, str) and not ended.startswith("0001") else None,
        incomplete=tuple(incomplete),
        kinds=frozenset((MISCONFIGURATIONS, SECRETS)),
        target=", ".join(map(str, an_optional_list(document.get("paths"), f"{origin}: paths"))),
    )
