"""
What it costs to write the history, and to ask it.

    python benchmarks/history.py [--seconds 3] [--entries 1000000]

Every side writes the same lines, made beforehand, and promises each only when it is on the disk.
Naive: each of four processes takes the lock, appends one line, calls fdatasync, and does it again.
SQLite: a row a transaction, synchronous=FULL with a write-ahead log, as most would do it.
Targets: one writer at 0.6 of the rate at which the disk answers fdatasync; four writers, each of which lets
entries wait while the disk is busy, at ten times naive, 99 of 100 within 20 ms; a list of a
million entries within 100 ms.
"""

from __future__ import annotations

import argparse
import fcntl
import multiprocessing
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Semaphore

from filelock import FileLock
from side_by_side import table

from pytest_promotion.canonical import canonical
from pytest_promotion.history.index import INDEX, Index, Question
from pytest_promotion.history.log import Head, History, line_of
from pytest_promotion.history.writer import Writer

START = datetime(2020, 1, 1, tzinfo=UTC)
PASSED = [f"gate_{number:02}" for number in range(20)]
IN_FLIGHT = 64  # entries that a writer lets wait at most


def record(number: int, *, full: bool = True) -> bytes:
    """What the log says of a decision; not *full*: without its twenty gates."""
    failed = [] if number % 7 else ["gate_07"]
    gates = {"PASS": [name for name in PASSED if name not in failed] if full else []}
    return canonical(
        {
            "bundle": f"{number:064x}",
            "critical_failures": failed,
            "file": f"promotion_gates_{number}.json",
            "gates": gates | ({"FAIL": failed} if failed else {}),
            "profile": ("ci", "staging", "prod")[number % 3],
            "run_id": f"run-{number}",
            "scope": "full",
            "sha256": f"{number:064x}",
            "status": "FAIL" if failed else "PASS",
            "subject": {"name": f"app-{number % 500}", "digest": {"sha256": f"{number % 500:064x}"}},
            "ts_utc": (START + timedelta(seconds=number)).isoformat(timespec="microseconds"),
            "waivers": [],
        }
    )


ONE = record(1)
LINE = line_of(ONE, Head())[0]


def syncing(folder: Path, until: float) -> int:
    """How often the disk answers: the same lines, with no chain and no lock."""
    count = 0
    with (folder / "plain").open("ab", buffering=0) as file:
        while time.time() < until:
            file.write(LINE)
            os.fdatasync(file.fileno())
            count += 1
    return count


def appending(folder: Path, until: float) -> int:
    """One entry at a time."""
    history, count = History(folder), 0
    while time.time() < until:
        history.append(ONE)
        count += 1
    return count


def naively(folder: Path, until: float) -> int:
    """One line at a time, under a lock that wakes who waits."""
    count = 0
    with (folder / "naive").open("ab", buffering=0) as file:
        while time.time() < until:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(LINE)
            os.fdatasync(file.fileno())
            fcntl.flock(file, fcntl.LOCK_UN)
            count += 1
    return count


def in_sqlite(folder: Path, until: float) -> int:
    """One row a transaction."""
    base, count = sqlite3.connect(folder / "sqlite", timeout=60, isolation_level=None), 0
    with FileLock(folder / "once"):  # two that ask for a write-ahead log at once are refused
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("CREATE TABLE IF NOT EXISTS log (line BLOB)")
    base.execute("PRAGMA synchronous = FULL")
    while time.time() < until:
        base.execute("INSERT INTO log VALUES (?)", [LINE])
        count += 1
    return count


def together(folder: Path, until: float) -> tuple[int, list[float]]:
    """What waits while the disk is busy goes with the next write. Also gives how long a sample waited, in seconds."""
    free, waited, count = Semaphore(IN_FLIGHT), [], 0

    def done(_: Future[Head]) -> None:
        free.release()

    with Writer(History(folder)) as writer:
        while time.time() < until:
            free.acquire()
            given = time.perf_counter()
            promise = writer.put(ONE)
            promise.add_done_callback(done)
            if count % 50 == 0:
                promise.add_done_callback(lambda _, given=given: waited.append(time.perf_counter() - given))
            count += 1
    return count, waited


