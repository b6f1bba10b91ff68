"""A value compared with a threshold: three answers, and the third is never yes."""

from __future__ import annotations

import math
import sys
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.evidence.measures import Measure, plain
from pytest_promotion.model import Measurement

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


@pytest.mark.parametrize("value", [1.7976931348623157e308, -1.7976931348623157e308])
def test_the_largest_number_is_infinity(value):
    """Some trackers store it so, and a loss that diverged is then a number."""
    assert ask("at_most", value, 1e309) is None
    assert ask("at_least", value, -1) is None


@given(
    st.floats(allow_nan=True, allow_infinity=True) | st.none() | st.booleans() | st.text(max_size=3), st.floats(-10, 10)
)
def test_no_comparator_passes_what_is_not_finite(value, threshold):
    """The property that the table above samples."""
    finite = isinstance(value, float) and abs(value) < sys.float_info.max
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


def refused(name, *args, **kwargs):
    """The kind and the sentence of a refusal, and what was recorded."""
    book = Notebook()
    with pytest.raises((GateFailed, Unproven)) as problem:
        getattr(Measure(book), name)("x", *args, **kwargs)
    assert book.refusals == [str(problem.value)]
    return problem.type, str(problem.value), book.measurements


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (("at_least", 1, 2), GateFailed, "x is 1, expected >= 2"),
        (("at_most", 2.5, 2), GateFailed, "x is 2.5, expected <= 2"),
        (("between", 3, 1, 2), GateFailed, "x is 3, expected between 1 and 2"),
        (("between", 0, 1, 2), GateFailed, "x is 0, expected between 1 and 2"),
        (("equals", "no", "yes"), GateFailed, "x is 'no', expected == 'yes'"),
        (("at_least", None, 2), Unproven, "x: found nothing where a number belongs"),
        (("at_least", "1", 2), Unproven, "x: found '1' where a number belongs"),
        (("at_least", math.nan, 2), Unproven, "x: found nan where a number belongs"),
        (("equals", 1, True), Unproven, "x: found 1 where a boolean belongs"),
        (("equals", 1, "1"), Unproven, "x: found 1 where a text belongs"),
        (("at_least", "y" * 58, 2), Unproven, f"x: found '{'y' * 58}' where a number belongs"),
        (("at_least", "y" * 59, 2), Unproven, f"x: found '{'y' * 56}... where a number belongs"),
        (("at_least", 1, "2"), Unproven, "x: the threshold '2' is not a finite number"),
        (("at_least", 1, True), Unproven, "x: the threshold True is not a finite number"),
        (("between", 1, 0, "2"), Unproven, "x: the threshold 0 to '2' is not a finite number"),
        (("between", "b", "a", "c"), Unproven, "x: the threshold 'a' to 'c' is not a finite number"),
        (
            ("equals", "", " "),
            Unproven,
            "x: two empty texts are compared, which says nothing; `measure.none` demands that there is nothing",
        ),
        (("equals", 1, None), Unproven, "x: the threshold None is not a finite number, a text or a boolean"),
        (("equals", 1, math.nan), Unproven, "x: the threshold nan is not a finite number, a text or a boolean"),
        (("between", 1, 2, 1), Unproven, "x: the range 2 to 1 is empty"),
        (("between", None, 2, 1), Unproven, "x: the range 2 to 1 is empty"),
    ],
    ids=str,
)
def test_a_refusal_says_what_was_found_and_what_was_expected(call, kind, message):
    """The sentence is all that most readers of a decision see."""
    assert refused(*call)[:2] == (kind, message)


def test_a_range_of_one_value_is_not_empty():
    """Both ends belong to it."""
    assert ask("between", 2, 2, 2) is True
    assert ask("between", 2.1, 2, 2) is False


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (29, "x: rests on 29 samples, needs at least 30"),
        (None, "x: needs at least 30 samples, and how many there were was not said"),
        (True, "x: needs at least 30 samples, and how many there were was not said"),
        (30.0, "x: needs at least 30 samples, and how many there were was not said"),
    ],
)
@pytest.mark.parametrize("call", [("at_least", 1, 1), ("at_most", 1, 1), ("between", 1, 0, 2), ("equals", 1, 1)])
def test_every_comparison_counts_its_samples(call, samples, message):
    """A perfect score over two cases is a coincidence, whichever way it is compared."""
    kind, said, recorded = refused(*call, 30, samples=samples)
    assert (kind, said) == (Unproven, message)
    assert [(one.ok, one.samples, one.min_samples) for one in recorded] == [(None, samples, 30)]
    assert ask(*call, 30, samples=30) is True
    assert ask(*call, samples=2) is True


def test_a_missing_value_is_named_before_its_samples():
    """What is wrong with the value is the cause; a count of nothing is the consequence."""
    assert refused("at_least", None, 1, 30, samples=0)[1] == "x: found nothing where a number belongs"


@pytest.mark.parametrize(
    ("call", "recorded"),
    [
        (("at_least", 2, 1), Measurement("x", 2, ">=", 1, ok=True)),
        (("at_most", 0, 1), Measurement("x", 0, "<=", 1, ok=True)),
        (("between", 1, 0, 2), Measurement("x", 1, "between", [0, 2], ok=True)),
        (("equals", "a", "a"), Measurement("x", "a", "==", "a", ok=True)),
        (("equals", Fraction(1, 2), 0.5), Measurement("x", "1/2", "==", 0.5, ok=True)),
    ],
    ids=str,
)
def test_what_holds_is_recorded_and_nothing_is_refused(call, recorded):
    """A decision rests on these lines: name, value, operator and threshold."""
    book = Notebook()
    getattr(Measure(book), call[0])("x", *call[1:])
    assert book.measurements == [recorded]
    assert book.refusals == []


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_what_is_computed_with_has_to_be_a_number(value):
    """A mean over a list with None in it is computed before it is compared."""
    book = Notebook()
    with pytest.raises(Unproven) as problem:
        Measure(book).number("rate", value)
    assert str(problem.value) == f"rate: found {'nothing' if value is None else repr(value)} where a number belongs"
    assert len(book.refusals) == 1
    assert book.measurements == []
    assert Measure(book).number("rate", 0.5) == 0.5


def test_a_text_is_named_by_what_was_found():
    """An empty name reads like an answer."""
    book = Notebook()
    with pytest.raises(Unproven) as problem:
        Measure(book).text("bot", " ")
    assert str(problem.value) == "bot: found ' ' where a text belongs"
    assert book.refusals == [str(problem.value)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        ("a", "a"),
        ((1, [None, 2.5]), [1, [None, 2.5]]),
        (2**53 - 1, 2**53 - 1),
        (-(2**53) + 1, -(2**53) + 1),
        (2**53, str(2**53)),
        (-(2**53), str(-(2**53))),
        (0.5, 0.5),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (timedelta(minutes=2), 120.0),
        (Decimal("0.10"), "0.10"),
        ({"a": 1}, "{'a': 1}"),
    ],
    ids=repr,
)
def test_values_are_recorded_as_json_can_say_them(value, expected):
    """An integer that JavaScript rounds would be another value in every other program."""
    found = plain(value)
    assert (found, type(found)) == (expected, type(expected))


def test_a_subclass_of_float_is_recorded_as_a_float():
    """numpy's float64 is one, and its own form is no JSON."""
    assert type(plain(type("Float", (float,), {})(0.5))) is float
