"""Intervals of figures from samples, against published examples and their own definition."""

from __future__ import annotations

import math
import random

import pytest
from scipy import stats

from pytest_promotion.errors import Unproven
from pytest_promotion.samples.drift import stability
from pytest_promotion.samples.interval import numbers, samples_needed, shows
from pytest_promotion.samples.means import difference, mean, quantile
from pytest_promotion.samples.planning import passing, samples_for
from pytest_promotion.samples.proportions import paired_difference, proportion
from pytest_promotion.samples.sequential import always_valid


def ends(estimated, confidence=0.95):
    interval = estimated[1](confidence)
    return round(interval.low, 4), round(interval.high, 4)


# R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I.
@pytest.mark.parametrize(
    ("successes", "samples", "wilson", "exact"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_a_share_has_the_published_interval(successes, samples, wilson, exact):
    """An interval that is too narrow passes what chance made good."""
    assert ends(proportion("x", successes, samples)) == wilson
    assert ends(proportion("x", successes, samples, "exact")) == exact


def test_a_paired_difference_has_the_published_interval():
    """Newcombe's example (1998, method 10): 36 examples both have right, 12 only one of them, 2 only the other."""
    one, other = [True] * 48 + [False] * 2, [True] * 36 + [False] * 12 + [True] * 2
    assert ends(paired_difference(one, other)) == (0.0569, 0.3404)
    assert ends(paired_difference(other, one)) == (-0.3404, -0.0569)


def test_two_models_that_answer_alike_are_not_shown_to_differ():
    """Of identical answers the interval holds zero, and a margin that few examples cannot show is not shown."""
    answers = [True] * 40 + [False] * 10
    low, high = ends(paired_difference(answers, answers))
    assert low <= 0 <= high
    assert shows(paired_difference(answers, answers)[1](0.95), ">=", -0.001) is None


@pytest.mark.parametrize("q", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("count", [20, 59, 100, 500])
def test_the_interval_of_a_quantile_covers_by_the_binomial(count, q):
    """The quantile is inside with the probability that is said, whatever the distribution; an end may be out of reach."""
    interval = quantile("x", [float(number) for number in range(count)], q)[1](0.95)
    lower = -1 if interval.low == -math.inf else int(interval.low)
    upper = count if interval.high == math.inf else int(interval.high)
    # Inside, if more than `lower` samples are below the quantile, and no more than `upper`.
    covered = stats.binom.cdf(upper, count, q) - stats.binom.cdf(lower, count, q)
    assert covered >= 0.95


def test_few_samples_do_not_reach_a_high_quantile():
    """The 95th percentile of ten requests is not known from above: none of them may be beyond it."""
    assert quantile("x", [1.0] * 10, 0.95)[1](0.95).high == math.inf


def test_the_mean_of_skewed_values_is_covered():
    """Latencies are skewed: about the share of intervals that is said covers the true mean; see `benchmarks/samples.py`."""
    true, inside, below = math.exp(0.5), 0, 0
    for seed in range(40):
        chance = random.Random(seed)
        interval = mean("x", [chance.lognormvariate(0, 1) for _ in range(200)])[1](0.95)
        inside += interval.low <= true <= interval.high
        below += interval.low > true
    assert inside >= 32  # three standard deviations, and what a bootstrap lacks of 95 %
    assert below <= 6
    values = [chance.gauss(10, 2) for _ in range(500)]
    assert ends(mean("x", values)) == pytest.approx(ends(mean("x", values, "t")), abs=0.02)


def test_the_interval_of_many_values_is_student_s():
    """A bootstrap of ten thousand values takes seconds and gives the same interval."""
    chance = random.Random(4)
    interval = mean("x", [chance.expovariate(1) for _ in range(10_000)])[1](0.95)
    assert interval.method == "t"
    assert interval.low < 1 < interval.high


def test_a_difference_of_other_examples_is_welch_s():
    """Against SciPy's own interval of the same test."""
    chance = random.Random(5)
    one, other = [chance.gauss(1, 1) for _ in range(60)], [chance.gauss(0, 3) for _ in range(25)]
    own = difference("x", one, other)[1](0.95)
    wanted = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert (own.low, own.high) == pytest.approx((wanted.low, wanted.high))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "there are 0 samples"),
        ([1.0] * 19, "there are 19 samples"),
        ([3.0] * 25, "says nothing of their spread"),
    ],
)
def test_too_few_values_are_refused(values, said):
    """Nineteen equal values have a mean, and nobody knows how far it may be off."""
    with pytest.raises(Unproven, match=said):
        mean("latency", values)


