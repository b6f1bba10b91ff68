"""What paper trading and the first live trades have shown, against the tables that it was computed from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.trading.documents.minute_rows import MinuteRow
from pytest_promotion.suites.trading.documents.reports import Kpi, PaperSoak


def most_samples(soak: PaperSoak, rows: Sequence[MinuteRow]) -> int:
    """
    How many samples a soak can have had: one a minute since the first of *rows*, and in its window.

    Raises:
        Unproven: where the bot has no rows.
    """
    if not rows:
        raise Unproven(f"{soak.bot} has no minute rows, which the samples of its paper soak would be")
    moments = [row.moment for row in rows]
    minutes = (max(moments) - min(moments)).total_seconds() / 60
    most = max(len(rows), math.ceil(minutes)) + 1
    return most if soak.window_hours is msgspec.UNSET else min(most, math.ceil(60 * soak.window_hours) + 1)


def wrong_in_kpis(path: str, kpis: Mapping[str, Kpi]) -> Iterator[str]:
    """A sentence for each figure that is outside of its limits, or is said to be."""
    for name, kpi in kpis.items():
        low, high = kpi.min, kpi.max
        inside = (low is None or kpi.value >= low) and (high is None or kpi.value <= high)
        if not inside or not kpi.passed or (low, high) == (None, None):
            limits = f"min {low}, max {high}, pass {str(kpi.passed).lower()}"
            yield f"{path}: kpis.{name}.value is {kpi.value:g}, {limits}"


def stated_fills(report: Any) -> dict[str, Any]:
    """How many fills a validation of trades counted, by the names that services give to that."""
    return {name: report[name] for name in ("fills", "sample_count") if name in report}
