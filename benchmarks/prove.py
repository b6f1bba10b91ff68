"""
What it costs to prove that every gate of the trading contract can fail.

    python benchmarks/prove.py [--by-hand 10]

Beside it stands what a team does without it: break one file on disk, run pytest, put the file back. That is timed for
a few sabotages and multiplied. Target: all of them in under 10 seconds on two cores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from side_by_side import table  # noqa: E402

from fixtures.company_build import build  # noqa: E402

BROKEN = "reports/reconciliation/latest.json"


def session(root: Path, reports: Path, *words: str) -> tuple[float, int]:
    """The wall time and the exit code of one `pytest gates`."""
    start = time.perf_counter()
    options = ("-q", "-p", "no:cacheprovider", f"--promotion-root={root}", f"--promotion-reports={reports}")
    argv = [sys.executable, "-m", "pytest", *options, *words]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, check=False)
    return time.perf_counter() - start, done.returncode


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--by-hand", type=int, default=10)
    by_hand = parser.parse_args().by_hand
    with tempfile.TemporaryDirectory() as folder:
        root, reports = Path(folder, "company"), Path(folder, "reports")
        build(root, datetime.now(UTC))
        ours, code = session(root, reports, "gates", "--promotion-prove", "-n2")
        [path] = (reports / "promotion_gates").glob("prove_*.json")
        tried = json.loads(path.read_bytes())["tried"]
        if code:
            sys.exit("a sabotage survived, or the company is stale")
        honest = (root / BROKEN).read_bytes()
        spent = 0.0
        for number in range(by_hand):
            (root / BROKEN).write_bytes(honest[: len(honest) * number // by_hand])
            seconds, code = session(root, reports, "gates/trading/test_books.py::test_reconciliation_status")
            spent += seconds
            if not code:
                sys.exit("a broken report was passed")
        (root / BROKEN).write_bytes(honest)
    instead = spent / by_hand * tried
    row = (f"{tried} sabotages, the whole session", f"{ours:.1f} s", f"{instead:.0f} s", f"{instead / ours:.0f}")
    table("Proving the trading gates", ("what", "ours", "by hand", "ratio"), [row])


if __name__ == "__main__":
    main()
