"""Whether what scanners found may be promoted: limits by severity, and everything that leaves the question open."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from pytest_promotion.clock import FUTURE_SKEW, BadTimestamp, iso, parse_moment
from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import PolicyError
from pytest_promotion.evidence.freshness import untimely
from pytest_promotion.evidence.typed import converted
from pytest_promotion.judgement import Judgement
from pytest_promotion.readers.findings import SEVERITIES, Finding, Scan

USUAL: Final = {"critical": 0, "high": 0, "unknown": 0}
SHOWN: Final = 20
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What is accepted.

    `most` is how many findings of a severity; one that is not named may have any number. `only_fixable` leaves out what
    nobody can mend yet. `grace` is how long a severity may be known before it counts. `max_age` is that of the scan.
    """

    most: dict[str, int] = msgspec.field(default_factory=lambda: dict(USUAL))
    only_fixable: bool = False
    grace: dict[str, str] = {}
    max_age: str = "24h"
    image: str | None = None
    end_of_life: bool = False  # whether a system without advisories is accepted

    def check(self) -> None:
        """Raises `PolicyError` where it could not judge anything."""
        for name in (*self.most, *self.grace):
            if name not in SEVERITIES:
                raise PolicyError(f"{name!r} is no severity: {', '.join(SEVERITIES)}")
        if "critical" not in self.most:
            raise PolicyError("there is no limit for critical findings: every scan would pass")
        if any(most < 0 for most in self.most.values()):
            raise PolicyError("a limit below 0 can never be kept")
        for length in (self.max_age, *self.grace.values()):
            parse_duration(length)
        if self.image is not None and not _DIGEST.fullmatch(self.image):
            raise PolicyError(f"{self.image!r} is no image digest: sha256: and 64 hex digits")


def limits(plain: Any) -> Limits:
    """The limits in *plain* values, as a policy has them. Raises `PolicyError`."""
    found = converted(plain, Limits, "limits of a scan", PolicyError)
    found.check()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanJudgement(Judgement):
    """`counts` are the findings that count, by severity; `excused` those that do not, and why."""

    counts: dict[str, int]
    excused: dict[str, int]


def judge(
    scans: Sequence[tuple[str, Scan]], rules: Limits, now: datetime, skew: timedelta = FUTURE_SKEW
) -> ScanJudgement:
    """
    *scans*, each with where it came from, held against *rules* at the moment *now*.

    `fail` where there is more than is accepted, whatever else is missing; `inconclusive` where nothing was scanned, the
    scan is old, undated, of another image or not complete; else `pass`.
    """
    counts: Counter[str] = Counter()
    excused: Counter[str] = Counter()
    open_: list[str] = [] if scans else ["there is no scan"]
    worst: list[Finding] = []
    for origin, scan in scans:
        open_ += _gaps(origin, scan, rules, now, skew)
        for one in scan.findings:
            why = _excuse(one, rules, now)
            if why:
                excused[why] += 1
            else:
                counts[one.severity] += 1
                worst.append(one)
    over = [
        f"{counts[name]} {name} findings, at most {most} are accepted"
        for name in SEVERITIES
        if (most := rules.most.get(name)) is not None and counts[name] > most
    ]
    breached = {name for name, most in rules.most.items() if counts[name] > most}
    blocking = sorted(
        (one for one in worst if one.severity in breached), key=lambda one: (SEVERITIES.index(one.severity), one.key)
    )
    shown = [
        f"{one.severity}: {one.id} in {one.part}, {f'mended in {one.fixed_in}' if one.fixed_in else 'not mended yet'}"
        for one in blocking[:SHOWN]
    ]
    told = over + shown + ([f"and {len(blocking) - SHOWN} more"] if len(blocking) > SHOWN else [])
    by_severity = {name: counts[name] for name in SEVERITIES}
    return ScanJudgement(
        against=tuple(told) if over else (),
        open_questions=tuple(open_),
        counts=by_severity,
        excused=dict(sorted(excused.items())),
    )


def _gaps(origin: str, scan: Scan, rules: Limits, now: datetime, skew: timedelta) -> list[str]:
    """What leaves open whether there is more than *scan* found."""
    found = []
    if not scan.looked_at:
        found.append(f"{origin}: nothing was scanned")
    found += [f"{origin}: {why}" for why in scan.incomplete]
    if scan.end_of_life and not rules.end_of_life:
        found.append(f"{origin}: {scan.end_of_life} is past its end of life and gets no advisories any more")
    if rules.image is not None and rules.image not in scan.digests:
        of = ", ".join(sorted(scan.digests)) or "no image that it names by digest"
        found.append(f"{origin} is a scan of {of}, not of {rules.image}")
    made = None if scan.created is None else trimmed(scan.created)
    late = untimely(origin, made, now, rules.max_age, skew)
    return [*found, late] if late else found


def _excuse(one: Finding, rules: Limits, now: datetime) -> str:
    """Why a finding does not count; "" where it does."""
    if one.suppressed and not (one.suppressed_until and parse_moment(one.suppressed_until) <= now):
        return "suppressed"
    if rules.only_fixable and not one.fixed_in:
        return "not mended by anybody yet"
    grace = rules.grace.get(one.severity)
    if grace and one.published:
        try:
            known = now - parse_moment(trimmed(one.published))
        except BadTimestamp:
            return ""
        if timedelta() <= known <= parse_duration(grace):
            return f"known for less than {grace}"
    return ""


def trimmed(moment: str) -> str:
    """A moment with nanoseconds, as Go writes them, cut to microseconds."""
    return re.sub(r"(\.\d{6})\d+", r"\1", moment)


def document(scans: Sequence[tuple[str, Scan]], judgement: ScanJudgement, now: datetime) -> dict[str, Any]:
    """The report on *scans*, as plain values."""
    return {
        "schema_version": 1,
        "ts_utc": iso(now),
        "status": judgement.status.value,
        "reasons": list(judgement.reasons),
        "counts": judgement.counts,
        "excused": judgement.excused,
        "scans": [
            {
                "path": origin,
                "format": scan.form,
                "tool": scan.tool,
                "created": scan.created,
                "created_by": "declaration" if scan.declared else "scanner",
                "looked_at": scan.looked_at,
                "findings": len(scan.findings),
                "digests": sorted(scan.digests),
            }
            for origin, scan in scans
        ],
    }
