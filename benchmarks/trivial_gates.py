"""
What being a gate costs a test that does nothing else.

    python benchmarks/trivial_gates.py [-n2]

A comparison of two numbers in files of 100, marked critical as a module: as gates, whose judgements are counted, and
as plain tests with `-p no:promotion`. Targets: 50 microseconds of CPU a gate in one process, 200
under two workers; 10 MB more at the peak for 10,000 gates; and a cost a gate that does not
grow with their number.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from side_by_side import cpu, more, pytest_command, spend, table, take_turns

ROUNDS = {False: {100: 9, 1_000: 7, 10_000: 3}, True: {100: 7, 1_000: 5, 10_000: 2}}
TARGET_US = {False: 50, True: 200}
TARGET_MB = 10
PER_FILE = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n2", action="store_true", help="under two workers of pytest-xdist")
    given = parser.parse_args()
    workers = ("-n2",) if given.n2 else ()
    measured = []
    for count, rounds in ROUNDS[given.n2].items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _write(folder, count)
            bare = pytest_command("-p", "no:promotion", *workers, "gates")
            spend([*bare, "--collect-only"], folder)  # compiles the tests, for both sides
            commands = {"bare": bare, "gates": pytest_command(*workers, "gates")}
            spent = take_turns(commands, folder, rounds, warm=count == min(ROUNDS[given.n2]))
        gates, bare = spent["gates"], spent["bare"]
        extra = more([run.cpu_s for run in gates], [run.cpu_s for run in bare])
        peak = more([run.peak_mb for run in gates], [run.peak_mb for run in bare])
        measured.append((count, cpu(gates), cpu(bare), extra, peak))
    # What a session costs once is not what a gate costs: it is told by the smallest session.
    least, _, _, once, _ = measured[0]
    rows = []
    for count, ours, theirs, extra, peak in measured:
        each = f"{(extra - once) / (count - least) * 1e6:.0f} µs" if count > least else "-"
        rows.append((f"{count:,}", f"{ours:.2f} s", f"{theirs:.2f} s", f"{ours / theirs:.2f}", f"{extra:+.2f} s", each))
        rows[-1] += (f"{peak:+.1f} MB",)
    table(
        f"Trivial gates against the same tests as tests{', two workers' if given.n2 else ''} (CPU time); "
        f"targets: {TARGET_US[given.n2]} µs a gate, {TARGET_MB} MB at 10,000",
        (
            "tests",
            "as gates",
            "bare pytest",
            "ratio",
            "more",
            "more a gate beyond the first 100",
            "peak of the controller",
        ),
        rows,
    )


def _write(folder: Path, count: int) -> None:
    # The markers stand in the ini file, so that both sides read the same one.
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    critical: blocks\n    warning: does not\n")
    (folder / "gates").mkdir()
    body = "    score = 0.9 + {number} / 1000\n    assert score >= 0.9\n\n\n"
    tests = "".join(f"def test_{{file}}_{n}():\n{body.replace('{number}', str(n))}" for n in range(PER_FILE))
    for file in range(count // PER_FILE):
        head = "import pytest\n\npytestmark = pytest.mark.critical\n\n\n"
        (folder / "gates" / f"test_{file}.py").write_text(head + tests.replace("{file}", str(file)))


if __name__ == "__main__":
    main()
