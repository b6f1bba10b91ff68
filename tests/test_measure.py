"""Holding a value against a threshold: three answers, and the third is never yes."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.evidence.measures import Measure

NO_NUMBERS = [
    None,
    math.nan,
    math.inf,
    -math.inf,
    True,
    False,
    "1",
    "",
    [],
    {},
    Decimal("NaN"),
    Decimal("Infinity"),
    1j,
]


def ask(name, *args, **kwargs):
    """What a comparison answers: True, False or None."""
    book = Notebook()
    try:
        getattr(Measure(book), name)("x", *args, **kwargs)
    except GateFailed:
        answer = False
    except Unproven:
        answer = None
    else:
        answer = True
    assert [one.ok for one in book.measurements] == [answer]
    assert bool(book.refusals) == (answer is not True)
    return answer


@pytest.mark.parametrize(
    ("name", "args", "answer"),
    [
        ("at_least", (1, 1), True),
        ("at_least", (0.999, 1), False),
        ("at_most", (1, 1), True),
        ("at_most", (1.001, 1), False),
        ("between", (1, 1, 2), True),
        ("between", (2, 1, 2), True),
        ("between", (2.1, 1, 2), False),
        ("equals", (0, 0), True),
        ("equals", (0, 0.0), True),
        ("equals", (1, 0), False),
        ("equals", ("pass", "pass"), True),
        ("equals", ("PASS", "pass"), False),
        ("equals", (True, True), True),
        ("equals", (False, True), False),
        ("equals", ("false", False), None),
        ("equals", ("true", True), None),
        ("equals", (1, True), None),
        ("equals", (True, 1), None),
        ("equals", (None, 0), None),
        ("equals", (None, None), None),
        ("at_least", (Decimal("0.10"), Decimal("0.1")), True),
        ("at_most", (Fraction(1, 3), 1), True),
        ("at_least", (10**400, 1), True),
    ],
)
def test_the_truth_table(name, args, answer):
    """Off by one here is off by one in every gate."""
    assert ask(name, *args) is answer


@pytest.mark.parametrize("name", ["at_least", "at_most", "equals"])
@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_what_is_no_number_is_never_a_pass(name, value):
    """`NaN > 0.08` is false, and so is `NaN <= 0.08`: whichever way it is asked, someone is content."""
    assert ask(name, value, 1) is None


@pytest.mark.parametrize("name", ["at_least", "at_most"])
@pytest.mark.parametrize("threshold", NO_NUMBERS, ids=repr)
def test_a_threshold_that_is_no_number_is_never_a_pass(name, threshold):
    """A limit of NaN that came out of a configuration limits nothing."""
    assert ask(name, 1, threshold) is None


def test_an_empty_range_holds_nothing():
    """A range with its ends the wrong way round is a mistake, not a verdict on the value."""
    assert ask("between", 1.5, 2, 1) is None


@pytest.mark.parametrize(
    ("samples", "answer"), [(30, True), (31, True), (29, None), (0, None), (None, None), (True, None), ("30", None)]
)
def test_too_few_samples_are_no_answer(samples, answer):
    """A perfect score over two cases is a coincidence."""
    assert ask("at_least", 1.0, 0.9, 30, samples=samples) is answer


@given(
    st.floats(allow_nan=True, allow_infinity=True) | st.none() | st.booleans() | st.text(max_size=3), st.floats(-10, 10)
)
def test_no_comparator_passes_what_is_not_finite(value, threshold):
    """The property that the table above samples."""
    finite = isinstance(value, float) and math.isfinite(value)
    for name in ("at_least", "at_most"):
        assert (ask(name, value, threshold) is None) is not finite


@given(st.floats(-10, 10), st.floats(-10, 10))
def test_the_comparators_agree_with_arithmetic(value, threshold):
    """Strictness must not change what is plainly true."""
    assert ask("at_least", value, threshold) is (value >= threshold)
    assert ask("at_most", value, threshold) is (value <= threshold)


def test_numpy_numbers_are_numbers():
    """Quants hand over numpy scalars; a NaN among them is still none, and its boolean no number."""
    numpy = pytest.importorskip("numpy")
    assert ask("at_least", numpy.float64(1), 0.5) is True
    assert ask("at_least", numpy.int64(1), 1) is True
    assert ask("at_least", numpy.float64("nan"), 0) is None
    assert ask("at_least", numpy.bool_(True), 0) is None
    assert ask("equals", numpy.bool_(True), True) is True


@pytest.mark.parametrize("value", [None, "", "  ", 0, True, ["x"], float("nan")], ids=repr)
def test_what_is_no_text_names_nothing(value):
    """A name that is null ends up in a sentence as "None answered", and reads like an answer."""
    book = Notebook()
    with pytest.raises(Unproven, match="where a text belongs"):
        Measure(book).text("bot", value)
    assert book.refusals
    assert Measure(book).text("bot", "bot1") == "bot1"
