"""Semgrep's JSON. A file that it could not parse, or gave up on, is an error in it; the exit code is 0 all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_list, an_optional_object
from pytest_promotion.readers.findings import CODE, SECRETS, VULNERABILITIES, Finding, Scan, severity_of, text

_LEVELS: Final = {"error": "high", "warning": "medium", "info": "low", "inventory": "low", "experiment": "low"}
_TOLERATED: Final = ("PartialParsing",)  # the file was looked at, but for a part of it


def read(document: dict[str, Any], origin: str) -> Scan:
    """The scan in Semgrep's *document*. Raises `Unproven`."""
    found = [
        _finding(an_object(one, f"{origin}: results[{at}]"), f"{origin}: results[{at}]")
        for at, one in enumerate(a_list(document["results"], f"{origin}: results"))
    ]
    paths = an_optional_object(document.get("paths"), f"{origin}: paths")
    scanned = paths.get("scanned")
    incomplete = list(_errors(document, origin))
    if scanned is None:
        incomplete.append("it does not say which files were scanned")
    version = document.get("version")
    return Scan(
        form="Semgrep JSON",
        tool=f"Semgrep {version if isinstance(version, str) else 'of unknown version'}",
        findings=tuple(found),
        looked_at=None if scanned is None else len(a_list(scanned, f"{origin}: paths.scanned")),
        incomplete=tuple(incomplete),
        kinds=frozenset((CODE, *(one.kind for one in found))),
    )


def _finding(result: dict[str, Any], place: str) -> Finding:
    extra = an_object(result.get("extra"), f"{place}.extra")
    start = an_optional_object(result.get("start"), f"{place}.start")
    word = str(extra.get("severity")).lower()
    kind = VULNERABILITIES if extra.get("sca_info") else SECRETS if _is_secret(extra) else CODE
    return Finding(
        id=text(result.get("check_id"), f"{place}.check_id"),
        severity=_LEVELS.get(word, severity_of(extra.get("severity"))),
        part=f"{text(result.get('path'), f'{place}.path')}:{start.get('line', '?')}",
        suppressed="ignored by a comment in the code" if extra.get("is_ignored") is True else "",
        kind=kind,
    )


def _is_secret(extra: dict[str, Any]) -> bool:
    metadata = extra.get("metadata")
    technology = metadata.get("technology") if isinstance(metadata, dict) else None
    return isinstance(technology, list) and "secrets" in technology


def _errors(document: dict[str, Any], origin: str) -> Iterator[str]:
    for one in an_optional_list(document.get("errors"), f"{origin}: errors"):
        error = an_object(one, f"{origin}: errors")
        form = error.get("type")
        form = form[0] if isinstance(form, list) and form else form
        if form not in _TOLERATED:
            yield f"Semgrep reports {form or 'an error'} in {error.get('path') or 'no file that it names'}"
    for one in an_optional_list(document.get("skipped_rules"), f"{origin}: skipped_rules"):
        rule = an_object(one, f"{origin}: skipped_rules")
        yield f"the rule {rule.get('rule_id') or rule.get('ruleId') or '?'} was skipped"
