"""
What a strict scan of an event store costs, against reading it with json.loads; and what its gates cost.

    python benchmarks/store.py [--mb 104]

Two stores of the same size are generated: rows as a trading system writes them (15 fields, some
1,200 bytes), and short ones (300 bytes), of which the same size has four times as many. Each is
scanned with all facts and its digest, in turn with (a) a bare `json.loads` loop, which learns
nothing, and (b) a loop that learns the same facts and the same digest. On one core processor
time is compared, on two wall time. At last the event-store gates are run over the store by pytest.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
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

from pytest_promotion.evidence.event_store.checkpoint import counted
from pytest_promotion.evidence.event_store.count import count
from pytest_promotion.evidence.event_store.pages import opened
from pytest_promotion.evidence.event_store.scan import scan
from pytest_promotion.evidence.event_store.tail import tail
from pytest_promotion.evidence.reading import Root, read

STREAMS = ("hb.market_data.v1", "hb.signal.v1", "hb.risk_decision.v1", "hb.execution_intent.v1")
REPOSITORY = Path(__file__).resolve().parents[1]
SHAPES = {"contract rows": 1_200, "short rows": 300}
SHORT = ("event_id", "event_type", "correlation_id", "stream", "payload", "ingest_ts_utc")


def write(path: Path, rows: int, *, short: bool = False, seed: int = 1, start: datetime | None = None) -> None:
    """Appends *rows* events: as a trading system writes them, or *short*. No two seeds share an id."""
    rng, moment = random.Random(seed), start or datetime(2026, 2, 21, tzinfo=UTC)

    def some_id() -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    with path.open("a") as file:
        for number in range(rows):
            moment += timedelta(milliseconds=200 if short else 700)
            said = {"connector_name": "northsea_perpetual", "trading_pair": "BTC-USDT", "controller_id": "quay_v2_4"}
            own, cause, at = some_id(), some_id(), int(moment.timestamp() * 1_000)
            names = ("mid_price", "equity_quote", "base_pct", "target_base_pct", "spread_pct", "net_edge_pct")
            payload = {name: rng.random() * 1_000 for name in (names[:1] if short else names)}
            if not short:
                payload |= {"schema_version": "1.0", "event_type": "market_snapshot", "event_id": own}
                payload |= {"correlation_id": cause, "timestamp_ms": at, "state": "running", **said}
                payload |= {"extra": {"regime": "neutral_low_vol", "note": "x" * 180}}
            event = {
                "event_id": own,
                "event_type": "market_snapshot",
                "event_version": "v1",
                "ts_utc": str(at),
                "producer": "quay_runner",
                "instance_name": "bot4",
                **said,
                "correlation_id": cause,
                "stream": STREAMS[number % 4],
                "stream_entry_id": f"{at}-0",
                "payload": payload,
                "ingest_ts_utc": moment.isoformat(timespec="microseconds"),
                "schema_validation_status": "ok",
            }
            kept = {name: event[name] for name in SHORT} if short else event
            file.write(json.dumps(kept, separators=(",", ":")) + "\n")


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


def again(path: Path, folder: Path) -> float:
    """Counts what no checkpoint in *folder* knows; the processor seconds that hashing the whole store took."""
    start = time.process_time()
    large = read(Root(path.parent, ["*"]), path.name).large
    spent = time.process_time() - start
    assert large is not None, "too small to be large"
    counted(large, path.name, folder)
    return spent


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
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    scanned: list[tuple[str, ...]] = []
    rest: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(2) as two:
        for shape, row_bytes in SHAPES.items():
            path = Path(name) / shape / "events_20260221.jsonl"
            path.parent.mkdir()
            write(path, int(given.mb * 1e6 / row_bytes), short=shape == "short rows")
            scanned += _scans(shape, path, given.rounds, two)
        path = Path(name) / "contract rows" / "events_20260221.jsonl"
        rest += _gates(Path(name), path)
        rest += _small(path, Path(name) / "state")
    table(
        f"A strict scan of {given.mb:.0f} MB (median of {given.rounds}, in turn)",
        ("what", "json.loads", "scan", "times as fast", "goal"),
        scanned,
    )
    table("Less than a scan, and the gates", ("what", "found", "goal"), rest)


def _scans(shape: str, path: Path, rounds: int, two: ProcessPoolExecutor) -> list[tuple[str, ...]]:
    found = scan(path)
    assert counting(path) == (found.rows, found.sha256), "the two sides did not read the same"
    loop, scans = (lambda: bare(path)), (lambda: scan(path))
    ours: dict[str, Callable[[], object]] = {"bare": loop, "scan": scans, "undigested": lambda: undigested(path)}
    one = turns({**ours, "counting": lambda: counting(path)}, rounds, time.process_time)
    both = turns({"bare": loop, "scan": scans, "two": lambda: scan(path, executor=two)}, rounds, time.perf_counter)
    return [
        _row(f"{shape}, one core: bare loop", one["bare"], one["scan"], 8),
        _row(f"{shape}, one core: bare loop, no digest of ours", one["bare"], one["undigested"], 8),
        _row(f"{shape}, one core: loop with the same facts", one["counting"], one["scan"], None),
        _row(f"{shape}, two processes, wall: bare loop", both["bare"], both["two"], 14),
    ]


def _small(path: Path, state: Path) -> list[tuple[str, ...]]:
    tails = turns({"tail": lambda: [tail(path) for _ in range(100)]}, 5, time.process_time)["tail"]
    again(path, state)
    looks = []
    for seed in range(2, 9):
        write(path, 1_000, seed=seed)
        start = time.process_time()
        hashed = again(path, state)
        looks.append(time.process_time() - start - hashed)
    return [
        ("the newest row, CPU", f"{median(tails) * 10:.3f} ms", f"< 0.1 ms: {_met(median(tails) * 10 < 0.1)}"),
        ("again, 1,000 new rows, CPU beside the hash", f"{median(looks) * 1e3:.1f} ms", ""),
    ]


def _gates(folder: Path, path: Path) -> list[tuple[str, ...]]:
    """The event-store gates over the store, by the durations in their decision; the second session is the warm one."""
    root, store = folder / "root", folder / "root" / "reports" / "event_store"
    store.mkdir(parents=True)
    shutil.copy(path, store / path.name)
    found = scan(path)
    moment = found.newest_ingest.isoformat()
    counts = {"total_events": found.rows, "events_by_stream": found.by_stream, "missing_correlation_count": 0}
    (store / "integrity_20260221.json").write_text(json.dumps({"ts_utc": moment, **counts}))
    time.sleep(2.1)  # a file that was just written is not yet told by its times
    rows = []
    for state, goal in (("cold", 1.0), ("warm: the next session", 0.1)):
        words = [
            "gates/trading/test_event_store.py",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--promotion-root={root}",
            f"--promotion-reports={folder}",
        ]
        words += ["--promotion-policy=gates/trading/promotion.yaml", f"--promotion-as-of={moment}"]
        subprocess.run([sys.executable, "-m", "pytest", *words], cwd=REPOSITORY, capture_output=True, check=False)
        decision = max((folder / "promotion_gates").glob("replay_*.json"), key=lambda one: one.stat().st_mtime)
        checks = [one for one in json.loads(decision.read_text())["checks"] if one["outcome"] != "NOT_RUN"]
        assert [one["outcome"] for one in checks] == ["PASS"] * 3, [one["reason"] for one in checks]
        spent = sum(one["duration_s"] for one in checks)
        rows.append((f"the three gates, {state}, wall", f"{spent:.2f} s", f"< {goal} s: {_met(spent < goal)}"))
    return rows


def _row(what: str, theirs: list[float], ours: list[float], goal: float | None) -> tuple[str, ...]:
    times = ratio(theirs, ours)
    wanted = "" if goal is None else f">= {goal}: {_met(times >= goal)}"
    return what, f"{median(theirs):.3f} s", f"{median(ours):.3f} s", f"{times:.1f}", wanted


def _met(met: bool) -> str:
    return "met" if met else "missed"


if __name__ == "__main__":
    main()
