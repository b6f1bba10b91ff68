"""What the history shows: how things went, which gates waver, and who accepted what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pytest_promotion.history.log import Entry
from pytest_promotion.model import Outcome


@dataclass(slots=True)
class Wavering:
    """
    How often a gate changed its mind.

    `flips` counts the changes between passing and not passing from one decision in which it had an
    outcome to the next; `unexplained` those of them between two decisions on the same subject, where
    the candidate cannot be the reason.
    """

    gate: str
    runs: int = 0
    passed: int = 0
    flips: int = 0
    unexplained: int = 0

    def document(self) -> dict[str, Any]:
        """The counts as plain values."""
        return {name: getattr(self, name) for name in ("gate", "runs", "passed", "flips", "unexplained")}


def wavering(entries: Iterable[Entry]) -> list[Wavering]:
    """The gates whose outcome flipped at all in *entries*, which are in order; the least explained first."""
    found: dict[str, Wavering] = {}
    last: dict[str, tuple[bool, Any]] = {}
    for entry in entries:
        subject = entry.decision.subject
        for outcome, names in entry.decision.gates.items():
            if outcome in (Outcome.NOT_RUN, Outcome.NOT_APPLICABLE):
                continue  # it said nothing
            for name in names:
                passed = outcome == Outcome.PASS
                one = found.setdefault(name, Wavering(name))
                one.runs += 1
                one.passed += passed
                before = last.get(name)
                if before is not None and before[0] != passed:
                    one.flips += 1
                    one.unexplained += subject is not None and before[1] == subject
                last[name] = passed, subject
    flipped = [one for one in found.values() if one.flips]
    return sorted(flipped, key=lambda one: (-one.unexplained, -one.flips, one.gate))


def trend(days: Iterable[tuple[str, str, int]]) -> list[dict[str, Any]]:
    """For each day that had decisions, how many there were of each status."""
    found: dict[str, dict[str, Any]] = {}
    for day, status, count in days:
        found.setdefault(day, {"day": day})[status] = count
    return [found[day] for day in sorted(found)]


def waivers(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Each waiver once, with how many of *entries*, newest first, used it, and the first and the last of them."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for entry in entries:
        for one in entry.decision.waivers:
            key = (one.gate, one.reason, one.expires, tuple(one.approvers))
            row = found.setdefault(
                key,
                {
                    "gate": one.gate,
                    "approvers": one.approvers,
                    "owner": one.owner,
                    "requested_by": one.requested_by,
                    "reason": one.reason,
                    "expires": one.expires,
                    "used": 0,
                    "last": entry.decision.ts_utc,
                },
            )
            row["used"] += 1
            row["first"] = entry.decision.ts_utc
    return sorted(found.values(), key=lambda row: (row["gate"], row["first"]))
