"""How far a mean over so few questions may be off by their choice: bootstrap intervals (Efron 1979), seeded."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Final

REPLICATES: Final = 2000
LEAST: Final = 5  # questions; resampling fewer says more about their number than about the mean
_TAIL: Final = 0.025


def of_means(values: Mapping[str, Sequence[float | None]]) -> dict[str, list[float] | None]:
    """
    For each name the 95 % percentile interval of the mean of its values, which stand in the order of the questions.

    None where fewer than `LEAST` of them are known. The same values give the same interval.
    """
    found: dict[str, list[float] | None] = {}
    for name, series in values.items():
        known = [value for value in series if value is not None]
        if len(known) < LEAST:
            found[name] = None
            continue
        chance = random.Random(len(known))  # noqa: S311 - a simulation
        means = sorted(sum(chance.choices(known, k=len(known))) / len(known) for _ in range(REPLICATES))
        cut = int(REPLICATES * _TAIL)
        found[name] = [round(means[cut], 4), round(means[-cut - 1], 4)]
    return found
