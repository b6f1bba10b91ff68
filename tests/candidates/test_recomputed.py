"""What a bundle declares is held against its series: the figures are computed anew."""

from __future__ import annotations

import json

import pytest

from fixtures.research import build
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.research.bundle import ValidationBundle
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.recomputed import SERIES, contradictions, deflation


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The bundle of a sound run as a document, and its series by what they are."""
    out = tmp_path_factory.mktemp("research") / "run"
    told = json.loads(build(out).read_text())
    contents = {f"{SERIES}.{horizon}": (out / path).read_bytes() for horizon, path in told[SERIES].items()}
    return told, contents


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """All that was tried in that run, at the first horizon."""
    out = tmp_path_factory.mktemp("sweep") / "run"
    build(out)
    return Panel.read((out / "reports/csv/sweep_panel.csv").read_bytes(), "the sweep")


def found(told, contents):
    return list(contradictions(ValidationBundle.read(json.dumps(told).encode(), "bundle"), contents))


def with_figure(told, horizon, **changes):
    figures = told["ic_summary_by_horizon"]
    return told | {"ic_summary_by_horizon": figures | {horizon: figures[horizon] | changes}}


def test_what_is_true_is_not_contradicted(run):
    """A check that finds something in true figures will be switched off."""
    assert found(*run) == []


@pytest.mark.parametrize("horizon", ["1", "4", "12"])
@pytest.mark.parametrize("name", ["mean_ic", "std_ic", "t_stat", "n_obs", "hit_rate", "ic_95_lo", "ic_95_hi"])
def test_each_figure_is_held_against_the_series(run, name, horizon):
    """The one figure that is not compared is the one that is raised."""
    told, contents = run
    value = told["ic_summary_by_horizon"][horizon][name]
    [said] = found(with_figure(told, horizon, **{name: value + max(1, abs(value)) / 100_000}), contents)
    assert said.startswith(f"{name} at horizon {horizon}")


@pytest.mark.parametrize("value", ["0.027", True, [1]], ids=["text", "true", "list"])
def test_a_figure_that_is_no_number_is_none(run, value):
    """A text that looks like the right number is not above a threshold in any program."""
    told, contents = run
    assert len(found(with_figure(told, "1", mean_ic=value), contents)) == 1


@pytest.mark.parametrize("value", [4.8, -4.7, "4.7097", True], ids=repr)
def test_a_deflated_sharpe_ratio_is_held_against_the_sweep(run, sweep, value):
    """What luck would reach depends on all that was tried: nobody can check it who sees the best one only."""
    told, _ = run

    def deflated(document, horizon=1):
        return list(deflation(ValidationBundle.read(json.dumps(document).encode(), "bundle"), sweep, horizon))

    assert deflated(told) == []
    [said] = deflated(with_figure(told, "1", deflated_sharpe=value))
    assert said.startswith("deflated_sharpe at horizon 1 is")
    assert deflated(told, horizon=2) == []  # nothing is declared there
    with pytest.raises(Unproven, match="not among"):
        deflated(told | {"signal_name": "nowhere"})


def test_rounding_is_no_contradiction(run):
    """Figures that were written with ten decimals are the same figures."""
    told, contents = run
    figures = told["ic_summary_by_horizon"]["1"]
    assert found(with_figure(told, "1", **{name: round(value, 8) for name, value in figures.items()}), contents) == []


def test_a_moment_without_a_coefficient_is_not_counted(run):
    """An hour in which nothing was measured is no coefficient of 0."""
    told, contents = run
    name = f"{SERIES}.1"
    assert found(told, contents | {name: contents[name] + b"2026-07-01T00:00:00+00:00,\n"}) == []


def test_a_series_under_another_name_of_its_horizon_is_not_passed_over(run):
    """A series that is filed under 01 would be compared with nothing."""
    told, contents = run
    turned = {name.replace(".1", ".01") if name.endswith(".1") else name: one for name, one in contents.items()}
    assert found(told, turned) == [f"{SERIES}.01 is the series of no horizon of the bundle"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"ts,ic\n",
        b"ts,ic\na,0.1\n",
        b"ts,ic\na,0.1\nb,0.1\n",
        b"ts,ic\na,0.1\nb,nan\n",
        b"ts,ic\na,0.1\nb,x\n",
        b"ts,ic,n\na,0.1,1\nb,0.2,1\n",
        b"ic\n0.1\n0.2\n",
        b"ts,ic\na,0.1\nb,0.2",
    ],
    ids=["empty", "no rows", "one", "flat", "nan", "text", "three columns", "one column", "cut"],
)
def test_a_series_that_cannot_be_read_is_no_agreement(run, content):
    """A series that gives no figures contradicts none, unless that is said."""
    told, contents = run
    with pytest.raises(Unproven):
        found(told, contents | {f"{SERIES}.1": content})
