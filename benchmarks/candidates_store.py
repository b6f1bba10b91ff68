"""
The store of candidates at size: a page of the list out of a million, and writers at once.

    python benchmarks/candidates_store.py [--candidates 1000000] [--url postgresql://…]

Beside it stands what the four indexes that earlier tools make give alone. Times are medians; a page has a hundred rows.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy import event, insert, text

from pytest_promotion.suites.research import chain, store
from pytest_promotion.suites.research.database import connected, writing
from pytest_promotion.suites.research.migrations import STEPS, run_migrations_phase3
from pytest_promotion.suites.research.tables import CANDIDATES, VERSIONS

ASKED = [
    {"status": "accepted"},
    {"dataset_id": "d7"},
    {"signal_name": "s31"},
    {"status": "candidate", "dataset_id": "d7"},
    {"status": "accepted", "dataset_id": "d7", "signal_name": "s31"},
    {},
]
WHOLE = {"run_id": "r", "signal_name": "s", "horizon": 1, "dataset_id": "d", "config_hash": "c", "git_commit": "g"}


def filled(conn, many):
    """A store as an earlier tool leaves it: the tables, the four indexes, and *many* candidates."""
    chosen = random.Random(1)
    with writing(conn):
        for _, _, table in STEPS:
            table.create(conn)
        VERSIONS.create(conn)
        for version, name, _ in STEPS:
            conn.execute(insert(VERSIONS), {"version": version, "name": name, "applied_at_utc": ""})
        for first in range(0, many, 50_000):
            rows = [
                {
                    "candidate_id": f"prom_{number:016x}",
                    "created_at_utc": f"2026-01-{number * 28 // many + 1:02}T00:00:00.{number % 1_000_000:06}+00:00",
                    "status": chosen.choices(["exploratory", "rejected", "candidate", "accepted"], [60, 38, 1.9, 0.1])[
                        0
                    ],
                    "dataset_id": f"d{chosen.randrange(50)}",
                    "run_id": f"r{number // 100}",
                    "signal_name": f"s{chosen.randrange(200)}",
                    "horizon": 4,
                    "config_hash": "c",
                    "git_commit": "g",
                }
                for number in range(first, min(first + 50_000, many))
            ]
            conn.execute(insert(CANDIDATES), rows)


def measured(conn):
    """For each question the rows, and the median milliseconds of the database and of the whole call for a page."""
    said = []
    event.listen(conn, "before_cursor_execute", lambda *told: said.append(told[2:4]))
    driver = conn.connection.driver_connection
    found = []
    for asked in ASKED:
        inside, outside = [], []
        for _ in range(15):
            said.clear()
            began = time.perf_counter()
            store.list_candidates(conn, **asked)
            outside.append(time.perf_counter() - began)
            statement, values = said[-1]
            began = time.perf_counter()
            rows = driver.execute(statement, values).fetchall()
            inside.append(time.perf_counter() - began)
        found.append((asked, len(rows), statistics.median(inside) * 1e3, statistics.median(outside) * 1e3))
    return found


def write(where, barrier, many):
    """One writer: *many* events, each a transaction of its own."""
    with connected(where) as conn:
        identity = store.create_candidate(conn, WHOLE)
        barrier.wait()
        for number in range(many):
            store.record_event(conn, identity, "noted", {"number": number})


def main():
    """Prints both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--candidates", type=int, default=1_000_000)
    parser.add_argument("--url", help="A new PostgreSQL database instead of SQLite files.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        where = asked.url or str(Path(folder) / "store.db")
        with connected(where, create=True) as conn:
            filled(conn, asked.candidates)
            if asked.url:
                conn.commit()
                conn.execute(text("ANALYZE"))
                conn.commit()
            before = measured(conn)
            began = time.perf_counter()
            run_migrations_phase3(conn)
            print(f"{asked.candidates:,} candidates; indexes and triggers made in {time.perf_counter() - began:.1f} s")
        with connected(where) as conn:
            for (question, rows, old, _), (_, _, new, whole) in zip(before, measured(conn), strict=True):
                named = ", ".join(f"{name}={value}" for name, value in question.items()) or "no filter"
                print(
                    f"{named:52} {rows:4} rows  {old:8.2f} ms  {new:6.2f} ms ({old / new:5.0f}x), call {whole:.2f} ms"
                )
            began = time.perf_counter()
            for _ in range(50):
                store.create_candidate(conn, WHOLE)
            print(f"create: {(time.perf_counter() - began) / 50 * 1e3:.1f} ms")
        if asked.url is None:
            where = str(Path(folder) / "events.db")
            with connected(where, create=True) as conn:
                run_migrations_phase3(conn)
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(5)
        writers = [context.Process(target=write, args=(where, barrier, 1000)) for _ in range(4)]
        for writer in writers:
            writer.start()
        barrier.wait()
        began = time.perf_counter()
        for writer in writers:
            writer.join()
        took = time.perf_counter() - began
        with connected(where) as conn:
            found = chain.check(conn)
            noted = conn.execute(text("SELECT count(*) FROM promotion_events WHERE event_type = 'noted'")).scalar_one()
        forked = any("follow" in problem for problem in found.problems)  # candidates that were filled in have no events
        print(f"4 writers: {noted} of 4000 events, chain {'BROKEN' if forked else 'whole'}, {noted / took:.0f}/s")


if __name__ == "__main__":
    main()
