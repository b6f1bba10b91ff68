"""Precision and recall over time, with their thresholds and what changed: one picture."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pytest_promotion.clock import parse_moment
from pytest_promotion.errors import PolicyError


def png(report: Mapping[str, Any]) -> bytes:
    """
    The points of a review or a checkpoint as a PNG. What was not measured is a gap in the line.

    Raises:
        PolicyError: where matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # the extra `plots`; half a second to import
        from matplotlib.figure import Figure
    except ImportError:
        raise PolicyError("matplotlib is not installed: pip install 'pytest-promotion[plots]'") from None
    # A figure of its own, not pyplot's: nothing global is left behind, and no display is asked for.
    figure = Figure(figsize=(9, 5), layout="constrained")
    FigureCanvasAgg(figure)
    points = report["points"]
    when = [parse_moment(one["timestamp_utc"]) for one in points]
    for axes, name in zip(figure.subplots(2, 1, sharex=True), ("precision", "recall"), strict=True):
        _draw(axes, name, when, points)
        for one in report["changes"]:
            axes.axvline(parse_moment(one["ts_utc"]), color="tab:purple", linestyle=":", linewidth=1)
            axes.annotate(one["what"], (parse_moment(one["ts_utc"]), 0.02), rotation=90, fontsize=7)
        axes.set_ylim(0, 1.02)
        axes.set_ylabel(name)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(loc="lower left", fontsize=8)
    figure.autofmt_xdate()
    figure.suptitle(f"Knowledge base, {report['profile']}")
    into = io.BytesIO()
    figure.savefig(into, format="png", dpi=110, metadata={"Software": None})  # the same points, the same bytes
    return into.getvalue()


def _draw(axes: Any, name: str, when: list[datetime], points: list[Mapping[str, Any]]) -> None:
    values = [float("nan") if one[name] is None else one[name] for one in points]
    axes.plot(when, values, marker="o", label=name)
    thresholds = [one[f"threshold_{name}"] for one in points]
    axes.step(when, thresholds, where="post", linestyle="--", color="tab:red", label="threshold")
    failed = [(moment, value) for moment, value, one in zip(when, values, points, strict=True) if one["failed"]]
    if failed:
        axes.plot(*zip(*failed, strict=True), "x", color="tab:red", markersize=10, label="failed")
