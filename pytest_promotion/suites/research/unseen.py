"""Data that did not exist when a candidate was created: whether they are that, and whether they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pytest_promotion.suites.research.findings import Findings
from pytest_promotion.suites.research.gating import impossible
from pytest_promotion.suites.research.inference.hac import mean_test
from pytest_promotion.suites.research.plausibility import implausible
from pytest_promotion.suites.research.policy import ResearchPolicy
from pytest_promotion.suites.research.recomputed import figures_of
from pytest_promotion.suites.research.series import Series

_RUN: Final = 5  # neighbours that have to be the same: of few assets a single rank correlation is nothing rare
_REPLAYED: Final = 0.1  # share of such runs that may be found, digit by digit, in the bundle's own series
_COMMON: Final = 30  # moments that a correlation needs
_CLOSER: Final = 0.5  # of the time between two moments that the bundle's series has
KINDS: Final = ("out-of-sample", "paper")


@dataclass(frozen=True, slots=True)
class Observation:
    """A series that was named after the creation: its kind, values, digest, and how many were named in all."""

    kind: str
    series: Series
    sha256: str
    looks: int


def unseen_findings(
    observed: Observation | None, seen: Series | None, created: datetime, now: datetime, policy: ResearchPolicy
) -> Findings:
    """
    What is wrong with the data after *created*, up to *now*. *seen* are the coefficients that the bundle rests on.

    Raises:
        Unproven: for a series that is too short, or never changes.
    """
    found, limits = Findings(), policy.unseen
    if observed is None:
        found.open_questions.append(
            "no data dated after the creation of the candidate are on record (promotion candidates observe)"
        )
        return found
    moments, values = observed.series.moments, observed.series.values
    if moments[0] <= created:
        found.open_questions.append(f"the unseen data begin {moments[0].isoformat()}, not after the creation")
    if moments[0] > created + timedelta(days=limits.start_within_days):
        begin, days = moments[0].isoformat(), f"{limits.start_within_days:g} days"
        found.open_questions.append(f"the unseen data begin {begin}, more than {days} after the creation")
    if moments[-1] > now:
        found.open_questions.append(f"the unseen data end {moments[-1].isoformat()}, in the future")
    if seen is not None and _shared(values, seen.values) > _REPLAYED:
        found.open_questions.append("the unseen data have the values of the series that the bundle rests on")
    found.open_questions += observed.series.gaps("the unseen data")
    if seen is not None and observed.series.step < _CLOSER * seen.step:
        steps = f"{observed.series.step:g} s, those of the bundle's series {seen.step:g} s"
        found.open_questions.append(f"the unseen data have moments every {steps}: they are no later bars of it")
    if len(values) < limits.n_obs_min:
        found.open_questions.append(f"unseen n_obs {len(values)} < {limits.n_obs_min}")
        return found
    figures: dict[str, Any] = figures_of(observed.series, "the unseen series")
    tested = mean_test(observed.series.array)
    p_value = min(1.0, tested.p_value * observed.looks)
    found.open_questions += [f"unseen {line}" for line in implausible(figures, policy.plausible)]
    found.against += [f"unseen {line}" for line in impossible(figures)]
    if tested.mean < limits.ic_mean_min:
        found.against.append(f"unseen mean_ic {tested.mean:.4f} < {limits.ic_mean_min}")
    if p_value > limits.p_value_max:
        looks = f", {observed.looks} looks" if observed.looks > 1 else ""
        found.against.append(f"unseen p_value {p_value:.4f} > {limits.p_value_max}{looks}")
    found.figures = {
        "unseen_mean_ic": tested.mean,
        "unseen_t_hac": tested.t,
        "unseen_p_value": p_value,
        "unseen_n_obs": tested.count,
        "unseen_looks": observed.looks,
    }
    return found


def _shared(values: tuple[float, ...], seen: tuple[float, ...]) -> float:
    """The share of the runs of neighbours in *values* that stand in *seen* too."""
    mine, theirs = ({one[number : number + _RUN] for number in range(len(one) - _RUN + 1)} for one in (values, seen))
    return len(mine & theirs) / max(1, len(mine))


def overlap_with_accepted(series: Series, accepted: Mapping[str, Series], most: float) -> list[str]:
    """With which candidates that are accepted *series* correlates by more than *most*, as sentences."""
    import numpy as np

    mine = dict(zip(series.moments, series.values, strict=True))
    found = []
    for identity, other in sorted(accepted.items()):
        pairs = [(mine[m], v) for m, v in zip(other.moments, other.values, strict=True) if m in mine]
        both = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        if len(both) < _COMMON or min(np.ptp(both[:, 0]), np.ptp(both[:, 1])) == 0:
            continue
        correlation = float(np.corrcoef(both[:, 0], both[:, 1])[0, 1])
        if correlation > most:
            found.append(f"correlation with {identity}, which is accepted, {correlation:.4f} > {most}")
    return found
