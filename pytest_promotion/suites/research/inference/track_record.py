"""
How long a series has to be before its Sharpe ratio says something.

Bailey and López de Prado (2012), The Sharpe Ratio Efficient Frontier, Journal of Risk 15 (2), equation 11.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from pytest_promotion.errors import PolicyError

if TYPE_CHECKING:
    from pytest_promotion.suites.research.sharpe import Moments


def minimum_length(found: Moments, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """
    The moments after which the Sharpe ratio of *found* is above *benchmark* with that *confidence*.

    1 + (1 - skewness SR + (kurtosis - 1) / 4 SR^2) (Z / (SR - benchmark))^2, with Z the normal quantile of *confidence*
    and Sharpe ratios of one moment. Infinite where SR is not above *benchmark*.

    Raises:
        PolicyError: for a confidence that is not between 0.5 and 1.
    """
    if not 0.5 < confidence < 1:
        raise PolicyError(f"a confidence of {confidence}: expected more than 0.5 and less than 1")
    if not found.sharpe > benchmark:
        return math.inf
    spread = 1 - found.skewness * found.sharpe + (found.kurtosis - 1) / 4 * found.sharpe * found.sharpe
    return 1 + spread * (NormalDist().inv_cdf(confidence) / (found.sharpe - benchmark)) ** 2
