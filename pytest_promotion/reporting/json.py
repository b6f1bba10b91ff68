"""The decision as JSON: the form that programs rely on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_promotion.decision import shown
from pytest_promotion.decision.fingerprint import failure_of
from pytest_promotion.model import (
    CommandRun,
    Decision,
    Exhibit,
    Freshness,
    GateResult,
    GitState,
    Interval,
    Measurement,
    Outcome,
    Provenance,
    Subject,
    Upcoming,
    Waived,
)
from pytest_promotion.text import clean, legible, measured, words

SCHEMA_VERSION = 1


def document(decision: Decision, history: dict[str, Any] | None = None) -> dict[str, Any]:
    """
    The decision as a dictionary of plain values, in the order of the contract.

    Every text in it may leave the process: what is rendered from it needs no more care.

    Args:
        history: the head of the log that the decision will be appended to; None for what is not logged.
    """
    verdict = decision.verdict
    gates = shown.gate_names(verdict.results)
    paths = shown.names(item.path for item in decision.exhibits)
    before = {one.waiver.gate: one.outcome for one in decision.waived}
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": decision.kind,
        "scope": verdict.scope.value,
        "finished": True,
        "run_id": decision.run_id,
        "ts_utc": decision.ts_utc,
        "valid_until": (
            {"ts_utc": decision.valid_until.ts_utc, "because": legible(decision.valid_until.because)}
            if decision.valid_until
            else None
        ),
        "status": verdict.status.value,
        "passed": verdict.passed,
        "profile": legible(decision.profile),
        "stage": legible(decision.stage) if decision.stage else None,
        "overrides": clean(decision.overrides),
        "weakened": [legible(one) for one in decision.weakened],
        "policy_unused": [legible(one) for one in decision.policy_unused],
        "reasons": [legible(reason) for reason in verdict.reasons],
        "critical_failures": [gates[name] for name in verdict.critical_failures],
        "warnings": [gates[name] for name in verdict.warnings],
        "not_applicable": [gates[name] for name in verdict.not_applicable],
        "shadow": [gates[name] for name in verdict.shadow],
        "without_evidence": [gates[name] for name in verdict.without_evidence],
        "unproven": [
            {"gate": gates[one.gate], "because": legible(one.because), "digest": one.digest}
            for one in decision.unproven
        ],
        "checks": [_check(result, before.get(result.gate.id), gates, paths) for result in verdict.results],
        "subject": _subject(decision.subject) if decision.subject else None,
        "release_manifest_ref": _exhibit(decision.manifest) if decision.manifest else None,
        "evidence_bundle": {
            "evidence_bundle_id": decision.bundle_id,
            "artifact_count": len(decision.exhibits),
            "artifacts": [_exhibit(item) for item in shown.files(decision.exhibits)],
        },
        "attachments": [_exhibit(item) for item in decision.attachments],
        "refreshed": [{"producer": legible(name), **_command(run)} for name, run in decision.refreshed],
        "policy": {
            "path": None if decision.policy_path is None else legible(decision.policy_path),
            "sha256": decision.policy_sha256,
            "resolved_sha256": decision.policy_resolved_sha256,
            "files": [_exhibit(item) for item in decision.policy_files],
        },
        "judges": {
            "sources": [_exhibit(item) for item in decision.judges.sources],
            "suites": dict(decision.judges.suites),
        },
        "git": _git(decision.git),
        "clock": {"now_utc": decision.clock_now, "as_of": decision.as_of},
        "waivers": [_waiver(one, gates) for one in decision.waived],
        "history": history,
        "tool": {"name": "pytest-promotion", "version": decision.tool_version},
    }


def _git(state: GitState) -> dict[str, Any]:
    changes = [legible(path) for path in state.changes]
    return {"commit": state.commit, "tree": state.tree, "dirty": state.dirty, "changes": changes}


_UNFINISHED = "the session has not finished; if it is not running any more, it never will"


def provisional(
    run_id: str, ts_utc: str, profile: str, reason: str | None = None, stage: str | None = None
) -> dict[str, Any]:
    """What stands in `latest.json` while a session runs, and stays there if it never ends or is refused."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "decision",
        "scope": "full",
        "finished": False,
        "run_id": run_id,
        "ts_utc": ts_utc,
        "valid_until": None,
        "status": "FAIL",
        "passed": False,
        "profile": legible(profile),
        "stage": legible(stage) if stage else None,
        "reasons": [legible(reason or _UNFINISHED)],
        "critical_failures": [],
        "warnings": [],
        "checks": [],
    }


