"""Figures from samples as gates measure them: three answers, each by the whole interval."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

from pytest_promotion.decision.recomputing import belied
from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.evidence.measures import Measure
from pytest_promotion.model import Outcome

GOOD, BAD, THIN = [True] * 980 + [False] * 20, [True] * 800 + [False] * 200, [True] * 91 + [False] * 9


def asked(name, *arguments, **named):
    """What a measurement answers (True, False or None), its sentence, and the log that it wrote."""
    log = Notebook()
    try:
        getattr(Measure(log, 0.95), name)("accuracy", *arguments, **named)
    except GateFailed as problem:
        return False, str(problem), log
    except Unproven as problem:
        return None, str(problem), log
    return True, "", log


@pytest.mark.parametrize(("values", "answer"), [(GOOD, True), (BAD, False), (THIN, None)])
def test_a_share_passes_fails_or_cannot_be_told(values, answer):
    """A gate at 0.9 that passes with 91 of 100 passes candidates that are worse than 0.9, every other time."""
    found, sentence, log = asked("proportion", values, at_least=0.9)
    assert found is answer
    [one] = log.measurements
    assert (one.ok, one.samples, one.operator, one.threshold) == (answer, len(values), ">=", 0.9)
    assert one.interval.low < one.value < one.interval.high
    if answer is None:
        assert sentence.startswith(
            "accuracy is 0.91 over 100 samples (0.838 to 0.952 at 95 %), expected >= 0.9: cannot tell"
        )
        assert "samples would" in sentence
    assert asked("proportion", sum(values), len(values), at_least=0.9)[0] is answer


@pytest.mark.parametrize(
    ("arguments", "named", "said"),
    [
        (([],), {"at_least": 0.9}, "0 samples"),
        ((0, 0), {"at_least": 0.9}, "0 samples"),
        ((["true"] * 50,), {"at_least": 0.9}, "sample 0 is 'true'"),
        (([1, 2] * 25,), {"at_least": 0.9}, "sample 1 is 2"),
        (({True, False},), {"at_least": 0.9}, "a list of samples"),
        ((GOOD,), {"at_least": 0}, "every share meets"),
        ((GOOD,), {"at_most": 1.0}, "every share meets"),
        ((GOOD,), {"at_most": 5}, "90 % is 0.9"),
        ((GOOD,), {"at_least": 90.0}, "90 % is 0.9"),
        ((GOOD,), {"at_least": 0.9, "method": "wald"}, "wilson or exact"),
        ((GOOD,), {"at_least": 0.9, "by": [None] * 1000}, "the slice None"),
        ((GOOD,), {"at_least": 0.9, "by": [float("nan")] * 1000}, "which is none"),
        ((GOOD,), {"at_least": 0.9, "by": ["de"] * 1000, "min_slice": 1}, "min_slice"),
        (([None] * 50,), {"at_least": 0.9}, "sample 0 is None"),
        (("yes",), {"at_least": 0.9}, "a list of samples"),
        ((None,), {"at_least": 0.9}, "a list of samples"),
        ((GOOD,), {}, "at_least or at_most"),
        ((GOOD,), {"at_least": 0.9, "at_most": 0.95}, "at_least or at_most"),
        ((GOOD,), {"at_least": float("nan")}, "threshold"),
        ((GOOD,), {"at_least": "0.9"}, "threshold"),
        ((GOOD,), {"at_least": True}, "threshold"),
        ((GOOD,), {"at_least": 0.9, "confidence": 0.9}, "the policy has 0.95"),
        ((GOOD,), {"at_least": 0.9, "confidence": 0.5}, "confidence"),
        ((GOOD,), {"at_least": 0.9, "confidence": 1.0}, "confidence"),
        ((GOOD,), {"at_least": 0.9, "confidence": float("nan")}, "confidence"),
        ((980, 1000), {"at_least": 0.9, "by": ["de"] * 1000}, "only their numbers"),
        ((GOOD,), {"at_least": 0.9, "by": ["de"] * 999}, "999 slices"),
        ((GOOD,), {"at_least": 0.9, "by": ["de"] * 990 + ["fr"] * 10}, "a slice needs 30"),
    ],
)
def test_what_cannot_be_judged_is_inconclusive(arguments, named, said):
    """Nothing of nothing, texts, and a gate that asks for less confidence than the policy has: none of them passes."""
    found, sentence, _ = asked("proportion", *arguments, **named)
    assert found is None
    assert said in sentence


def test_numbers_of_numpy_and_pandas_are_numbers():
    """Who computes with arrays would have to convert each count, and forget it once."""
    correct = np.array(GOOD)
    for arguments in ((correct,), (pd.Series(GOOD),), (correct.sum(), len(correct)), (correct.sum(), np.int64(1000))):
        found, sentence, log = asked("proportion", *arguments, at_least=0.9)
        assert found is True, sentence
        assert type(log.measurements[0].samples) is int
    latencies = np.random.default_rng(1).lognormal(4, 0.5, 500).astype(np.float32)
    assert asked("mean", latencies, at_most=100)[0] is True
    assert asked("quantile", pd.Series(latencies), 0.9, at_most=200)[0] is True
    assert asked("mean", np.append(latencies, np.nan), at_most=100)[0] is None
    assert asked("same_distribution", latencies[:250], latencies[250:])[2].measurements[0].name == "accuracy (PSI)"


def test_a_bad_slice_fails_a_good_whole():
    """A model that got worse in one language of four is hidden by the other three."""
    values = [True] * 2940 + [False] * 60 + [True] * 700 + [False] * 300
    languages = ["en", "de", "fr"] * 1000 + ["it"] * 1000
    found, sentence, log = asked("proportion", values, at_least=0.85, by=languages)
    assert found is False
    assert "accuracy of it is 0.7 over 1,000 samples" in sentence
    assert [one.name for one in log.measurements] == [
        "accuracy",
        *(f"accuracy of {x}" for x in ("de", "en", "fr", "it")),
    ]
    assert asked("proportion", values, at_least=0.85)[0] is True
    thin = asked("proportion", [True] * 1000 + THIN, at_least=0.9, by=["en"] * 1000 + ["it"] * 100)
    assert thin[0] is None
    assert "accuracy of it" in thin[1]


def test_of_many_slices_one_is_not_bad_by_chance():
    """Of forty slices that are as good as is asked, one is below by its own interval: Holm's correction does not fail it."""
    wrong = {"fail": 0, "uncorrected": 0}
    for seed in range(60):
        chance = random.Random(seed)
        values = [chance.random() < 0.9 for _ in range(40 * 200)]
        slices = [f"s{number % 40:02}" for number in range(len(values))]
        found, _, log = asked("proportion", values, at_least=0.9, by=slices)
        wrong["fail"] += found is False
        wrong["uncorrected"] += any(one.interval.high < 0.9 for one in log.measurements[1:])
    assert wrong["uncorrected"] > 20
    assert wrong["fail"] <= 8


