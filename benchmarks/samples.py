"""
How often intervals hold what they are said to hold, and how often gates on samples are wrong.

    python benchmarks/samples.py [TRIALS]

2,000 trials unless told otherwise, each with its own seed. Coverage is the share of intervals that hold the true
figure, at a confidence of 0.95; its own standard error is half a percent. A gate is wrong where it passes a candidate
that is truly just not good enough, or fails one that truly is: by the figure alone every other time.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterator

from pytest_promotion.model import Interval
from pytest_promotion.samples.drift import stability
from pytest_promotion.samples.interval import shows
from pytest_promotion.samples.means import difference, mean, quantile
from pytest_promotion.samples.proportions import paired_difference, proportion
from pytest_promotion.samples.sequential import always_valid

LEVEL = 0.95
Trial = Callable[[random.Random], tuple[Interval, float]]  # an interval, and the true figure


def share(true: float, count: int, method: str) -> Trial:
    def trial(chance: random.Random) -> tuple[Interval, float]:
        found = sum(chance.random() < true for _ in range(count))
        return proportion("x", found, count, method)[1](LEVEL), true  # type: ignore[arg-type]

    return trial


def average(draw: Callable[[random.Random], float], true: float, count: int, method: str) -> Trial:
    def trial(chance: random.Random) -> tuple[Interval, float]:
        return mean("x", [draw(chance) for _ in range(count)], method)[1](LEVEL), true  # type: ignore[arg-type]

    return trial


def percentile(q: float, count: int) -> Trial:
    def trial(chance: random.Random) -> tuple[Interval, float]:
        return quantile("x", [chance.random() for _ in range(count)], q)[1](LEVEL), q

    return trial


def paired(champion: float, candidate: float, count: int) -> Trial:
    """Both are asked the same examples: what is hard for one is hard for the other."""

    def trial(chance: random.Random) -> tuple[Interval, float]:
        hard = [0.8 * chance.random() + 0.2 * chance.random() for _ in range(count)]
        true = below(candidate) - below(champion)
        answers = [value < candidate for value in hard], [value < champion for value in hard]
        return paired_difference(*answers)[1](LEVEL), true

    def below(limit: float) -> float:
        """The probability of a weighted sum of two uniform numbers to be below *limit*."""
        upper = max(0.0, limit - 0.8) ** 2
        lower = max(0.0, limit - 0.2) ** 2
        return (limit**2 - upper - lower) / (2 * 0.8 * 0.2)

    return trial


def unpaired(count: int) -> Trial:
    def trial(chance: random.Random) -> tuple[Interval, float]:
        one, other = [chance.gauss(1, 1) for _ in range(count)], [chance.gauss(0, 3) for _ in range(count // 2)]
        return difference("x", one, other)[1](LEVEL), 1.0

    return trial


def drifted(shift: float, count: int) -> Trial:
    """Of normal samples that were shifted; the true index is that of a million samples of each."""
    big = random.Random(0)
    reference = [big.gauss(0, 1) for _ in range(200_000)]
    true = 0.0 if not shift else stability("x", [value + shift for value in reference], reference)[0]

    def trial(chance: random.Random) -> tuple[Interval, float]:
        here = [chance.gauss(shift, 1) for _ in range(count)]
        there = [chance.gauss(0, 1) for _ in range(count)]
        return stability("x", here, there)[1](LEVEL), true

    return trial


def watched(true: float, most: int) -> Trial:
    """Looked at after each of many trials: it counts as missed if it ever was."""

    def trial(chance: random.Random) -> tuple[Interval, float]:
        found, worst = 0, Interval(0, 1, LEVEL, "")
        for done in range(1, most + 1):
            found += chance.random() < true
            interval = always_valid(found, done, LEVEL)
            if not interval.low <= true <= interval.high:
                return interval, true
            worst = interval
        return worst, true

    return trial


LOGNORMAL = math.exp(0.5)
COVERED: dict[str, Trial] = {
    "share of 0.9, 50 samples, Wilson": share(0.9, 50, "wilson"),
    "share of 0.9, 1,000 samples, Wilson": share(0.9, 1000, "wilson"),
    "share of 0.99, 200 samples, Wilson": share(0.99, 200, "wilson"),
    "share of 0.99, 200 samples, exact": share(0.99, 200, "exact"),
    "mean of normal values, 20, t": average(lambda chance: chance.gauss(0, 1), 0, 20, "t"),
    "mean of lognormal values, 50, BCa": average(lambda chance: chance.lognormvariate(0, 1), LOGNORMAL, 50, "bca"),
    "mean of lognormal values, 500, BCa": average(lambda chance: chance.lognormvariate(0, 1), LOGNORMAL, 500, "bca"),
    "95th percentile, 100 samples": percentile(0.95, 100),
    "95th percentile, 1,000 samples": percentile(0.95, 1000),
    "paired difference of 0, 200 examples": paired(0.85, 0.85, 200),
    "paired difference of -0.02, 1,000 examples": paired(0.85, 0.83, 1000),
    "difference of other examples, 60 and 30, Welch": unpaired(60),
    "PSI of nothing, 1,000 samples": drifted(0.0, 1000),
    "PSI of a shift of 0.3, 2,000 samples": drifted(0.3, 2000),
    "trials at 0.9, looked at 400 times": watched(0.9, 400),
}


def coverage(trial: Trial, trials: int) -> tuple[float, float, float]:
    """The shares of intervals that hold the true figure, are above it, and are below it."""
    inside = above = 0
    for seed in range(trials):
        interval, true = trial(random.Random(seed))
        inside += interval.low <= true <= interval.high
        above += interval.low > true
    return inside / trials, above / trials, 1 - (inside + above) / trials


def decisions(trials: int) -> Iterator[tuple[str, float, float, float]]:
    """Of gates that demand 0.9 of 1,000 samples: how often they pass, cannot tell and fail; and by the figure alone."""
    for true in (0.86, 0.88, 0.899, 0.9, 0.91, 0.92, 0.94):
        passed = failed = alone = 0
        for seed in range(trials):
            chance = random.Random(seed)
            found = sum(chance.random() < true for _ in range(1000))
            answer = shows(proportion("x", found, 1000)[1](LEVEL), ">=", 0.9)
            passed += answer is True
            failed += answer is False
            alone += found >= 900
        yield f"{true:g}", passed / trials, failed / trials, alone / trials


def main() -> None:
    trials = int(sys.argv[1]) if sys.argv[1:] else 2000
    print(f"| interval at 0.95, {trials:,} trials | holds it | lies above | lies below |\n|---|---|---|---|")
    for name, trial in COVERED.items():
        inside, above, below = coverage(trial, trials)
        print(f"| {name} | {100 * inside:.1f} % | {100 * above:.1f} % | {100 * below:.1f} % |", flush=True)
    print("\n| true share | passes | cannot tell | fails | passes by the figure alone |\n|---|---|---|---|---|")
    for true, passed, failed, alone in decisions(trials):
        undecided = 1 - passed - failed
        shown = " | ".join(f"{100 * value:.1f} %" for value in (passed, undecided, failed, alone))
        print(f"| {true} | {shown} |")


if __name__ == "__main__":
    main()
