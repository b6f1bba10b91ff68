"""
What it costs to read evidence safely and to hash the very bytes that are judged.

    python benchmarks/evidence.py [--folder FOLDER]

Small files against the usual loop over `hashlib.file_digest`, which checks nothing: neither
that the path stays below the root nor what kind of file it is. A large file against
`openssl speed`, which reads nothing. And both again with a vault that keeps a copy, which
is what a gate session does: that is writing, and has no rival here but the disk.
Targets: 2.5 times the loop on small files, 0.8 of openssl on large ones.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from side_by_side import table

from pytest_promotion.evidence.reading import Root, read
from pytest_promotion.evidence.vault import Vault

FILES, SMALL = 10_000, 4096
LARGE = 2**30
ROUNDS = 7
TARGETS = {"small": 2.5, "large": 0.8}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where to write 3 GB of test files (default: the temporary folder)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        table(
            f"Evidence read and hashed on one core, warm cache (CPU time, medians of turns; {FILES:,} x 4 KiB, 1 GiB)",
            ("what", "read()", "rival", "ratio", "target"),
            [*_small(folder), *_large(folder)],
        )
        table(
            f"Evidence made durable before the decision (wall time; {FILES:,} x 4 KiB)",
            ("what", "Vault.sync", "rival", "ratio", "target"),
            _durable(folder),
        )


def _small(folder: Path) -> list[tuple[str, ...]]:  # noqa: C901 - eight loops over the same files
    names = [f"{number % 100}/{number}.json" for number in range(FILES)]
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(os.urandom(SMALL))
    root, vault = Root(folder), Vault(folder / "vault")
    paths, content = [f"{folder}/{name}" for name in names], os.urandom(SMALL)

    def loop() -> None:
        for name in names:
            with open(f"{folder}/{name}", "rb") as file:
                hashlib.file_digest(file, "sha256").hexdigest()

    def ours() -> None:
        for name in names:
            read(root, name)

    def least() -> None:
        for path in paths:
            handle = os.open(path, os.O_RDONLY)
            os.fstat(handle)
            hashlib.sha256(os.read(handle, 2 * SMALL)).hexdigest()
            os.close(handle)

    def hashed() -> None:
        for _ in names:
            hashlib.sha256(content).hexdigest()

    def kept() -> None:
        for name in names:
            read(root, name, vault)

    def again() -> None:
        fresh = Vault(folder / "vault")  # another session: it compares the copy before it relies on it
        for name in names:
            read(root, name, fresh)

    def copied() -> None:
        for name in names:
            shutil.copyfile(f"{folder}/{name}", f"{folder}/copy")

    spent = _turns({"loop": loop, "ours": ours, "least": least, "hashed": hashed}, ROUNDS)
    # Hashing costs both sides the same, and how much of the whole it is depends on the processor.
    unhashed = {
        name: [FILES / (taken - hash_s) for taken, hash_s in zip(spent[name], spent["hashed"], strict=True)]
        for name in ("ours", "loop")
    }
    once = _turns({"kept": kept, "copied": copied}, 1, warm=False) | _turns({"again": again}, 3)
    rate = {name: [FILES / seconds for seconds in taken] for name, taken in (spent | once).items()}
    return [
        ("small files", *_files(rate["ours"], rate["loop"]), f"{TARGETS['small']} file_digest loops"),
        ("small files, the hashing taken off", *_files(unhashed["ours"], unhashed["loop"]), "none (the same loop)"),
        ("small files", *_files(rate["ours"], rate["least"]), "none (rival: open, fstat, read, sha256, close)"),
        ("small files, a copy kept", *_files(rate["kept"], rate["copied"]), "none (rival: shutil.copyfile)"),
        ("small files, copy kept before", *_files(rate["again"], rate["loop"][:3]), "none (rival: the loop)"),
    ]


def _files(ours: list[float], theirs: list[float]) -> tuple[str, str, str]:
    figure = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    return f"{statistics.median(ours):,.0f} files/s", f"{statistics.median(theirs):,.0f} files/s", f"{figure:.2f}"


def _durable(folder: Path) -> list[tuple[str, ...]]:
    contents = [os.urandom(SMALL) for _ in range(FILES)]
    vault = Vault(folder / "durable")
    digests = [hashlib.sha256(content).hexdigest() for content in contents]
    for digest, content in zip(digests, contents, strict=True):
        vault.keep(digest, content)
    started = time.perf_counter()
    vault.sync(digests)
    together = time.perf_counter() - started
    few = FILES // 20  # one at a time they take milliseconds each
    started = time.perf_counter()
    for number in range(few):
        with (folder / f"single-{number}").open("wb") as file:
            file.write(contents[number])
            file.flush()
            os.fsync(file.fileno())
    single = (time.perf_counter() - started) * FILES / few
    return [
        ("small files", f"{together:.2f} s", f"{single:.1f} s", f"{single / together:.0f}", "none (rival: fsync each)")
    ]


def _large(folder: Path) -> list[tuple[str, ...]]:
    block = os.urandom(2**20)
    with (folder / "large").open("wb") as file:
        for _ in range(LARGE // len(block)):
            file.write(block)
    root = Root(folder)

    def ours() -> None:
        read(root, "large")

    def kept() -> None:
        read(root, "large", Vault(folder / "vault"))

    rates, speeds, ratios = [], [], []
    for number in range(4):
        seconds = _spend(ours)
        speed = _openssl()
        if number:
            rates.append(LARGE / seconds / 1e9)
            speeds.append(speed)
            ratios.append(rates[-1] / speed)
    rate, speed = statistics.median(rates), statistics.median(speeds)
    copy = LARGE / _spend(kept) / 1e9
    return [
        (
            "large file",
            f"{rate:.2f} GB/s",
            f"{speed:.2f} GB/s",
            f"{statistics.median(ratios):.2f}",
            f"{TARGETS['large']} of openssl speed",
        ),
        (
            "large file, a copy kept",
            f"{copy:.2f} GB/s",
            f"{speed:.2f} GB/s",
            f"{copy / speed:.2f}",
            "none (same rival)",
        ),
    ]


def _openssl() -> float:
    """What the processor can hash, in GB/s."""
    words = ["openssl", "speed", "-evp", "sha256", "-bytes", "16384", "-seconds", "2"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found = re.search(r"sha256\s+([\d.]+)k", done.stdout, re.IGNORECASE)
    if found is None:
        raise RuntimeError(f"openssl speed printed no rate: {done.stdout}")
    return float(found[1]) * 1000 / 1e9


def _turns(tasks: dict[str, Callable[[], None]], rounds: int, *, warm: bool = True) -> dict[str, list[float]]:
    spent: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds + warm):
        for name, task in tasks.items():
            seconds = _spend(task)
            if number >= warm:
                spent[name].append(seconds)
    return spent


def _spend(task: Callable[[], None]) -> float:
    started = time.process_time()
    task()
    return time.process_time() - started


if __name__ == "__main__":
    main()
