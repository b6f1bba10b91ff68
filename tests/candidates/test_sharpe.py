"""The deflated Sharpe ratio: the published example, and what no formula may be asked."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.research.inference.effective_trials import effective_trials
from pytest_promotion.suites.research.inference.hac import long_run_variance
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.sharpe import Moments, deflated, deflated_of, expected_largest

YEAR = 250
# Bailey and Lopez de Prado (2014), the numerical example: five years of days, a Sharpe ratio of 2.5 a year, skewness -3,
# kurtosis 10, and trials whose Sharpe ratios have the variance 1/2 a year.
PUBLISHED = Moments(2.5 / math.sqrt(YEAR), -3.0, 10.0, 1250)


def test_the_published_example():
    """A formula with a sign or a root wrong still gives numbers that look like probabilities."""
    found = deflated(PUBLISHED, 100, 0.5 / YEAR)
    assert found.benchmark == pytest.approx(0.1132, abs=5e-5)
    assert found.probability == pytest.approx(0.9004, abs=5e-5)
    assert deflated(PUBLISHED, 46, 0.5 / YEAR).probability == pytest.approx(0.9505, abs=5e-5)
    normal = Moments(PUBLISHED.sharpe, 0.0, 3.0, 1250)
    assert deflated(normal, 88, 0.5 / YEAR).probability == pytest.approx(0.9505, abs=5e-5)


@pytest.mark.parametrize("trials", [5, 20, 200])
def test_the_benchmark_is_what_luck_reaches(trials):
    """A benchmark below what luck reaches deflates nothing."""
    drawn = np.random.default_rng(7).normal(scale=0.1, size=(20_000, trials)).max(axis=1)
    assert expected_largest(trials, 0.01) == pytest.approx(drawn.mean(), rel=0.04)


def test_a_single_trial_is_not_deflated():
    """Nothing was chosen from one: what is left is the probabilistic Sharpe ratio."""
    found = deflated(Moments(0.1, 0.0, 3.0, 101), 1, 0.0)
    assert found.statistic == pytest.approx(0.1 * 10 / math.sqrt(1 + 0.1**2 / 2))


def test_moments_are_those_of_the_values():
    """Kurtosis in excess of 3, taken for kurtosis, makes every error too small."""
    scipy = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(2).gamma(2, size=500) - 1.7
    found = Moments.of(values.tolist())
    assert found.sharpe == pytest.approx(values.mean() / values.std(ddof=1))
    assert found.skewness == pytest.approx(scipy.skew(values))
    assert found.kurtosis == pytest.approx(scipy.kurtosis(values, fisher=False))


def test_the_best_of_many_useless_ones_is_no_discovery():
    """Undeflated the best of a hundred has a Sharpe ratio of which one in a hundred would be proud."""
    noise = np.random.default_rng(5).normal(size=(100, 400)).tolist()
    best = max(range(100), key=lambda number: Moments.of(noise[number]).sharpe)
    assert deflated(Moments.of(noise[best]), 1, 0.0).probability > 0.98
    names = [f"h{number:03}" for number in range(100)]
    found = deflated_of(Panel.of(names, np.array(noise).T), names[best])
    assert found.probability < 0.9
    sharpes = [Moments.of(values).sharpe for number, values in enumerate(noise) if number != best]
    middle = statistics.median(sharpes)
    spread = 1.482602218505602 * statistics.median(abs(one - middle) for one in sharpes)
    own = np.array(noise[best])
    inflation = max(1.0, long_run_variance(own) / own.var(ddof=1))
    trials = effective_trials(Panel.of(names, np.array(noise).T))
    by_hand = deflated(Moments.of(noise[best]), trials, max(spread**2, 1 / 399), inflation)
    assert found.statistic == pytest.approx(by_hand.statistic, rel=1e-12)
    noise[3] = [value + 0.4 for value in noise[3]]
    assert deflated_of(Panel.of(names, np.array(noise).T), names[3]).probability > 0.99
    with pytest.raises(Unproven, match="not among"):
        deflated_of(Panel.of(names, np.array(noise).T), "nowhere")


def test_a_leak_among_the_trials_does_not_reject_the_edges():
    """One signal that knew the future made the deflated ratio of two real edges -19.8."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(800, 40))
    values[:, 0] += 0.3
    names = [f"h{number:03}" for number in range(40)]
    before = deflated_of(Panel.of(names, values), names[0]).statistic
    values[:, 1] += 6.0
    after = deflated_of(Panel.of(names, values), names[0]).statistic
    assert before > 3
    assert after == pytest.approx(before, abs=0.2)


@pytest.mark.parametrize(
    "values",
    [[], [1.0] * 29, [1.0] * 60, [math.nan, *range(60)], [math.inf, *range(60)]],
    ids=["none", "few", "flat", "nan", "infinity"],
)
def test_a_series_without_a_sharpe_ratio_is_refused(values):
    """NaN is below no threshold, and a flat series is infinitely good."""
    with pytest.raises(Unproven):
        Moments.of(values)


@pytest.mark.parametrize(
    ("trials", "variance"),
    [(0, 0.1), (-1, 0.1), (10, 0.0), (10, -0.1), (10, math.nan), (10, math.inf)],
    ids=["none", "negative", "alike", "negative variance", "nan", "infinite"],
)
def test_trials_that_cannot_be_are_refused(trials, variance):
    """Without its trials a Sharpe ratio is the best of nobody knows how many."""
    with pytest.raises(Unproven):
        deflated(PUBLISHED, trials, variance)


@pytest.mark.parametrize("chosen", [Moments(math.nan, 0, 3, 100), Moments(0.1, 0, 3, 2), Moments(0.5, 10, 1, 100)])
def test_moments_that_cannot_be_are_refused(chosen):
    """A root of less than nothing must not become a number, nor two moments an error."""
    with pytest.raises(Unproven):
        deflated(chosen, 10, 0.1)
