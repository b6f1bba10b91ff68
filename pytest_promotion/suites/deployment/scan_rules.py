"""Whether what scanners found may be promoted: limits by severity, and everything that leaves the question open."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from pytest_promotion.clock import FUTURE_SKEW, BadTimestamp, iso, parse_moment
from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import PolicyError
from pytest_promotion.evidence.artifacts import SHORTEST_REASON
from pytest_promotion.evidence.freshness import untimely
from pytest_promotion.evidence.typed import converted
from pytest_promotion.judgement import Judgement
from pytest_promotion.readers.findings import (
    KINDS,
    LICENCES,
    SEVERITIES,
    VULNERABILITIES,
    Finding,
    Scan,
    lacking,
    trimmed,
)
from pytest_promotion.text import listed

USUAL: Final = {"critical": 0, "high": 0, "unknown": 0}
SHOWN: Final = 20
SUPPRESSED: Final = "suppressed"
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What is accepted.

    `most` is how many findings of a severity; one that is not named may have any number, as may licences that
    `most_licences` does not name. `only_fixable` leaves out what has no fix yet. `grace` is how long a severity may
    be known before it counts. `max_age` is that of the scan, `max_database_age` that of its advisories, where the scan
    says it. `require` are the kinds of findings that have to have been looked for.
    """

    most: dict[str, int] = msgspec.field(default_factory=lambda: dict(USUAL))
    most_licences: dict[str, int] = {}
    require: list[str] = []
    only_fixable: bool = False
    grace: dict[str, str] = {}
    max_age: str = "24h"
    max_database_age: str = "7d"
    image: str | None = None
    end_of_life: bool = False  # whether a system without advisories is accepted

    def check(self) -> None:
        """Raises `PolicyError` where it could not judge anything."""
        for name in self.require:
            if name not in KINDS:
                raise PolicyError(f"{name!r} is nothing that is looked for: {', '.join(KINDS)}")
        for name in (*self.most, *self.most_licences, *self.grace):
            if name not in SEVERITIES:
                raise PolicyError(f"{name!r} is no severity: {', '.join(SEVERITIES)}")
        if "critical" not in self.most:
            raise PolicyError("there is no limit for critical findings: every scan would pass")
        if any(most < 0 for most in (*self.most.values(), *self.most_licences.values())):
            raise PolicyError("a limit below 0 can never be kept")
        for length in (self.max_age, self.max_database_age, *self.grace.values()):
            parse_duration(length)
        if self.image is not None and not _DIGEST.fullmatch(self.image):
            raise PolicyError(f"{self.image!r} is no image digest: sha256: and 64 hex digits")


def limits(plain: Any) -> Limits:
    """The limits in *plain* values, as a policy has them. Raises `PolicyError`."""
    found = converted(plain, Limits, "limits of a scan", PolicyError)
    found.check()
    return found


def pairs(words: Any, kind: Callable[[str], Any]) -> dict[str, Any]:
    """`SEVERITY=VALUE` by severity. Raises `PolicyError`."""
    found = {}
    for word in converted(words, list[str], "SEVERITY=VALUE", PolicyError):
        name, _, value = word.partition("=")
        try:
            found[name] = kind(value)
        except ValueError:
            raise PolicyError(f"{word!r}: expected SEVERITY=VALUE") from None
    return found


def reviewable(because: Any) -> str:
    """The reason for a declared time. Raises `PolicyError` where none is given that can be reviewed."""
    if not isinstance(because, str) or len(because.strip()) < SHORTEST_REASON:
        raise PolicyError("scanned_at needs scanned_at_because: a reason that can be reviewed")
    return because


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanJudgement(Judgement):
    """
    `counts` are the findings that count, by severity, `licences` those of licences apart.

    `excused` is how many do not count, by why; `excuses` are these, each with its reason.
    """

    counts: dict[str, int]
    excused: dict[str, int]
    licences: dict[str, int] = field(default_factory=dict)
    excuses: tuple[tuple[Finding, str], ...] = ()


def judge(
    scans: Sequence[tuple[str, Scan]], rules: Limits, now: datetime, skew: timedelta = FUTURE_SKEW
) -> ScanJudgement:
    """
    *scans*, each with where it came from, held against *rules* at the moment *now*.

    `fail` where there is more than is accepted, whatever else is missing; `inconclusive` where nothing was scanned, or
    not what is required; where the scan is old, undated, of another image or not complete; else `pass`.
    """
    counted: list[Finding] = []
    excuses: list[tuple[Finding, str]] = []
    open_: list[str] = [] if scans else ["there is no scan"]
    open_ += lacking(rules.require, [scan for _, scan in scans]) if scans else []
    bound = any(rules.image in scan.digests for _, scan in scans)
    for origin, scan in scans:
        # The image has to be that of one scan at least; beside it, a scan of code or configuration names none.
        of_code = bound and bool(scan.kinds) and VULNERABILITIES not in scan.kinds
        open_ += _gaps(origin, scan, rules, now, skew, of_code=of_code)
        for one in scan.findings:
            why = _excuse(one, rules, now)
            if why:
                excuses.append((one, why))
            else:
                counted.append(one)
    licences = [one for one in counted if one.kind == LICENCES]
    others = [one for one in counted if one.kind != LICENCES]
    against = [*_over(others, rules.most, "findings"), *_over(licences, rules.most_licences, "licences")]
    return ScanJudgement(
        against=tuple(against),
        open_questions=tuple(open_),
        counts=_by_severity(others),
        licences=_by_severity(licences) if licences else {},
        excused=dict(sorted(Counter(why for _, why in excuses).items())),
        excuses=tuple(excuses),
    )


