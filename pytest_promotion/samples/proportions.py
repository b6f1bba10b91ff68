"""Shares of yes-or-no samples with their intervals, and the difference of two shares on the same examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Literal, get_args

from pytest_promotion.errors import Unproven
from pytest_promotion.model import Interval
from pytest_promotion.samples.interval import Estimated, stats

ShareMethod = Literal["wilson", "exact"]


def proportion(name: str, successes: int, samples: int, method: ShareMethod = "wilson") -> Estimated:
    """
    The share of successes, with the score interval of Wilson (1927), or the exact one of Clopper and Pearson (1934).

    Raises:
        Unproven: without samples, and for numbers that no counts are.
    """
    if method not in get_args(ShareMethod):
        raise Unproven(f"{name}: the method is {method!r}, expected {' or '.join(get_args(ShareMethod))}")
    for what, value in (("successes", successes), ("samples", samples)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
            raise Unproven(f"{name}: the number of {what} is {value!r:.60}, expected a whole number from 0")
    successes, samples = int(successes), int(samples)  # NumPy's are whole numbers too
    if not samples:
        raise Unproven(f"{name}: there are 0 samples")
    if successes > samples:
        raise Unproven(f"{name}: {successes} of {samples} samples are successes")

    def at(confidence: float) -> Interval:
        found = stats().binomtest(successes, samples).proportion_ci(confidence, method=method)
        return Interval(float(found.low), float(found.high), confidence, method)

    return successes / samples, at


def paired_difference(candidate: Sequence[bool], champion: Sequence[bool]) -> Estimated:
    """
    The candidate's share less the champion's, on the same examples: Newcombe's hybrid score interval (1998, method 10).

    R. G. Newcombe, Improved confidence intervals for the difference between binomial proportions based on paired
    data, Statistics in Medicine 17. Its correlation is that of the two, corrected for continuity.
    """
    samples = len(candidate)
    both = sum(one and other for one, other in zip(candidate, champion, strict=True))
    only, lost = sum(candidate) - both, sum(champion) - both
    neither = samples - both - only - lost
    share, other_share = (both + only) / samples, (both + lost) / samples
    product = (both + only) * (lost + neither) * (both + lost) * (only + neither)
    cross = float(both * neither - only * lost)
    correlation = (max(cross - samples / 2, 0) if cross > 0 else cross) / math.sqrt(product) if product else 0.0

    def at(confidence: float) -> Interval:
        one = proportion("", both + only, samples)[1](confidence)
        other = proportion("", both + lost, samples)[1](confidence)
        difference = share - other_share
        down, up = share - one.low, one.high - share
        other_down, other_up = other_share - other.low, other.high - other_share
        below = down**2 - 2 * correlation * down * other_up + other_up**2
        above = other_down**2 - 2 * correlation * other_down * up + up**2
        low, high = difference - math.sqrt(max(below, 0)), difference + math.sqrt(max(above, 0))
        return Interval(max(low, -1.0), min(high, 1.0), confidence, "newcombe paired")

    return share - other_share, at
