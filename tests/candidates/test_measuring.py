"""From a panel to a candidate in one command: what is written is what the panel gives."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import jsonschema
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy.stats import spearmanr

from pytest_promotion.cli import main
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research.bundle import SCHEMA, ValidationBundle
from pytest_promotion.suites.research.evidence import named, read_case
from pytest_promotion.suites.research.measuring.coefficients import coefficients
from pytest_promotion.suites.research.measuring.reading import read_panels

pytestmark = pytest.mark.slow
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
BARS, ASSETS = 260, 12


def frame(seed=1, edge=0.12):
    """A panel with an edge, noise, and a signal that is the next return."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(size=(BARS, ASSETS)) * 0.01
    driver = np.cumsum(rng.normal(size=(BARS, ASSETS)), axis=0) * 0.3
    driver -= driver.mean(axis=1, keepdims=True)
    returns[1:] += edge * 0.01 * driver[:-1] / driver.std()
    moments = [(FIRST + timedelta(hours=number)).isoformat() for number in range(BARS)]
    index = pd.MultiIndex.from_product([moments, [f"a{number}" for number in range(ASSETS)]], names=["ts", "asset"])
    columns = {"edge": driver, "noise": rng.normal(size=(BARS, ASSETS))}
    columns["leak"] = np.vstack([returns[1:], returns[:1]]) + 0.002 * rng.normal(size=(BARS, ASSETS))
    table = pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index)
    return table.assign(**{"return": returns.ravel()}).reset_index()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What the command wrote and said, of a panel in CSV."""
    folder = tmp_path_factory.mktemp("measured")
    frame().to_csv(folder / "panel.csv", index=False)
    words = [
        "candidates",
        "bundle",
        str(folder / "panel.csv"),
        "--out",
        str(folder),
        "--horizon",
        "1",
        "--horizon",
        "4",
    ]
    words += ["--git-commit", "a" * 40, "--replicates", "199", "--json", "--plots"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    return folder, json.loads(done.stdout)


def test_the_edge_gets_a_bundle_and_the_leak_is_named(written):
    """A sweep in which the leak comes first is one in which nobody looks at the second."""
    _, found = written
    assert [one["signal"] for one in found["bundles"]] == ["edge"]
    assert found["implausible"] == ["leak"]
    assert {one["signal"] for one in found["ranking"]} == {"edge", "leak", "noise"}


def test_coefficients_are_rank_correlations_with_what_comes_after(tmp_path):
    """An index that is off by one bar is a lookahead in the tool itself."""
    table = frame()
    table.to_csv(tmp_path / "panel.csv", index=False)
    measured = read_panels([tmp_path / "panel.csv"])
    signal = table.pivot_table(index="ts", columns="asset", values="edge").to_numpy()
    returns = table.pivot_table(index="ts", columns="asset", values="return").to_numpy()
    for horizon, late in ((1, 0), (4, 0), (4, 1)):
        found = coefficients(measured, horizon, ["edge"], late)["edge"]
        at = 57
        ahead = returns[at + 1 : at + 1 + horizon].sum(axis=0)
        moment = pd.Timestamp(FIRST + timedelta(hours=at))
        assert found[moment] == pytest.approx(spearmanr(signal[at - late], ahead).statistic)
        assert len(found) == BARS - horizon - late


def test_a_bundle_is_of_the_published_form_and_is_not_contradicted(written):
    """A format that the tool itself does not keep is no format."""
    folder, found = written
    path = folder / found["bundles"][0]["bundle"]
    told = json.loads(path.read_text())
    jsonschema.validate(told, json.loads(SCHEMA.read_text()))
    files = {"validation_bundle_path": path.relative_to(folder).as_posix()}
    files |= {"sweep_panel_path": "reports/csv/sweep_panel.csv", "rc_summary_path": "reports/rc_summary.json"}
    case = read_case(named(files, folder))
    assert case.series.keys() == {1, 4} == case.delayed.keys()
    assert case.sweep is not None
    assert case.regimes is not None
    assert (folder / found["bundles"][0]["plot"]).read_text().count("<svg") == 1


def test_the_command_that_is_printed_works(written, monkeypatch):
    """A hint that ends in a refusal teaches people to ignore hints."""
    folder, found = written
    monkeypatch.chdir(folder)
    assert CliRunner().invoke(main, ["migrate", "--db", "s.db"]).exit_code == 0
    words = found["bundles"][0]["create"].split()[1:]
    done = CliRunner().invoke(main, [*words, "--db", "s.db"])
    assert (done.exit_code, done.output[:5]) == (0, "prom_"), done.output


def test_parquet_says_the_same(written, tmp_path):
    """The same panel in another format is the same panel."""
    frame().to_parquet(tmp_path / "panel.parquet")
    frame().to_csv(tmp_path / "panel.csv", index=False)
    one, other = (coefficients(read_panels([tmp_path / f"panel.{kind}"]), 1)["edge"] for kind in ("csv", "parquet"))
    assert np.allclose(one, other)


@pytest.mark.parametrize("kind", ["ic", "returns"])
def test_coefficients_and_returns_are_taken_too(tmp_path, kind):
    """Who has no panel of assets has a series for each signal."""
    rng = np.random.default_rng(3)
    moments = [(FIRST + timedelta(hours=number)).isoformat() for number in range(400)]
    table = pd.DataFrame({"ts": moments, "a": rng.normal(size=400) * 0.1 + 0.014, "b": rng.normal(size=400) * 0.1})
    table.to_csv(tmp_path / "x.csv", index=False)
    words = ["candidates", "bundle", str(tmp_path / "x.csv"), "--out", str(tmp_path), "--git-commit", "a" * 40]
    done = CliRunner().invoke(main, [*words, "--kind", kind, "--replicates", "199", "--json"])
    assert done.exit_code == 0, done.output
    [one] = json.loads(done.stdout)["bundles"]
    figures = json.loads((tmp_path / one["bundle"]).read_text())["ic_summary_by_horizon"]["1"]
    assert figures["mean_ic"] == pytest.approx(0.014 if kind == "ic" else 0.14, rel=0.4)
    assert CliRunner().invoke(main, words).exit_code == 4  # nothing says what the columns are


def test_all_that_is_missing_is_said_at_once(tmp_path):
    """Ten refusals, one field at a time, are ten runs."""
    (tmp_path / "p.csv").write_text("when,asset\n1,a\n")
    with pytest.raises(Unproven, match=r"'ts' is missing; the column 'return' is missing"):
        read_panels([tmp_path / "p.csv"])
    with pytest.raises(Unproven, match=r"run_id is missing; .*signal_name is missing; .*meta is missing"):
        ValidationBundle.read(b"{}", "b.json")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t.assign(ts=t.ts.str.replace("+00:00", "")), "not ISO 8601 with an offset"),
        (lambda t: t.assign(edge="x"), "edge has values that are no numbers"),
        (lambda t: t.assign(edge=np.inf), "edge has infinite values"),
        (lambda t: pd.concat([t, t.head(2)]), "2 rows have the ts and asset of another one"),
        (lambda t: t.head(0), "no table|no numbers|no moment|not ISO"),
        (lambda t: t[["ts", "asset", "return"]], "no column of a signal"),
        (lambda t: t[t.asset.isin(["a0", "a1"])], "no moment has 5 assets"),
    ],
    ids=["naive", "text", "infinite", "twice", "empty", "no signal", "two assets"],
)
def test_a_panel_that_cannot_be_measured_is_refused(tmp_path, spoil, says):
    """A panel that is read leniently is measured as another one."""
    spoil(frame()).to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises((Unproven, PolicyError), match=says):
        coefficients(read_panels([tmp_path / "p.csv"]), 1)


def test_the_schema_is_printed():
    """A format that stands nowhere is found by trial."""
    done = CliRunner().invoke(main, ["candidates", "bundle", "--schema"])
    assert done.exit_code == 0
    assert json.loads(done.output)["title"] == "Validation bundle of a research signal"
