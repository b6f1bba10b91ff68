"""
What `promotion run` costs beside the command that it runs, over 12 files and 10,000 that have not changed.

    python benchmarks/provenance.py [--files 10000] [--runs 7]

Beside it stands `sha256sum` over the same files, which reads each of them every time, and a bare start of Python.
The median of the runs counts, once by the clock on the wall and once by the time on a processor, which says more on a
machine that others use.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
RUN = [sys.executable, "-m", "pytest_promotion.cli", "run", "--name", "bench", "--input", "src", "--output", "out.txt"]
SETTLED_S = 2.5  # a younger file is read again: its digest is not kept


def made(root: Path, files: int, *, git: bool) -> None:
    """A folder `src` of *files* files of 1 to 9 KB, in a git repository where *git* says so."""
    for number in range(files):
        folder = root / "src" / f"package{number // 100}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"module{number}.py").write_text(f"VALUE = {number}\n" * (64 + number % 512), encoding="utf-8")
    if git:
        words = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
        (root / ".gitignore").write_text("out.txt*\ncache/\n", encoding="utf-8")
        for step in (["init", "-q", "."], ["add", "."], ["commit", "-q", "-m", "files"]):
            subprocess.run([*words, *step], cwd=root, check=True, capture_output=True)


def used() -> float:
    """Seconds that the ended children of this process have had a processor."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def median(action: Callable[[], object], runs: int) -> tuple[float, float]:
    """Milliseconds that *action* takes, by the wall and by the processor."""
    walls, processors = [], []
    for _ in range(runs):
        begun, before = time.perf_counter(), used()
        action()
        walls.append((time.perf_counter() - begun) * 1000)
        processors.append((used() - before) * 1000)
    return statistics.median(walls), statistics.median(processors)


def measured(files: int, runs: int, *, git: bool) -> dict[str, tuple[float, float]]:
    """Milliseconds of one run over *files* files, and of what it is compared with."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        made(root, files, git=git)
        # Modules are compiled once, as they are where the package is installed.
        own = {"PROMOTION_CACHE_DIR": "cache", "PYTHONPYCACHEPREFIX": "cache/compiled"}
        environ = os.environ | {key: str(root / place) for key, place in own.items()} | {"PYTHONPATH": str(REPOSITORY)}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        child = [sys.executable, "-c", "open('out.txt', 'w').write('done')"]

        def start(*words: str) -> None:
            subprocess.run(words, cwd=root, env=environ, check=True, capture_output=True)

        listing = root / "cache" / "names"
        listing.parent.mkdir()
        listing.write_text("\0".join(str(path) for path in (root / "src").rglob("*.py")), encoding="utf-8")
        time.sleep(SETTLED_S)
        first = median(lambda: start(*RUN, "--", *child), 1)
        return {
            "child alone": median(lambda: start(*child), runs),
            "first run": first,
            "run, nothing changed": median(lambda: start(*RUN, "--", *child), runs),
            "sha256sum": median(lambda: start("sh", "-c", f"xargs -0 sha256sum < {listing} > /dev/null"), runs),
        }


def main() -> int:
    """Print the table. Returns 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    print("milliseconds; the overhead is that of a run beyond its command, and the ratio that of it and sha256sum")
    heads = ("child", "first", "again", "overhead", "sha256sum")
    print(f"{'files':>8} {'place':>6} {'by':>9} {' '.join(f'{head:>9}' for head in heads)} ratio")
    for files in (12, options.files):
        for git in (True, False):
            found = measured(files, options.runs, git=git)
            for number, clock in enumerate(("wall", "processor")):
                child, first, again, other = (one[number] for one in found.values())
                row = " ".join(f"{cell:>9.0f}" for cell in (child, first, again, again - child, other))
                print(f"{files:>8} {'git' if git else 'folder':>6} {clock:>9} {row} {(again - child) / other:>5.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
