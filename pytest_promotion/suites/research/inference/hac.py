"""
The error of a mean whose moments depend on one another, and the t statistic over it.

Newey and West (1987), with the bandwidth chosen from the data (Newey and West 1994) and prewhitening by an AR(1)
(Andrews and Monahan 1992). The kernel estimate is that of `arch`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_promotion.errors import Unproven

if TYPE_CHECKING:
    import numpy as np

LEAST: Final = 30  # moments below which no bandwidth can be chosen
_LARGEST_MEMORY: Final = 0.97  # of the AR(1): nearer to 1 the variance is infinite (Andrews and Monahan 1992)


@dataclass(frozen=True, slots=True)
class MeanTest:
    """A mean, its standard error, t = mean / error, the one-sided p-value of a mean above 0, and the count."""

    mean: float
    error: float
    t: float
    p_value: float
    count: int


def long_run_variance(values: np.ndarray[Any, Any]) -> float:
    """
    The variance of sqrt(n) times the mean of one series, its autocorrelation included.

    Raises:
        Unproven: for fewer than `LEAST` values, one that is no number, and values that never change.
    """
    import numpy as np
    from arch.covariance.kernel import Bartlett

    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or len(found) < LEAST:
        raise Unproven(f"{found.size} moments are too few for a HAC error: at least {LEAST}")
    if not np.isfinite(found).all():
        raise Unproven("a series with a value that is no number has no HAC error")
    away = found - found.mean()
    power = float(away @ away)
    if not power > 0 or np.ptp(found) == 0:
        raise Unproven("a series that never changes has no HAC error")
    memory = float(np.clip(away[1:] @ away[:-1] / power, -_LARGEST_MEMORY, _LARGEST_MEMORY))
    fresh = away[1:] - memory * away[:-1]
    estimate = float(np.squeeze(np.asarray(Bartlett(fresh - fresh.mean(), center=False).cov.long_run)))
    variance = estimate / (1 - memory) ** 2
    if not 0 < variance < math.inf:
        raise Unproven("the long-run variance is not above 0: there is no HAC error")
    return variance


def mean_test(values: np.ndarray[Any, Any]) -> MeanTest:
    """
    The mean of *values* against 0, by Student's distribution with n - 1 degrees of freedom.

    Raises:
        Unproven: as `long_run_variance` does.
    """
    import numpy as np
    from scipy import stats

    found = np.asarray(values, dtype=np.float64)
    error = math.sqrt(long_run_variance(found) / len(found))
    mean = float(found.mean())
    return MeanTest(mean, error, mean / error, float(stats.t.sf(mean / error, len(found) - 1)), len(found))
