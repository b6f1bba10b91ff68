"""What a load test measured, whatever format it was written in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.text import listed

CHECKS: Final = "checks"
DURATION: Final = "http_req_duration"  # milliseconds
REQUESTS: Final = "http_reqs"
FAILED: Final = "http_req_failed"


@dataclass(frozen=True, slots=True)
class Trend:
    """Statistics of durations, in milliseconds, by name: avg, min, med, max, p90, p95, p99."""

    stats: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something held, of how many times that it was asked."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The share, from 0 to 1."""
        return self.hits / self.total


@dataclass(frozen=True, slots=True)
class Counter:
    """How many there were."""

    count: float


Metric = Trend | Rate | Counter


@dataclass(frozen=True, slots=True)
class Measured:
    """The metrics of one load test. `thresholds` is what the tool itself concluded: True where one held."""

    form: str
    metrics: Mapping[str, Metric]
    thresholds: Mapping[str, bool] = field(default_factory=dict)
    ended: str | None = None  # ISO 8601, where the file says it
    holds_setup_data: bool = False  # what the script's setup() returned, among which passwords may be

    @property
    def created(self) -> str | None:
        """When the test ended."""
        return self.ended

    @property
    def never_tried(self) -> tuple[str, ...]:
        """The rates of nothing: k6 says of a threshold on one of them that it held."""
        return tuple(name for name, one in self.metrics.items() if isinstance(one, Rate) and one.total < 1)

    @property
    def requests(self) -> int:
        """
        How many requests there were.

        Raises:
            Unproven: where nobody counted, and where there was none: of nothing every statement holds.
        """
        found = self.metrics.get(REQUESTS)
        if not isinstance(found, Counter):
            raise Unproven(f"there is no counter {REQUESTS}: nobody knows how many requests there were")
        if found.count < 1:
            raise Unproven("no request was made")
        return int(found.count)

    def value(self, metric: str, stat: str) -> float:
        """
        One measured value: a statistic of a trend, the `rate` of a rate, the `count` of a counter.

        Raises:
            Unproven: where the file does not have it. A statistic that nobody computed is not 0.
        """
        found = self.metrics.get(metric)
        if found is None:
            raise Unproven(f"there is no metric {metric}")
        if isinstance(found, Trend):
            if stat not in found.stats:
                known = listed(sorted(found.stats), 10)
                raise Unproven(f"{metric} has no {stat}, only {known}: ask the load test for it (summaryTrendStats)")
            return found.stats[stat]
        if isinstance(found, Rate):
            if stat != "rate":
                raise Unproven(f"{metric} is a rate and has no {stat}")
            if found.total < 1:
                raise Unproven(f"{metric} was never asked: 0 of 0 is no rate")
            return found.value
        if stat != "count":
            raise Unproven(f"{metric} is a counter and has no {stat}")
        return found.count


def number(value: Any, place: str) -> float:
    """*value*, which has to be a finite number. Raises `Unproven`."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise Unproven(f"{place} is {value!r} where a number belongs")
    return value


def whole(value: Any, place: str) -> int:
    """*value*, which has to count something. Raises `Unproven`."""
    found = number(value, place)
    if found < 0 or found != int(found):
        raise Unproven(f"{place} is {value!r} where a count belongs")
    return int(found)


def trend_of(values: Sequence[float]) -> Trend:
    """The statistics of *values*, which are not empty, with percentiles as k6 computes them."""
    ordered = sorted(values)
    percentiles = {f"p{name}": percentile(ordered, name / 100) for name in (90, 95, 99)}
    middle = percentile(ordered, 0.5)
    mean = math.fsum(ordered) / len(ordered)
    return Trend({"avg": mean, "min": ordered[0], "med": middle, "max": ordered[-1], **percentiles})


def percentile(ordered: Sequence[float], share: float) -> float:
    """
    The *share* quantile of sorted values, interpolated linearly between the two around `share * (n - 1)`.

    That is what k6 computes for its summaries, and type 7 of Hyndman and Fan (1996).
    """
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