def _by_severity(findings: Sequence[Finding]) -> dict[str, int]:
    counts = Counter(one.severity for one in findings)
    return {name: counts[name] for name in SEVERITIES}


def _over(findings: Sequence[Finding], most: dict[str, int], what: str) -> Iterator[str]:
    """What is above the limits *most*: how many, and which."""
    counts = _by_severity(findings)
    over = [name for name in SEVERITIES if name in most and counts[name] > most[name]]
    for name in over:
        yield f"{counts[name]} {name} {what}, at most {most[name]} are accepted"
    blocking = sorted(
        (one for one in findings if one.severity in over), key=lambda one: (SEVERITIES.index(one.severity), one.key)
    )
    for one in blocking[:SHOWN]:
        fix = f"fixed in {one.fixed_in}" if one.fixed_in else "not fixed yet"
        yield f"{one.severity}: {one.id} in {one.part}" + (f", {fix}" if one.kind == VULNERABILITIES else "")
    if len(blocking) > SHOWN:
        yield f"and {len(blocking) - SHOWN} more"


def _gaps(
    origin: str, scan: Scan, rules: Limits, now: datetime, skew: timedelta, *, of_code: bool = False
) -> list[str]:
    """What leaves open whether there is more than *scan* found, which names no image where it is *of_code*."""
    found = [f"{origin}: {why}" for why in scan.gaps()]
    hidden = [name for name in SEVERITIES if name in scan.left_out and name in rules.most]
    if hidden:
        found.append(f"{origin}: {scan.tool} was configured not to list {', '.join(hidden)} findings")
    if scan.end_of_life and not rules.end_of_life:
        found.append(f"{origin}: {scan.end_of_life} is past its end of life and gets no advisories any more")
    if rules.image is not None and rules.image not in scan.digests and not of_code:
        of = ", ".join(sorted(scan.digests)) or "no image that it names by digest"
        found.append(f"{origin} is a scan of {of}, not of {rules.image}")
    late = [untimely(origin, None if scan.created is None else trimmed(scan.created), now, rules.max_age, skew)]
    if scan.database is not None:
        what = f"{origin}: the database of advisories"
        late.append(untimely(what, trimmed(scan.database), now, rules.max_database_age, skew))
    if scan.valid_until is not None and parse_moment(scan.valid_until) < now:
        late.append(f"{origin}: its own lifetime was over at {scan.valid_until}")
    return [*found, *filter(None, late)]


def _excuse(one: Finding, rules: Limits, now: datetime) -> str:
    """Why a finding does not count; "" where it does."""
    if one.is_excused(now):
        return SUPPRESSED
    if one.kind != VULNERABILITIES:
        return ""
    if rules.only_fixable and not one.fixed_in:
        return "without a fix yet"
    grace = rules.grace.get(one.severity)
    if grace and one.published:
        try:
            known = now - parse_moment(trimmed(one.published))
        except BadTimestamp:
            return ""
        if timedelta() <= known <= parse_duration(grace):
            return f"known for less than {grace}"
    return ""


def named_excuses(judgement: ScanJudgement) -> str:
    """What is suppressed, each with its reason and its end, as a part of a sentence; "" where nothing is."""
    names = [
        f"{one.id} in {one.part} ({one.suppressed}{one.suppressed_until and f', until {one.suppressed_until}'})"
        for one, why in judgement.excuses
        if why == SUPPRESSED
    ]
    return f": {listed(names, 5, separator='; ')}" if names else ""


def document(scans: Sequence[tuple[str, Scan]], judgement: ScanJudgement, now: datetime) -> dict[str, Any]:
    """The report on *scans*, as plain values."""
    return {
        "schema_version": 1,
        "ts_utc": iso(now),
        "status": judgement.status.value,
        "reasons": list(judgement.reasons),
        "counts": judgement.counts,
        "licences": judgement.licences,
        "excused": judgement.excused,
        "excused_findings": [
            {
                "id": one.id,
                "severity": one.severity,
                "part": one.part,
                "because": one.suppressed or why,
                "until": one.suppressed_until or None,
            }
            for one, why in judgement.excuses
        ],
        "scans": [
            {
                "path": origin,
                "format": scan.form,
                "tool": scan.tool,
                "created": scan.created,
                "created_by": "declaration" if scan.declared else "scanner",
                "looked_at": scan.looked_at,
                "looked_for": sorted(scan.kinds),
                "target": scan.target,
                "findings": len(scan.findings),
                "digests": sorted(scan.digests),
            }
            for origin, scan in scans
        ],
    }
