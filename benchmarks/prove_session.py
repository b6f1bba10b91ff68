"""
What it costs that a policy requires proven gates.

    python benchmarks/prove_session.py [--gates 200] [--runs 5]

The same session of gates, each with a report of its own: without proofs, with every proof kept by an earlier
session, and the first time. Target: with kept proofs under 1 ms a gate more.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from side_by_side import table

GATE = '''
@pytest.mark.critical
def test_gate_{number}(artifact, freshness, measure):
    """Number {number} is good enough."""
    report = artifact("evidence/report_{number}.json")
    freshness(report)
    measure.equals("status", report["status"], "pass")
    measure.at_least("score", report["score"], 0.5)
    measure.at_least("checks", len(report["checks"]), 20)
    assert all(check["pass"] is True for check in report["checks"])
'''
PER_FILE = 10


def build(root: Path, gates: int) -> None:
    """A project with so many gates and reports."""
    (root / "gates").mkdir(parents=True)
    (root / "evidence").mkdir()
    (root / "pytest.ini").write_text("[pytest]\n")
    for start in range(0, gates, PER_FILE):
        bodies = "".join(GATE.format(number=number) for number in range(start, min(start + PER_FILE, gates)))
        (root / f"gates/test_gates_{start}.py").write_text(f"import pytest\n{bodies}")
    report = {
        "ts_utc": datetime.now(UTC).isoformat(),
        "status": "pass",
        "score": 0.9,
        "checks": [{"name": f"check {number}", "pass": True, "value": number / 7} for number in range(20)],
    }
    for number in range(gates):
        (root / f"evidence/report_{number}.json").write_text(json.dumps(report, indent=1))


def spent() -> float:
    """What the processes that were started so far have used of the processor, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def session(root: Path, mode: str) -> tuple[float, float]:
    """The wall time and the processor time of one `pytest gates`, in seconds."""
    (root / "promotion.yaml").write_text(f"version: 1\nprove: {mode}\ntimestamps: {{max_report_age_min: 600}}\n")
    start, before = time.perf_counter(), spent()
    argv = [sys.executable, "-m", "pytest", "gates", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout[-2000:])
    return time.perf_counter() - start, spent() - before


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gates", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "project")
        build(root, given.gates)
        session(root, "off")  # compiles the gates
        first = []
        for _ in range(2):
            shutil.rmtree(root / "reports/promotion_gates/proofs", ignore_errors=True)
            first.append(session(root, "required"))
        without, kept = [], []
        for _ in range(given.runs):  # in turns, so that what else the machine does is shared
            without.append(session(root, "off"))
            kept.append(session(root, "required"))
    rows = []
    for name, times in (
        ("without proofs", without),
        ("required, every proof kept", kept),
        ("required, for the first time", first),
    ):
        wall, used = (statistics.median(each) for each in zip(*times, strict=True))
        base_wall, base_used = (statistics.median(each) for each in zip(*without, strict=True))
        more = ((used - base_used) * 1000 / given.gates, (wall - base_wall) * 1000 / given.gates)
        rows.append((name, f"{used:.2f} s", f"{more[0]:.2f} ms", f"{wall:.2f} s", f"{more[1]:.2f} ms"))
    heads = ("what", "processor", "more a gate", "wall", "more a gate")
    table(f"A session of {given.gates} gates", heads, rows)


if __name__ == "__main__":
    main()
