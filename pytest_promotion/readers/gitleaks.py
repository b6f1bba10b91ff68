"""
The JSON of Gitleaks: the secrets that it found, as a list. An empty list does not say what wrote it: use SARIF.

It gives no severity. A secret is critical: everybody with the history of the repository has it.
"""

from __future__ import annotations

from typing import Any

from pytest_promotion.readers.findings import SECRETS, Finding, Scan, text


def read(leaks: list[dict[str, Any]], origin: str) -> Scan:
    """The scan that found *leaks*, of which there is one at least. Raises `Unproven`."""
    found = []
    for at, leak in enumerate(leaks):
        place = f"{origin}: leak {at + 1}"
        rule = text(leak.get("RuleID") or leak.get("rule"), f"{place}.RuleID")
        file = text(leak.get("File") or leak.get("file"), f"{place}.File")
        line = leak.get("StartLine") or leak.get("lineNumber") or "?"
        commit = str(leak.get("Commit") or leak.get("commit") or "")[:12]
        found.append(Finding(rule, "critical", f"{file}:{line}{commit and f' in {commit}'}", kind=SECRETS))
    return Scan("Gitleaks JSON", "Gitleaks", tuple(found), len(found), kinds=frozenset((SECRETS,)))
