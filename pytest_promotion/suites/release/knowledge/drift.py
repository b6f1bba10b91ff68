"""
Is the knowledge base getting worse? Pure functions of figures.

Three rules, because each is blind to something. The mean of the last runs finds a sudden drop,
and follows a slow decay down. The distance from the baseline, which stays where it was accepted,
finds the decay once it is as deep as a drop may be. The cumulative sum (Page 1954; Montgomery: Introduction
to Statistical Quality Control, chapter 9) finds small losses that stay, runs before that.

A signal of the cumulative sum ends when somebody accepts a point, which starts the sum again, or when the process is
back in control: after three runs in a row of which none loses more than the allowance. Then the sum starts again at
half of its limit, the head start of Lucas and Crosier (1982), so that what was not fixed signals soon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from pytest_promotion.suites.release.knowledge.history import Figures

METRICS: Final = ("precision", "recall", "content")
# The usual design of a cumulative sum, an allowance of half a standard deviation and a limit of five, for
# figures whose standard deviation is a quarter of the drop that is too much.
_ALLOWANCE: Final = Decimal(1) / 8
_LIMIT: Final = Decimal(5) / 4
RECOVERY: Final = 3  # runs in a row


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as drift. Drops are differences of shares; a drop that equals its limit is none."""

    lookback: int = 8
    min_history: int = 3
    max_precision_drop: Decimal = Decimal("0.08")
    max_recall_drop: Decimal = Decimal("0.05")
    max_content_drop: Decimal = Decimal("0.05")

    def drop(self, metric: str) -> Decimal:
        """How far *metric* may fall."""
        drop: Decimal = getattr(self, f"max_{metric}_drop")
        return drop

    def document(self) -> dict[str, Any]:
        """The rules as reports show them."""
        return {
            "min_history": self.min_history,
            "drift_lookback": self.lookback,
            "max_precision_drop": float(self.max_precision_drop),
            "max_recall_drop": float(self.max_recall_drop),
            "max_content_drop": float(self.max_content_drop),
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
        if value is None:
            continue
        mean = recent_mean(_known(before, metric), rules)
        if mean is not None and mean - value > limit:
            found.append(
                _alert(f"{metric}_drift", metric, value, mean, f"the mean of the last {rules.lookback}", limit)
            )
        if anchor is None:
            continue
        stays = getattr(anchor, metric)
        if stays is None:
            continue
        if stays - value > limit:
            found.append(_alert(f"{metric}_below_baseline", metric, value, stays, "the accepted baseline", limit))
        most = limit * _LIMIT
        sum_of_losses = cumulated(stays, [*_known(since_anchor, metric), value], limit * _ALLOWANCE, most)
        if sum_of_losses > most:
            message = (
                f"{metric}: losses against the baseline {stays} add up to {sum_of_losses:.4f}, {most:.4f} is allowed"
            )
            found.append(Alert(f"{metric}_decay", message, stays, value))
    return found


def recent_mean(values: Sequence[Decimal], rules: Rules) -> Decimal | None:
    """The exact mean of the last `lookback` values; None where they are fewer than `min_history`, or none."""
    recent = values[-rules.lookback :]
    if len(recent) < max(rules.min_history, 1):
        return None
    return sum(recent, Decimal(0)) / len(recent)


def cumulated(target: Decimal, values: Sequence[Decimal], allowance: Decimal, limit: Decimal) -> Decimal:
    """
    The one-sided cumulative sum of how far *values* fell below *target*, each less an *allowance*.

    Once it was above *limit*, `RECOVERY` values in a row that are no more than the allowance below the target start it
    again at no more than half of the limit.
    """
    total, calm, signalled = Decimal(0), 0, False
    for value in values:
        total = max(Decimal(0), total + (target - value) - allowance)
        signalled |= total > limit
        calm = calm + 1 if target - value <= allowance else 0
        if signalled and calm >= RECOVERY:
            total, signalled = min(total, limit / 2), False
    return total


def _known(points: Sequence[Figures], metric: str) -> list[Decimal]:
    return [value for one in points if (value := getattr(one, metric)) is not None]


def lost(before: float, after: float) -> float:
    """How much less *after* is than *before*: the number that a person gets who subtracts what is written."""
    return float(Decimal(str(before)) - Decimal(str(after)))


def _alert(code: str, metric: str, value: Decimal, of: Decimal, what: str, limit: Decimal) -> Alert:
    drop = (of - value).quantize(Decimal("0.0001"))
    return Alert(code, f"{metric} is {value}, {drop} below {what} ({of:.4f}); {limit} is allowed", of, value)
