"""
What the reality check costs, and what it is worth.

    python benchmarks/reality_check.py [--trials 1000]

Time: K = 500 hypotheses, T = 2,000 moments, B = 1,000 replicates beside `arch`'s SPA, in processor time, beside the
bare matrix product, which is the floor, and beside the same with a kept null; then K = 5,000 and B = 10,000. Worth: how
often it rejects at 5 %, by seeded trials, also of many hypotheses with a memory.
"""

from __future__ import annotations

import argparse
import math
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from side_by_side import table

from pytest_promotion.suites.research.null_cache import NullCache, checked
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.reality import Config, Origin, reality_check


def seconds(work, times=3):
    """The least processor time of some runs."""
    best = math.inf
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def speed():
    """The table of times."""
    from arch.bootstrap import SPA

    rng = np.random.default_rng(1)
    values = rng.normal(size=(2000, 500))
    panel = Panel.of([f"h{n:04}" for n in range(500)], values)
    ours = seconds(lambda: reality_check(panel, Config(replicates=1000)), 5)
    with tempfile.TemporaryDirectory() as folder:
        cache = NullCache(Path(folder))
        checked(panel, Config(replicates=1000), Origin(), cache)
        hit = seconds(lambda: checked(panel, Config(replicates=1000), Origin(), cache), 5)
        assert checked(panel, Config(replicates=1000), Origin(), cache)[1].outcome == "hit"
    theirs = seconds(lambda: SPA(np.zeros(2000), -values, block_size=12, reps=1000, seed=1).compute(), 2)
    weights = rng.normal(size=(1000, 2000))
    floor = seconds(lambda: weights @ values, 5)
    large = Panel.of([f"h{n:04}" for n in range(5000)], rng.normal(size=(2000, 5000)))
    start = time.perf_counter()
    reality_check(large, Config(replicates=10_000))
    wall = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    rows = [
        ("K=500, B=1,000, against arch", f"{ours:.3f} s", f"{theirs:.2f} s", f"{theirs / ours:.0f}"),
        ("the same, against the bare product", f"{ours:.3f} s", f"{floor:.3f} s", f"{ours / floor:.1f}"),
        ("the same, kept, against computing", f"{hit:.3f} s", f"{ours:.3f} s", f"{ours / hit:.1f}"),
        ("K=5,000, B=10,000, wall", f"{wall:.1f} s", f"{peak:.2f} GiB at most", ""),
    ]
    table("Reality check", ("what", "ours", "other", "ratio"), rows)


def worth(trials):
    """The table of rejections."""
    rows = []
    for length, block in ((250, 3), (500, 6), (1000, 12), (2000, 12)):
        rng = np.random.default_rng(20260521)
        rejected = dict.fromkeys(("null", "edge", "decoy"), 0)
        for _ in range(trials):
            noise = rng.normal(size=(length, 10))
            for case in rejected:
                values = noise.copy()
                values[:, 0] += 0 if case == "null" else 4 / math.sqrt(length)
                values[:, 9] *= 5 if case == "decoy" else 1
                panel = Panel.of([f"h{n}" for n in range(10)], values)
                rejected[case] += reality_check(panel, Config(replicates=199, block=block)).p_value <= 0.05
        rows.append((f"T={length}, blocks of {block}", *(f"{count / trials:.1%}" for count in rejected.values())))
    table(f"Rejections at 5 %, {trials} trials", ("", "no edge", "an edge of t = 4", "the same beside a decoy"), rows)


def crowd(trials):
    """The table of rejections where there is no edge, of many hypotheses whose noise has a memory."""
    rows = []
    for length, many, memory in ((240, 120, 0.5), (240, 120, 0.0), (800, 20, 0.2), (1500, 120, 0.2), (2000, 120, 0.0)):
        rng = np.random.default_rng(20260521)
        rejected = dict.fromkeys(("spa", "white"), 0)
        for _ in range(trials):
            values = rng.normal(size=(length + 50, many))
            for at in range(1, len(values)):
                values[at] = memory * values[at - 1] + math.sqrt(1 - memory**2) * values[at]
            panel = Panel.of([f"h{n:03}" for n in range(many)], values[50:])
            for statistic in rejected:
                config = Config(statistic=statistic, replicates=199, block=12)
                rejected[statistic] += reality_check(panel, config).p_value <= 0.05
        shares = (f"{count / trials:.1%}" for count in rejected.values())
        rows.append((f"T={length}, K={many}, neighbours correlate by {memory:g}", *shares))
    table(f"Rejections of nothing at 5 %, blocks of 12, {trials} trials", ("", "spa", "white"), rows)


def main():
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    trials = parser.parse_args().trials
    speed()
    worth(trials)
    crowd(trials)


if __name__ == "__main__":
    main()