def test_the_mean_and_the_quantile_are_judged_by_their_intervals():
    """The 95th percentile of thirty requests tells nothing about a limit just above it."""
    chance = random.Random(2)
    values = [chance.lognormvariate(4.5, 0.5) for _ in range(2000)]
    assert asked("mean", values, at_most=120)[0] is True
    assert asked("mean", values, at_most=80)[0] is False
    assert asked("mean", values, at_least=sum(values) / len(values))[0] is None
    assert asked("mean", [*values, float("nan")], at_most=120)[0] is None
    assert asked("mean", values[:5], at_most=120)[0] is None
    assert asked("mean", set(values), at_most=120)[0] is None  # which keeps one of each
    assert asked("quantile", set(values), 0.95, at_most=260)[0] is None
    assert asked("mean", values[:5], at_most=1000, method="t")[0] is True
    assert asked("quantile", values, 0.95, at_most=260)[0] is True
    assert asked("quantile", values, 0.95, at_most=150)[0] is False
    found, sentence, _ = asked("quantile", values[:30], 0.95, at_most=260)
    assert found is None
    assert "inf" in sentence
    assert "more samples would" in sentence
    assert asked("quantile", values, 1.0, at_most=260)[0] is None


def test_a_candidate_is_compared_example_by_example():
    """The same examples make a comparison sharp: where both are asked the same, chance hits both."""
    chance = random.Random(3)
    hard = [chance.random() for _ in range(3000)]
    champion = [value < 0.90 for value in hard]
    worse = [value < 0.87 for value in hard]
    alike = [one if chance.random() > 0.02 else not one for one in champion]
    assert asked("not_worse", worse, champion, margin=0.01)[0] is False
    assert asked("not_worse", champion, worse, margin=0.01)[0] is True
    assert asked("not_worse", list(champion), champion, margin=0.01)[0] is True
    assert asked("not_worse", alike, champion, margin=0.05)[0] is True
    assert asked("not_worse", worse[:100], champion[:100], margin=0.01)[0] is None
    assert asked("better", champion, worse)[0] is True
    assert asked("better", list(champion), champion)[0] is None
    assert asked("better", worse, champion)[0] is False
    assert asked("better", champion, worse, by=0.05)[0] is False
    losses = [value + 0.1 for value in hard]
    assert asked("not_worse", losses, hard, margin=0.05, lower_is_better=True)[0] is False
    assert asked("not_worse", hard, losses, margin=0.05, lower_is_better=True)[0] is True
    assert asked("not_worse", losses, hard, margin=0.3, paired=False, lower_is_better=True)[0] is True


