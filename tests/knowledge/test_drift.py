"""When is less found than before? The rules, on figures alone."""

from __future__ import annotations

import importlib.util
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_promotion.suites.release.knowledge.drift import Rules, alerts, cumulated, lost
from pytest_promotion.suites.release.knowledge.history import Figures

ROOT = Path(__file__).parents[2]


def figures(precision, recall="1"):
    return Figures(Decimal(str(precision)), Decimal(str(recall)))


def codes(current, before=(), anchor=None, since=(), **rules):
    return [one.code for one in alerts(current, list(before), anchor, list(since), Rules(**rules))]


@pytest.mark.parametrize(("before", "after"), [(0.9, 0.82), (0.7, 0.62), (1.0, 0.92), (0.95, 0.87), (0.3, 0.22)])
def test_a_drop_that_equals_the_limit_is_none(before, after):
    """In binary fractions 0.90 - 0.82 is more than 0.08 and 0.70 - 0.62 is less: the alarm went by chance."""
    history = [figures(before)] * 3
    assert codes(figures(after), history, history[0]) == []
    worse = figures(Decimal(str(after)) - Decimal("0.0001"))
    assert codes(worse, history, history[0]) == ["precision_drift", "precision_below_baseline"]


def test_a_mean_that_no_decimal_can_say_is_compared_as_it_is():
    """A mean of three has no end; rounding it may turn equal into more."""
    history = [figures("0.9"), figures("0.9"), figures("0.8")]  # 0.8666…
    assert codes(figures("0.7867"), history) == []
    assert codes(figures("0.7866"), history) == ["precision_drift"]


@pytest.mark.parametrize(("before", "after", "limit"), [(0.9, 0.84, 0.06), (0.9, 0.82, 0.08), (1.0, 0.95, 0.05)])
def test_what_was_lost_is_what_a_person_subtracts(before, after, limit):
    """0.9 - 0.84 is 0.0600000000000000053 to a machine, and a gate would fail what is allowed."""
    assert lost(before, after) == limit


@pytest.mark.parametrize(("points", "found"), [(0, []), (2, []), (3, ["recall_drift"])])
def test_too_few_points_have_no_mean(points, found):
    """A mean of one point is that point: its chance would be everybody's baseline."""
    assert codes(figures(1, 0.9), [figures(1, 1)] * points) == found


def test_only_the_last_points_count():
    """A baseline of all time is met by nobody, or forgives everything."""
    assert codes(figures(0.5), [figures(1)] * 20 + [figures(0.5)] * 8) == []
    assert codes(figures(0.5), [figures(0.5)] * 20 + [figures(1)] * 8) == ["precision_drift"]


@pytest.mark.parametrize("step", ["0.017", "0.005"])
def test_slow_decay_is_found(step):
    """From 1.0 to 0.32 in forty runs the earlier system raised no alarm: its baseline went down, too."""
    values = [figures(max(Decimal(0), 1 - Decimal(step) * number)) for number in range(1, 41)]
    anchor = figures(1)
    mean_only, found = [], []
    for number, value in enumerate(values):
        mean_only += codes(value, values[:number])
        found.append(codes(value, values[:number], anchor, values[:number]))
    first = next(number for number, one in enumerate(found, 1) if one)
    assert mean_only == []
    assert first <= 8
    assert found[-1] != []


def test_small_losses_that_stay_add_up():
    """Half a drop in every run is no drop in any, and still half a drop."""
    values = [figures("0.86")] * 5
    found = [codes(one, values[:number], figures("0.9"), values[:number]) for number, one in enumerate(values)]
    assert found == [[], [], [], ["precision_decay"], ["precision_decay"]]


def test_a_better_run_pays_losses_back_but_never_in_advance():
    """A sum that may fall below zero lets a good year hide a bad month."""
    assert cumulated(Decimal(1), [Decimal(2)] * 50 + [Decimal("0.5")], Decimal(0), Decimal(1)) == Decimal("0.5")


def weeks(values, anchor="0.9"):
    """The alerts of each week, held against a baseline."""
    runs = [figures(value) for value in values]
    return [codes(one, runs[:number], figures(anchor), runs[:number]) for number, one in enumerate(runs)]


@pytest.mark.parametrize("bad", ["0.4", "0.0", "0.78"])
def test_one_bad_week_is_over_after_three_good_ones(bad):
    """One bad week, then thirty good ones, was a decay in each of them: an alarm that cannot end is switched off."""
    found = weeks([bad] + ["0.9"] * 30)
    assert found[0] != []
    assert found[3:] == [[]] * 28


def test_what_was_not_mended_signals_again():
    """A rule that forgets after three lucky runs must remember that it was warned."""
    found = weeks(["0.4"] + ["0.9"] * 3 + ["0.85"] * 3)
    assert found[3] == []
    assert ["precision_decay"] in found[4:6]
    assert weeks(["0.9"] * 4 + ["0.85"] * 2)[-1] == []  # without the warning it takes a week more


def test_a_process_that_stays_low_never_recovers():
    """Three runs in a row within the allowance end a signal, and no number of others does."""
    found = weeks((["0.9", "0.9", "0.86"] * 20)[2:])
    assert weeks(["0.86"] * 40)[10:] == [["precision_decay"]] * 30
    assert all(one in ([], ["precision_decay"]) for one in found)


def test_contents_drift_by_themselves():
    """Names that stay and texts that go leave precision and recall as they were."""
    before = [Figures(Decimal(1), Decimal(1), Decimal(1))] * 4
    current = Figures(Decimal(1), Decimal(1), Decimal("0.9"))
    found = [one.code for one in alerts(current, before, before[0], before, Rules())]
    assert found == ["content_drift", "content_below_baseline", "content_decay"]
    assert codes(figures(1), before, before[0], before) == []  # a report of an earlier version has no such figure


@pytest.mark.parametrize("values", [["0.9"] * 30, ["0.89", "0.91"] * 15])
def test_what_stays_as_it_is_raises_no_alarm(values):
    """An alarm that rings without a reason is switched off before the one with a reason."""
    runs = [figures(value) for value in values]
    for number, one in enumerate(runs):
        assert codes(one, runs[:number], figures("0.9"), runs[:number]) == []


@pytest.mark.slow
def test_the_tables_in_the_docs_are_what_the_simulation_says():
    """A figure that nobody can compute again is a claim."""
    path = ROOT / "benchmarks" / "drift_simulation.py"
    found = importlib.util.spec_from_file_location("drift_simulation", path)
    simulation = importlib.util.module_from_spec(found)
    found.loader.exec_module(simulation)
    page = (ROOT / "docs" / "how-to" / "knowledge.md").read_text(encoding="utf-8")
    assert simulation.table() in page
    assert simulation.run_lengths() in page
