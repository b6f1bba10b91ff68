"""
How fast and how exact is the secrets scan, beside bc-detect-secrets as it comes?

    python benchmarks/secrets_scan.py [--megabytes 100] [--rounds 3] [--tuned-only]

Prints MB/s on a sparse log (one secret in about four megabytes, one line in 250 that speaks of
secrets) and on the labelled logs, precision and recall on `TUNED` and `HELD_OUT` (see
`labelled_logs`) and on kinds that were written after the rules (`unseen_logs`), and how many findings of the
library's structured detectors are lost. The library's
speed on the sparse log is taken on its first `--library-megabytes`; runs alternate, and medians are
printed, of processor time. (Not called `secrets.py`: beside a script of that name nothing can import the
standard library's.)
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from random import Random

import unseen_logs
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings, transient_settings
from labelled_logs import BENIGN, HELD_OUT, TUNED, corpus

from pytest_promotion.secrets import detectors
from pytest_promotion.secrets.scan import Scanner

# The share of benign lines that speak of keys, tokens and passwords, and so have to be looked at. In the labelled logs
# it is three in eleven; in the logs of the demo company it is none.
SPOKEN = 0.004
Found = set[tuple[int, str]]


def ours(scanner: Scanner, path: Path) -> Found:
    """What the room finds: line and rule."""
    return {(number, match.rule) for number, match, _ in scanner.file(path, lambda _size: None)}


def library(path: Path) -> Found:
    """What the library finds with all its detectors and filters."""
    with default_settings():
        return {(one.line_number, one.type) for one in scan_file(str(path))}


def structured(path: Path) -> Found:
    """What the library's structured detectors find, with its filters."""
    names = [type(rule.find.args[0]).__name__ for rule in detectors.library()]
    with transient_settings({"plugins_used": [{"name": name} for name in names]}):
        return {(one.line_number, one.type) for one in scan_file(str(path))}


def timed(run, *args):
    """Seconds of processor time, and the result."""
    started = time.process_time()
    found = run(*args)
    return time.process_time() - started, found


def judged(found: Found, labels: list[str]) -> str:
    """Precision and recall by lines."""
    lines = {number for number, _ in found}
    secret = {number for number, kind in enumerate(labels, 1) if kind}
    right = len(lines & secret)
    missed = sorted({labels[number - 1] for number in secret - lines})
    told = f"precision {right / max(len(lines), 1):.3f}  recall {right / len(secret):.3f}"
    return f"{told}  missed kinds: {', '.join(missed) or '-'}"


def sparse(path: Path, megabytes: int) -> None:
    """A log of *megabytes* with a planted line about every four megabytes."""
    draw = Random(5)
    planted = list(TUNED.values())
    spoken = [BENIGN[name] for name in ("masked", "words", "code")]
    machine = [make for make in BENIGN.values() if make not in spoken]
    part = "".join(
        draw.choice(machine if draw.random() > SPOKEN else spoken)(draw) + "\n" for _ in range(32_000)
    )  # about 4 MB
    with path.open("w", encoding="utf-8") as file:
        for _ in range(max(1, round(megabytes * 2**20 / len(part)))):
            file.write(part)
            file.write(draw.choice(planted)(draw) + "\n")


def head(path: Path, target: Path, megabytes: float) -> None:
    """The first *megabytes* of whole lines."""
    with path.open("rb") as file:
        data = file.read(int(megabytes * 2**20))
    target.write_bytes(data[: data.rindex(b"\n") + 1])


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--library-megabytes", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--benign", type=int, default=8000)
    parser.add_argument(
        "--tuned-only", action="store_true", help="leave the held-out kinds alone: for work on the rules"
    )
    options = parser.parse_args()
    scanners = {"hyperscan": Scanner(engine="hyperscan"), "python": Scanner(engine="python")}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        corpora = {"tuned": corpus(1, options.benign, 40, TUNED)}
        if not options.tuned_only:
            corpora["held out"] = corpus(2, options.benign, 40, HELD_OUT)
            corpora["unseen"] = unseen_logs.corpus(3, options.benign, 40)
        for name, lines in corpora.items():
            path = place / f"{name.split()[0]}.log"
            path.write_text("".join(text + "\n" for text, _ in lines), encoding="utf-8")
            labels = [kind for _, kind in lines]
            size = path.stat().st_size / 2**20
            for engine, scanner in scanners.items():
                took, found = timed(ours, scanner, path)
                print(f"{name:9} {engine:14} {size / took:8.2f} MB/s  {judged(found, labels)}")
            took, theirs = timed(library, path)
            print(f"{name:9} {'detect-secrets':14} {size / took:8.2f} MB/s  {judged(theirs, labels)}")
            shape = structured(path)
            lost = {number for number, _ in shape} - {number for number, _ in found}
            print(f"{name:9} structured findings of the library {len(shape)}, lost {len(lost)}")
        whole, part = place / "sparse.log", place / "part.log"
        sparse(whole, options.megabytes)
        head(whole, part, options.library_megabytes)
        rates: dict[str, list[float]] = {"hyperscan": [], "detect-secrets": []}
        for _ in range(options.rounds):
            took, _ = timed(ours, scanners["hyperscan"], whole)
            rates["hyperscan"].append(os.path.getsize(whole) / 2**20 / took)
            took, _ = timed(library, part)
            rates["detect-secrets"].append(os.path.getsize(part) / 2**20 / took)
        ratio = statistics.median(one / two for one, two in zip(*rates.values(), strict=True))
        for engine, measured in rates.items():
            print(f"sparse    {engine:14} {statistics.median(measured):8.2f} MB/s")
        print(f"sparse    {ratio:.0f} times as fast")


if __name__ == "__main__":
    main()