@pytest.mark.parametrize("value", [None, "0.5", math.nan, math.inf, 1.7976931348623157e308, True, [1]])
def test_what_is_no_number_is_no_sample(value):
    """One NaN makes every comparison false; a text that looks like a number is none."""
    with pytest.raises(Unproven, match="sample 1 is"):
        numbers("latency", [0.5, value])


@pytest.mark.parametrize(("successes", "samples"), [(0, 0), (3, 2), (-1, 5), (1.0, 5), (True, 5), (1, "5"), (None, 3)])
def test_what_are_no_counts_is_refused(successes, samples):
    """Zero of zero is no share, three of two is none either."""
    with pytest.raises(Unproven):
        proportion("accuracy", successes, samples)


def test_an_index_of_stability_covers_what_it_estimates():
    """Of two samples of one distribution the interval begins at 0; a shift of half a deviation is outside of 0.1."""
    chance = random.Random(6)
    reference = [chance.gauss(0, 1) for _ in range(3000)]
    held = 0
    for _ in range(100):
        low, high = ends(stability("x", [chance.gauss(0, 1) for _ in range(3000)], reference))
        held += low == 0.0
        assert high < 0.05
    assert held >= 90
    index, at = stability("x", [chance.gauss(0.5, 1) for _ in range(3000)], reference)
    assert shows(at(0.95), "<=", 0.1) is False
    assert 0.2 < index < 0.3
    assert stability("x", ["a", "b"] * 200, ["a", "b"] * 300)[0] == 0
    assert stability("x", ["a", "c"] * 200, ["a", "b"] * 300)[0] > 1  # of a value that was never there


@pytest.mark.parametrize(
    ("current", "reference"), [([1.0] * 50, [1.0] * 500), ([1.0] * 500, [1.0] * 500), ([], ["a"] * 200)]
)
def test_drift_needs_samples_with_a_spread(current, reference):
    """Of a constant column nothing drifts, and of fifty rows nobody sees it."""
    with pytest.raises(Unproven):
        stability("x", current, reference)


def test_looking_after_each_trial_keeps_the_error_rate():
    """With an interval for one look, somebody who looks five hundred times is wrong in a third of all cases."""
    wrong = looked = 0
    for seed in range(300):
        chance, successes = random.Random(seed), 0
        once = {"always": False, "fixed": False}
        for done in range(1, 401):
            successes += chance.random() < 0.9
            interval = always_valid(successes, done, 0.95)
            once["always"] |= not interval.low <= 0.9 <= interval.high
            if done % 10 == 0:
                fixed = proportion("x", successes, done)[1](0.95)
                once["fixed"] |= not fixed.low <= 0.9 <= fixed.high
        wrong += once["always"]
        looked += once["fixed"]
    assert wrong <= 15
    assert looked > 45
    assert ends((0, lambda at: always_valid(0, 0, at))) == (0.0, 1.0)


def test_samples_are_planned_by_what_they_would_show():
    """The planned number passes as often as was asked, and a hundredth fewer does not."""
    count = samples_for(0.9, 0.03, 0.8, 0.95)
    assert passing(0.93, 0.9, count, 0.95).passed >= 0.8
    assert passing(0.93, 0.9, count * 9 // 10, 0.95).passed < 0.8
    at_threshold = passing(0.9, 0.9, count, 0.95)
    assert at_threshold.passed < 0.035
    assert at_threshold.failed < 0.035
    assert at_threshold.undecided > 0.9
    for wrong in ((0.9, 0.1, 0.8, 0.95), (0.9, 0, 0.8, 0.95), (0, 0.1, 0.8, 0.95), (0.9, 0.01, 1.0, 0.95)):
        with pytest.raises(Unproven):
            samples_for(*wrong)
    with pytest.raises(Unproven, match="larger margin"):
        samples_for(0.9, 1e-5, 0.8, 0.95)


@pytest.mark.parametrize(
    ("estimate", "samples", "threshold", "said"),
    [(894, 1000, 0.9, "about 10,000 samples"), (90, 100, 0.9, "no number"), (52, 100, 0.5, "about 2,300 samples")],
)
def test_how_many_samples_would_tell_is_said(estimate, samples, threshold, said):
    """Somebody who is told to take more samples wants to know how many."""
    share, at = proportion("x", estimate, samples)
    assert said in samples_needed(share, at(0.95), threshold, samples)
