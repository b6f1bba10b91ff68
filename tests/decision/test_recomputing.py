"""An outcome that its own measurements belie."""

from __future__ import annotations

import pytest

from pytest_promotion.decision.recomputing import belied
from pytest_promotion.model import Freshness, Measurement, Outcome


def sentences(value, operator, threshold, *, ok=True, outcome=Outcome.PASS):
    return list(belied(outcome, [Measurement("m", value, operator, threshold, ok)], []))


@pytest.mark.parametrize(
    ("value", "operator", "threshold"),
    [
        (0.9, ">=", 0.9),
        (5, "<=", 5.0),
        (0.5, "between", [0, 1]),
        ("pass", "==", "pass"),
        (True, "==", True),
        (0, "==", 0.0),
        ("9007199254740993", ">=", "9007199254740993"),
        ("9007199254740993", ">=", 1),
    ],
)
def test_what_holds_is_not_belied(value, operator, threshold):
    """Every sound decision has to pass."""
    assert sentences(value, operator, threshold) == []


@pytest.mark.parametrize(
    ("value", "operator", "threshold"),
    [
        (0.1, ">=", 0.9),
        (6, "<=", 5),
        (2, "between", [0, 1]),
        (0.5, "between", [0]),
        (False, "==", True),
        (1, "==", True),
        ("fail", "==", "pass"),
        (None, ">=", 0),
        ("nan", ">=", 0),
        ("9007199254740993", "<=", 1),
    ],
)
def test_what_does_not_hold_is_belied(value, operator, threshold):
    """The value and the threshold stand beside the word."""
    [sentence] = sentences(value, operator, threshold)
    assert sentence.endswith("is said to hold")
    [sentence] = sentences(value, operator, threshold, ok=False)
    assert sentence.startswith("it passed, and m is ")
    assert sentences(value, operator, threshold, ok=False, outcome=Outcome.FAIL) == []


def test_a_pass_needs_measurements_that_hold():
    """One that could not be judged is no reason to pass."""
    assert sentences(1, ">=", 0, ok=None) == ["it passed, and m is 1, >= 0 does not hold"]


def test_a_pass_needs_items_within_their_age():
    """The age and its limit stand there as well."""
    item = Freshness("a.json", "2026-01-01T00:00:00+00:00", "ts_utc", 61.0, 60.0)
    assert list(belied(Outcome.PASS, [], [item])) == ["it passed, and a.json was 61.0 s old, of 60.0 s at most"]
    assert list(belied(Outcome.FAIL, [], [item])) == []
    assert list(belied(Outcome.PASS, [], [Freshness("a.json", "", "ts_utc", 60.0, 60.0)])) == []
