"""The statistics of series with a memory: published examples, other implementations, and what no formula may be asked."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import statsmodels.api as sm
from arch.covariance.kernel import Bartlett
from scipy.signal import lfilter

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research.inference.block_length import automatic_block, demand_block, stationary_length
from pytest_promotion.suites.research.inference.effective_trials import effective_trials
from pytest_promotion.suites.research.inference.hac import long_run_variance, mean_test
from pytest_promotion.suites.research.inference.lookahead import delay_test
from pytest_promotion.suites.research.inference.overfitting import overfitting_probability
from pytest_promotion.suites.research.inference.splits import purged_splits, worst_fold_mean
from pytest_promotion.suites.research.inference.track_record import minimum_length
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.reality import Config, reality_check
from pytest_promotion.suites.research.sharpe import Moments

pytestmark = pytest.mark.slow


def remembering(rng, length, memory, columns=None):
    """AR(1) noise."""
    fresh = rng.normal(size=(length + 200,) if columns is None else (length + 200, columns))
    return lfilter([1.0], [1.0, -memory], fresh, axis=0)[200:]


def panel(values):
    return Panel.of([f"h{number:03}" for number in range(values.shape[1])], values)


@pytest.mark.parametrize("memory", [0.0, 0.5, -0.3])
def test_the_long_run_variance_is_that_of_the_process(memory):
    """An error that is blind to memory finds an edge in every smooth series."""
    values = remembering(np.random.default_rng(1), 100_000, memory)
    assert long_run_variance(values) == pytest.approx(1 / (1 - memory) ** 2, rel=0.05)


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_the_kernel_is_that_of_statsmodels(memory):
    """Prewhitened by hand, another implementation with the same bandwidth has to give the same error."""
    values = 0.1 + remembering(np.random.default_rng(2), 2000, memory)
    away = values - values.mean()
    weight = away[1:] @ away[:-1] / (away @ away)
    fresh = away[1:] - weight * away[:-1]
    fresh -= fresh.mean()
    lags = Bartlett(fresh, center=False).bandwidth
    fits = [
        sm.OLS(fresh, np.ones(1999)).fit(cov_type="HAC", cov_kwds={"maxlags": number})
        for number in (math.floor(lags), math.ceil(lags))
    ]
    errors = sorted(float(fit.bse[0]) / (1 - weight) for fit in fits)
    found = mean_test(values)
    assert errors[0] * 0.99 < found.error < errors[1] * 1.01
    assert found.t == pytest.approx(found.mean / found.error)


def test_noise_with_a_memory_does_not_reach_a_high_t_too_often():
    """Of 195 signals of noise nine reached t = 2.5, where one would have by luck."""
    rng = np.random.default_rng(3)
    found = [mean_test(remembering(rng, 600, 0.6)).t for _ in range(200)]
    blind = [values.mean() / values.std() * 600**0.5 for values in (remembering(rng, 600, 0.6) for _ in range(200))]
    assert np.mean(np.abs(found) > 2.5) <= 0.04
    assert np.mean(np.abs(blind) > 2.5) > 0.15


@pytest.mark.parametrize(
    "values",
    [[], [1.0] * 29, [1.0] * 100, [math.nan, *range(99)], [math.inf, *range(99)], [[1.0] * 40] * 40],
    ids=["none", "few", "flat", "nan", "infinite", "two columns"],
)
def test_a_series_without_an_error_is_refused(values):
    """A flat series is infinitely certain."""
    with pytest.raises(Unproven):
        long_run_variance(np.array(values, dtype=float))


def test_blocks_are_as_long_as_the_memory():
    """Blocks of one moment found an edge in 97 of 100 series of noise with a memory."""
    rng = np.random.default_rng(4)
    short, long = panel(rng.normal(size=(1500, 8))), panel(remembering(rng, 1500, 0.8, 8))
    assert automatic_block(short) < 8 < automatic_block(long)
    assert automatic_block(short, horizon=12) == 12
    assert stationary_length(long.values[:, 0]) >= 1
    for block in (1.0, math.nan):
        with pytest.raises(Unproven, match="shorter than the memory"):
            demand_block(block, automatic_block(long))


@pytest.mark.parametrize(("copies", "least", "most"), [(1, 9.5, 10.0), (5, 9.0, 16.0)], ids=["independent", "copies"])
def test_hypotheses_that_are_alike_are_counted_once(copies, least, most):
    """Fifty variants of ten signals are not fifty trials, nor one."""
    rng = np.random.default_rng(5)
    base = rng.normal(size=(2000, 10))
    values = np.hstack([base + 1e-3 * rng.normal(size=base.shape) for _ in range(copies)])
    assert least <= effective_trials(panel(values)) <= most
    assert effective_trials(panel(values[:, :1])) == 1


def test_the_probability_of_overfitting_is_that_of_the_definition():
    """Sums over parts are only worth having if they give what cutting and ranking gives."""
    rng = np.random.default_rng(6)
    values = rng.normal(size=(120, 7))
    parts = np.split(values, 6)
    below = 0
    for chosen in itertools.combinations(range(6), 3):
        inside = np.vstack([parts[number] for number in chosen])
        outside = np.vstack([parts[number] for number in range(6) if number not in chosen])
        best = int(np.argmax(inside.mean(axis=0) / inside.std(axis=0)))
        ratios = outside.mean(axis=0) / outside.std(axis=0)
        rank = 1 + int((ratios < ratios[best]).sum())
        logit = math.log((rank / 8) / (1 - rank / 8))
        below += logit <= 0
    assert overfitting_probability(panel(values), parts=6) == pytest.approx(below / 20)


def test_an_edge_is_not_overfitted_and_noise_is():
    """A number that is the same for both says nothing."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(1000, 20))
    assert overfitting_probability(panel(values)) > 0.2
    values[:, 3] += 0.4
    assert overfitting_probability(panel(values)) == 0


