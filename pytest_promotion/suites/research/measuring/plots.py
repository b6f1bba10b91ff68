"""Pictures of one signal: coefficients, their sum, their decay over horizons, and the null of the sweep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_promotion.errors import PolicyError

if TYPE_CHECKING:
    from pytest_promotion.suites.research.measuring.writing import Sweep


def draw(out: Path, sweep: Sweep, signal: str, decay: dict[int, float]) -> Path:
    """
    Writes one SVG with four pictures below *out*, and returns its path. *decay* are mean coefficients by horizon.

    Raises:
        PolicyError: where matplotlib is not installed.
        OSError: where it cannot be written.
    """
    try:
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        raise PolicyError("pictures need matplotlib: pip install 'pytest-promotion[plots]'") from None
    figure = Figure(figsize=(10, 7), layout="constrained")
    axes: Any = figure.subplots(2, 2)
    values = sweep.table[signal]
    axes[0, 0].plot(values.index, values, linewidth=0.5)
    axes[0, 0].axhline(values.mean(), color="tab:red")
    axes[0, 0].set_title(f"coefficient at each moment, mean {values.mean():.4f}")
    axes[0, 1].plot(values.index, values.cumsum())
    axes[0, 1].set_title("their sum")
    axes[1, 0].bar([str(horizon) for horizon in decay], list(decay.values()))
    axes[1, 0].set_title("mean by horizon, in bars")
    axes[1, 1].hist(sweep.check.null_max, bins=40)
    own = sweep.check.statistics[sweep.check.names.index(signal)]
    axes[1, 1].axvline(own, color="tab:red")
    axes[1, 1].set_title(f"largest of luck, and {signal} (adjusted p {sweep.adjusted(signal):.4f})")
    for moment_axis in (axes[0, 0], axes[0, 1]):
        moment_axis.tick_params(axis="x", rotation=30)
    place = out / f"reports/plots/{signal}.svg"
    place.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasSVG(figure).print_svg(str(place))  # type: ignore[no-untyped-call]
    return place
