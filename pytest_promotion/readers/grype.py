"""
Grype's JSON.

It says nothing of the packages that have no vulnerability: a folder in which it recognized nothing looks like one
without a flaw. What an ignore rule or VEX took away is listed apart.
"""

from __future__ import annotations

from typing import Any

from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_list, an_optional_object
from pytest_promotion.readers.findings import VULNERABILITIES, Finding, Scan, digests_of, distinct, severity_of, text


def read(document: dict[str, Any], origin: str) -> Scan:
    """The scan in Grype's *document*. Raises `Unproven`."""
    found = [
        _finding(an_object(one, f"{origin}: matches[{at}]"), f"{origin}: matches[{at}]")
        for at, one in enumerate(a_list(document["matches"], f"{origin}: matches"))
    ]
    ignored = [
        _finding(an_object(one, f"{origin}: ignoredMatches[{at}]"), f"{origin}: ignoredMatches[{at}]", ignored=True)
        for at, one in enumerate(an_optional_list(document.get("ignoredMatches"), f"{origin}: ignoredMatches"))
    ]
    descriptor = an_optional_object(document.get("descriptor"), f"{origin}: descriptor")
    source = an_optional_object(document.get("source"), f"{origin}: source")
    distro = an_optional_object(document.get("distro"), f"{origin}: distro")
    target = source.get("target")
    image: dict[str, Any] = target if isinstance(target, dict) else {}
    incomplete = []
    if not source:
        incomplete.append("it does not say what was scanned")
    elif not found and not ignored and not distro.get("name"):
        incomplete.append("it names no package and no system: nothing may have been recognized")
    built, problem = _database(descriptor, origin)
    incomplete += [problem] if problem else []
    created = descriptor.get("timestamp")
    return Scan(
        form="Grype JSON",
        tool=f"Grype {descriptor.get('version', 'of unknown version')}",
        findings=distinct([*found, *ignored]),
        looked_at=1 if source else 0,
        created=created if isinstance(created, str) else None,
        digests=digests_of(
            image.get("imageID"),
            image.get("manifestDigest"),
            *an_optional_list(image.get("repoDigests"), f"{origin}: source.target.repoDigests"),
        ),
        incomplete=tuple(incomplete),
        kinds=frozenset((VULNERABILITIES,)),
        target=str(image.get("userInput") or (target if not image else "") or ""),
        left_out=_left_out(descriptor, origin),
        database=built,
    )


def _database(descriptor: dict[str, Any], origin: str) -> tuple[str | None, str]:
    """When the advisories are of, and what is wrong with them."""
    database = an_optional_object(descriptor.get("db"), f"{origin}: descriptor.db")
    status = an_optional_object(database.get("status"), f"{origin}: descriptor.db.status") or database
    built = status.get("built")
    if not isinstance(built, str) or not built:
        return None, "it does not say of when its database of vulnerabilities is"
    wrong = status.get("error") or (status.get("valid", True) is not True and "it is not valid")
    return built, f"its database of vulnerabilities could not be used: {wrong}" if wrong else ""


def _left_out(descriptor: dict[str, Any], origin: str) -> frozenset[str]:
    """Everything, where only what has a fix is listed: the severity of the others is not known."""
    settings = an_optional_object(descriptor.get("configuration"), f"{origin}: descriptor.configuration")
    only = settings.get("only-fixed") is True or settings.get("only-notfixed") is True
    return frozenset(("critical", "high", "medium", "low", "unknown")) if only else frozenset()


def _finding(match: dict[str, Any], place: str, *, ignored: bool = False) -> Finding:
    flaw = an_object(match.get("vulnerability"), f"{place}.vulnerability")
    package = an_object(match.get("artifact"), f"{place}.artifact")
    fix = an_optional_object(flaw.get("fix"), f"{place}.vulnerability.fix")
    versions = an_optional_list(fix.get("versions"), f"{place}.vulnerability.fix.versions")
    name = text(package.get("name"), f"{place}.artifact.name")
    return Finding(
        id=text(flaw.get("id"), f"{place}.vulnerability.id"),
        severity=severity_of(flaw.get("severity")),
        part=f"{name} {package.get('version', '')}".strip(),
        fixed_in=", ".join(map(str, versions)),
        suppressed=_reason(match, place) if ignored else "",
    )


def _reason(match: dict[str, Any], place: str) -> str:
    rules = an_optional_list(match.get("appliedIgnoreRules"), f"{place}.appliedIgnoreRules")
    words = []
    for one in rules:
        rule = an_object(one, f"{place}.appliedIgnoreRules")
        vex = [str(rule[key]) for key in ("vex-status", "vex-justification") if rule.get(key)]
        words.append(str(rule.get("reason") or "") or " ".join(vex) or "a rule of Grype's configuration")
    return "; ".join(dict.fromkeys(words)) or "ignored by Grype"
