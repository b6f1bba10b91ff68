"""The rules of the deployment policy after a deployment, each a finding: well, wrong, or nobody can tell."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.deployment.monitor.prometheus import Prometheus, Series
from pytest_promotion.suites.deployment.monitor.signals import Sight, increase, unseen, zero_for

Rule = Literal["parity", "mismatch", "latency", "redis"]
ROLLS_BACK: Final = ("parity", "mismatch")
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class State(StrEnum):
    """What was found. Unknown is not well, and no reason to roll back."""

    WELL = "well"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found: `value` against `limit`, None where there is none."""

    rule: str
    state: State
    reasons: list[str]
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """
    What is asked for. Seconds, but for `p95_ms`; `match` are label matchers that every question is limited to.

    Raises:
        PolicyError: for what no question can be made of.
    """

    window_s: float = 300.0
    max_age_s: float = 60.0
    match: str = ""
    mismatch_metric: str = "aos_replay_mismatch_total"
    mismatches: float = 0.0
    latency_metric: str = "http_request_duration_seconds"
    p95_ms: float | None = None
    requests: int = 20
    redis_metric: str = "redis_connected"
    redis_zero_s: float = 60.0
    rules: frozenset[str] = field(default_factory=lambda: frozenset({"parity", "mismatch", "latency", "redis"}))

    def __post_init__(self) -> None:
        for name in (self.mismatch_metric, self.latency_metric, self.redis_metric):
            if not _NAME.fullmatch(name):
                raise PolicyError(f"{name!r} is no name of a metric")
        if re.search(r"[{}\n]", self.match):
            raise PolicyError(f'{self.match!r}: label matchers without braces, such as job="shop"')

    def of(self, metric: str) -> str:
        """The selector of *metric*."""
        return f"{metric}{{{self.match}}}" if self.match else metric


def measured(server: Prometheus, asked: Thresholds, now: float, start: float) -> Iterator[Finding]:
    """
    What Prometheus shows, by each of its rules that is asked for.

    *start* is that of the window: not before the deployment, because the version before it is not on trial.
    """
    sight = Sight(now, start, asked.max_age_s)
    judges = {"mismatch": _mismatch, "latency": _latency, "redis": _redis}
    for rule, judge in judges.items():
        if rule in asked.rules:
            try:
                yield judge(server, asked, sight)
            except Unproven as problem:
                yield Finding(rule, State.UNKNOWN, [str(problem)])


def _mismatch(server: Prometheus, asked: Thresholds, sight: Sight) -> Finding:
    found, up = _both(server, asked, asked.mismatch_metric, sight.now - sight.start)
    rose, unknown = increase(found, up, sight)
    unknown = unseen(found, up, sight, asked.mismatch_metric) + unknown
    window = f"within {sight.now - sight.start:.0f} s"
    wrong = [f"{asked.mismatch_metric} rose by {rose:g} {window}, expected at most {asked.mismatches:g}"]
    return _finding("mismatch", rose > asked.mismatches, wrong, unknown, rose, asked.mismatches)


def _latency(server: Prometheus, asked: Thresholds, sight: Sight) -> Finding:
    if asked.p95_ms is None:
        raise Unproven("there is no target for the 95th percentile")
    metric, window = asked.latency_metric, max(1, round(sight.now - sight.start))
    found, up = _both(server, asked, f"{metric}_count", sight.now - sight.start)
    requests, unknown = increase(found, up, sight)
    unknown = unseen(found, up, sight, f"{metric}_count") + unknown
    if requests < asked.requests:
        unknown.append(f"{requests:g} requests within {window} s are too few for a percentile: {asked.requests}")
    buckets = f"{asked.of(f'{metric}_bucket')}[{window}s]"
    values = server.values(f"histogram_quantile(0.95, sum by (le) (rate({buckets})))")
    if len(values) != 1 or not math.isfinite(values[0].samples[0][1]):
        said = ", ".join(f"{one.samples[0][1]}" for one in values) or "nothing"
        return Finding("latency", State.UNKNOWN, [*unknown, f"the 95th percentile of {metric} is {said}"])
    p95_ms = values[0].samples[0][1] * 1000
    end_ms = 1000 * _last_bound(server.values(f"sum by (le) (increase({buckets}))"))
    # histogram_quantile() gives the last finite bound for whatever lies above it.
    if p95_ms >= end_ms and asked.p95_ms >= end_ms:
        unknown.append(f"the buckets of {metric} end at {end_ms:g} ms: whether {asked.p95_ms:g} ms is met is not seen")
    wrong = [f"p95 is {'at least ' if p95_ms >= end_ms else ''}{p95_ms:.1f} ms, expected at most {asked.p95_ms:g} ms"]
    return _finding(
        "latency", p95_ms > asked.p95_ms and requests >= asked.requests, wrong, unknown, p95_ms, asked.p95_ms
    )


def _redis(server: Prometheus, asked: Thresholds, sight: Sight) -> Finding:
    found, up = _both(server, asked, asked.redis_metric, asked.redis_zero_s + asked.max_age_s)
    unknown = unseen(found, up, sight, asked.redis_metric)
    current = [one for one in found if sight.fresh(one)]
    odd = {one.samples[-1][1] for one in current if math.isfinite(one.samples[-1][1])} - {0.0, 1.0}
    unknown += [f"{asked.redis_metric} is {value:g}, expected 0 or 1" for value in sorted(odd)]
    longest = max((zero_for(one) for one in current), default=-1.0)
    names = [one.name for one in current if zero_for(one) >= asked.redis_zero_s]
    wrong = [f"{asked.redis_metric} is 0 for {longest:.0f} s at {', '.join(names)}"]
    return _finding("redis", bool(names), wrong, unknown, max(longest, 0.0), asked.redis_zero_s)


def _both(server: Prometheus, asked: Thresholds, metric: str, window_s: float) -> tuple[list[Series], list[Series]]:
    """The samples of *metric*, and those of whom Prometheus scrapes."""
    return server.samples(asked.of(metric), window_s), server.samples(asked.of("up"), window_s)


def _last_bound(buckets: Sequence[Series]) -> float:
    bounds = []
    for one in buckets:
        try:
            bounds.append(float(one.labels["le"]))
        except (KeyError, ValueError):
            raise Unproven(f"a bucket has the bound {one.labels.get('le')!r}") from None
    finite = [bound for bound in bounds if math.isfinite(bound)]
    if not finite or len(finite) == len(bounds):
        raise Unproven("the histogram has no finite bucket, or none for the rest")
    return max(finite)


def _finding(rule: str, is_wrong: bool, wrong: list[str], unknown: list[str], value: float, limit: float) -> Finding:
    """One bad series is enough, whatever is not known of others."""
    if is_wrong:
        return Finding(rule, State.WRONG, wrong + unknown, value, limit)
    return Finding(rule, State.UNKNOWN if unknown else State.WELL, unknown, value, limit)