def _check(
    result: GateResult, before: Outcome | None, gates: Mapping[str, str], paths: Mapping[str, str]
) -> dict[str, Any]:
    # Tuples: of ten thousand checks most have nothing to list, and an empty tuple takes no room.
    gate, record = result.gate, result.record
    return {
        "name": gates[gate.id],
        "severity": gate.severity.value,
        "effective_on": gate.effective_on or None,
        "shadow": gate.shadow,
        "pass": result.passed,
        "outcome": result.outcome.value,
        "reason": legible(result.reason),
        "rule": legible(gate.rule),
        "owner": legible(gate.owner),
        "fix": legible(gate.fix),
        "requires": tuple(gates.get(name) or legible(name) for name in gate.requires),
        "duration_s": round(result.duration_s, 6),
        "nodeid": legible(gate.nodeid),
        "line": gate.line,
        "absent": result.absent.value if result.absent else None,
        "spoiled_by": tuple(gates.get(name) or legible(name) for name in result.spoiled_by),
        "evidence_paths": tuple(sorted(paths[item.path] for item in record.exhibits)),
        "measurements": tuple(map(_measurement, record.measurements)),
        "freshness": tuple(map(_freshness, record.freshness)),
        "ageless": tuple({"path": legible(path), "because": legible(because)} for path, because in record.ageless),
        "provenance": tuple(map(_provenance, record.provenance)),
        "commands": tuple(map(_command, record.commands)),
        "notes": tuple(map(legible, record.notes)),
        "upcoming": tuple(map(_upcoming, result.upcoming)),
        "failure": _failure(result if before is None else replace(result, outcome=before)),
    }


def _upcoming(one: Upcoming) -> dict[str, Any]:
    return {
        "threshold": legible(one.threshold),
        "value": measured(one.threshold, one.value),
        "effective_on": one.effective_on,
        "pass": one.holds,
    }


def _subject(subject: Subject) -> dict[str, Any]:
    return {"name": legible(subject.name), "digest": subject.digest}


def _failure(result: GateResult) -> dict[str, Any] | None:
    failure = failure_of(result)
    return {"fingerprint": failure.fingerprint, "limits": clean(failure.limits)} if failure else None


def _waiver(one: Waived, gates: Mapping[str, str]) -> dict[str, Any]:
    waiver = one.waiver
    return {
        "gate": gates.get(waiver.gate) or legible(waiver.gate),
        "severity": waiver.severity.value,
        "outcome": one.outcome.value,
        "fingerprint": waiver.fingerprint,
        "limits": clean(waiver.limits),
        "subjects": clean(waiver.subjects),
        "reason": legible(waiver.reason),
        "owner": legible(waiver.owner),
        "requested_by": legible(waiver.requested_by),
        "created": waiver.created,
        "expires": waiver.expires,
        "ends": {"ts_utc": waiver.ends.ts_utc, "because": legible(waiver.ends.because)},
        "approvers": [{"name": legible(who.name), "roles": clean(who.roles)} for who in waiver.approvers],
        "where": legible(waiver.where),
    }


def _measurement(item: Measurement) -> dict[str, Any]:
    return {
        "name": legible(item.name),
        "value": measured(item.name, item.value),
        "operator": item.operator,
        "threshold": measured(item.name, item.threshold),
        "pass": item.ok,
        "samples": item.samples,
        "min_samples": item.min_samples,
        **({"interval": _interval(item.interval)} if item.interval else {}),
    }


def _interval(interval: Interval) -> dict[str, Any]:
    """The interval of a figure; null for an end that the samples do not reach."""
    low, high = (end if math.isfinite(end) else None for end in (interval.low, interval.high))
    return {"low": low, "high": high, "confidence": interval.confidence, "method": interval.method}


def _freshness(item: Freshness) -> dict[str, Any]:
    return {
        "path": legible(item.path),
        "timestamp": item.timestamp,
        "source": legible(item.source),
        "age_s": item.age_s,
        "max_age_s": item.max_age_s,
    }


def _provenance(item: Provenance) -> dict[str, Any]:
    return {
        "path": legible(item.path),
        "statement_sha256": item.statement_sha256,
        "command": words(item.command),
        "finished": item.finished,
        "inputs": tuple({"name": legible(one.name), "sha256": one.sha256} for one in item.inputs),
    }


def _exhibit(item: Exhibit) -> dict[str, Any]:
    return {
        "path": legible(item.path),
        "sha256": item.sha256,
        "size_bytes": item.size_bytes,
        "exists": item.exists,
        **({"secret": True} if item.secret else {}),
        **({} if item.kept else {"kept": False}),
    }


def _command(item: CommandRun) -> dict[str, Any]:
    return {
        "argv": words(item.argv),
        "exit_code": item.exit_code,
        "duration_s": round(item.duration_s, 6),
        "output_sha256": item.output_sha256,
    }
