"""
The report of a release gate, `.runtime/release_gate_<profile>_<time>.json`: a decision in the form that
release tooling of this kind reads.

It says less than the decision and is made from nothing else. The tails of what programs printed are
empty: that may hold what they were told in confidence, and stays in the vault under its digest.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pytest_promotion import atomic
from pytest_promotion.clock import iso, parse_moment
from pytest_promotion.model import Decision, GateResult, Outcome, Severity, Status

FOLDER: Final = ".runtime"
_CWD: Final = "."  # every program of a gate runs in the promotion root


def document(decision: Decision) -> dict[str, Any]:
    """*decision* in that form. `passed` is true of a decision that is PASS, and of nothing else."""
    verdict = decision.verdict
    checks = [_check(result) for result in verdict.results]
    return {
        "schema_version": 1,
        "run_id": decision.run_id,
        "profile": decision.profile,
        "passed": verdict.status is Status.PASS and decision.kind == "decision",
        "generated_at_utc": iso(parse_moment(decision.ts_utc)),
        "duration_seconds": round(sum(check["duration_seconds"] for check in checks), 3),
        "commit": decision.git.commit,
        "blockers": [*_blockers(decision), *verdict.reasons],
        "weakened": list(decision.weakened),
        "checks": checks,
    }


def _blockers(decision: Decision) -> list[str]:
    return [
        f"{result.gate.id}: {result.reason}"
        for result in decision.verdict.results
        if result.gate.severity is Severity.CRITICAL and not result.passed
    ]


def _check(result: GateResult) -> dict[str, Any]:
    run = result.record.commands[-1] if result.record.commands else None
    return {
        "name": result.gate.id,
        # No third word for what was skipped: only what ran and held is a pass.
        "status": "pass" if result.passed else "fail",
        "outcome": result.outcome.value,
        "severity": result.gate.severity.value,
        "duration_seconds": round(result.duration_s, 3),
        "details": result.reason,
        "waived": result.outcome is Outcome.WAIVED,
        "command": list(run.argv) if run else [],
        "cwd": _CWD if run else None,
        "stdout_tail": "",
        "stderr_tail": "",
        "output_sha256": run.output_sha256 if run else "",
    }


def write(decision: Decision, root: Path) -> Path:
    """
    Writes the report of *decision* below *root*, never over another one.

    Returns:
        its path. Raises `OSError`.
    """
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    moment: datetime = parse_moment(decision.ts_utc)
    stem = f"release_gate_{decision.profile}_{moment:%Y%m%dT%H%M%SZ}"
    content = json.dumps(document(decision), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic.new_file(folder) as new:
        new.file.write(content.encode())
        for number in itertools.count():
            place = folder / f"{stem}{f'_{number}' if number else ''}.json"
            with contextlib.suppress(FileExistsError):  # another run of the same second was first
                new.put(place, overwrite=False)
                break
    return place
