"""
The probability that the best of a sweep in sample is below the median out of sample.

Bailey, Borwein, López de Prado and Zhu (2017), The Probability of Backtest Overfitting, Journal of Computational
Finance 20 (4): combinatorially symmetric cross-validation (CSCV).
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Final

from pytest_promotion.errors import PolicyError, Unproven

if TYPE_CHECKING:
    from pytest_promotion.suites.research.panel import Panel

LEAST_ROWS: Final = 10  # moments in a part


def overfitting_probability(panel: Panel, parts: int = 10) -> float:
    """
    The probability of backtest overfitting (PBO), from 0 to 1, of the choice of the best hypothesis of *panel*.

    The moments are cut into *parts* of neighbours. For each way to take half of them, the hypothesis with the best
    ratio of mean to deviation is chosen there and ranked on the other half; PBO is the share in which its logit,
    ln(w / (1 - w)) with w = rank / (N + 1), is not above 0.

    Raises:
        PolicyError: for a number of parts that is odd or below 4.
        Unproven: for a single hypothesis, and for parts of fewer than `LEAST_ROWS` moments.
    """
    import numpy as np
    from scipy.stats import rankdata

    if parts < 4 or parts % 2:
        raise PolicyError(f"{parts} parts: CSCV needs an even number of at least 4")
    length, hypotheses = panel.values.shape
    if hypotheses < 2:
        raise Unproven("a sweep of one hypothesis has nothing to choose from")
    size = length // parts
    if size < LEAST_ROWS:
        raise Unproven(f"{length} moments in {parts} parts: at least {LEAST_ROWS} moments a part are needed")
    cut = panel.values[: size * parts].reshape(parts, size, hypotheses)
    sums, squares = cut.sum(axis=1), (cut**2).sum(axis=1)
    half, total = size * parts // 2, math.comb(parts, parts // 2)
    below = 0
    for chosen in combinations(range(parts), parts // 2):
        inside = np.zeros(parts, dtype=bool)
        inside[list(chosen)] = True
        ratios = []
        for rows in (inside, ~inside):
            mean = sums[rows].sum(axis=0) / half
            spread = np.sqrt(np.maximum(squares[rows].sum(axis=0) / half - mean**2, np.finfo(float).tiny))
            ratios.append(mean / spread)
        rank = rankdata(ratios[1])[int(np.argmax(ratios[0]))]
        below += rank / (hypotheses + 1) <= 0.5
    return below / total
