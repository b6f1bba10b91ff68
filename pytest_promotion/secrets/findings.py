"""
Findings: where a secret stands, and never the secret.

A finding is known by its fingerprint, an HMAC-SHA-256 over path, rule and secret: it stays the same
when lines move, and differs for another secret at the same place. Its key is not in the report, so that
nobody who has the report can try passwords against it: `PROMOTION_SECRETS_KEY` if that is set, else a
file that only its user can read.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pytest_promotion import atomic
from pytest_promotion.errors import Unproven
from pytest_promotion.secrets.lines import Match

KEY_VARIABLE: Final = "PROMOTION_SECRETS_KEY"
_KEY_BYTES: Final = 16  # at least; a shorter one could be guessed like a password
_LINES_KEPT: Final = 20
_HELD: Final = 10_000  # distinct findings in memory; the rest are counted
LISTED: Final = 1000


@dataclass(slots=True)
class Finding:
    """One secret at one place, however often."""

    rule: str
    path: str
    line: int
    match_excerpt: str
    fingerprint: str
    lines: list[int] = field(default_factory=list)
    occurrences: int = 0

    def document(self) -> dict[str, Any]:
        """As the report lists it."""
        return {
            "path": self.path,
            "rule": self.rule,
            "line": self.line,
            "match_excerpt": self.match_excerpt,
            "fingerprint": self.fingerprint,
            "occurrences": self.occurrences,
            "lines": self.lines,
        }


class Findings:
    """What was found, by fingerprint, in bounded memory."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._held: dict[str, Finding] = {}
        self.omitted = 0

    def add(self, path: str, line: int, match: Match, secret: str) -> None:
        """Notes *match* on *line* of *path*; of *secret* only the fingerprint and the length are kept."""
        told = f"{path}\0{match.rule}\0{secret}\0{match.more}".encode("utf-8", "surrogatepass")
        fingerprint = hmac.new(self._key, told, hashlib.sha256).hexdigest()[:32]
        finding = self._held.get(fingerprint)
        if finding is None:
            if len(self._held) >= _HELD:
                self.omitted += 1
                return
            excerpt = f"{match.label}: *** ({len(secret)} characters)"
            finding = self._held[fingerprint] = Finding(match.rule, path, line, excerpt, fingerprint)
        if line not in finding.lines:  # the pieces of a long line overlap
            finding.occurrences += 1
            if len(finding.lines) < _LINES_KEPT:
                finding.lines.append(line)

    def sorted(self) -> list[Finding]:
        """By path and line."""
        return sorted(self._held.values(), key=lambda one: (one.path, one.line, one.rule, one.fingerprint))


def fingerprint_key() -> bytes:
    """
    The key of the fingerprints.

    Raises:
        Unproven: where the variable is too short, or the file is readable by others or cannot be kept.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given is not None:
        if len(given.encode()) < _KEY_BYTES:
            raise Unproven(f"{KEY_VARIABLE} has {len(given.encode())} bytes, expected at least {_KEY_BYTES}")
        return given.encode()
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    place = Path(base) / "pytest-promotion" / "fingerprint.key"
    try:
        return _kept(place)
    except OSError as problem:
        reason = (problem.strerror or "failed").lower()
        raise Unproven(f"the key of the fingerprints {place} cannot be used: {reason}; set {KEY_VARIABLE}") from None


def _kept(place: Path) -> bytes:
    try:
        return _read(place)
    except FileNotFoundError:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):  # the key of a scan that was first is kept
            atomic.write(place, secrets.token_hex(32).encode(), mode=0o600, overwrite=False)
        return _read(place)


def _read(place: Path) -> bytes:
    with place.open("rb") as file:
        if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
            raise Unproven(f"{place} can be read by others: chmod 600 it, or set {KEY_VARIABLE}")
        key = file.read()
    if len(key) < _KEY_BYTES:
        raise Unproven(f"{place} is cut: remove it, and fingerprints in allow-lists with it")
    return key


def key_id(key: bytes) -> str:
    """A name for the key that says nothing of it: fingerprints can only be compared under equal names."""
    return hmac.new(key, b"pytest-promotion secrets: name of the key", hashlib.sha256).hexdigest()[:12]
