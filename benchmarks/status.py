"""
What it costs to show the board of the stages.

    python benchmarks/status.py [--decisions 100000]

The log has so many decisions of three stages, and ends with one of each that was really taken, whose evidence is
verified for the board. Measured: the board in a process that has imported what it needs; and the whole process of
`promotion status`, less that of `promotion --version`, which starts the interpreter and the same command line.
Target: 100 milliseconds for 100,000 decisions.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from side_by_side import pytest_command, settled, table

from pytest_promotion import policy as policies
from pytest_promotion.canonical import canonical
from pytest_promotion.custody.board import board
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.history.log import History

START = datetime(2020, 1, 1, tzinfo=UTC)
STAGES = ("dev", "staging", "prod")
POLICY = """\
version: 1
required: [score]
stages: {dev: {}, staging: {after: dev}, prod: {after: staging, soak: 24h}}
"""
GATES = '''
import pytest

@pytest.mark.critical
def test_score(artifact, measure):
    """The score is high enough."""
    measure.at_least("score", artifact("score.json")["score"], 0.9)
'''
SUBJECT = "wheel=sha256:" + "ab" * 32


def record(number: int) -> bytes:
    """What the log says of a decision: every candidate goes through the three stages."""
    candidate, stage = divmod(number, 3)
    return canonical(
        {
            "bundle": f"{number:064x}",
            "critical_failures": [],
            "file": f"promotion_gates_{number}.json",
            "gates": {"PASS": [f"gate_{one:02}" for one in range(20)]},
            "profile": "default",
            "run_id": f"run-{number}",
            "scope": "full",
            "sha256": f"{number:064x}",
            "stage": STAGES[stage],
            "status": "PASS",
            "subject": {"name": "wheel", "digest": {"sha256": f"{candidate:064x}"}},
            "ts_utc": (START + timedelta(seconds=number)).isoformat(timespec="microseconds"),
            "waivers": [],
        }
    )


def project(folder: Path, count: int) -> None:
    """A history of *count* decisions, and one more of each stage that is taken now."""
    (folder / "gates").mkdir()
    (folder / "gates" / "test_score.py").write_text(GATES)
    (folder / "promotion.yaml").write_text(POLICY)
    (folder / "score.json").write_text(json.dumps({"score": 0.95}))
    reports = folder / "reports" / "promotion_gates"
    reports.mkdir(parents=True)
    history = History(reports)
    for first in range(0, count, 10_000):
        history.append(*(record(number) for number in range(first, min(first + 10_000, count))))
    for stage in STAGES:
        words = pytest_command("gates", f"--promotion-stage={stage}", f"--promotion-subject={SUBJECT}")
        subprocess.run(words, cwd=folder, env=settled(), capture_output=True, check=False)


def seconds(words: list[str], folder: Path) -> float:
    """The wall time of a `promotion` command."""
    command = [sys.executable, "-c", "from pytest_promotion.cli import main; main()", *words]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=settled(), capture_output=True, text=True, check=False)
    if done.returncode not in (0, 2):
        sys.exit(done.stdout + done.stderr)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project(folder, given.decisions)
        reports = folder / "reports" / "promotion_gates"
        seconds(["status"], folder)  # makes the index
        inside, whole, started = [], [], []
        for _ in range(given.rounds):
            before = time.perf_counter()
            rules = policies.load(folder / "promotion.yaml", None)
            found = board(rules, reports, Vault(reports / "evidence"), datetime.now(UTC))
            inside.append(time.perf_counter() - before)
            whole.append(seconds(["status"], folder))
            started.append(seconds(["--version"], folder))
        step = found.rows[-1].step
        if found.rows[1].decision is None or found.rows[1].decision.status != "PASS" or not step.soak_left:
            sys.exit(f"the board is not the one of the three decisions: {found.document()}")
    board_ms = statistics.median(inside) * 1000
    process_ms = (statistics.median(whole) - statistics.median(started)) * 1000
    table(
        f"The board over {given.decisions:,} decisions (wall time, median of {given.rounds})",
        ("what", "ours", "instead", "target"),
        [
            ("the board", f"{board_ms:.0f} ms", "-", f"< 100 ms: {'met' if board_ms < 100 else 'missed'}"),
            (
                "the process, less its start",
                f"{process_ms:.0f} ms",
                f"{statistics.median(started) * 1000:.0f} ms to start",
                f"< 100 ms: {'met' if process_ms < 100 else 'missed'}",
            ),
        ],
    )


if __name__ == "__main__":
    main()
