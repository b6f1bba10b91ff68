"""What samples show about a figure and its threshold: true, false, or that it cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.model import Interval
from pytest_promotion.samples.interval import Estimated, is_number, samples_needed, shows

_STEPS: Final = 40


@dataclass(frozen=True, slots=True)
class Figure:
    """What was computed from samples, and what is demanded of it."""

    name: str
    samples: int
    estimated: Estimated
    operator: str
    threshold: float
    above_threshold: bool = False  # the threshold itself is not enough


def figure_of(name: str, samples: int, estimated: Estimated, at_least: float | None, at_most: float | None) -> Figure:
    """The figure with one of both demands. Raises `Unproven` as `demanded` does."""
    return Figure(name, samples, estimated, *demanded(name, at_least, at_most))


def demanded(name: str, at_least: float | None, at_most: float | None) -> tuple[str, float]:
    """The operator and the threshold. Raises `Unproven` for none, for two, and for one that is no number."""
    if (at_least is None) == (at_most is None):
        raise Unproven(f"{name}: give at_least or at_most, one of them")
    operator, threshold = (">=", at_least) if at_least is not None else ("<=", at_most)
    if not is_number(threshold):
        raise Unproven(f"{name}: the threshold {threshold!r} is not a finite number")
    return operator, float(threshold)  # type: ignore[arg-type]


def verdict_on(figure: Figure, interval: Interval) -> bool | None:
    """What the interval shows about the demand: True, False, or None where it cannot be told."""
    found = shows(interval, figure.operator, figure.threshold)
    if found and figure.above_threshold and interval.low <= figure.threshold:
        return None
    return found


def corrected(figures: list[Figure], verdicts: list[bool | None], level: float) -> list[bool | None]:
    """
    The verdicts on slices: that all of them pass needs no correction, that one of them fails does.

    All have to pass, each at the level: an intersection-union test keeps it (R. L. Berger, 1982). Of many good slices
    one looks bad by chance: failures are corrected by the step-down procedure of Holm (1979). The first figure is that
    of all samples.
    """
    failing = [number for number, verdict in enumerate(verdicts) if number and verdict is False]
    chances = sorted((_chance(figures[number], level), number) for number in failing)
    kept, slices = list(verdicts), len(figures) - 1
    for rank, (chance, _) in enumerate(chances):
        if chance > (1 - level) / (slices - rank):
            for _, later in chances[rank:]:
                kept[later] = None
            break
    return kept


def _chance(figure: Figure, level: float) -> float:
    """The smallest 1 - confidence at which the figure is still shown to fail."""
    low, high = 0.0, 1 - level
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if verdict_on(figure, figure.estimated[1](1 - middle)) is False else (middle, high)
    return high


def sentence_on(figure: Figure, interval: Interval, verdict: bool | None) -> str:
    """Why the figure does not hold, or cannot be told, with the number of samples that would tell."""
    estimate = figure.estimated[0]
    ends = f"{interval.low:.3g} to {interval.high:.3g} at {interval.confidence * 100:g} %"
    wanted = f"expected {figure.operator} {figure.threshold!r}"
    found = f"{figure.name} is {estimate:.3g} over {figure.samples:,} samples ({ends}), {wanted}"
    if verdict is False:
        return found
    return f"{found}: cannot tell; {samples_needed(estimate, interval, figure.threshold, figure.samples)}"