@pytest.mark.parametrize(
    ("shape", "parts", "problem"),
    [((100, 1), 10, Unproven), ((50, 3), 10, Unproven), ((100, 3), 5, PolicyError), ((100, 3), 2, PolicyError)],
    ids=["one", "short", "odd", "two"],
)
def test_a_cross_validation_that_says_nothing_is_refused(shape, parts, problem):
    """Half of an odd number of parts is no half."""
    with pytest.raises(problem):
        overfitting_probability(panel(np.random.default_rng(1).normal(size=shape)), parts)


def test_training_moments_share_nothing_with_the_test():
    """A label that looks three bars ahead tells the training what the test is asked."""
    horizon, embargo = 3, 5
    for train, test in purged_splits(100, 5, horizon, embargo):
        known = {moment + ahead for moment in train for ahead in range(1, horizon + 1)}
        asked = {moment + ahead for moment in test for ahead in range(1, horizon + 1)}
        assert not known & asked
        assert not set(train) & set(range(test[-1] + 1, test[-1] + horizon + embargo))
    tests = np.concatenate([test for _, test in purged_splits(100, 5, horizon)])
    assert sorted(tests) == list(range(100))


@pytest.mark.parametrize("asked", [(100, 1, 1, 0), (100, 5, 0, 0), (100, 5, 1, -1)], ids=str)
def test_a_split_that_cannot_be_is_refused(asked):
    """A horizon of nothing purges nothing."""
    with pytest.raises(PolicyError):
        next(purged_splits(*asked))
    with pytest.raises(Unproven):
        list(purged_splits(10, 2, 20))


def test_the_worst_fold_is_found():
    """A mean over all of the time hides the part in which it was lost."""
    values = np.concatenate([np.full(50, 0.1), np.full(50, -0.2), np.full(50, 0.3)])
    assert worst_fold_mean(values, 3, 1) == pytest.approx(-0.2)


def test_the_published_track_record():
    """Bailey and Lopez de Prado (2012): an annual ratio of 2 of daily normal returns needs 2.73 years at 95 %."""
    daily = Moments(2 / 250**0.5, 0.0, 3.0, 250)
    assert minimum_length(daily, 1 / 250**0.5) / 250 == pytest.approx(2.73, abs=0.01)
    hedge = Moments(2 / 250**0.5, -0.72, 5.78, 250)
    assert minimum_length(hedge, 1 / 250**0.5) > minimum_length(daily, 1 / 250**0.5)
    assert minimum_length(daily, 0.2) == math.inf
    with pytest.raises(PolicyError):
        minimum_length(daily, 0.0, 1.0)


def test_what_knows_the_future_is_nothing_one_bar_later():
    """An edge that is gone after one bar was in the bar."""
    rng = np.random.default_rng(8)
    noise = rng.normal(size=(2, 800)) * 0.1
    leak = delay_test(0.3 + noise[0], noise[1], 0.2)
    assert leak.suspicious
    assert leak.ratio == pytest.approx(0, abs=0.1)
    assert not delay_test(0.05 + noise[0], 0.045 + noise[1], 0.2).suspicious
    assert not delay_test(-0.05 + noise[0], noise[1], 0.2).suspicious  # there is nothing to explain
    with pytest.raises(Unproven):
        delay_test(noise[0], noise[1][1:], 0.2)


def test_the_reality_check_holds_its_size_where_blocks_are_automatic():
    """A test at 5 % that finds something in a fifth of all noise is a test at 20 %."""
    rng = np.random.default_rng(9)
    rejected = 0
    for trial in range(60):
        found = panel(remembering(rng, 500, 0.5, 10))
        config = Config(statistic="hac", block=automatic_block(found), replicates=199, seed=trial)
        rejected += reality_check(found, config).p_value <= 0.05
    assert rejected <= 8  # 5 % of 60 and two standard errors; benchmarks/reality_check_size.py has more trials
