"""
What the first session and the next one cost over an event store of gigabytes that is recorded by its digest.

    python benchmarks/large_store.py [--gb 5] [--folder DIR]

A store of contract rows is generated, which takes minutes, and removed at the end. Each figure is of a process of its
own: its wall and processor time, and the most memory that it held (`getrusage`). A session is pytest with one gate,
which asks for the age and the counts of the store: first with a vault that keeps a copy, as without `by_digest`, then
by digest, and by digest again after 1,000 new rows. Beside them a session over 1,000 rows, which shows what pytest
itself takes, `wc -l`, `sha256sum`, and the counting command, which counts a smaller store in a bucket of moto as well.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from side_by_side import table
from store import write

GATE = """import pytest

@pytest.mark.critical
def test_store(artifact, freshness, measure):
    store = artifact.latest("events_*.jsonl", timestamps="ingest_ts_utc")
    freshness(store)
    measure.at_least("rows", store.events().rows, 1)
"""
POLICY = """version: 1
by_digest: [{artifacts: ["events_*.jsonl"], because: too large to be copied in each session}]
"""
UPLOAD = """
import sys, s3fs
files = s3fs.S3FileSystem()
files.mkdir("s3://events")
files.put(sys.argv[1], "s3://events/events_20260221.jsonl")
"""
COUNT = [sys.executable, "-m", "pytest_promotion.cli", "event-store", "count"]


def measured(command: list[str], folder: Path) -> tuple[str, str, str]:
    """Wall seconds, processor seconds and the most megabytes of *command*, which has to succeed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (command, process.returncode)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{wall:.1f} s", f"{spent:.1f} s", f"{used.ru_maxrss >> 10} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=5)
    parser.add_argument("--bucket-gb", type=float, default=0.5, help="How much of it moto holds in memory.")
    parser.add_argument("--folder", type=Path, help="Where the store is generated (default: the temporary folder).")
    given = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        path = folder / "events_20260221.jsonl"
        write(path, 1_000, seed=3)
        (folder / "gates").mkdir()
        (folder / "gates" / "test_store.py").write_text(GATE)
        (folder / "promotion.yaml").write_text("version: 1\n")
        rows.append(("a session over 1,000 rows", *measured(_session(path), folder)))
        path.unlink()
        write(path, int(given.gb * 1e9 / 1_200))
        rows.append(("wc -l", *measured(["wc", "-l", path.name], folder)))
        rows.append(("sha256sum", *measured(["sha256sum", path.name], folder)))
        rows.append(("event-store count", *measured([*COUNT, path.name], folder)))
        rows.append(("event-store count --workers 2", *measured([*COUNT, path.name, "--workers", "2"], folder)))
        rows.append(("a session that keeps a copy", *measured(_session(path), folder)))
        shutil.rmtree(folder / "reports")
        (folder / "promotion.yaml").write_text(POLICY)
        rows.append(("the first session by digest", *measured(_session(path), folder)))
        write(path, 1_000, seed=2, start=datetime.fromisoformat(newest(path)))
        rows.append(("the next one, 1,000 new rows", *measured(_session(path), folder)))
        rows.append(("the next one, nothing new", *measured(_session(path), folder)))
        kept = sum(one.stat().st_size for one in (folder / "reports" / "promotion_gates" / "event_stores").iterdir())
        os.truncate(path, 0)
        write(path, int(given.bucket_gb * 1e9 / 1_200))
        rows += in_bucket(path)
    table(
        f"A store of {given.gb:g} GB; {kept >> 20} MB are kept of it",
        ("what", "wall", "processor", "most memory of one process"),
        rows,
    )


def newest(path: Path) -> str:
    """When the last row was taken in."""
    with path.open("rb") as file:
        file.seek(-16_384, os.SEEK_END)
        return str(json.loads(file.read().splitlines()[-1])["ingest_ts_utc"])


def in_bucket(path: Path) -> list[tuple[str, ...]]:
    """What it costs to count the store in a bucket, by one process and by two."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "NO_PROXY": "127.0.0.1"}
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.2)
        # In another process: what this one holds is counted as memory of those that it starts.
        subprocess.run([sys.executable, "-c", UPLOAD, str(path)], check=True)
        size = f"{path.stat().st_size / 1e9:.1f} GB in a bucket"
        words = [*COUNT, "s3://events/events_20260221.jsonl"]
        return [
            (size, *measured(words, path.parent)),
            (f"{size}, --workers 2", *measured([*words, "--workers", "2"], path.parent)),
        ]
    finally:
        server.kill()
        server.wait()


def _session(path: Path) -> list[str]:
    words = ["gates", "-q", "-p", "no:cacheprovider", f"--promotion-as-of={newest(path)}"]
    return [sys.executable, "-m", "pytest", *words]


if __name__ == "__main__":
    main()
