"""
How long the blocks of a bootstrap have to be: Politis and White (2004), corrected by Patton, Politis and White (2009).

Blocks that are too short cut the memory of a series and make its mean look too certain; `arch` computes the lengths.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from pytest_promotion.errors import Unproven

if TYPE_CHECKING:
    from pytest_promotion.suites.research.panel import Panel

_SHARE: Final = 0.9  # of the series whose own length must not be above the one that is chosen


def automatic_block(panel: Panel, horizon: int = 1) -> int:
    """
    The block length in moments that serves *panel*: the 90th percentile of what its series ask for, rounded up.

    *horizon* is that of the values, in bars: neighbours overlap by it, so that no block is shorter.
    """
    import numpy as np

    lengths = [stationary_length(panel.values[:, number]) for number in range(len(panel.names))]
    return max(1, horizon, math.ceil(float(np.quantile(lengths, _SHARE))))


def too_short(block: float, automatic: float) -> bool:
    """
    Whether *block* is less than half of the *automatic* length: it cuts the memory of the series.

    Half, because the length that is chosen from data is itself a guess, within a factor of about two.
    """
    return not block >= automatic / 2  # NaN is too short


def demand_block(block: float, automatic: float) -> None:
    """Raises `Unproven` where *block* is `too_short`."""
    if too_short(block, automatic):
        raise Unproven(f"blocks of {block:g} moments are shorter than the memory of the series asks for: {automatic:g}")


def stationary_length(values: Any) -> float:
    """The mean block length of the stationary bootstrap that one series asks for, in moments; at least 1."""
    from arch.bootstrap import optimal_block_length

    found = float(optimal_block_length(values)["stationary"].iloc[0])
    return max(1.0, found) if math.isfinite(found) else float(len(values))
