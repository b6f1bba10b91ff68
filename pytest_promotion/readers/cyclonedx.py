"""
CycloneDX documents that list vulnerabilities, with VEX in their `analysis`.

A bill of materials alone is no scan, and an empty list of vulnerabilities is what tools write into one as well.
"""

from __future__ import annotations

from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import an_object, an_optional_list, an_optional_object
from pytest_promotion.readers.findings import (
    SEVERITIES,
    VULNERABILITIES,
    Finding,
    Scan,
    digests_of,
    severity_of,
    severity_of_score,
    text,
)

_EXCUSES: Final = ("not_affected", "false_positive", "resolved", "resolved_with_pedigree")


def read(document: dict[str, Any], origin: str) -> Scan:
    """The vulnerabilities in a CycloneDX *document*. Raises `Unproven` where it does not speak of any."""
    listed = an_optional_list(document.get("vulnerabilities"), f"{origin}: vulnerabilities")
    if not listed:
        raise Unproven(
            f"{origin} is a CycloneDX bill of materials without vulnerabilities: nothing shows that any were looked for"
        )
    metadata = an_optional_object(document.get("metadata"), f"{origin}: metadata")
    main = an_optional_object(metadata.get("component"), f"{origin}: metadata.component")
    names = _names(document, main, origin)
    found = []
    for at, one in enumerate(listed):
        place = f"{origin}: vulnerabilities[{at}]"
        found += _of(an_object(one, place), names, place)
    created = metadata.get("timestamp")
    return Scan(
        form=f"CycloneDX {document.get('specVersion', '')}".strip(),
        tool=_tools(metadata, origin),
        findings=tuple(found),
        looked_at=len(listed),
        created=created if isinstance(created, str) else None,
        digests=digests_of(main.get("version"), str(main.get("bom-ref") or ""), _digest_of_purl(main.get("purl"))),
        kinds=frozenset((VULNERABILITIES,)),
        target=str(main.get("name") or ""),
    )


def _names(document: dict[str, Any], main: dict[str, Any], origin: str) -> dict[str, str]:
    every = [main, *an_optional_list(document.get("components"), f"{origin}: components")]
    parts = [an_object(one, f"{origin}: components") for one in every]
    return {
        str(one["bom-ref"]): f"{one.get('name', '')} {one.get('version', '')}".strip()
        for one in parts
        if one.get("bom-ref")
    }


def _digest_of_purl(purl: Any) -> str:
    return purl.replace("%3A", ":").replace("%40", "@").partition("?")[0] if isinstance(purl, str) else ""


def _tools(metadata: dict[str, Any], origin: str) -> str:
    tools = metadata.get("tools")
    if isinstance(tools, dict):  # from 1.5 on
        tools = tools.get("components")
    every = [
        an_object(one, f"{origin}: metadata.tools") for one in an_optional_list(tools, f"{origin}: metadata.tools")
    ]
    return ", ".join(f"{one.get('name', '?')} {one.get('version', '')}".strip() for one in every) or "an unnamed tool"


def _of(flaw: dict[str, Any], names: dict[str, str], place: str) -> list[Finding]:
    name = text(flaw.get("id"), f"{place}.id")
    analysis = an_optional_object(flaw.get("analysis"), f"{place}.analysis")
    refs = [
        str(an_object(one, f"{place}.affects").get("ref"))
        for one in an_optional_list(flaw.get("affects"), f"{place}.affects")
    ]
    # A state without a word of why hides nothing.
    words = [str(analysis[key]) for key in ("justification", "detail") if analysis.get(key)]
    excused = analysis.get("state") in _EXCUSES and words
    return [
        Finding(
            id=name,
            severity=_severity(flaw, place),
            part=names.get(ref, ref),
            fixed_in=str(flaw.get("recommendation") or ""),
            published=str(flaw.get("published") or ""),
            suppressed=f"{analysis['state']}: {'; '.join(words)}" if excused else "",
        )
        for ref in refs or ["no part is named"]
    ]


def _severity(flaw: dict[str, Any], place: str) -> str:
    words = []
    for one in an_optional_list(flaw.get("ratings"), f"{place}.ratings"):
        rating = an_object(one, f"{place}.ratings")
        by_word = severity_of(rating.get("severity"))
        words.append(by_word if by_word != "unknown" else severity_of_score(rating.get("score")))
    known = [word for word in words if word != "unknown"]
    return min(known, key=SEVERITIES.index, default="unknown")