def rate(work: Callable, processes: int, seconds: float) -> tuple[float, list[float]]:
    """Entries a second of so many processes, and how long a sample of them waited."""
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, context.Pool(processes) as pool:
        until = time.time() + seconds + 0.2
        done = pool.starmap(work, [(Path(name), until)] * processes, chunksize=1)
    counts = [one if isinstance(one, int) else one[0] for one in done]
    waited = [one for each in done if not isinstance(each, int) for one in each[1]]
    return sum(counts) / (seconds + 0.2), waited


def writing(seconds: float) -> None:
    sides = {
        "sync": (syncing, 1),
        "one": (appending, 1),
        "naive": (naively, 4),
        "sqlite": (in_sqlite, 4),
        "sqlite one": (in_sqlite, 1),
        "four": (together, 4),
    }
    rounds: dict[str, list[float]] = {side: [] for side in sides}
    waits: list[float] = []
    for _ in range(5):
        for side, (work, processes) in sides.items():
            each, waited = rate(work, processes, seconds / 5)
            rounds[side].append(each)
            waits += waited
    best = {side: statistics.median(each) for side, each in rounds.items()}
    share, times = best["one"] / best["sync"], best["four"] / best["naive"]
    late = statistics.quantiles(waits, n=100)[-1] * 1000
    table(
        "Durable entries a second (median of 5 rounds, in turn)",
        ("writers", "ours", "instead", "target"),
        [
            (
                "1",
                f"{best['one']:,.0f}",
                f"{best['sync']:,.0f} fdatasync alone; {best['sqlite one']:,.0f} SQLite FULL",
                f"0.6 of fdatasync: {share:.2f}, {'met' if share >= 0.6 else 'missed'}",
            ),
            (
                "4",
                f"{best['four']:,.0f}",
                f"{best['naive']:,.0f} naive; {best['sqlite']:,.0f} SQLite FULL",
                f"10 x naive: {times:.1f}, {'met' if times >= 10 else 'missed'}",
            ),
            (
                "4, how long one waits",
                f"{late:.1f} ms for 99 of 100",
                "",
                f"20 ms: {'met' if late <= 20 else 'missed'}",
            ),
        ],
    )


def asking(entries: int) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder, head = Path(name), Head()
        with (folder / "history.jsonl").open("wb", buffering=2**20) as log:
            for number in range(entries):
                line, head = line_of(record(number, full=number % 10 == 0), head)
                log.write(line)
        started = time.perf_counter()
        Index(folder).__exit__()
        built = time.perf_counter() - started
        late = START + timedelta(seconds=entries // 2)
        questions = {
            "no filter": Question(),
            "--status FAIL": Question(status="FAIL"),
            "--gate": Question(gate="gate_07"),
            "--gate, and a status that it never has": Question(gate="gate_07", status="PASS"),
            "--subject": Question(subject="app-77"),
            "--profile --status --until": Question(profile="prod", status="FAIL", until=late),
            "--subject --status --since": Question(subject="app-77", status="FAIL", since=late),
            "nothing there": Question(subject="app-77", profile="dev"),
        }
        rows = []
        for words, question in questions.items():
            spent = []
            for _ in range(5):
                started = time.perf_counter()
                with Index(folder) as index:
                    found = len(index.entries(question))
                spent.append((time.perf_counter() - started) * 1000)
            middle = statistics.median(spent)
            rows.append(
                (words, f"{middle:.1f} ms", f"{found} found", f"< 100 ms: {'met' if middle < 100 else 'missed'}")
            )
        sizes = [(folder / name).stat().st_size / 2**20 for name in ("history.jsonl", INDEX)]
        print(f"{entries:,} entries: log {sizes[0]:.0f} MB, index {sizes[1]:.0f} MB, made in {built:.1f} s")
    table("A list of 100, with opening and checking the index", ("question", "ours", "", "target"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3, help="for each side, over all rounds")
    parser.add_argument("--entries", type=int, default=1_000_000)
    given = parser.parse_args()
    writing(given.seconds)
    asking(given.entries)


if __name__ == "__main__":
    main()
