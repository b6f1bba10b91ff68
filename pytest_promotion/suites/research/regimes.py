"""How a signal did in each regime, computed from its series and the regimes of the moments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pytest_promotion.suites.research.gating import UNKNOWN
from pytest_promotion.suites.research.series import Series


def regime_rows(series: Series, regimes: Mapping[datetime, str], horizon: int) -> tuple[list[dict[str, Any]], float]:
    """
    A row for each known regime, as a regime summary has them, and the share of the moments that have one.

    Joined by the moment: one that *regimes* does not know has none.
    """
    by_regime: dict[str, list[float]] = {}
    for moment, value in zip(series.moments, series.values, strict=True):
        by_regime.setdefault(regimes.get(moment) or UNKNOWN, []).append(value)
    unknown = len(by_regime.pop(UNKNOWN, []))
    rows = [
        {"regime": name, "horizon": horizon, "mean_ic": math.fsum(values) / len(values), "n_bars": len(values)}
        for name, values in sorted(by_regime.items())
    ]
    return rows, 1 - unknown / len(series.values)
