"""Means and quantiles of samples, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, Literal

from pytest_promotion.errors import Unproven
from pytest_promotion.model import Interval
from pytest_promotion.samples.interval import Estimated, stats

MeanMethod = Literal["bca", "t"]
LEAST: Final = {"bca": 20, "t": 2}  # samples; a bootstrap of fewer draws the same few again and again
_ALIKE: Final = 30  # samples without any spread, below which that is no evidence that there is none
_NOISE: Final = 1e-12  # of binary fractions, as a share
_MOST_DRAWN: Final = 5_000  # samples; of more, both methods give the same interval, and one of them takes seconds
_DRAWS: Final = 9_999
_SEED: Final = 20_260_101  # the same samples give the same interval


def mean(name: str, values: Sequence[float], method: MeanMethod = "bca") -> Estimated:
    """
    The mean, with the bias-corrected and accelerated bootstrap interval (Efron 1987), or with Student's.

    Raises:
        Unproven: for fewer samples than the method needs, and for few that are all alike.
    """
    count = len(values)
    if method not in LEAST:
        raise Unproven(f"{name}: the method is {method!r}, expected {' or '.join(LEAST)}")
    if count < LEAST[method]:
        other = "; method='t' takes fewer, of values that are roughly normal" if method == "bca" else ""
        raise Unproven(f"{name}: there are {count} samples, the method {method} needs {LEAST[method]}{other}")
    estimate = math.fsum(values) / count
    low, high = min(values), max(values)
    if high - low <= _NOISE * max(abs(low), abs(high)):
        if count < _ALIKE:
            raise Unproven(f"{name}: all {count} samples are {low:g}, which says nothing of their spread")
        return estimate, lambda confidence: Interval(low, high, confidence, "constant")
    is_drawn = method == "bca" and count <= _MOST_DRAWN
    return estimate, _bootstrap(tuple(values)) if is_drawn else _student(values, estimate)


def _student(values: Sequence[float], estimate: float) -> Any:
    error = math.sqrt(_variance(values) / len(values))

    def at(confidence: float) -> Interval:
        half = float(stats().t.ppf((1 + confidence) / 2, len(values) - 1)) * error
        return Interval(estimate - half, estimate + half, confidence, "t")

    return at


def _variance(values: Sequence[float]) -> float:
    import statistics

    return statistics.variance(values)


def _bootstrap(values: tuple[float, ...]) -> Any:
    @cache
    def drawn() -> Any:
        return _drawn(values, 0.95, None)

    def at(confidence: float) -> Interval:
        found = _drawn(values, confidence, drawn()).confidence_interval
        return Interval(float(found.low), float(found.high), confidence, "bca")

    return at


def _drawn(values: tuple[float, ...], confidence: float, before: Any) -> Any:
    import warnings

    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an interval that cannot be computed is not a number, which shows nothing
        return stats().bootstrap(
            (values,),
            np.mean,
            confidence_level=confidence,
            method="BCa",
            n_resamples=0 if before is not None else _DRAWS,
            bootstrap_result=before,
            batch=max(1, 2_000_000 // len(values)),
            rng=np.random.default_rng(_SEED),
        )


def difference(name: str, one: Sequence[float], other: Sequence[float]) -> Estimated:
    """
    The mean of *one* less that of *other*, which are different examples: the interval of B. L. Welch (1947).

    Raises:
        Unproven: for fewer than 20 samples of either, and where neither has any spread.
    """
    least = LEAST["bca"]
    if min(len(one), len(other)) < least:
        raise Unproven(f"{name}: there are {len(one)} and {len(other)} samples, a comparison needs {least} of each")
    parts = [_variance(values) / len(values) for values in (one, other)]
    if not sum(parts):
        raise Unproven(f"{name}: all samples are alike, which says nothing of their spread")
    estimate = math.fsum(one) / len(one) - math.fsum(other) / len(other)
    degrees = sum(parts) ** 2 / sum(
        part**2 / (len(values) - 1) for part, values in zip(parts, (one, other), strict=True)
    )

    def at(confidence: float) -> Interval:
        half = float(stats().t.ppf((1 + confidence) / 2, degrees)) * math.sqrt(sum(parts))
        return Interval(estimate - half, estimate + half, confidence, "welch")

    return estimate, at


def quantile(name: str, values: Sequence[float], q: float) -> Estimated:
    """
    The quantile *q*, with the interval between two order statistics, which holds for every distribution.

    The number of samples below the quantile is binomial (J. D. Gibbons and S. Chakraborti, Nonparametric Statistical
    Inference, on confidence intervals for quantiles). A side that the samples do not reach is infinite.

    Raises:
        Unproven: without samples, and for a *q* outside of 0 to 1.
    """
    if not 0 < q < 1:
        raise Unproven(f"{name}: the quantile {q!r} is not between 0 and 1")
    ordered = sorted(values)
    count = len(ordered)
    if not count:
        raise Unproven(f"{name}: there are 0 samples")

    def at(confidence: float) -> Interval:
        binomial = stats().binom(count, q)
        tail = (1 - confidence) / 2
        lower = int(binomial.ppf(tail))  # so many are below it, at least
        if binomial.cdf(lower) > tail:
            lower -= 1
        upper = int(binomial.isf(tail)) + 1
        low = ordered[lower] if lower >= 0 else -math.inf
        high = ordered[upper] if upper < count else math.inf
        return Interval(low, high, confidence, "order statistics")

    return ordered[min(count - 1, math.ceil(q * count) - 1)], at
