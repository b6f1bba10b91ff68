"""Lengths of time, as they are written and as they are printed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion import policy as policies
from pytest_promotion.cli.options import DurationIn
from pytest_promotion.durations import LONGEST, format_duration, parse_duration
from pytest_promotion.errors import PolicyError

SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


@pytest.mark.parametrize(("unit", "seconds"), SECONDS.items())
def test_every_unit_has_its_length(unit, seconds):
    """With a wrong factor every window of that unit is longer or shorter than the policy says."""
    assert parse_duration(f"1{unit}") == timedelta(seconds=seconds)
    assert parse_duration(f" 2.5 {unit} ") == timedelta(seconds=2.5 * seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1d 2h", 93600), ("1d2h3m4s", 93784), ("1h 30min", 5400), ("0d 5s", 5), (90, 90), (0.5, 0.5), ("007m", 420)],
)
def test_units_add_up_from_the_largest_to_the_smallest(text, seconds):
    """A length that is read in part is another length than the one that was approved."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "20",
        "m",
        "-5m",
        "+5m",
        "1e3s",
        "5 years",
        "5m 1h",
        "1h 1h",
        "1h,5m",
        "1m 60 min",
        "٣m",
        "1.m",
        "nan",
        None,
        True,
        [],
        0,
        -1,
    ],
)
def test_what_is_no_length_of_time_is_refused_in_a_sentence(value):
    """A guess at what was meant would be a window that is in no policy."""
    with pytest.raises(PolicyError, match="is not a length of time; write 90s, 20m, 24h or 7d"):
        parse_duration(value)


@pytest.mark.parametrize(
    "value",
    ["999999999999999d", "36526d", "9" * 18 + "h", 1e300, 10**400, float("inf"), timedelta.max],
)
def test_a_huge_length_is_refused_in_a_sentence(value):
    """An OverflowError is a traceback at best, and at worst a gate that breaks where it should judge."""
    with pytest.raises(PolicyError, match="is longer than 100 years"):
        parse_duration(value)


@pytest.mark.parametrize("value", [float("nan"), "0s", "0d 0h", 0.0, timedelta(0), -timedelta(1)])
def test_nothing_is_no_length_of_time(value):
    """A window of zero refuses everything, a negative one is a mistake, NaN compares with nothing."""
    with pytest.raises(PolicyError, match="is not a length of time"):
        parse_duration(value)


def test_a_length_that_rounds_to_nothing_is_refused():
    """It would pass as positive and then be a window of zero."""
    with pytest.raises(PolicyError, match="shorter than a microsecond"):
        parse_duration("0.0000000001s")


def test_the_longest_length_fits_the_calendar():
    """A length that is accepted is added to and taken from moments later on, outside of any handler."""
    now = datetime(2099, 12, 31, tzinfo=UTC)
    assert parse_duration("36525d") == LONGEST
    assert now + LONGEST > now > now - LONGEST


@given(st.text(alphabet="0123456789 .dhmins-", max_size=30))
def test_any_text_is_a_length_or_a_refusal(text):
    """A policy is read before anything is decided: what it breaks there says nothing about the gates."""
    try:
        length = parse_duration(text)
    except PolicyError:
        return
    assert timedelta(0) < length <= LONGEST


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (99.4, "99 s"),
        (100, "2 min"),
        (-45, "-45 s"),
        (17760, "296 min"),
        (215999, "3600 min"),
        (216000, "2.5 days"),
        (864000, "10.0 days"),
    ],
)
def test_a_length_is_printed_in_the_unit_that_reads_best(seconds, text):
    """An age in seconds of three days has to be worked out before anybody can act on it."""
    assert format_duration(seconds) == text


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0", "1e300", "x", "1e9"])
def test_an_option_in_minutes_takes_no_number_that_is_no_length(value):
    """`nan` passes every range check, and then breaks the arithmetic behind it."""
    with pytest.raises(click.BadParameter):
        DurationIn(timedelta(minutes=1)).convert(value, None, None)


def test_an_option_has_its_unit_and_its_least_value():
    """A grace period below the least removes evidence that a running session still needs."""
    hours = DurationIn(timedelta(hours=1), least=timedelta(hours=12))
    assert hours.convert("12.5", None, None) == timedelta(hours=12.5)
    with pytest.raises(click.BadParameter, match="below 12"):
        hours.convert("11", None, None)
    with pytest.raises(click.BadParameter, match="whole number"):
        DurationIn(timedelta(days=1), whole=True).convert("1.5", None, None)


@pytest.mark.parametrize(
    "setting",
    [
        "timestamps: {future_skew: 999999999999999d}",
        "timestamps: {max_report_age_min: 1.0e+300}",
        "gates: {a: {max_age: 999999999999999d}}",
        "producers: {p: {command: [x], writes: [y], timeout: 999999999999999d}}",
    ],
    ids=["skew", "report-age", "max-age", "timeout"],
)
def test_a_policy_with_a_huge_length_is_refused_with_its_line(tmp_path, setting):
    """It would be an OverflowError in the middle of a session, after an hour of gates."""
    (tmp_path / "promotion.yaml").write_text(f"version: 1\n{setting}\n")
    with pytest.raises(PolicyError, match="promotion.yaml line 2: .*is longer than 100 years"):
        policies.load(tmp_path / "promotion.yaml", None)
