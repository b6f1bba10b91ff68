"""The research runs of the fixtures: the same from every seed, true to their series, and as broken as they say."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fixtures.research import TESTED, build, simulated
from fixtures.research.__main__ import main as command
from fixtures.research.cases import CASES
from fixtures.research.series import FIRST
from pytest_promotion.cli import main
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.research import evidence
from pytest_promotion.suites.research.database import connected
from pytest_promotion.suites.research.gating import ThresholdConfig
from pytest_promotion.suites.research.migrations import run_migrations_phase3
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.reality import Config, Origin, reality_check, summary
from pytest_promotion.suites.research.service import evaluate_and_record
from pytest_promotion.suites.research.sharpe import Moments, deflated_of
from pytest_promotion.suites.research.store import create_candidate

pytestmark = pytest.mark.slow

HERE = Path(__file__).parents[2]
# Of every file but the summary of the reality check: whoever changes it changes what other tests were told.
EDGE_7 = "cd2d960d46f7d31e6dbce0418fde75e555af6c9a62cc9e09d7ce921b3941c7af"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Where the run of a case is; each is built once."""
    folder = tmp_path_factory.mktemp("research")
    built = {}

    def run(name):
        if name not in built:
            built[name] = folder / name, build(folder / name, case=name)
        return built[name]

    return run


def bytes_of(out):
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def table(path):
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def told(path):
    return json.loads(path.read_text())


def series(out, bundle, horizon):
    """The values that the bundle's own path leads to."""
    return [float(row["ic"]) for row in table(out / told(bundle)["ic_series_path_by_horizon"][str(horizon)])]


