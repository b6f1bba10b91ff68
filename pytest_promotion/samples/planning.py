"""How many samples a gate needs, before it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_promotion.errors import Unproven
from pytest_promotion.samples.interval import shows, stats
from pytest_promotion.samples.proportions import proportion


@dataclass(frozen=True, slots=True)
class Passing:
    """How often a gate comes to each outcome, of candidates whose true share is *share*."""

    share: float
    passed: float
    failed: float

    @property
    def undecided(self) -> float:
        """How often it cannot tell."""
        return max(0.0, 1 - self.passed - self.failed)


def passing(share: float, threshold: float, samples: int, confidence: float) -> Passing:
    """How often `measure.proportion(…, at_least=threshold)` passes and fails at that true share, by the binomial."""
    least = _least_successes(threshold, samples, confidence)
    most = _most_failing(threshold, samples, confidence)
    binomial = stats().binom(samples, share)
    return Passing(share, float(binomial.sf(least - 1)), float(binomial.cdf(most)))


def samples_for(threshold: float, margin: float, power: float, confidence: float) -> int:
    """
    The least number of samples with which a candidate that is better than *threshold* by *margin* passes.

    Args:
        threshold: the share that is demanded.
        margin: how much better the candidate truly is, as a share.
        power: how often it has to pass, as a share.

    Raises:
        Unproven: for shares that are none, and where more than ten million samples would be needed.
    """
    better = threshold + margin
    if not (0 < threshold < 1 and margin > 0 and better < 1 and 0 < power < 1 and 0 < confidence < 1):
        raise Unproven(f"a threshold of {threshold:g}, a margin of {margin:g} and a power of {power:g} fit no share")
    normal = stats().norm
    spread = normal.ppf((1 + confidence) / 2) * math.sqrt(threshold * (1 - threshold))
    spread += normal.ppf(power) * math.sqrt(better * (1 - better))
    guess = max(2, math.ceil((spread / margin) ** 2))
    if guess > 10_000_000:
        raise Unproven(f"about {guess:,} samples would be needed; take a larger margin")

    # Power rises in saws, since successes are whole: the least number from which on it stays.
    count = max(2, int(guess * 0.8))
    step = max(1, guess // 200)
    while any(passing(better, threshold, count + ahead * step, confidence).passed < power for ahead in range(4)):
        count += step
    return count


def _least_successes(threshold: float, samples: int, confidence: float) -> int:
    """The least number of successes that passes; one more than there are samples where none does."""
    low, high = 0, samples + 1
    while low < high:
        middle = (low + high) // 2
        holds = middle > samples or shows(proportion("", middle, samples)[1](confidence), ">=", threshold) is True
        low, high = (low, middle) if holds else (middle + 1, high)
    return low


def _most_failing(threshold: float, samples: int, confidence: float) -> int:
    """The most successes that fail, -1 where none does."""
    low, high = -1, samples
    while low < high:
        middle = (low + high + 1) // 2
        fails = shows(proportion("", middle, samples)[1](confidence), ">=", threshold) is False
        low, high = (middle, high) if fails else (low, middle - 1)
    return low
