"""What samples show, and what they leave open."""

from __future__ import annotations

import math

import pytest

from pytest_promotion.suites.deployment.monitor.prometheus import Series
from pytest_promotion.suites.deployment.monitor.signals import Sight, increase, unseen, zero_for

NOW = 1000.0
SIGHT = Sight(NOW, NOW - 100, max_age_s=30)


def series(*values, until=NOW, instance="a", **labels):
    """A series scraped each ten seconds until *until*."""
    start = until - 10 * (len(values) - 1)
    samples = tuple((start + 10 * number, float(value)) for number, value in enumerate(values))
    return Series({"job": "shop", "instance": instance, **labels}, samples)


LONG = (1,) * 11  # from the start of the window to now


class TestIncrease:
    """How much counters rose, summed up from what was scraped."""

    @pytest.mark.parametrize(
        ("values", "rose"),
        [
            ((5,) * 11, 0),
            ((5,) * 10 + (6,), 1),
            ((5,) * 9 + (0, 0), 0),
            ((5,) * 9 + (0, 2), 2),
            ((5, 7, 1, 3, 0, 0, 0, 0, 0, 0, 1), 2 + 1 + 2 + 0 + 1),
        ],
        ids=["still", "once", "reset", "reset-and-rose", "resets"],
    )
    def test_a_reset_begins_at_nothing(self, values, rose):
        """The last value less the first hides whatever was before a restart, and may be negative."""
        assert increase([series(*values)], [series(*LONG)], SIGHT) == (rose, [])

    def test_several_processes_are_summed_up(self):
        """One mismatch here and one there are two."""
        found = [series(*(0,) * 10, 1, instance=name) for name in "ab"]
        assert increase(found, [series(*LONG, instance=name) for name in "ab"], SIGHT) == (2, [])

    def test_the_first_value_of_a_series_that_was_born_counts(self):
        """A counter with labels appears with its first mismatch: PromQL's increase() says 0."""
        assert increase([series(1, 1, kind="plan")], [series(*LONG)], SIGHT) == (1, [])
        assert increase([series(1, kind="plan")], [series(*LONG)], SIGHT) == (1, [])

    def test_what_was_counted_before_anybody_looked_is_not_known(self):
        """It may be of this minute or of last year: no reason to roll back, and none to be content."""
        rose, problems = increase([series(3, 3, 3)], [series(1, 1, 1)], SIGHT)
        assert rose == 0
        assert "counted 3 before it was first seen" in problems[0]
        assert increase([series(0, 0, 1)], [series(1, 1, 1)], SIGHT) == (1, [])

    def test_one_sample_is_no_increase(self):
        """Nothing less nothing is nothing."""
        assert "one sample" in increase([series(0)], [series(1)], SIGHT)[1][0]

    def test_what_is_not_finite_is_not_summed_up(self):
        """NaN is never above a threshold."""
        for value in (math.nan, math.inf):
            found = [series(*(0,) * 10, value)]
            assert increase(found, [series(*LONG)], SIGHT)[0] == 0
            assert "says" in unseen(found, [series(*LONG)], SIGHT, "x")[0]


class TestUnseen:
    """Of whom nothing is known."""

    def test_nothing_is_not_zero(self):
        """The earlier system: metric not present, 0, good."""
        assert unseen([], [series(*LONG)], SIGHT, "x") == ["x has no series: absent is not 0"]

    def test_a_stale_sample_says_nothing_of_now(self):
        """A service that hangs keeps its last value."""
        found = series(1, 1, until=NOW - 31)
        assert "no fresh sample" in unseen([found], [series(*LONG)], SIGHT, "x")[0]
        assert "no fresh sample" in unseen([found], [], SIGHT, "x")[0]
        assert "no fresh sample" in unseen([found], [series(1, 1, until=NOW - 31)], SIGHT, "x")[0]

    def test_one_process_that_does_not_say_it_is_enough(self):
        """Two of three are well, and the third mismatches in silence."""
        up = [series(*LONG, instance=name) for name in "abc"]
        found = [series(0, 0, instance=name) for name in "ab"]
        assert unseen(found, up, SIGHT, "x") == ["c has no fresh sample of x"]

    def test_a_process_that_is_down_is_unknown(self):
        """`up` is 0, and the counter's last value looks good."""
        found = [series(0, 0), series(0, 0, instance="b", until=NOW - 40)]
        up = [series(*LONG), series(1, 1, 0, 0, instance="b")]
        assert unseen(found, up, SIGHT, "x") == ["b has no fresh sample of x"]

    def test_a_process_that_was_replaced_is_not_missed(self):
        """After each deployment the old address is gone, and would be an incident for five minutes."""
        found = [series(0, 0), series(0, 0, instance="old", until=NOW - 40)]
        up = [series(*LONG), series(1, 1, instance="old", until=NOW - 40)]
        assert unseen(found, up, SIGHT, "x") == []

    def test_another_job_is_not_asked(self):
        """A database has no replays."""
        up = [series(*LONG), Series({"job": "database", "instance": "d"}, ((NOW, 1.0),))]
        assert unseen([series(0, 0)], up, SIGHT, "x") == []


@pytest.mark.parametrize(
    ("values", "seconds"),
    [((1, 1, 1), -1), ((0, 0, 1), -1), ((1, 0, 0, 0), 20), ((0,), 0), ((0, 1, 0), 0), ((math.nan, 0, 0), 10)],
    ids=["connected", "again", "gone", "one-look", "flapping", "nan-before"],
)
def test_since_when_a_gauge_is_zero(values, seconds):
    """One zero is a failover; a minute of them is an outage."""
    assert zero_for(series(*values)) == seconds
