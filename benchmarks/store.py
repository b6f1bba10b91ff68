"""
What a strict scan of an event store costs, against reading it with json.loads.

    python benchmarks/store.py [--mb 104] [--row-bytes 1200]

A generated store is scanned with all facts and its digest, in turn with (a) a bare
`json.loads` loop, which learns nothing, and (b) a loop that learns the same facts and the
same digest. On one core CPU time is compared, on two wall time. Targets: 8 times as fast as
json.loads on one core, 14 times on two; the newest row in 0.1 ms; a second look after
1,000 new rows in 5 ms.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import median

from side_by_side import ratio, table

from pytest_promotion.evidence.store import scan
from pytest_promotion.evidence.store_checkpoint import rescan
from pytest_promotion.evidence.store_count import count
from pytest_promotion.evidence.store_pages import opened
from pytest_promotion.evidence.store_tail import tail

STREAMS = ("hb.market_data.v1", "hb.signal.v1", "hb.risk_decision.v1", "hb.execution_intent.v1")


def write(path: Path, rows: int, row_bytes: int, seed: int = 1) -> None:
    """A store of *rows* events of about *row_bytes* each."""
    rng, moment = random.Random(seed), datetime(2026, 2, 21, tzinfo=UTC)
    filler = "x" * max(0, row_bytes - 300)
    with path.open("a") as file:
        for number in range(rows):
            moment += timedelta(milliseconds=900)
            event = {
                "event_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                "event_type": "snapshot",
                "correlation_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                "stream": STREAMS[number % 4],
                "payload": {"mid_price": rng.random() * 3000, "note": filler, "extra": {"regime": "neutral"}},
                "ingest_ts_utc": moment.isoformat(timespec="microseconds"),
            }
            file.write(json.dumps(event, separators=(",", ":")) + "\n")


def bare(path: Path) -> None:
    """Every row through json.loads, and nothing learnt."""
    with path.open("rb") as lines:
        for line in lines:
            json.loads(line)


def counting(path: Path) -> tuple[int, str]:
    """The facts of `scan` by json.loads: counts, newest, order, correlation, ids, digest."""
    streams: Counter[str] = Counter()
    newest: dict[str, datetime] = {}
    ids, running, missing, backwards, before = set(), sha256(), 0, 0, None
    with path.open("rb") as lines:
        for line in lines:
            running.update(line)
            row = json.loads(line)
            ids.add(row["event_id"])
            streams[row["stream"]] += 1
            moment = datetime.fromisoformat(row["ingest_ts_utc"])
            newest[row["stream"]] = max(moment, newest.get(row["stream"], moment))
            backwards += before is not None and moment < before
            before = moment
            missing += not row.get("correlation_id") or not row["payload"].get("correlation_id", "absent")
    assert len(ids) == streams.total()
    return streams.total(), running.hexdigest()


def undigested(path: Path) -> None:
    """`scan` without the digest, for machines that compute one slowly."""
    with opened(path) as store:
        count(store, digest="known")


def turns(works: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Seconds of each of *works*, *rounds* times, in turn, after one turn that fills the caches."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            start = clock()
            work()
            if number:
                spent[name].append(clock() - start)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=float, default=104)
    parser.add_argument("--row-bytes", type=int, default=1_200)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(2) as two:
        path = Path(name) / "events_20260221.jsonl"
        write(path, int(given.mb * 1e6 / given.row_bytes), given.row_bytes)
        assert counting(path) == (scan(path).rows, scan(path).sha256), "the two sides did not read the same"
        every: dict[str, Callable[[], object]] = {
            "bare": lambda: bare(path),
            "counting": lambda: counting(path),
            "scan": lambda: scan(path),
        }
        one = turns({**every, "undigested": lambda: undigested(path)}, given.rounds, time.process_time)
        both = turns({**every, "two": lambda: scan(path, executor=two)}, given.rounds, time.perf_counter)
        rows = [
            _row("one core, CPU: scan : bare loop", one["bare"], one["scan"], 8),
            _row("one core, CPU: scan without digest : bare loop", one["bare"], one["undigested"], 8),
            _row("one core, CPU: scan : loop with the same facts", one["counting"], one["scan"], 8),
            _row("wall: scan : loop with the same facts", both["counting"], both["scan"], None),
            _row("two processes, wall: scan : bare loop", both["bare"], both["two"], 14),
            _row("two processes, wall: scan : same facts", both["counting"], both["two"], 14),
        ]
        table(
            f"A strict scan of {path.stat().st_size / 1e6:.0f} MB (median of {given.rounds})",
            ("what", "json.loads", "scan", "times as fast", "target"),
            rows,
        )
        _small(path, Path(name) / "state", given.row_bytes)


def _small(path: Path, state: Path, row_bytes: int) -> None:
    tails = turns({"tail": lambda: [tail(path) for _ in range(100)]}, 5, time.process_time)["tail"]
    rescan(path, state)
    looks = []
    for seed in range(2, 9):
        write(path, 1_000, row_bytes, seed)
        start = time.process_time()
        rescan(path, state)
        looks.append(time.process_time() - start)
    table(
        "Less than a scan (CPU time, median)",
        ("what", "found", "target"),
        [
            ("the newest row", f"{median(tails) * 10:.3f} ms", f"< 0.1 ms: {_met(median(tails) * 10 < 0.1)}"),
            ("again, 1,000 new rows", f"{median(looks) * 1e3:.1f} ms", f"< 5 ms: {_met(median(looks) * 1e3 < 5)}"),
        ],
    )


def _row(what: str, theirs: list[float], ours: list[float], target: float | None) -> tuple[str, ...]:
    times = ratio(theirs, ours)
    wanted = "" if target is None else f">= {target}: {_met(times >= target)}"
    return what, f"{median(theirs):.3f} s", f"{median(ours):.3f} s", f"{times:.1f}", wanted


def _met(met: bool) -> str:
    return "met" if met else "missed"


if __name__ == "__main__":
    main()
