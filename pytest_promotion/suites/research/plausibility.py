"""What is too good to be true: not impossible, but far more often a signal that knows the future than an edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pytest_promotion.suites.research.inference.lookahead import delay_test
from pytest_promotion.suites.research.numbers import number
from pytest_promotion.suites.research.series import Series

if TYPE_CHECKING:
    from pytest_promotion.suites.research.panel import Panel
    from pytest_promotion.suites.research.policy import Plausible

LOOK: Final = "look for lookahead"


def implausible(figures: Mapping[str, Any], limits: Plausible) -> list[str]:
    """Which of *figures* are beyond *limits*, as sentences."""
    mean, spread = number(figures.get("mean_ic")), number(figures.get("std_ic"))
    held = {
        "mean_ic": (abs(mean) if mean is not None else None, limits.mean_ic_max),
        "t_stat": (number(figures.get("t_stat")), limits.t_stat_max),
        "mean_ic over std_ic": (abs(mean) / spread if mean is not None and spread else None, limits.ratio_max),
        "deflated_sharpe": (number(figures.get("deflated_sharpe")), limits.deflated_sharpe_max),
    }
    return [
        f"{name} {value:.4g} is above {limit:g}, too good to be true: {LOOK}"
        for name, (value, limit) in held.items()
        if value is not None and value > limit
    ]


def implausible_in(sweep: Panel, limits: Plausible) -> list[str]:
    """The hypotheses of *sweep* whose mean, or mean over deviation, is beyond *limits*, the best first."""
    means, spreads = abs(sweep.values.mean(axis=0)), sweep.values.std(axis=0, ddof=1)
    ratios = means / spreads
    found = [
        (float(-ratio), name)
        for name, mean, ratio in zip(sweep.names, means, ratios, strict=True)
        if ratio > limits.ratio_max or mean > limits.mean_ic_max
    ]
    return [name for _, name in sorted(found)]


def lookahead(at_once: Series, later: Series, limits: Plausible) -> tuple[list[str], float]:
    """
    Whether the loss of one bar looks like lookahead, as sentences, and the share of the mean that is left.

    Raises:
        Unproven: where the two series have too few moments in common.
    """
    import numpy as np

    late = dict(zip(later.moments, later.values, strict=True))
    pairs = [(v, late[m]) for m, v in zip(at_once.moments, at_once.values, strict=True) if m in late]
    both = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    found = delay_test(both[:, 0], both[:, 1], limits.delayed_ratio_min)
    if not found.suspicious:
        return [], found.ratio
    sentence = f"one bar late the mean IC is {found.one_bar_later:.4f}, at once {found.at_once:.4f}: {LOOK}"
    return [sentence], found.ratio
