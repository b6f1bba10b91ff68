"""
What samples show: how much a counter rose, since when a gauge is 0, and of whom nothing is known. Pure.

The increase is summed up from the samples as they were scraped. PromQL's `increase()` extrapolates, gives the time of
the question for that of the newest sample, and forgets the first value of a series that was born in the window.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from pytest_promotion.suites.deployment.monitor.prometheus import Series


@dataclass(frozen=True, slots=True)
class Sight:
    """The moment of the look and the start of its window, in seconds since the epoch, and how old a sample may be."""

    now: float
    start: float
    max_age_s: float

    def fresh(self, series: Series) -> bool:
        """Whether its newest sample is."""
        return self.now - series.samples[-1][0] <= self.max_age_s


def unseen(found: Sequence[Series], up: Sequence[Series], sight: Sight, what: str) -> list[str]:
    """
    Of which processes nothing is known, with the reason.

    *up* is how Prometheus says whom it scrapes. A process that it does not scrape any more, as after a deployment under
    another address, is no part of the answer; one that it scrapes, or tries to, has to have a fresh sample.
    """
    if not found:
        return [f"{what} has no series: absent is not 0"]
    jobs = {one.target[0] for one in found}
    seen = {one.target for one in found if sight.fresh(one)}
    scraped = {one.target for one in up if sight.fresh(one) and one.target[0] in jobs}
    gone = {one.target for one in up if not sight.fresh(one)}
    wanted = scraped | {one.target for one in found if one.target not in gone}
    problems = [f"{instance or job or what} has no fresh sample of {what}" for job, instance in sorted(wanted - seen)]
    if not seen and not problems:
        problems.append(f"{what} has no fresh sample")
    problems += [
        f"{one.name} says {value} for {what}"
        for one in found
        for value in {f"{value}" for _, value in one.samples if not math.isfinite(value)}
    ]
    return problems


def increase(found: Sequence[Series], up: Sequence[Series], sight: Sight) -> tuple[float, list[str]]:
    """
    How much counters rose together since the window's start, and what is not known of that.

    After a reset a counter began at 0. A series that appeared while its process was scraped began at 0, too, so its
    first value counts; where the process is as new to Prometheus as the series, nobody knows how old that value is.
    """
    total, problems = 0.0, []
    for one in found:
        values = [value for _, value in one.samples]
        if not all(map(math.isfinite, values)):
            continue  # `unseen` says so
        first = one.samples[0][0]
        before = [at for other in up if other.target == one.target for at, value in other.samples if value == 1]
        young = first - sight.start > 2 * _interval(one, before, sight)
        born = young and any(at < first for at in before)
        if born:
            total += values[0]
        elif young and values[0] > 0:
            problems.append(f"{one.name} counted {values[0]:g} before it was first seen, nobody knows when")
        if len(values) < 2 and not born:
            problems.append(f"{one.name} has one sample in the window: nothing to compare")
        total += sum(later - earlier if later >= earlier else later for earlier, later in itertools.pairwise(values))
    return total, problems


def zero_for(series: Series) -> float:
    """For how many seconds a gauge has been 0 up to its newest sample; negative where it is not."""
    since = None
    for at, value in reversed(series.samples):
        if value != 0:
            break
        since = at
    return -1.0 if since is None else series.samples[-1][0] - since


def _interval(series: Series, before: Sequence[float], sight: Sight) -> float:
    """Seconds between two scrapes."""
    times = sorted(before) if len(before) > 1 else [at for at, _ in series.samples]
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    return median(steps) if steps else sight.max_age_s
