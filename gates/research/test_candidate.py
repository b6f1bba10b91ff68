"""A research candidate: accepted lately, on these files, by figures that its series give, and not by luck."""

import pytest

from pytest_promotion.suites.research.bundle import ValidationBundle
from pytest_promotion.suites.research.gating import UNKNOWN, ThresholdConfig, evaluate_candidate
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.reality import Config, reality_check
from pytest_promotion.suites.research.recomputed import SERIES, contradictions, deflation


@pytest.mark.critical(owner="research", fix="promotion evaluate --id ID, then promotion show ID --json > the record")
def test_candidate_record(record, named, freshness, measure, policy, reason):
    """It was accepted by an evaluation, lately, and every file that was judged lies here unchanged."""
    measure.equals("status", record["status"], policy["status"])
    measure.equals("accepted by hand", record["accepted_by_hand"] is not None, policy["by_hand"])
    last = record["last_evaluation"]
    assert last is not None, "nobody ever evaluated it"
    freshness(record, timestamp=last["ts_utc"], source="last evaluation")
    judged = last["payload"]
    measure.equals("the last evaluation passed", judged["passed"], True)
    measure.equals("without execution evidence", judged["allow_missing_execution_evidence"], False)
    artifacts = record["evidence"]["artifacts"]
    assert set(judged["artifacts"]) == set(artifacts), "other files were judged than it names"
    for kind, artifact in artifacts.items():
        measure.equals(f"{kind} as judged", judged["artifacts"][kind], artifact["sha256"])
        measure.equals(f"{kind} as it lies here", named(kind).sha256, artifact["sha256"])
    signal, horizon = measure.text("signal", record["signal_name"]), record["horizon"]
    measure.at_least("horizon", horizon, 1)
    reason(f"{signal} at {horizon} was {record['status']} on {len(artifacts)} files")


@pytest.mark.critical(owner="research", fix="measure the signal again; promotion evaluate names each figure")
def test_research_figures(record, named, policy, reason):
    """Every figure is the one that its series gives, and holds its threshold at the candidate's own horizon."""
    bundle = ValidationBundle.read(named("validation_bundle_path").text.encode(), "the bundle")
    for name in ("run_id", "dataset_id", "signal_name"):
        assert getattr(bundle, name) == record[name], f"the bundle's {name} is {getattr(bundle, name)}"
    series = f"{SERIES}.{record['horizon']}"
    sweep = Panel.read(named("sweep_panel_path").text.encode(), "the sweep")
    wrong = [
        *contradictions(bundle, {series: named(series).text.encode()}),
        *deflation(bundle, sweep, record["horizon"]),
    ]
    assert not wrong, "; ".join(wrong)
    names = ("ic_mean_min", "tstat_min", "p_value_max", "deflated_sharpe_min", "n_obs_min")
    found = evaluate_candidate(
        bundle, ThresholdConfig(**{name: policy[name] for name in names}), horizon=record["horizon"]
    )
    assert found.status == "accepted", "; ".join(found.reasons)
    reason(", ".join(f"{name} {value:.4g}" for name, value in found.metrics_snapshot.items()))


@pytest.mark.critical(owner="research", fix="promotion reality-check SWEEP --out SUMMARY, on all that was tried")
def test_better_than_luck(record, named, measure, policy, reason):
    """Drawn anew, neither the best of all that was tried nor this one is luck; and the summary says so too."""
    summary = named("rc_summary_path")
    panel = Panel.read(named("sweep_panel_path").text.encode(), "the sweep")
    assert sorted(summary["hypothesis_ids"]) == list(panel.names), "the summary is of other hypotheses than the sweep"
    measure.at_least("hypotheses", len(panel.names), policy["min_hypotheses"])
    measure.equals("data", summary["data_sha256"], panel.sha256)
    measure.equals("family", summary["family_id"], record["family_id"])
    measure.equals("horizon", summary["rc_horizon"], record["horizon"])
    measure.at_least("replicates", summary["n_sim"], policy["min_replicates"])
    blocks = len(panel.values) / measure.number("block", summary["config"]["block"])
    measure.at_least("blocks", blocks, policy["min_blocks"])
    found = reality_check(panel, Config.read(summary["config"]))
    own = found.adjusted[panel.names.index(record["signal_name"])]
    measure.equals("replicates of the test", found.config.replicates, summary["n_sim"])
    measure.at_most("p-value of the best", found.p_value, policy["max_p_value"])
    measure.at_most("p-value of this one", own, policy["max_p_value"])
    # Another BLAS may round a replicate to the other side.
    slack = 2 / (summary["n_sim"] + 1)
    measure.between(
        "p-value of the best, declared", summary["rc_p_value"], found.p_value - slack, found.p_value + slack
    )
    declared = summary["rw_adjusted_p_values"][record["signal_name"]]
    measure.between("p-value of this one, declared", declared, own - slack, own + slack)
    reason(f"p = {own:.4f} among {len(panel.names)} hypotheses over {found.moments} moments")


@pytest.mark.critical(owner="research", fix="find out what the signal does in the regime that is named")
def test_every_regime(record, named, measure, policy, reason):
    """It works in each regime that has enough bars, and enough of the time has a regime."""
    covered = named("regime_coverage_path")
    measure.at_least("share of bars with a regime", covered["pct_available"], policy["min_covered"])
    means = {}
    for row in named("ic_summary_by_regime_path").rows():
        if float(row["horizon"]) == record["horizon"] and row["regime"] != UNKNOWN:
            assert row["regime"] not in means, f"{row['regime']} stands twice"
            measure.at_least(f"bars in {row['regime']}", float(row["n_bars"]), policy["min_bars"])
            means[row["regime"]] = float(row["mean_ic"])
    measure.at_least("regimes", len(means), policy["min_regimes"])
    for regime, mean in means.items():
        measure.at_least(f"mean IC in {regime}", mean, policy["worst_ic_mean_min"])
    reason(f"{len(means)} regimes, the worst with {min(means.values()):.4f}")


@pytest.mark.critical(owner="trading", fix="say what trading it costs, and how much of the market it would take")
def test_execution_evidence(named, measure, policy, reason):
    """It could be traded: costs are known, there is enough of a market, and costs grow with size."""
    evidence = named("execution_evidence_path")
    measure.at_least("liquidity in dollars", evidence["min_liquidity_usd"], policy["min_liquidity_usd"])
    measure.between("share of the volume", evidence["max_participation_rate"], 1e-9, policy["max_participation"])
    costs = evidence["cost_config"]
    for name in ("fee_bps", "slippage_bps"):
        measure.at_least(name, costs[name], 0)
    curve = [float(row["cost_bps"]) for row in named("capacity_curve_path").rows()]
    measure.at_least("points of the capacity curve", len(curve), 2)
    assert curve == sorted(curve), "the capacity curve says that more costs less"
    measure.at_least("cost of the smallest size", curve[0], costs["fee_bps"] + costs["slippage_bps"])
    reason(f"up to {evidence['max_participation_rate']:.1%} of the volume at {curve[-1]:.1f} basis points")
