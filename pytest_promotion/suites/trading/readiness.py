"""
The readiness decision: GO or HOLD, from the strict cycle, the soak and the day-2 evaluation.

Each input must be there, fresh by its own time, and say so in the words that mean yes; what
is missing, stale, dated ahead or damaged is a blocker with its name. The strict cycle's summary is not believed: the
decision that it is about has to lie there, to be the newest, and to verify.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_promotion.clock import FUTURE_SKEW, BadTimestamp, iso, parse_moment
from pytest_promotion.durations import format_duration
from pytest_promotion.errors import Unproven
from pytest_promotion.json_files import read_object
from pytest_promotion.suites.trading.decisions import Verified, verified

DECISION = "promotion_gates/latest.json"
INPUTS = {
    "strict_cycle": "promotion_gates/strict_cycle_latest.json",
    "soak_latest": "soak/latest.json",
    "day2_gate": "event_store/day2_gate_eval_latest.json",
    "reconciliation": "reconciliation/latest.json",
    "parity": "parity/latest.json",
    "portfolio_risk": "portfolio_risk/latest.json",
}


@dataclass(frozen=True, slots=True)
class Readiness:
    """GO only where nothing blocks."""

    at: datetime
    blockers: tuple[str, ...]
    because: tuple[str, ...]
    evidence: dict[str, str]
    summary: dict[str, Any]

    @property
    def status(self) -> str:
        return "HOLD" if self.blockers else "GO"

    def document(self) -> dict[str, Any]:
        """`final_decision_latest.json`."""
        return {
            "ts_utc": iso(self.at),
            "status": self.status,
            "blockers": list(self.blockers),
            "because": list(self.because),
            "evidence": self.evidence,
            "summary": self.summary,
        }

    def markdown(self) -> str:
        """The same for people."""
        lines = ["# Readiness decision (latest)", "", "## Decision timestamp", "", iso(self.at), "", "## Decision", ""]
        lines += [f"**{self.status}**", "", "## Decision inputs", ""]
        lines += [f"- {name}: {value}" for name, value in self.summary.items()]
        lines += ["", "## Blockers", ""]
        lines += [f"- {name}: {why}" for name, why in zip(self.blockers, self.because, strict=True)] or ["- none"]
        lines += ["", "## Evidence", "", *(f"- {path}" for path in self.evidence.values())]
        return "\n".join(lines) + "\n"


def finalize(reports: Path, now: datetime, max_age: timedelta, profile: str = "strict") -> Readiness:
    """
    Judges the inputs below *reports* as of *now*.

    Args:
        max_age: how old each of them may be at most.
        profile: of which the decision has to be.
    """
    found: dict[str, dict[str, Any]] = {}
    refused: dict[str, str] = {}
    for name, path in INPUTS.items():
        try:
            found[name] = _fresh(reports / path, now, max_age)
        except Unproven as refusal:
            refused[name] = str(refusal)
    decision = verified(reports / DECISION, now)
    blockers = dict(_blockers(found, refused, decision, profile))
    return Readiness(
        at=now,
        blockers=tuple(blockers),
        because=tuple(blockers.values()),
        evidence={name: str(reports / path) for name, path in {"decision": DECISION, **INPUTS}.items()},
        summary={
            "strict_gate_status": found.get("strict_cycle", {}).get("strict_gate_status"),
            "strict_critical_failures": list(decision.critical_failures),
            "decision_run_id": decision.run_id,
            "decision_sha256": decision.sha256,
            "day2_go": found.get("day2_gate", {}).get("go"),
            "soak_status": found.get("soak_latest", {}).get("status"),
            "reconciliation_status": found.get("reconciliation", {}).get("status"),
            "parity_status": found.get("parity", {}).get("status"),
            "portfolio_risk_status": found.get("portfolio_risk", {}).get("status"),
        },
    )


def _fresh(path: Path, now: datetime, max_age: timedelta) -> dict[str, Any]:
    document = read_object(path)
    try:
        age = now - parse_moment(document.get("ts_utc"))
    except BadTimestamp as problem:
        raise Unproven(f"{path}: ts_utc is {problem}") from None
    if age < -FUTURE_SKEW:
        raise Unproven(f"{path} is dated {format_duration(-age.total_seconds())} in the future")
    if age > max_age:
        window = format_duration(max_age.total_seconds())
        raise Unproven(f"{path} is {format_duration(age.total_seconds())} old, the window is {window}")
    return document


def _blockers(
    found: dict[str, dict[str, Any]], refused: dict[str, str], decision: Verified, profile: str
) -> Iterator[tuple[str, str]]:
    cycle = found.get("strict_cycle")
    against = refused["strict_cycle"] if cycle is None else _not_passed(cycle, decision, profile)
    if against:
        yield "strict_cycle_not_pass", against
    day2 = found.get("day2_gate")
    if day2 is None or day2.get("go") is not True:
        yield "day2_event_store_gate", refused.get("day2_gate", f"go is {(day2 or {}).get('go')!r}")
    soak = found.get("soak_latest")
    if soak is None or soak.get("status") != "ready":
        yield "soak_not_ready", refused.get("soak_latest", f"the soak says {(soak or {}).get('status')!r}")
    for name, good in (
        ("reconciliation", ("ok", "warning")),
        ("parity", ("pass",)),
        ("portfolio_risk", ("ok", "warning")),
    ):
        report = found.get(name)
        if report is None or report.get("status") not in good:
            yield f"{name}_not_healthy", refused.get(name, f"{name} says {(report or {}).get('status')!r}")


def _not_passed(cycle: dict[str, Any], decision: Verified, profile: str) -> str:
    """What is against the strict cycle whose summary is *cycle*, by the decision that lies there, or ""."""
    status, code = cycle.get("strict_gate_status"), cycle.get("strict_gate_rc")
    if status != "PASS" or code != 0:
        return f"the strict cycle says {status} with exit code {code}"
    if decision.status != "PASS":
        return f"the decision that lies there says {decision.status}: {decision.why}"
    if decision.profile != profile:
        return f"the decision is of the profile {decision.profile}, not of {profile}"
    for name, value in (("run_id", decision.run_id), ("decision_sha256", decision.sha256)):
        if cycle.get(name) != value:
            return f"the strict cycle is about another decision than the one that lies there: {name} differs"
    if cycle.get("critical_failures") != list(decision.critical_failures):
        return "the strict cycle names other critical failures than its decision"
    return ""
