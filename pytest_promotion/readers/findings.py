"""What a scanner found, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from pytest_promotion.errors import Unproven

SEVERITIES: Final = ("critical", "high", "medium", "low", "unknown")  # the worst first


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one part of what was scanned."""

    id: str
    severity: str  # one of SEVERITIES
    part: str  # the package with its version, or the file
    fixed_in: str = ""  # the version that mends it; "" where there is none
    published: str = ""  # ISO 8601, where the scanner says since when it is known
    suppressed: str = ""  # why it does not count, "" where it does
    suppressed_until: str = ""  # ISO 8601; "" for ever

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same finding, by however many paths it is reached."""
        return self.id, self.part


@dataclass(frozen=True, slots=True)
class Scan:
    """
    One scan.

    `looked_at` is how many things were scanned, None where the scanner does not say. `incomplete` are the reasons for
    which there may be more than was found.
    """

    form: str
    tool: str
    findings: tuple[Finding, ...]
    looked_at: int | None
    created: str | None = None  # ISO 8601
    digests: frozenset[str] = frozenset()  # of the image: "sha256:…"
    incomplete: tuple[str, ...] = ()
    end_of_life: str = ""  # the system that gets no advisories any more, "" where it does
    declared: bool = False  # whether `created` is what somebody said, and not the scanner

    def dated(self, moment: str | None) -> Scan:
        """The scan as of *moment*, where it does not say itself when it was made."""
        if moment is None or self.created is not None:
            return self
        return replace(self, created=moment, declared=True)


def severity_of(word: Any) -> str:
    """The severity that a scanner's *word* means; whatever it does not mean is unknown, never low."""
    found = str(word).lower()
    return {"moderate": "medium", "negligible": "low"}.get(found, found if found in SEVERITIES else "unknown")


def distinct(findings: list[Finding]) -> tuple[Finding, ...]:
    """*findings*, each once: the same one by several paths is one; suppressed only where it is by every path."""
    found: dict[tuple[str, str], Finding] = {}
    for one in findings:
        seen = found.get(one.key)
        if seen is None or (seen.suppressed and not one.suppressed) or _worse(one, seen):
            found[one.key] = one
        elif seen.suppressed and one.suppressed_until:
            ends = min(one.suppressed_until, seen.suppressed_until or one.suppressed_until)
            found[one.key] = replace(seen, suppressed_until=ends)
    return tuple(found.values())


def _worse(one: Finding, other: Finding) -> bool:
    known = bool(one.suppressed) == bool(other.suppressed)
    return known and SEVERITIES.index(one.severity) < SEVERITIES.index(other.severity)


def text(value: Any, place: str) -> str:
    """*value*, which has to be a text that says something. Raises `Unproven`."""
    if not isinstance(value, str) or not value.strip():
        raise Unproven(f"{place} is {value!r}, expected a text")
    return value
