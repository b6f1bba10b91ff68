"""
The allow-list: findings that somebody answers for, until a day.

    version: 1
    allow:
      - {fingerprint: 8d1c…, reason: rotated on 2 May, expires: 2026-06-30}
      - {path: docs/setup.md, rule: keyword, reason: the sandbox's public key, expires: 2026-12-31}
      - {path: docs/paper.pdf, rule: not-scanned, reason: published as it is, expires: 2026-12-31}

With the rule `not-scanned`, an entry means a file that could not be looked at. One that has expired allows nothing, and
one that matches nothing would allow the next leak at its place: both are errors of the scan.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence import documents
from pytest_promotion.evidence.files import read_given
from pytest_promotion.secrets.findings import Finding

NOT_SCANNED: Final = "not-scanned"


class Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One allowance: by fingerprint, or by path and rule; it holds to the end of its day, in UTC."""

    reason: Annotated[str, msgspec.Meta(min_length=3, pattern=r"\S")]
    expires: dt.date
    fingerprint: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")] | None = None
    path: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    rule: Annotated[str, msgspec.Meta(min_length=1)] | None = None

    def names(self) -> str:
        """What it allows, for people."""
        return f"fingerprint {self.fingerprint}" if self.fingerprint else f"{self.rule} in {self.path}"

    def covers(self, finding: Finding) -> bool:
        """Whether it means that finding."""
        if self.fingerprint is not None:
            return self.fingerprint == finding.fingerprint
        return (self.path, self.rule) == (finding.path, finding.rule)


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    version: Literal[1]
    allow: list[Entry]


def read(path: Path) -> list[Entry]:
    """The entries of the allow-list at *path*. Raises `PolicyError` for whatever is not one."""
    try:
        entries = msgspec.convert(
            documents.parse_yaml(read_given(path, f"the allow-list {path}", refusal=PolicyError), str(path)), _File
        ).allow
    except (Unproven, msgspec.ValidationError) as problem:
        raise PolicyError(f"the allow-list {path} cannot be used: {problem}") from None
    for number, entry in enumerate(entries, 1):
        by_place = entry.path is not None and entry.rule is not None
        if (entry.fingerprint is not None) == by_place or (entry.path is None) != (entry.rule is None):
            raise PolicyError(f"the allow-list {path}: entry {number} needs either fingerprint, or path and rule")
    return entries


def not_scanned(path: str, reason: str) -> Finding:
    """A file that could not be looked at, as something that an entry can allow."""
    return Finding(NOT_SCANNED, path, 0, reason, "")


def apply(
    entries: list[Entry], findings: list[Finding], today: dt.date
) -> tuple[list[Finding], list[tuple[Finding, Entry]], list[str]]:
    """
    Parts what is allowed from what is not.

    Returns:
        findings that stand, those that are allowed with their entry, and what is wrong with the entries.
    """
    standing: list[Finding] = []
    allowed: list[tuple[Finding, Entry]] = []
    used: set[int] = set()
    for finding in findings:
        covering = [number for number, entry in enumerate(entries) if entry.covers(finding)]
        used.update(covering)
        valid = next((entries[number] for number in covering if entries[number].expires >= today), None)
        if valid is None:
            standing.append(finding)
        else:
            allowed.append((finding, valid))
    errors = []
    for number, entry in enumerate(entries):
        if entry.expires < today:
            errors.append(f"entry {number + 1} ({entry.names()}) expired on {entry.expires}")
        elif number not in used:
            errors.append(f"entry {number + 1} ({entry.names()}) matches no finding")
    return standing, allowed, errors
