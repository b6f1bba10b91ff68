"""How far the distribution of some samples is from that of others."""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.model import Interval
from pytest_promotion.samples.interval import Estimated, stats

BINS: Final = 10
_LEAST: Final = 10  # samples of each side in a bin, on average
_HALF: Final = 0.5  # of a sample, in a bin that has none: a share of zero has no logarithm


def stability(name: str, current: Sequence[Any], reference: Sequence[Any]) -> Estimated:
    """
    The population stability index: the sum over bins of (share less share) times the logarithm of their ratio.

    Bins are the tenths of the reference, and what lies below and above all of it; of texts, booleans and numbers with
    few values, the values. Of two samples of one distribution, the index times n m / (n + m) is chi-squared with one
    degree of freedom less than there are bins (B. Yurdakul, Statistical Properties of Population Stability Index,
    2018); of two distributions it is taken as noncentral, and the interval holds the indices for which what was found
    is likely.

    Raises:
        Unproven: for too few samples, and for a reference that is all alike.
    """
    least = _LEAST * BINS
    if min(len(current), len(reference)) < least:
        found = f"{len(current)} samples and {len(reference)} of reference"
        raise Unproven(f"{name}: there are {found}, the index needs {least} of each")
    counts = _binned(current, reference)
    if len(counts) < 2:
        raise Unproven(f"{name}: all samples of reference are alike")
    index = 0.0
    for here, there in counts:
        share = max(here, _HALF) / len(current)
        other = max(there, _HALF) / len(reference)
        index += (share - other) * math.log(share / other)
    scale = len(current) * len(reference) / (len(current) + len(reference))
    return index, lambda confidence: _noncentral(index, scale, len(counts) - 1, confidence)


def _binned(current: Sequence[Any], reference: Sequence[Any]) -> list[tuple[int, int]]:
    """How many samples of both are in each bin."""
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (*current, *reference))
    if not numeric or len({*current, *reference}) <= 2 * BINS:
        here, there = Counter(map(str, current)), Counter(map(str, reference))
        return [(here[value], there[value]) for value in sorted(here | there)]
    ordered = sorted(reference)
    edges = sorted({ordered[len(ordered) * number // BINS] for number in range(1, BINS)})
    bins = [[0, 0] for _ in range(len(edges) + 3)]  # the last two: below and above all of the reference
    for side, samples in enumerate((current, reference)):
        for sample in samples:
            place = -2 if sample < ordered[0] else -1 if sample > ordered[-1] else bisect.bisect_right(edges, sample)
            bins[place][side] += 1
    return [(one, other) for one, other in bins if one or other]


def _noncentral(index: float, scale: float, degrees: int, confidence: float) -> Interval:
    ncx2, tail = stats().ncx2, (1 - confidence) / 2
    found = index * scale

    def solved(wanted: float) -> float:
        """The noncentrality at which what was found or less has the probability *wanted*, 0 where there is none."""
        if float(stats().chi2.cdf(found, degrees)) <= wanted:
            return 0.0
        low, high = 0.0, max(1.0, found)
        while float(ncx2.cdf(found, degrees, high)) > wanted:
            high *= 2
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if float(ncx2.cdf(found, degrees, middle)) > wanted else (low, middle)
        return high

    return Interval(solved(1 - tail) / scale, solved(tail) / scale, confidence, "noncentral chi-squared")