@pytest.mark.parametrize(
    ("candidate", "champion", "named"),
    [
        (GOOD, GOOD[:-1], {"margin": 0.01}),
        ([], [], {"margin": 0.01}),
        (GOOD, GOOD, {"margin": 0.1}),  # with itself
        (GOOD, list(GOOD), {"margin": 0}),
        (GOOD, list(GOOD), {"margin": -0.1}),
        (GOOD, list(GOOD), {"margin": float("nan")}),
        (GOOD, list(GOOD), {"margin": "1 %"}),
        (GOOD, list(GOOD), {"margin": 1.0}),
        ([100.0 * one for one in GOOD], list(GOOD), {"margin": 0.01}),
        (GOOD, ["true"] * 1000, {"margin": 0.1}),
        ([0.5] * 10, [0.4] * 10, {"margin": 0.1}),
    ],
)
def test_what_cannot_be_compared_is_inconclusive(candidate, champion, named):
    """Other examples, none, or a margin that allows nothing or everything."""
    assert asked("not_worse", candidate, champion, **named)[0] is None


def test_the_same_distribution_is_shown_and_not_supposed():
    """A test that finds no difference in forty rows has not shown that there is none."""
    chance = random.Random(4)
    rows = [chance.gauss(0, 1) for _ in range(6000)]
    assert asked("same_distribution", rows[:3000], rows[3000:])[0] is True
    assert asked("same_distribution", [value + 0.6 for value in rows[:3000]], rows[3000:])[0] is False
    assert asked("same_distribution", rows[:40], rows[3000:])[0] is None
    assert asked("same_distribution", [*rows[:3000], None], rows[3000:])[0] is None
    assert asked("same_distribution", ["de"] * 500 + ["en"] * 500, ["de", "en"] * 900)[0] is True
    assert asked("same_distribution", [{}] * 500, [{}] * 500)[0] is None
    assert asked("same_distribution", rows, rows)[0] is None
    # In other units, replaced by a code for what is missing, and far beyond all that was there before.
    assert asked("same_distribution", [0.0, 100.0] * 500, [0.0, 1.0] * 500)[0] is False
    assert asked("same_distribution", [-999.0] * 250 + rows[:2750], rows[3000:])[0] is False
    assert (
        asked("same_distribution", [1e6 * value if value > 1.3 else value for value in rows[:3000]], rows[3000:])[0]
        is False
    )
    assert asked("same_distribution", [float(number) for number in range(1000)], [5.0] * 1000)[0] is False
    assert asked("same_distribution", [0, 0, 0, 0, 1] * 200, [0, 0, 0, 1, 0] * 200)[0] is True


def test_trials_stop_when_they_tell_and_all_of_them_count():
    """Somebody who runs again until it is green gets green; here every run counts, and the first one too."""
    runs = []

    def answer(share, seed):
        chance = random.Random(seed)
        return lambda: runs.append(1) or chance.random() < share

    found, _, log = asked("trials", answer(0.99, 1), at_least=0.8, most=500)
    assert found is True
    assert log.measurements[0].samples == len(runs) < 100
    runs.clear()
    assert asked("trials", answer(0.3, 2), at_least=0.8, most=500)[0] is False
    assert len(runs) < 50
    runs.clear()
    found, sentence, _ = asked("trials", answer(0.9, 3), at_least=0.9, most=40)
    assert found is None
    assert "over 40 samples" in sentence
    assert len(runs) == 40
    assert asked("trials", lambda: "yes", at_least=0.9, most=40)[0] is None
    assert asked("trials", lambda: None, at_least=0.9, most=40)[0] is None
    assert asked("trials", lambda: True, at_least=0.9, most=0)[0] is None


def test_a_decision_that_says_more_than_the_interval_shows_is_belied():
    """The estimate is above the threshold, and its interval is not: such a measurement did not hold."""
    _, _, log = asked("proportion", THIN, at_least=0.9)
    [one] = log.measurements
    forged = type(one)(one.name, one.value, one.operator, one.threshold, True, one.samples, interval=one.interval)
    assert list(belied(Outcome.PASS, [forged], []))
    _, _, log = asked("proportion", GOOD, at_least=0.9)
    assert not list(belied(Outcome.PASS, log.measurements, []))