def test_the_same_seed_gives_the_same_bytes(runs, tmp_path):
    """Evidence that differs from machine to machine makes every test that reads it a test of the machine."""
    out, _ = runs("edge")
    words = [sys.executable, "-m", "fixtures.research", str(tmp_path / "again"), "--seed", "7", "--case", "edge"]
    done = subprocess.run(words, cwd=HERE, env=os.environ | {"PYTHONHASHSEED": "11"}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    here, again = bytes_of(out), bytes_of(tmp_path / "again")
    assert here == again
    del here["reports/rc_summary.json"]  # its last digits are the BLAS library's
    assert sha256(b"".join(name.encode() + content for name, content in here.items())).hexdigest() == EDGE_7


def test_another_seed_gives_other_data():
    """A seed that is not used makes one example out of a hundred."""
    one, other = (simulated(CASES["edge"], seed) for seed in (7, 8))
    assert one.series != other.series
    assert one.names["run_id"] != other.names["run_id"]


@pytest.mark.parametrize("name", sorted(set(CASES) - {"edited_after", "forged"}))
def test_the_bundle_says_what_its_series_give(runs, name):
    """A fixture that claims what its data do not give teaches a gate to trust claims."""
    out, bundle = runs(name)
    found = told(bundle)
    assert list(found["ic_summary_by_horizon"]) == [str(horizon) for horizon in found["horizons"]]
    for horizon in found["horizons"]:
        values = np.array(series(out, bundle, horizon))
        error = values.std(ddof=1) / math.sqrt(len(values))
        said = found["ic_summary_by_horizon"][str(horizon)]
        assert {key: value for key, value in said.items() if key != "deflated_sharpe"} == pytest.approx(
            {
                "mean_ic": values.mean(),
                "std_ic": values.std(ddof=1),
                "t_stat": values.mean() / error,
                "hit_rate": (values > 0).mean(),
                "ic_95_lo": values.mean() - 1.96 * error,
                "ic_95_hi": values.mean() + 1.96 * error,
                "n_obs": len(values),
            },
            rel=1e-9,
        )
        [row] = [row for row in found["ic_decay_table"] if row["horizon_bars"] == horizon]
        assert {key: row[key] for key in ("mean_ic", "std_ic", "n_obs", "t_stat")} == {
            key: found["ic_summary_by_horizon"][str(horizon)][key] for key in ("mean_ic", "std_ic", "n_obs", "t_stat")
        }


def test_every_path_leads_to_a_file_below_out(runs):
    """An absolute path in evidence is evidence on one machine."""
    out, bundle = runs("edge")
    found, candidate = told(bundle), told(out / "candidate.json")
    paths = [value for key, value in found.items() if key.endswith("_path")]
    paths += [*found["ic_series_path_by_horizon"].values(), *candidate["evidence"].values()]
    paths.append(told(out / "reports/execution_evidence.json")["capacity_curve_path"])
    assert len(paths) == 4 + 3 + 8 + 1
    for path in paths:
        assert (out / path).resolve().is_relative_to(out.resolve())
        assert (out / path).is_file()
    assert not any(str(out).encode() in content for content in bytes_of(out).values())


def test_the_candidate_and_its_bundle_name_one_run(runs):
    """What a gate compares has to agree where nothing is broken, or it refuses everything for the wrong reason."""
    out, bundle = runs("edge")
    candidate, found, rc = told(out / "candidate.json"), told(bundle), told(out / "reports/rc_summary.json")
    for name in ("run_id", "dataset_id", "signal_name"):
        assert candidate[name] == found[name]
    for name in ("config_hash", "git_commit", "family_id"):
        assert candidate[name] == found["meta"][name]
    assert (rc["family_id"], rc["rc_horizon"]) == (candidate["family_id"], candidate["horizon"])
    assert found["meta"]["dataset_sha256"] == sha256((out / "reports/csv/sweep_panel.csv").read_bytes()).hexdigest()
    assert bundle.name == f"validation_bundle_{found['signal_name']}_{found['run_id']}.json"


def test_regimes_are_summed_up_from_the_hours_that_had_them(runs):
    """The regime summary is joined by the hour: a row of another regime in it is an edge in the wrong weather."""
    out, bundle = runs("one_regime")
    states = [row["regime"] for row in table(out / "reports/csv/regime_states.csv")]
    rows = table(out / "reports/csv/ic_summary_by_regime.csv")
    assert list(rows[0]) == ["", "horizon", "mean_ic", "n_bars", "regime", "std_ic", "t_stat"]
    assert len(rows) == 9
    for row in rows:
        values = series(out, bundle, int(row["horizon"]))
        here = np.array([value for value, state in zip(values, states, strict=True) if state == row["regime"]])
        assert int(row["n_bars"]) == len(here)
        assert float(row["mean_ic"]) == pytest.approx(here.mean())
        assert float(row["t_stat"]) == pytest.approx(here.mean() / here.std(ddof=1) * math.sqrt(len(here)))
    covered = told(out / "reports/regime_coverage.json")
    assert covered["n_unknown"] == states.count("unknown")
    assert covered["n_ts"] == len(states) == covered["n_unknown"] + covered["n_with_regime"]
    assert sum(covered["regime_distribution"].values()) == pytest.approx(1)


def test_the_deflated_sharpe_ratio_is_that_of_the_sweep(runs):
    """A ratio deflated by other trials than those of the sweep is deflated by a wish."""
    out, bundle = runs("luck")
    panel = Panel.read((out / "reports/csv/sweep_panel.csv").read_bytes(), "sweep")
    found = deflated_of(panel, told(bundle)["signal_name"])
    said = told(bundle)["ic_summary_by_horizon"]["1"]["deflated_sharpe"]
    assert said == pytest.approx(found.statistic, abs=1e-8)
    assert told(bundle)["meta"]["sweep"]["n_trials"] == len(panel.names) == 60


@pytest.mark.parametrize("name", sorted(set(CASES) - {"drawer"}))
def test_the_reality_check_says_what_the_case_says(runs, name):
    """The p-value in the fixture is a real one, or the fixture is a stub."""
    out, _ = runs(name)
    content = (out / "reports/csv/sweep_panel.csv").read_bytes()
    place = out / "reports/rc_summary.json"
    if CASES[name].reality == "untestable":
        with pytest.raises(Unproven):
            Panel.read(content, "sweep")
        assert not place.exists()
        return
    rc = told(place)
    origin = Origin(*(rc[part] for part in ("family_id", "rc_metric", "rc_horizon", "dataset_id", "git_commit")))
    assert rc == summary(reality_check(Panel.read(content, "sweep"), TESTED), origin)
    assert (rc["rc_p_value"] <= 0.05) is (CASES[name].reality == "passes")


@pytest.mark.parametrize(
    ("name", "why"), [("nan", "no numbers"), ("disjoint", "no number"), ("short", "20 moments in common")]
)
def test_what_cannot_be_tested_is_refused_by_the_command(runs, name, why):
    """NaN, other months and a day of data gave p = 0.005 once."""
    out, _ = runs(name)
    done = CliRunner().invoke(main, ["reality-check", str(out / "reports/csv/sweep_panel.csv")])
    assert (done.exit_code, why in done.output) == (3, True), done.output


def test_luck_looks_well_until_it_is_asked_how_often_it_was_tried(runs):
    """A useless signal that would fail a threshold anyway does not need a reality check."""
    _, bundle = runs("luck")
    first = told(bundle)["ic_summary_by_horizon"]["1"]
    assert first["mean_ic"] > 0.02
    assert first["t_stat"] > 2.5
    assert first["deflated_sharpe"] < 0.5


def test_the_decoys_hide_the_edge_from_plain_means(runs):
    """Beside decoys that hide nothing, a test without studentising looks as good as one with it."""
    out, _ = runs("decoy")
    panel = Panel.read((out / "reports/csv/sweep_panel.csv").read_bytes(), "sweep")
    found = {name: reality_check(panel, Config(statistic=name, replicates=999)) for name in ("spa", "white")}
    assert found["spa"].p_value <= 0.05 < found["white"].p_value
    assert found["spa"].best == "tide"


def test_an_edge_stands_in_every_regime_and_at_every_horizon(runs):
    """The sound case has to be sound in all that a gate may look at, or it proves nothing about the broken ones."""
    out, bundle = runs("edge")
    first = told(bundle)["ic_summary_by_horizon"]["1"]
    assert (first["mean_ic"] > 0.02, first["t_stat"] > 2.5, first["n_obs"] >= 200) == (True, True, True)
    rows = table(out / "reports/csv/ic_summary_by_regime.csv")
    assert min(float(row["mean_ic"]) for row in rows if row["regime"] != "unknown") > 0
    assert first["deflated_sharpe"] > 1


THRESHOLDS = ThresholdConfig(require_regime_robustness=True, worst_regime_ic_mean_min=0.0)


def judged(store, out):
    """What the evaluation of the run's candidate comes to."""
    candidate = told(out / "candidate.json")
    files = {name: out / path for name, path in candidate.pop("evidence").items() if name in evidence.FILES}
    candidate["evidence"] = evidence.named({name: path for name, path in files.items() if path.exists()}, out)
    return evaluate_and_record(store, create_candidate(store, candidate), THRESHOLDS)


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    with connected(str(tmp_path / "store.sqlite"), create=True) as connection:
        run_migrations_phase3(connection)
        yield connection


@pytest.mark.parametrize("name", sorted(CASES))
def test_of_each_case_comes_what_must(runs, store, name):
    """The whole way, from files to the recorded decision, has to end where the case says, or one of them is wrong."""
    decision = judged(store, runs(name)[0])
    assert (decision.judged and decision.status == "accepted") is (CASES[name].comes == "accepted"), decision.reasons


def test_what_is_edited_after_the_candidate_was_created_is_refused(store, tmp_path):
    """Figures that may change between the creation and the evaluation are two sets of figures."""
    bundle = build(tmp_path / "run", case="forged", untouched=True)
    candidate = told(tmp_path / "run/candidate.json")
    candidate["evidence"] = evidence.named({evidence.BUNDLE: bundle}, tmp_path / "run")
    identity = create_candidate(store, candidate)
    CASES["forged"].after(tmp_path / "run", bundle)
    decision = evaluate_and_record(store, identity, THRESHOLDS)
    assert not decision.judged
    assert "changed since" in decision.reasons[0]


def test_each_break_is_where_the_case_says(runs):
    """A case that is broken in another place than it says passes the test of the gate that should find it."""
    out, bundle = runs("edited_after")
    assert np.mean(series(out, bundle, 1)) < 0.02 < told(bundle)["ic_summary_by_horizon"]["1"]["mean_ic"]
    out, bundle = runs("forged")
    first = told(bundle)["ic_summary_by_horizon"]["1"]
    assert np.mean(series(out, bundle, 1)) < 0.02 < first["mean_ic"]
    assert first["t_stat"] == pytest.approx(first["mean_ic"] / first["std_ic"] * math.sqrt(first["n_obs"]))
    out, bundle = runs("wrong_horizon")
    assert told(out / "candidate.json")["horizon"] not in told(bundle)["horizons"]
    assert told(out / "reports/rc_summary.json")["rc_horizon"] == 4
    out, bundle = runs("foreign_run")
    assert told(out / "candidate.json")["run_id"] != told(bundle)["run_id"]
    out, bundle = runs("no_execution")
    assert not (out / told(out / "candidate.json")["evidence"]["execution_evidence_path"]).exists()
    out, bundle = runs("one_regime")
    rows = table(out / "reports/csv/ic_summary_by_regime.csv")
    assert min(float(row["mean_ic"]) for row in rows if row["horizon"] == "1" and row["regime"] == "storm") < 0


def test_the_drawer_holds_what_the_check_was_not_shown(runs):
    """The best three of sixty, tested as if they had been all, are better than luck."""
    out, _ = runs("drawer")
    panel = Panel.read((out / "reports/csv/sweep_panel.csv").read_bytes(), "sweep")
    rc = told(out / "reports/rc_summary.json")
    assert (rc["rc_p_value"] <= 0.05, len(rc["hypothesis_ids"]), len(panel.names)) == (True, 3, 60)
    assert rc["data_sha256"] != panel.sha256
    assert reality_check(panel, TESTED).p_value > 0.05


def test_what_trading_costs_grows_with_its_size(runs):
    """A capacity curve that is flat says that anything can be traded."""
    out, _ = runs("edge")
    rows = table(out / "reports/csv/capacity_curve.csv")
    costs = [float(row["cost_bps"]) for row in rows]
    evidence = told(out / "reports/execution_evidence.json")
    assert costs == sorted(set(costs))
    assert costs[0] > sum(evidence["cost_config"].values())
    assert evidence["max_participation_rate"] == max(float(row["participation_rate"]) for row in rows)


def test_the_series_have_the_memory_that_they_should(runs):
    """Noise without memory flatters every test that takes hours for independent."""
    run = simulated(CASES["luck"])
    values = np.array([list(one.values()) for one in run.sweep.values()])
    away = values - values.mean(axis=1, keepdims=True)
    assert (away[:, 1:] * away[:, :-1]).mean() / (away**2).mean() == pytest.approx(0.2, abs=0.02)
    assert run.moments[0] == FIRST.isoformat()
    found = Moments.of(list(run.sweep["noise_001"].values()))
    assert abs(found.kurtosis - 3) < 0.5


def test_the_command_builds_once_and_lists(tmp_path, capsys):
    """A second build over the first would mix two runs."""
    assert command([str(tmp_path / "out"), "--case", "short"]) == 0
    before = bytes_of(tmp_path / "out")
    assert command([str(tmp_path / "out"), "--case", "edge"]) == 2
    assert bytes_of(tmp_path / "out") == before
    capsys.readouterr()
    assert command(["--list"]) == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == list(CASES)
