"""
The strict cycle: one strict decision, and a summary of it that downstream programs read.

The summary never says PASS on the word of an earlier decision: the file must be of the run
that was just made, finished, unexpired, and agree with the exit code of the process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import iso
from pytest_promotion.evidence.commands import kill_group
from pytest_promotion.json_files import append_line, write_json
from pytest_promotion.suites.trading.decisions import Verified, run_id_at, verified
from pytest_promotion.text import block, legible, listed

KEPT: Final = 4000  # characters of output that the summary keeps
TIMEOUT_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Cycle:
    """One strict cycle as it ended."""

    at: datetime
    exit_code: int | None  # None: it was killed at its time limit
    decision: Verified
    output: str

    @property
    def passed(self) -> bool:
        """Whether the process and its decision both say PASS."""
        return self.exit_code == 0 and self.decision.status == "PASS"

    @property
    def status(self) -> str:
        """PASS, FAIL, or UNKNOWN where nothing was decided."""
        if self.passed:
            return "PASS"
        return "FAIL" if self.decision.status == "PASS" else self.decision.status


def run(reports: Path, pytest_args: Sequence[str], cwd: Path, timeout: float = TIMEOUT_S) -> Cycle:
    """Takes one strict decision in a process of its own, below *cwd*, and verifies it."""
    latest = reports / "promotion_gates" / "latest.json"
    before = run_id_at(latest)
    started = datetime.now(UTC)
    words = [sys.executable, "-m", "pytest", *pytest_args, f"--promotion-reports={reports}"]
    if not any(word.startswith("--promotion-profile") for word in pytest_args):
        words.append("--promotion-profile=strict")
    environment = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        raw, _ = process.communicate(timeout=timeout)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        kill_group(process)
        raw, code = b"", None
    except BaseException:
        kill_group(process)
        raise
    now = datetime.now(UTC)
    decision = verified(latest, now, since=started, not_run=before)
    return Cycle(now, code, decision, block(raw.decode("utf-8", "replace"))[-KEPT:])


def summary(cycle: Cycle, reports: Path) -> dict[str, Any]:
    """`strict_cycle_latest.json`."""
    return {
        "ts_utc": iso(cycle.at),
        "strict_gate_rc": cycle.exit_code,
        "strict_gate_status": cycle.status,
        "because": cycle.decision.why,
        "critical_failures": list(cycle.decision.critical_failures),
        "run_id": cycle.decision.run_id,
        "profile": cycle.decision.profile,
        "decision_sha256": cycle.decision.sha256,
        "valid_until": cycle.decision.valid_until,
        "gate_latest_path": str(reports / "promotion_gates" / "latest.json"),
        "stdout": cycle.output,
    }


def write_summary(cycle: Cycle, reports: Path) -> Path:
    """Writes the summary beside the decisions. Raises `OSError`."""
    path = reports / "promotion_gates" / "strict_cycle_latest.json"
    write_json(path, summary(cycle, reports))
    return path


def note_incident(path: Path, cycle: Cycle, came_from: str) -> None:
    """Appends one line to the incidents document. Raises `OSError`."""
    gates = listed(cycle.decision.critical_failures, 20) or "none named"
    why = " ".join(cycle.decision.why.split())
    line = f"- {iso(cycle.at)} strict cycle {came_from} to {cycle.status}: {why} (critical: {gates})"
    append_line(path, legible(line))
