"""What a scanner found, whatever its format: what was looked at, of what, when, what was found, what is excused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from pytest_promotion.clock import FUTURE_SKEW, BadTimestamp, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.freshness import untimely
from pytest_promotion.text import listed

SEVERITIES: Final = ("critical", "high", "medium", "low", "unknown")  # the worst first
VULNERABILITIES: Final = "vulnerabilities"
SECRETS: Final = "secrets"
LICENCES: Final = "licences"
MISCONFIGURATIONS: Final = "misconfigurations"
CODE: Final = "code"  # static analysis
KINDS: Final = (VULNERABILITIES, SECRETS, LICENCES, MISCONFIGURATIONS, CODE)
_WORDS: Final = {"moderate": "medium", "negligible": "low", "info": "low", "none": "low", "note": "low", "trace": "low"}
_DATABASE_AGE: Final = "7d"  # of advisories when they were used, where no policy says it (`max_database_age`)
# CVSS 3.1, qualitative severity rating scale: from which score on.
_SCORES: Final = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.0, "low"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one part of what was scanned."""

    id: str
    severity: str  # one of SEVERITIES
    part: str  # the package with its version, or the file
    fixed_in: str = ""  # the version that fixes it; "" where there is none
    published: str = ""  # ISO 8601, where the scanner says since when it is known
    suppressed: str = ""  # why it does not count, "" where it does
    suppressed_until: str = ""  # ISO 8601; "" for ever
    kind: str = VULNERABILITIES  # one of KINDS

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same finding, by however many paths it is reached."""
        return self.id, self.part

    def is_excused(self, now: datetime) -> bool:
        """Whether it is suppressed at the moment *now*; what ends at a time that cannot be read has ended."""
        if not self.suppressed or not self.suppressed_until:
            return bool(self.suppressed)
        try:
            return parse_moment(self.suppressed_until) > now
        except BadTimestamp:
            return False


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
    kinds: frozenset[str] = frozenset()  # what was looked for, of KINDS; none where the scanner does not say
    target: str = ""  # the image, folder or repository by its name
    commit: str = ""  # of what was scanned, where the scanner says it
    left_out: frozenset[str] = frozenset()  # severities that the scanner was configured not to list
    database: str | None = None  # ISO 8601: of when the scanner's advisories are, where it says so
    valid_until: str | None = None  # ISO 8601: until when the scanner itself keeps the report
    now: datetime | None = field(default=None, compare=False)  # at which excuses are judged

    def dated(self, moment: str | None) -> Scan:
        """The scan as of *moment*, where it does not say itself when it was made."""
        if moment is None or self.created is not None:
            return self
        return replace(self, created=moment, declared=True)

    def at(self, now: datetime) -> Scan:
        """The scan, with what is excused at the moment *now*."""
        return replace(self, now=now)

    @property
    def counted(self) -> tuple[Finding, ...]:
        """The findings that nothing excuses, licences apart. A suppression with an end needs `at`."""
        return tuple(one for one in self.findings if not self._excused(one) and one.kind != LICENCES)

    @property
    def excused(self) -> tuple[Finding, ...]:
        """The findings that a suppression, an ignore file or VEX excuses."""
        return tuple(one for one in self.findings if self._excused(one))

    def _excused(self, one: Finding) -> bool:
        return bool(one.suppressed) and (not one.suppressed_until or (self.now and one.is_excused(self.now)) is True)

    def count(self, severity: str, kind: str | None = None, *, known_only: bool = False) -> int:
        """
        How many findings of *severity* count; only those of *kind*, where it is given.

        Args:
            known_only: whether findings of an unknown severity may be left out, because `count("unknown")` is judged
                by a limit of its own.

        Raises:
            Unproven: where nothing was scanned or something is missing, as `demand_whole` does, where *severity* was
                left out by the scanner, where findings have no severity that is known, which may be this one, where
                no *kind* is given and only secrets and licences were looked for, and for a severity or kind that there
                is none of.
        """
        if severity not in SEVERITIES or (kind is not None and kind not in KINDS):
            raise Unproven(f"{severity!r} of {kind!r}: severities are {listed(SEVERITIES)}, kinds are {listed(KINDS)}")
        self.demand_whole((kind,) if kind else ())
        if kind is None and self.kinds and self.kinds <= {SECRETS, LICENCES}:
            raise Unproven(
                f"{self.tool} looked only for {listed(sorted(self.kinds))}, which are no other findings: "
                f"say {' or '.join(f'kind={one!r}' for one in sorted(self.kinds))}"
            )
        if severity in self.left_out:
            raise Unproven(f"{self.tool} was configured not to list {severity} findings")
        every = self.counted if kind != LICENCES else [one for one in self.findings if not self._excused(one)]
        asked = [one for one in every if kind in (None, one.kind)]
        unknown = [one for one in asked if one.severity == "unknown"]
        if unknown and severity != "unknown" and not known_only:
            raise Unproven(
                f"{len(unknown)} findings of {self.tool} have no severity that is known, the first is {unknown[0].id}: "
                f"any may be {severity}; give count('unknown') a limit of its own, and this one known_only=True"
            )
        return sum(1 for one in asked if one.severity == severity)

    def demand_whole(self, kinds: Iterable[str] = ()) -> None:
        """
        Raises `Unproven` where more may be wrong than was found, or the scanner did not look for *kinds*.

        So it does where the scanner's advisories were older than 7 days when it used them.
        """
        found = [*self.gaps(), *self._old_database(), *lacking(kinds, [self])]
        if self.end_of_life:
            found.append(f"{self.end_of_life} is past its end of life and gets no advisories any more")
        if found:
            raise Unproven(f"{self.form} of {self.tool}: {'; '.join(found)}")

    def _old_database(self) -> list[str]:
        """Why the advisories were not those of the time of the scan, apart from `gaps`: policies have their own age."""
        if self.database is None:
            return []
        try:
            used = parse_moment(trimmed(self.created)) if self.created is not None else self.now
        except BadTimestamp as problem:
            return [f"time of the scan: {problem}"]
        if used is None:
            return ["it does not say when it was made: its database of advisories may have been of any age"]
        why = untimely("at the time of the scan its database", trimmed(self.database), used, _DATABASE_AGE, FUTURE_SKEW)
        return [why] if why else []

    def gaps(self) -> list[str]:
        """Why more may be wrong than was found."""
        nothing = [] if self.looked_at or (self.looked_at is None and self.findings) else ["nothing was scanned"]
        return [*nothing, *self.incomplete]


def lacking(kinds: Iterable[str], scans: Collection[Scan]) -> list[str]:
    """A sentence for each of *kinds* that none of *scans* looked for."""
    there = frozenset().union(*(scan.kinds for scan in scans)) if scans else frozenset()
    tools = listed(sorted({scan.tool for scan in scans}))
    known = f"only for {listed(sorted(there))}" if there else "for what is not known"
    return [f"no scan looked for {kind}: {tools} looked {known}" for kind in kinds if kind not in there]


def trimmed(moment: str) -> str:
    """A moment with nanoseconds, as Go writes them, cut to microseconds."""
    return re.sub(r"(\.\d{6})\d+", r"\1", moment)


def severity_of(word: Any) -> str:
    """The severity that a scanner's *word* means; whatever it does not mean is unknown, never low."""
    found = word.strip().lower() if isinstance(word, str) else ""
    return _WORDS.get(found, found if found in SEVERITIES else "unknown")


def severity_of_score(score: Any) -> str:
    """The severity of a CVSS *score*, a number or its text; unknown for anything else."""
    try:
        value = float(score)
    except (TypeError, ValueError):
        return "unknown"
    if isinstance(score, bool) or not 0 <= value <= 10:
        return "unknown"
    return next(word for least, word in _SCORES if value >= least)


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


def a_count(value: Any, place: str) -> int:
    """*value*, which has to be a whole number from 0 up. Raises `Unproven`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Unproven(f"{place} is {value!r}, expected a count")
    return value


def digests_of(*values: Any) -> frozenset[str]:
    """The image digests among *values*: `sha256:…` by itself or after an `@`."""
    ends = [value.rpartition("@")[2] for value in values if isinstance(value, str)]
    return frozenset(one for one in ends if one.startswith("sha256:"))
