"""
Is the knowledge base getting worse? Pure functions of figures.

Three rules, because each is blind to something. The mean of the last runs finds a sudden drop,
and follows a slow decay down. The distance from the baseline, which stays where it was accepted,
finds the decay once it is as deep as a drop may be. The cumulative sum (Page 1954; Montgomery: Introduction
to Statistical Quality Control, chapter 9) finds small losses that stay, runs before that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from pytest_promotion.suites.release.knowledge.history import Figures

METRICS: Final = ("precision", "recall")
# The usual design of a cumulative sum, an allowance of half a standard deviation and a limit of five, for
# figures whose standard deviation is a quarter of the drop that is too much.
_ALLOWANCE: Final = Decimal(1) / 8
_LIMIT: Final = Decimal(5) / 4


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as drift. Drops are differences of shares; a drop that equals its limit is none."""

    lookback: int = 8
    min_history: int = 3
    max_precision_drop: Decimal = Decimal("0.08")
    max_recall_drop: Decimal = Decimal("0.05")

    def drop(self, metric: str) -> Decimal:
        """How far *metric* may fall."""
        return self.max_precision_drop if metric == "precision" else self.max_recall_drop

    def document(self) -> dict[str, Any]:
        """The rules as reports show them."""
        return {
            "min_history": self.min_history,
            "drift_lookback": self.lookback,
            "max_precision_drop": float(self.max_precision_drop),
            "max_recall_drop": float(self.max_recall_drop),
        }


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is wrong, with the figures it rests on."""

    code: str
    message: str
    baseline: Decimal | None = None
    current: Decimal | None = None

    def document(self, *, blocking: bool) -> dict[str, Any]:
        """The alert as reports and webhooks show it."""
        shown: dict[str, Any] = {
            "code": self.code,
            "blocking": blocking,
            "severity": "error" if blocking else "warning",
        }
        shown["message"] = self.message
        if self.baseline is not None:
            shown["baseline"] = round(float(self.baseline), 6)
        if self.current is not None:
            shown["current"] = float(self.current)
        return shown


def alerts(
    current: Figures,
    before: Sequence[Figures],
    anchor: Figures | None,
    since_anchor: Sequence[Figures],
    rules: Rules,
) -> list[Alert]:
    """
    What is wrong with *current*.

    Args:
        before: comparable runs, oldest first, without the current one.
        anchor: the baseline, where there is one.
        since_anchor: all runs of the same cases after the baseline, without the current one.
    """
    found = []
    for metric in METRICS:
        value, limit = getattr(current, metric), rules.drop(metric)
        mean = recent_mean([getattr(one, metric) for one in before], rules)
        if mean is not None and mean - value > limit:
            found.append(
                _alert(f"{metric}_drift", metric, value, mean, f"the mean of the last {rules.lookback}", limit)
            )
        if anchor is None:
            continue
        stays = getattr(anchor, metric)
        if stays - value > limit:
            found.append(_alert(f"{metric}_below_baseline", metric, value, stays, "the accepted baseline", limit))
        lost = cumulated(stays, [*(getattr(one, metric) for one in since_anchor), value], limit * _ALLOWANCE)
        if lost > limit * _LIMIT:
            most = limit * _LIMIT
            said = f"{metric} stays below the baseline {stays}: the losses add up to {lost:.4f}, {most:.4f} is allowed"
            found.append(Alert(f"{metric}_decay", said, stays, value))
    return found


def recent_mean(values: Sequence[Decimal], rules: Rules) -> Decimal | None:
    """The exact mean of the last `lookback` values; None where they are fewer than `min_history`, or none."""
    recent = values[-rules.lookback :]
    if len(recent) < max(rules.min_history, 1):
        return None
    return sum(recent, Decimal(0)) / len(recent)


def cumulated(target: Decimal, values: Sequence[Decimal], allowance: Decimal) -> Decimal:
    """The one-sided cumulative sum of how far *values* fell below *target*, each less an *allowance*."""
    lost = Decimal(0)
    for value in values:
        lost = max(Decimal(0), lost + (target - value) - allowance)
    return lost


def lost(before: float, after: float) -> float:
    """How much less *after* is than *before*: the number that a person gets who subtracts what is written."""
    return float(Decimal(str(before)) - Decimal(str(after)))


def _alert(code: str, metric: str, value: Decimal, of: Decimal, what: str, limit: Decimal) -> Alert:
    drop = (of - value).quantize(Decimal("0.0001"))
    return Alert(code, f"{metric} is {value}, {drop} below {what} ({of:.4f}); {limit} is allowed", of, value)
