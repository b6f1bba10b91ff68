"""Decisions as sessions take them, without a session: results and problems in, the real decision out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_promotion.clock import iso
from pytest_promotion.decision.assembly import Account, decision_of
from pytest_promotion.model import (
    Exhibit,
    Freshness,
    Gate,
    GateResult,
    GitState,
    Measurement,
    Outcome,
    Record,
    Requested,
    Severity,
)
from pytest_promotion.policy import Policy, Rules
from pytest_promotion.reporting.json import document

NOW = datetime(2026, 2, 22, 12, 47, 36, tzinfo=UTC)


def gate(name: str, outcome: str = "PASS", **more: Any) -> GateResult:
    """One gate with its outcome; `requires`, `severity`, `owner`, `fix`, `reason`, `absent`, `nodeid`, `stale` as asked."""
    severity = Severity(more.pop("severity", "critical"))
    record = more.pop("record", Record())
    fields = {key: more.pop(key) for key in ("reason", "absent") if key in more}
    nodeid = more.pop("nodeid", f"gates/test_all.py::test_{name}")
    planned = Gate(name, severity, nodeid, rule=f"The rule of {name}.", line=7, **more)
    fields.setdefault("reason", "" if outcome == "PASS" else f"{name} is not good")
    return GateResult(planned, Outcome(outcome), record=record, duration_s=0.25, **fields)


def seen(path: str, age_s: float = 60, max_age_s: float = 1200, value: float = 0.9) -> Record:
    """What a gate has recorded that looked at one file."""
    return Record(
        exhibits=(Exhibit(path, "ab" * 32, 10, exists=True),),
        measurements=(Measurement("score", value, ">=", 0.5, ok=value >= 0.5),),
        freshness=(Freshness(path, iso(NOW - timedelta(seconds=age_s)), "ts_utc", age_s, max_age_s),),
    )


def decided(*results: GateResult, **more: Any) -> dict[str, Any]:
    """The document of the decision on *results*, as it is read from its file."""
    account = Account(
        run_id=more.pop("run_id", "run-1"),
        now=NOW,
        rules_as_of=more.pop("rules_as_of", NOW),
        as_of=more.pop("as_of", False),
        results=results,
        known=frozenset(one.gate.id for one in results),
        problems=tuple(more.pop("problems", ())),
        requested=more.pop("requested", Requested.ALL),
        policy=more.pop("policy", Policy(Rules())),
        policy_path="promotion.yaml",
        policy_files=(),
        subject=more.pop("subject", None),
        manifest=None,
        git=GitState(more.pop("commit", None)),
    )
    assert not more, more
    found: dict[str, Any] = json.loads(json.dumps(document(decision_of(account))))
    return found
