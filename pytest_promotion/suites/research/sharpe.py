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

if TYPE_CHECKING:
    from pytest_promotion.suites.research.panel import Panel

LEAST: Final = 30  # moments below which kurtosis says nothing
_EULER_MASCHERONI: Final = 0.5772156649015329
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


def expected_largest(trials: int, variance: float) -> float:
    """
    The largest Sharpe ratio to be expected of *trials* useless hypotheses whose Sharpe ratios have that *variance*.

    Bailey and López de Prado (2014), equation 1: sqrt(V) ((1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e))), with g the
    Euler-Mascheroni constant and Z the quantile of the normal distribution. 0 for a single trial: nothing was chosen.

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
    return math.sqrt(variance) * ((1 - _EULER_MASCHERONI) * typical + _EULER_MASCHERONI * larger)


def deflated(chosen: Moments, trials: int, variance: float) -> Deflated:
    """
    The deflated Sharpe ratio of the *chosen* one of so many *trials*, whose Sharpe ratios have that *variance*.

    Bailey and López de Prado (2014), equation 2: the normal distribution at
    (SR - SR0) sqrt(T - 1) / sqrt(1 - skewness SR + (kurtosis - 1) / 4 SR^2). Trials that are alike count as several
    here, so that it errs on the side of no; autocorrelation is not in it.

    Raises:
        Unproven: as `expected_largest` does, and where these moments give no standard error.
    """
    benchmark = expected_largest(trials, variance)
    spread = 1 - chosen.skewness * chosen.sharpe + (chosen.kurtosis - 1) / 4 * chosen.sharpe * chosen.sharpe
    if chosen.length < LEAST or not 0 < spread < math.inf:
        raise Unproven(f"the Sharpe ratio of {chosen} has no standard error")
    statistic = (chosen.sharpe - benchmark) * math.sqrt(chosen.length - 1) / math.sqrt(spread)
    return Deflated(chosen.sharpe, benchmark, statistic, _NORMAL.cdf(statistic))


def deflated_of(panel: Panel, name: str) -> Deflated:
    """
    The deflated Sharpe ratio of the hypothesis *name* of *panel*, all of which are its trials.

    Raises:
        Unproven: as `deflated` does, and where *panel* has no hypothesis of that name.
    """
    if name not in panel.names:
        raise Unproven(f"{name} is not among the hypotheses")
    values = panel.values
    sharpes = values.mean(axis=0) / values.std(axis=0, ddof=1)
    variance = float(sharpes.var(ddof=1)) if len(panel.names) > 1 else 0.0
    return deflated(Moments.of(values[:, panel.names.index(name)].tolist()), len(panel.names), variance)


def _power(value: float, order: int) -> float:
    return math.prod([value] * order)  # by multiplication, which rounds everywhere alike; `**` asks the C library
