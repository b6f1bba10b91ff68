"""
One look after a deployment: what is found, what is done about it, and who is told. In that order.

Only what is known to be wrong rolls back. What nobody can tell is an incident for whoever is on call, and never "well".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from pytest_promotion.clock import Clock, iso, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.http_client import Peer
from pytest_promotion.secrets.masking import Mask
from pytest_promotion.suites.deployment.monitor import incidents
from pytest_promotion.suites.deployment.monitor.incidents import Audience, Channels, Incident, Told
from pytest_promotion.suites.deployment.monitor.prometheus import Prometheus
from pytest_promotion.suites.deployment.monitor.rules import ROLLS_BACK, Finding, State, Thresholds, measured
from pytest_promotion.suites.release.rollout import journal as journals
from pytest_promotion.suites.release.rollout.deploy import deploy
from pytest_promotion.suites.release.rollout.journal import Journal
from pytest_promotion.suites.release.rollout.plan import Ending, Plan

_AUDIENCES: Final[dict[str, tuple[Audience, ...]]] = {
    "parity": ("oncall", "platform"),
    "mismatch": ("oncall", "platform"),
    "latency": ("platform",),
    "redis": ("sre",),
    "unknown": ("oncall",),
}
_LINES: Final = 20  # reasons that people are told; the report has them all
UNTOLD: Final = 9  # the exit code where a channel did not take what was found
_STATUSES: Final = {0: "well", 2: "wrong", 3: "inconclusive", 5: "rolled back", 6: "rollback failed"}


@dataclass(frozen=True, slots=True)
class Watched:
    """
    What is looked at. `parity` gives the finding of the end-to-end check for the deployment that there is.

    `plan` says where it was deployed to; nothing is rolled back where `rolls_back` is False. `mask` is laid over what
    people are told, and over reports.
    """

    plan: Plan
    thresholds: Thresholds
    server: Peer | None
    parity: Callable[[datetime | None], Finding] | None
    rolls_back: bool
    channels: Channels
    state: Path
    mask: Mask
    remind_s: float = 3600.0

    @property
    def deployment(self) -> str:
        """Of whom incidents are."""
        return f"{self.plan.project} in {self.plan.env}"


@dataclass(frozen=True, slots=True)
class Look:
    """What came of one look. `code` is the exit code."""

    at: datetime
    deployed: str | None
    findings: Sequence[Finding]
    rollback: dict[str, Any] | None
    told: Sequence[Told]
    code: int

    def document(self, watched: Watched) -> dict[str, Any]:
        """The report as plain values."""
        thresholds = asdict(watched.thresholds) | {"rules": sorted(watched.thresholds.rules)}
        return {
            "schema_version": 1,
            "kind": "monitor",
            "ts_utc": iso(self.at),
            "env": watched.plan.env,
            "project_name": watched.plan.project,
            "deployment": self.deployed,
            "status": _STATUSES[_worst(self.findings, self.rollback)],
            "exit_code": self.code,
            "dry_run": watched.plan.dry_run,
            "findings": [asdict(one) | {"state": str(one.state)} for one in self.findings],
            "rollback": self.rollback,
            "told": [asdict(one) for one in self.told],
            "thresholds": thresholds,
        }


def look(watched: Watched, clock: Clock) -> Look:
    """Looks once, acts and tells."""
    now = clock.now()
    findings: list[Finding] = []
    deployed: Journal | None = None
    try:
        deployed = journals.read_done(watched.plan.runtime, watched.plan.project)
    except Unproven as problem:
        findings.append(Finding("deployment", State.UNKNOWN, [str(problem)]))
    since = _since(deployed)
    if watched.parity is not None:
        findings.append(watched.parity(since))
    if watched.server is not None:
        server = Prometheus(watched.server, now.timestamp())
        start = now.timestamp() - watched.thresholds.window_s
        start = max(start, since.timestamp()) if since and since < now else start
        findings += measured(server, watched.thresholds, now.timestamp(), start)
    rollback = _rolled_back(watched, deployed, findings, clock)
    code = _worst(findings, rollback)
    told: list[Told] = []
    if not watched.plan.dry_run:
        over = {one.rule for one in findings if one.state is State.WELL}
        if all(one.state is not State.UNKNOWN for one in findings):
            over.add("unknown")
        wrong = _incidents(watched, findings, rollback, now)
        told = incidents.tell(wrong, over, watched.deployment, watched.channels, watched.state, now, watched.remind_s)
    if code != Ending.ROLLBACK_FAILED.code and any(not one.sent for one in told):
        code = UNTOLD
    return Look(now, deployed.run_id if deployed else None, findings, rollback, told, code)


def _since(deployed: Journal | None) -> datetime | None:
    return parse_moment(deployed.ended_utc) if deployed and deployed.ended_utc else None


def _rolled_back(
    watched: Watched, looked_at: Journal | None, findings: Sequence[Finding], clock: Clock
) -> dict[str, Any] | None:
    """What the rollback of the deployment that was *looked_at* came to, None where there is no reason for one."""
    if not any(one.rule in ROLLS_BACK and one.state is State.WRONG for one in findings):
        return None
    if not watched.rolls_back or watched.plan.dry_run:
        return {"status": "not done", "done": None, "reasons": ["it was said that nothing is to be rolled back"]}
    plan = watched.plan
    limits = plan.limits
    patience_s = limits.up_s + limits.health_s + max(limits.health_s, limits.rollback_health_s)
    try:
        with FileLock(plan.runtime / f"monitor_{plan.project}.lock", timeout=patience_s):
            # Another monitor may have done it since, or somebody deployed what was not looked at.
            deployed = journals.read_done(plan.runtime, plan.project)
            if deployed is not None and looked_at is not None and deployed.run_id != looked_at.run_id:
                why = f"{deployed.run_id} was deployed since, which is another one"
                return {"status": "not done", "done": None, "reasons": [why]}
            if deployed is not None and deployed.ending == "rolled back":
                why = f"it was rolled back at {deployed.ended_utc}, and there is nothing older to go back to"
                return {"status": "rolled back before", "done": None, "reasons": [why]}
            report = deploy(plan, "revert", clock)
    except Timeout:
        return _failed("another monitor has been rolling back for too long")
    except Unproven as problem:
        return _failed(str(problem))
    except OSError as problem:
        return _failed(f"its report cannot be written: {problem.strerror or problem}")
    done = report.ending is Ending.ROLLED_BACK
    return {
        "status": str(report.ending),
        "done": done,
        "reasons": report.document["reasons"] if not done else [],
        "report": str(report.path),
    }


def _failed(why: str) -> dict[str, Any]:
    return {"status": str(Ending.ROLLBACK_FAILED), "done": False, "reasons": [why]}


def _worst(findings: Sequence[Finding], rollback: dict[str, Any] | None) -> int:
    if rollback is not None and rollback["done"] is not None:
        return (Ending.ROLLED_BACK if rollback["done"] else Ending.ROLLBACK_FAILED).code
    states = {one.state for one in findings}
    if State.WRONG in states:
        return 2
    return 0 if states == {State.WELL} else 3  # nothing found at all is not well


def _incidents(
    watched: Watched, findings: Sequence[Finding], rollback: dict[str, Any] | None, now: datetime
) -> list[Incident]:
    found = []
    for one in findings:
        if one.state is State.WRONG:
            lines = list(one.reasons)
            if one.rule in ROLLS_BACK and rollback is not None:
                lines += [f"rollback: {rollback['status']}", *rollback["reasons"]]
            found.append(_incident(watched, one.rule, lines, now))
    unknown = [f"{one.rule}: {line}" for one in findings if one.state is State.UNKNOWN for line in one.reasons]
    if unknown:  # one cause, such as a Prometheus that is gone, has one incident
        found.append(_incident(watched, "unknown", unknown, now))
    return found


def _incident(watched: Watched, rule: str, lines: list[str], now: datetime) -> Incident:
    words = {
        "parity": "a replay is not what the run was",
        "mismatch": "replays differ",
        "latency": "requests take too long",
        "redis": "Redis is not connected",
        "unknown": "nobody can tell whether it is well",
    }
    more = [f"and {len(lines) - _LINES} more"] if len(lines) > _LINES else []
    return Incident(
        rule,
        watched.deployment,
        "high" if rule in ROLLS_BACK else "medium",
        _AUDIENCES[rule],
        f"[{watched.deployment}] {words[rule]}",
        (f"at {iso(now)}", *map(watched.mask.text, lines[:_LINES]), *more),
    )
