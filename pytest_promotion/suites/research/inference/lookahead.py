"""
Does a signal know what it cannot know?

A signal that was built with the return that it predicts works as long as it is used at once, and not at all one bar
later. A signal that is real decays at the pace of what it measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.research.inference.hac import mean_test

if TYPE_CHECKING:
    import numpy as np

LEAST: Final = 30  # moments that both series need
_CERTAIN: Final = 2.0  # HAC errors by which the loss of one bar has to be above what a real signal may lose


@dataclass(frozen=True, slots=True)
class Delayed:
    """The mean coefficient at once and one bar later, their ratio, and whether the loss looks like lookahead."""

    at_once: float
    one_bar_later: float
    ratio: float
    suspicious: bool


def delay_test(at_once: np.ndarray[Any, Any], later: np.ndarray[Any, Any], least_ratio: float) -> Delayed:
    """
    Compares the coefficients of a signal with those of the same signal one bar late, over the same moments.

    Suspicious is a mean one bar late that is below *least_ratio* of the mean at once by more than two HAC errors
    of the difference: a loss that chance does not explain.

    Raises:
        Unproven: for series of different lengths, and for too short ones.
    """
    import numpy as np

    if len(at_once) != len(later) or len(later) < LEAST:
        raise Unproven(f"{len(at_once)} coefficients at once and {len(later)} one bar later: at least {LEAST} of both")
    now, then = float(np.mean(at_once)), float(np.mean(later))
    if now <= 0:
        return Delayed(now, then, 1.0, suspicious=False)
    lost = mean_test(np.asarray(at_once) * least_ratio - np.asarray(later))
    return Delayed(now, then, then / now, suspicious=lost.t > _CERTAIN)
