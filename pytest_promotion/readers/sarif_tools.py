"""What SARIF does not say, and the tools that write it do: what they looked for, of which image, and how much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pytest_promotion.evidence.kinds import an_object, an_optional_list, an_optional_object
from pytest_promotion.readers.findings import CODE, LICENCES, MISCONFIGURATIONS, SECRETS, VULNERABILITIES

# By how the name of the tool begins, in lower case; of tools that look for one thing only.
_TOOLS: Final = {
    **dict.fromkeys(
        ("grype", "osv-scanner", "dependency-check", "snyk open source", "snyk container"), VULNERABILITIES
    ),
    **dict.fromkeys(("npm audit", "pip-audit", "govulncheck", "cargo-audit", "docker scout"), VULNERABILITIES),
    **dict.fromkeys(("gitleaks", "trufflehog", "detect-secrets"), SECRETS),
    **dict.fromkeys(("kics", "checkov", "tfsec", "snyk iac", "terrascan", "kubesec", "hadolint"), MISCONFIGURATIONS),
    **dict.fromkeys(("codeql", "semgrep", "snykcode", "snyk code", "bandit", "flawfinder", "nodejsscan"), CODE),
    **dict.fromkeys(("spotbugs", "find security bugs", "eslint", "ruff", "gosec", "brakeman", "psalm", "pmd"), CODE),
    **dict.fromkeys(
        ("njsscan", "shellcheck", "clang", "infer", "sonar", "devskim", "mobsfscan", "pylint", "flake8"), CODE
    ),
}
# Trivy and tools like it do all of it: the rules of what they found say what that was.
_NAMES: Final = {
    "OsPackageVulnerability": VULNERABILITIES,
    "LanguageSpecificPackageVulnerability": VULNERABILITIES,
    "Misconfiguration": MISCONFIGURATIONS,
    "Secret": SECRETS,
    "License": LICENCES,
}
_TAGS: Final = {"vulnerability": VULNERABILITIES, "secret": SECRETS, "misconfiguration": MISCONFIGURATIONS}


def looked_for(
    tool: str, run: dict[str, Any], rules: list[dict[str, Any]], place: str
) -> tuple[frozenset[str], str, list[Any]]:
    """The kinds of findings that *tool* looked for, as far as is known; of what, by name; and its digests."""
    name = tool.lower()
    by_name = [kind for start, kind in _TOOLS.items() if name.startswith(start)]
    by_rule = [kind for rule in rules if (kind := _kind(rule))]
    bag = an_optional_object(run.get("properties"), f"{place}.properties")
    images = [bag.get("imageID"), *an_optional_list(bag.get("repoDigests"), f"{place}.properties.repoDigests")]
    target = bag.get("imageName")
    return frozenset(by_name or by_rule), target if isinstance(target, str) else "", images


def kind_of(rule: dict[str, Any] | None) -> str:
    """What a finding of *rule* is; where it does not say it, a finding of static analysis."""
    return _kind(rule or {}) or CODE


def _kind(rule: dict[str, Any]) -> str:
    name = rule.get("name")
    if isinstance(name, str) and name in _NAMES:
        return _NAMES[name]
    bag = rule.get("properties")
    tags = bag.get("tags") if isinstance(bag, dict) else None
    return next((_TAGS[tag] for tag in tags if tag in _TAGS), "") if isinstance(tags, list) and _words(tags) else ""


def _words(tags: list[Any]) -> bool:
    return all(isinstance(tag, str) for tag in tags)


def not_parsed(run: dict[str, Any], place: str) -> Iterator[str]:
    """What Snyk Code says that it could not look at."""
    bag = an_optional_object(run.get("properties"), f"{place}.properties")
    if not isinstance(bag.get("coverage"), list):
        return
    covered = [an_object(one, f"{place}.properties.coverage") for one in bag["coverage"]]
    for one in covered:
        if one.get("type") == "FAILED_PARSING" and one.get("files"):
            yield f"{one['files']} files of {one.get('lang', 'a language')} could not be parsed"
    supported = [one for one in covered if one.get("type", "SUPPORTED") == "SUPPORTED" and one.get("isSupported", True)]
    if covered and not any(one.get("files") for one in supported):
        yield "no file was of a language that is supported"
