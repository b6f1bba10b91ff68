"""A research candidate: accepted lately, on these files, by the rules that `promotion candidates evaluate` uses."""

import pytest

from pytest_promotion.suites.research.evidence import BUNDLE, CURVE, DELAYED, EXECUTION, REALITY, SERIES, STATES, SWEEP
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.reality import Config, reality_check
from pytest_promotion.suites.research.record import asked_less, last_evaluation


@pytest.mark.critical(owner="research", fix="promotion evaluate --id ID, then promotion show ID --json > the record")
def test_candidate_record(record, record_file, named, freshness, measure, policy, reason, judged, unseen):
    """It was accepted by an evaluation, lately, on unseen data too, with a second person, and its files lie here."""
    measure.equals("status", record["status"], policy["status"])
    measure.equals("accepted by hand", record["accepted_by_hand"] is not None, policy["by_hand"])
    last = last_evaluation(record)
    freshness(record_file, timestamp=record["last_evaluation"]["ts_utc"], source="last evaluation")
    measure.equals("the last evaluation passed", last["passed"], True)
    measure.equals("it was the one to accepted", last["target_status"], "accepted")
    measure.equals("without execution evidence", last["allow_missing_execution_evidence"], False)
    less = asked_less(record)
    assert not less, f"it was asked less than the shipped policy asks: {less}"
    artifacts = record["evidence"]["artifacts"]
    assert set(last["artifacts"]) == set(artifacts), "other files were judged than it names"
    for kind, artifact in artifacts.items():
        measure.equals(f"{kind} as judged", last["artifacts"][kind], artifact["sha256"])
        measure.equals(f"{kind} as it lies here", named(kind).sha256, artifact["sha256"])
    judged("unseen", f"{SERIES}.{record['horizon']}", observed=unseen)
    people = judged("people")["approved_by"]
    signal, horizon = measure.text("signal", record["signal_name"]), record["horizon"]
    measure.at_least("horizon", horizon, 1)
    reason(f"{signal} at {horizon} was {record['status']} on {len(artifacts)} files, approved by {people}")


@pytest.mark.critical(owner="research", fix="measure the signal again; promotion evaluate names each figure")
def test_research_figures(record, judged, reason):
    """Every figure is the one that its series gives, holds its threshold, and is not too good to be true."""
    horizon = record["horizon"]
    kinds = [BUNDLE, f"{SERIES}.{horizon}", SWEEP]
    figures = judged("figures", *kinds)
    late = f"{DELAYED}.{horizon}"
    judged("plausibility", *kinds, *([late] if late in record["evidence"]["artifacts"] else []))
    shown = ("mean_ic", "t_hac", "p_hac", "deflated_sharpe")
    reason(", ".join(f"{name} {figures[name]:.4g}" for name in shown))


@pytest.mark.critical(owner="research", fix="promotion reality-check SWEEP --out SUMMARY, on all that was tried")
def test_better_than_luck(record, named, measure, policy, reason, judged):
    """Drawn anew, neither the best of all that was tried nor this one is luck; and a summary says so too."""
    figures = judged("luck", f"{SERIES}.{record['horizon']}", SWEEP)
    if REALITY in record["evidence"]["artifacts"]:
        summary = named(REALITY)
        panel = Panel.read(named(SWEEP).text.encode(), "the sweep")
        assert sorted(summary["hypothesis_ids"]) == list(panel.names), "the summary is of other hypotheses"
        measure.equals("data", summary["data_sha256"], panel.sha256)
        measure.equals("family", summary["family_id"], record["family_id"])
        measure.equals("horizon", summary["rc_horizon"], record["horizon"])
        measure.at_least("replicates", summary["n_sim"], policy["min_replicates"])
        block = measure.number("block", summary["config"]["block"])
        measure.between("block", block, figures["rc_block"] / 2, len(panel.values) / policy["min_blocks"])
        found = reality_check(panel, Config.read(summary["config"]))
        own = found.adjusted[panel.names.index(record["signal_name"])]
        measure.equals("replicates of the test", found.config.replicates, summary["n_sim"])
        # Another BLAS may round a replicate to the other side.
        slack = 2 / (summary["n_sim"] + 1)
        for name, declared, drawn in (
            ("the best", summary["rc_p_value"], found.p_value),
            ("this one", summary["rw_adjusted_p_values"][record["signal_name"]], own),
        ):
            measure.between(f"p-value of {name}, declared", declared, drawn - slack, drawn + slack)
    reason(f"p = {figures['rw_adjusted_p_value']:.4f} among {figures['hypotheses']} hypotheses")


@pytest.mark.critical(owner="research", fix="find out what the signal does in the regime that is named")
def test_every_regime(record, judged, reason):
    """It works in each regime that has enough bars, and enough of the time has a regime."""
    figures = judged("regimes", f"{SERIES}.{record['horizon']}", STATES)
    reason(f"in the worst regime its mean is {figures['worst_regime_mean_ic']:.4f}")


@pytest.mark.critical(owner="trading", fix="say what trading it costs, and how much of the market it would take")
def test_execution_evidence(named, judged, reason):
    """It could be traded: costs are known, there is enough of a market, and costs grow with size."""
    judged("execution", EXECUTION, CURVE)
    reason(f"up to {named(EXECUTION)['max_participation_rate']:.1%} of the volume")
