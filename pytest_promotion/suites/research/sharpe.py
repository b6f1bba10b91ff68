"""
The deflated Sharpe ratio: a Sharpe ratio, less what luck makes the largest of as many useless ones.

Bailey and López de Prado (2014), The Deflated Sharpe Ratio: Correcting for Selection Bias, Backtest Overfitting and
Non-Normality, Journal of Portfolio Management 40 (5). Sharpe ratios here are those of one moment, not of a year.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.research.inference.effective_trials import effective_trials
from pytest_promotion.suites.research.inference.hac import long_run_variance

if TYPE_CHECKING:
    from pytest_promotion.suites.research.panel import Panel

LEAST: Final = 30  # moments below which kurtosis says nothing
_EULER_MASCHERONI: Final = 0.5772156649015329
_MAD_TO_DEVIATION: Final = 1.482602218505602  # of a normal distribution: 1 / Z(3/4)
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Deflated:
    """What was found. `probability` is that the true Sharpe ratio is above `benchmark`, which luck would reach."""

    sharpe: float
    benchmark: float
    statistic: float  # by how many of its standard errors `sharpe` is above `benchmark`
    probability: float


@dataclass(frozen=True, slots=True)
class Moments:
    """A series by its Sharpe ratio, its skewness and its kurtosis (3 for a normal one), over so many moments."""

    sharpe: float
    skewness: float
    kurtosis: float
    length: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Moments:
        """
        Those of *values*; the Sharpe ratio with n - 1 in its deviation, skewness and kurtosis with n.

        Raises:
            Unproven: for fewer than `LEAST` values, one that is no number, and values that are all the same.
        """
        length = len(values)
        if length < LEAST:
            raise Unproven(f"{length} moments are too few for a Sharpe ratio: at least {LEAST}")
        if not all(math.isfinite(value) for value in values):
            raise Unproven("a series with a value that is no number has no Sharpe ratio")
        mean = math.fsum(values) / length
        away = [value - mean for value in values]
        second, third, fourth = (math.fsum(_power(one, order) for one in away) / length for order in (2, 3, 4))
        if min(values) == max(values) or not second > 0:
            raise Unproven("a series that never changes has no Sharpe ratio")
        return cls(
            sharpe=mean / math.sqrt(second * length / (length - 1)),
            skewness=third / (second * math.sqrt(second)),
            kurtosis=fourth / (second * second),
            length=length,
        )


def expected_largest(trials: float, variance: float) -> float:
    """
    The largest Sharpe ratio to be expected of *trials* useless hypotheses whose Sharpe ratios have that *variance*.

    Bailey and López de Prado (2014), equation 1: sqrt(V) ((1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e))), with g the
    Euler-Mascheroni constant and Z the quantile of the normal distribution. *trials* may be an effective number, which
    is no integer. Never below 0, and 0 for a single trial: nothing was chosen.

    Raises:
        Unproven: for no trial, and for a variance that is negative or no number, or 0 of several trials.
    """
    if trials < 1 or not 0 <= variance < math.inf:
        raise Unproven(f"{trials} trials whose Sharpe ratios have the variance {variance}")
    if trials == 1:
        return 0.0
    if variance == 0:
        raise Unproven(f"{trials} trials with one and the same Sharpe ratio are one trial")
    typical = _NORMAL.inv_cdf(1 - 1 / trials)
    larger = _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * max(0.0, (1 - _EULER_MASCHERONI) * typical + _EULER_MASCHERONI * larger)


def deflated(chosen: Moments, trials: float, variance: float, inflation: float = 1.0) -> Deflated:
    """
    The deflated Sharpe ratio of the *chosen* one of so many *trials*, whose Sharpe ratios have that *variance*.

    Bailey and López de Prado (2014), equation 2: the normal distribution at
    (SR - SR0) sqrt(T - 1) / sqrt(1 - skewness SR + (kurtosis - 1) / 4 SR^2). *inflation* is by how much memory makes
    the variance of the mean larger than that of as many independent moments; 1 where there is none.

    Raises:
        Unproven: as `expected_largest` does, and where these moments give no standard error.
    """
    benchmark = expected_largest(trials, variance)
    spread = 1 - chosen.skewness * chosen.sharpe + (chosen.kurtosis - 1) / 4 * chosen.sharpe * chosen.sharpe
    if chosen.length < LEAST or not 0 < spread < math.inf:
        raise Unproven(f"the Sharpe ratio of {chosen} has no standard error")
    if not 1 <= inflation < math.inf:
        raise Unproven(f"memory inflates the variance of the mean by {inflation}: expected at least 1")
    statistic = (chosen.sharpe - benchmark) * math.sqrt(chosen.length - 1) / math.sqrt(spread * inflation)
    return Deflated(chosen.sharpe, benchmark, statistic, _NORMAL.cdf(statistic))


def deflated_of(panel: Panel, name: str) -> Deflated:
    """
    The deflated Sharpe ratio of the hypothesis *name* of *panel*, all of which are its trials.

    The variance of the trials' Sharpe ratios is robust, by the median absolute deviation, and the hypothesis itself is
    left out: one leak among the trials, or the edge that is judged, does not raise the benchmark. It is never below
    1 / (T - 1), which useless independent moments give. Trials are counted by their effective number (Galwey 2009),
    and autocorrelation is in the standard error (see `inference.hac`).

    Raises:
        Unproven: as `deflated` does, and where *panel* has no hypothesis of that name.
    """
    import numpy as np

    if name not in panel.names:
        raise Unproven(f"{name} is not among the hypotheses")
    place = panel.names.index(name)
    own = panel.values[:, place]
    chosen = Moments.of(own.tolist())
    inflation = max(1.0, long_run_variance(own) / float(own.var(ddof=1)))
    if len(panel.names) == 1:
        return deflated(chosen, 1, 0.0, inflation)
    sharpes = np.delete(panel.values.mean(axis=0) / panel.values.std(axis=0, ddof=1), place)
    spread = _MAD_TO_DEVIATION * float(np.median(np.abs(sharpes - np.median(sharpes))))
    variance = max(spread * spread, 1 / (chosen.length - 1))
    return deflated(chosen, effective_trials(panel), variance, inflation)


def _power(value: float, order: int) -> float:
    return math.prod([value] * order)  # by multiplication, which rounds everywhere alike; `**` asks the C library
