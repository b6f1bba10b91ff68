"""Are the figures of a bundle those of the series that it names? What is declared is compared, never believed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.research.bundle import ValidationBundle
from pytest_promotion.suites.research.numbers import number
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.series import Series
from pytest_promotion.suites.research.sharpe import deflated_of

SERIES: Final = "ic_series_path_by_horizon"
_SLACK: Final = 1e-6  # by which a figure that was rounded on its way may differ, of 1 or of itself


def contradictions(bundle: ValidationBundle, contents: Mapping[str, bytes]) -> Iterator[str]:
    """
    In which figures *bundle* and its series differ. *contents* are its files by what they are: `<SERIES>.<horizon>`.

    A horizon whose series is not among them is not compared; a series of no horizon is a contradiction.

    Raises:
        Unproven: for a series that cannot be read, and for one that is too short to have a deviation.
    """
    known = {f"{SERIES}.{horizon}": horizon for horizon in bundle.horizons}
    for origin in (name for name in contents if name.startswith(SERIES)):
        horizon = known.get(origin)
        if horizon is None:
            yield f"{origin} is the series of no horizon of the bundle"
            continue
        computed = figures_of(Series.read(contents[origin], origin), origin)
        for name, value in computed.items():
            declared = bundle.ic_summary_by_horizon.get(horizon, {}).get(name)
            said = number(declared)
            if declared is not None and (said is None or abs(said - value) > _SLACK * max(1.0, abs(value))):
                yield f"{name} at horizon {horizon} is {declared!r} in the bundle and {value:g} by its series"


def deflation(bundle: ValidationBundle, sweep: Panel, horizon: int) -> Iterator[str]:
    """
    Whether *bundle* declares another deflated Sharpe ratio at *horizon* than the *sweep* of that horizon gives.

    Raises:
        Unproven: where the sweep gives none, as where the signal is not in it.
    """
    declared = bundle.ic_summary_by_horizon.get(horizon, {}).get("deflated_sharpe")
    if declared is None:
        return
    computed = deflated_of(sweep, bundle.signal_name).statistic
    said = number(declared)
    if said is None or abs(said - computed) > _SLACK * max(1.0, abs(computed)):
        yield f"deflated_sharpe at horizon {horizon} is {declared!r} in the bundle and {computed:g} by the sweep"


def figures_of(series: Series, origin: str) -> dict[str, float]:
    """
    The figures of a summary by horizon: mean, deviation (n - 1), t = mean / deviation * sqrt(n), count, hit rate and
    the 95 % interval, blind to memory as the format has them.

    Raises:
        Unproven: where *series* never changes.
    """
    values, count = series.values, len(series.values)
    mean = math.fsum(values) / count
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    if not spread > 0 or min(values) == max(values):
        raise Unproven(f"{origin} never changes")
    error = spread / math.sqrt(count)
    return {
        "mean_ic": mean,
        "std_ic": spread,
        "t_stat": mean / error,
        "n_obs": count,
        "hit_rate": sum(value > 0 for value in values) / count,
        "ic_95_lo": mean - 1.96 * error,
        "ic_95_hi": mean + 1.96 * error,
    }
