"""The age of an item against its window: both ends, and every way of not having an age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.evidence.freshness import judge, untimely
from pytest_promotion.model import Freshness

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
WINDOW, SKEW = timedelta(minutes=20), timedelta(minutes=2)
MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("age", "problem"),
    [
        (timedelta(0), None),
        (WINDOW, None),
        (-SKEW, None),
        (WINDOW + MICROSECOND, GateFailed),
        (-SKEW - MICROSECOND, Unproven),
    ],
)
def test_both_ends_belong_to_the_window(age, problem):
    """A microsecond beyond either end is outside."""
    seen, refusal = judge("a.json", NOW - age, "ts_utc", NOW, WINDOW, SKEW)
    assert type(refusal) is (type(None) if problem is None else problem)
    assert (seen.path, seen.source, seen.max_age_s) == ("a.json", "ts_utc", 1200.0)
    assert seen.age_s == age.total_seconds()


def test_what_was_measured_is_recorded_to_the_microsecond():
    """The decision says when the item goes stale, by these numbers."""
    age = timedelta(seconds=12, microseconds=345678)
    seen, refusal = judge("a.json", NOW - age, "mtime", NOW, WINDOW, SKEW)
    assert refusal is None
    assert seen == Freshness("a.json", "2026-05-20T11:59:47.654322+00:00", "mtime", 12.345678, 1200.0)


def test_a_stale_item_says_how_old_by_what_and_what_the_window_is():
    """The reader has to see at once whether minutes or days are missing."""
    _, refusal = judge("a.json", NOW - timedelta(hours=5), "ts_utc", NOW, WINDOW, SKEW)
    assert isinstance(refusal, GateFailed)
    assert str(refusal) == "a.json is 300 min old by its ts_utc, the window is 20 min"


def test_an_item_of_the_future_says_how_far_and_by_what():
    """A clock that is wrong is found by the moment it wrote."""
    _, refusal = judge("a.json", NOW + timedelta(minutes=5), "ts_utc", NOW, WINDOW, SKEW)
    assert isinstance(refusal, Unproven)
    moment = "2026-05-20T12:05:00.000000+00:00"
    assert str(refusal) == f"a.json is dated 5 min in the future (ts_utc {moment})"


@given(
    st.timedeltas(timedelta(days=-3), timedelta(days=3)),
    st.timedeltas(MICROSECOND, timedelta(days=2)),
    st.timedeltas(timedelta(0), timedelta(days=1)),
)
def test_fresh_is_what_lies_between(age, window, skew):
    """The property that the table above samples."""
    _, refusal = judge("a", NOW - age, "ts_utc", NOW, window, skew)
    assert (refusal is None) == (-skew <= age <= window)
    assert isinstance(refusal, Unproven) == (age < -skew)


@pytest.mark.parametrize(
    ("moment", "window", "message"),
    [
        (None, "20m", "it does not say when it was made"),
        ("2026-05-20T12:00:00Z", "20m", ""),
        ("2026-05-20T11:40:00+00:00", "20m", ""),
        ("2026-05-20T11:40:00+00:00", timedelta(minutes=20), ""),
        ("2026-05-20T12:02:00+00:00", "20m", ""),
        ("2026-05-20T11:39:59.999999+00:00", "20m", "it is 20 min old, the window is 20m"),
        ("2026-05-20T12:02:00.000001+00:00", "20m", "it is dated 2 min in the future"),
        ("2026-05-20T12:01:40+00:00", "20m", ""),
        ("2026-05-20T12:05:00+00:00", "20m", "it is dated 5 min in the future"),
        (
            "2026-05-20 11:59",
            "20m",
            "it: '2026-05-20 11:59', which has no offset: nobody can tell which moment it means",
        ),
        ("yesterday", "20m", "it: 'yesterday', which is not an ISO 8601 timestamp"),
    ],
)
def test_a_report_outside_of_a_gate_is_held_to_the_same_rule(moment, window, message):
    """The sentence that is returned is the refusal: an empty one is a yes."""
    assert untimely("it", moment, NOW, window, SKEW) == message
