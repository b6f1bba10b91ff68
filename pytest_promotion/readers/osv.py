"""
OSV-Scanner's JSON.

Packages without a vulnerability are listed with `--all-packages` only: without it, an empty list of results is what it
writes of a clean project, and of one in which it found no package.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_list, an_optional_object
from pytest_promotion.readers.findings import (
    LICENCES,
    VULNERABILITIES,
    Finding,
    Scan,
    distinct,
    severity_of,
    severity_of_score,
    text,
)


def read(document: dict[str, Any], origin: str) -> Scan:
    """The scan in OSV-Scanner's *document*. Raises `Unproven`."""
    found: list[Finding] = []
    packages = 0
    targets = []
    for at, one in enumerate(an_optional_list(document["results"], f"{origin}: results")):
        result = an_object(one, f"{origin}: results[{at}]")
        source = an_optional_object(result.get("source"), f"{origin}: results[{at}].source")
        targets.append(str(source.get("path") or ""))
        for number, inner in enumerate(an_optional_list(result.get("packages"), f"{origin}: results[{at}].packages")):
            place = f"{origin}: results[{at}].packages[{number}]"
            found += _of(an_object(inner, place), place)
            packages += 1
    incomplete = [] if packages else ["it lists no package: clean and nothing recognized look the same; --all-packages"]
    return Scan(
        form="OSV-Scanner JSON",
        tool="OSV-Scanner",
        findings=distinct(found),
        looked_at=packages,
        incomplete=tuple(incomplete),
        kinds=frozenset((VULNERABILITIES,)),
        target=", ".join(dict.fromkeys(filter(None, targets))),
    )


def _of(entry: dict[str, Any], place: str) -> Iterator[Finding]:
    package = an_object(entry.get("package"), f"{place}.package")
    name = text(package.get("name") or package.get("commit"), f"{place}.package.name")
    part = f"{name} {package.get('version') or ''}".strip()
    flaws = [
        an_object(one, f"{place}.vulnerabilities")
        for one in an_optional_list(entry.get("vulnerabilities"), f"{place}.vulnerabilities")
    ]
    by_id = {text(one.get("id"), f"{place}.vulnerabilities.id"): one for one in flaws}
    grouped = set()
    for one in an_optional_list(entry.get("groups"), f"{place}.groups"):
        group = an_object(one, f"{place}.groups")
        names = [text(name, f"{place}.groups.ids") for name in a_list(group.get("ids"), f"{place}.groups.ids")]
        grouped |= set(names)
        members = [by_id[name] for name in names if name in by_id]
        severity = severity_of_score(group.get("max_severity"))
        if severity == "unknown":
            severity = next((word for flaw in members if (word := _own(flaw, place)) != "unknown"), "unknown")
        yield Finding(names[0] if names else "a group without ids", severity, part, _fixed(members), _since(members))
    for name, flaw in by_id.items():
        if name not in grouped:
            yield Finding(name, _own(flaw, place), part, _fixed([flaw]), _since([flaw]))
    for licence in an_optional_list(entry.get("license_violations"), f"{place}.license_violations"):
        yield Finding(str(licence), "unknown", part, kind=LICENCES)


def _own(flaw: dict[str, Any], place: str) -> str:
    bag = an_optional_object(flaw.get("database_specific"), f"{place}: database_specific")
    return severity_of(bag.get("severity"))


def _fixed(flaws: list[dict[str, Any]]) -> str:
    events = [
        event
        for flaw in flaws
        for one in flaw.get("affected") or ()
        for span in (one.get("ranges") if isinstance(one, dict) else None) or ()
        for event in (span.get("events") if isinstance(span, dict) else None) or ()
        if isinstance(event, dict)
    ]
    return ", ".join(dict.fromkeys(str(one["fixed"]) for one in events if one.get("fixed")))


def _since(flaws: list[dict[str, Any]]) -> str:
    return min((str(one["published"]) for one in flaws if one.get("published")), default="")
