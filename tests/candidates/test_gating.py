"""The rules for a candidate: each says its reason in known words, and nothing that is no number passes one."""

from __future__ import annotations

import json
import math

import pytest
from scipy import stats

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research.bundle import ValidationBundle
from pytest_promotion.suites.research.gating import ThresholdConfig, evaluate_candidate
from pytest_promotion.suites.research.numbers import number, student_p
from pytest_promotion.suites.research.transitions import STATUSES, TRANSITIONS, after_evaluation, demand_step
from tests.candidates.run import FIGURES

NAN = float("nan")


def bundle(meta=None, horizons=(4,), **figures):
    """A bundle of one horizon that is good in every way, with other *figures*; None takes one away."""
    whole = {name: value for name, value in (FIGURES | figures).items() if value is not None}
    return ValidationBundle("run-1", "d1", "momentum", "1h", horizons, {4: whole}, meta or {})


def with_mean(mean, std=0.1, n=900):
    """Figures that agree with one another."""
    return {"mean_ic": mean, "std_ic": std, "t_stat": mean / std * n**0.5, "n_obs": n}


REGIMES = [
    {"regime": "calm", "horizon": 4, "mean_ic": 0.025, "n_bars": 300},
    {"regime": "wild", "horizon": 4, "mean_ic": 0.04, "n_bars": 300},
    {"regime": "unknown", "horizon": 4, "mean_ic": -1.0, "n_bars": 30},
]
ROBUST = {"require_regime_robustness": True, "worst_regime_ic_mean_min": 0.02}
LUCK = {"require_reality_check": True}
EXECUTION = {
    "capacity_curve_path": "c.csv",
    "max_participation_rate": 0.05,
    "min_liquidity_usd": 1e6,
    "cost_config": {"fee_bps": 1, "slippage_bps": 1},
}

# What other tools answer to the same: thresholds, what is given, the status, and the reasons in their words.
VECTORS = {
    "good": ({}, {}, "accepted", []),
    "low ic": ({}, {"bundle": bundle(**with_mean(0.01))}, "rejected", ["mean_ic 0.0100 < 0.02"]),
    "low t": ({}, {"bundle": bundle(**with_mean(0.03, 0.3, 400))}, "rejected", ["t_stat 2.0000 < 2.5"]),
    "no ic": ({}, {"bundle": bundle(mean_ic=None)}, "exploratory", ["missing IC summary"]),
    "regimes not asked for": ({}, {"regime_summary": [{"nonsense": 1}]}, "accepted", []),
    "regimes without a threshold": (
        {"require_regime_robustness": True},
        {},
        "rejected",
        ["require_regime_robustness=True but worst_regime_ic_mean_min not set"],
    ),
    "regimes not given": (ROBUST, {}, "rejected", ["require_regime_robustness=True but no regime summary provided"]),
    "regimes without means": (
        ROBUST,
        {"regime_summary": [{"regime": "calm", "horizon": 4, "n_bars": 9}]},
        "rejected",
        ["regime summary missing mean_ic column"],
    ),
    "one regime": (
        ROBUST,
        {"regime_summary": [REGIMES[0], REGIMES[2]]},
        "rejected",
        ["fewer than 2 regimes with samples (got 1)"],
    ),
    "worst regime": (
        ROBUST,
        {"regime_summary": [REGIMES[1], REGIMES[0] | {"mean_ic": 0.01}]},
        "rejected",
        ["worst regime mean_ic 0.0100 < 0.02"],
    ),
    "regimes good": (ROBUST, {"regime_summary": REGIMES}, "accepted", []),
    "luck not given": (LUCK, {}, "rejected", ["require_reality_check=True but no rc_p_value in meta or rc_summary"]),
    "luck": (LUCK, {"rc_summary": {"rc_p_value": 0.1}}, "rejected", ["rc_p_value 0.1000 > 0.05"]),
    "no luck": (LUCK, {"rc_summary": {"rc_p_value": 0.02}}, "accepted", []),
    "luck in meta": (LUCK, {"bundle": bundle({"rc_p_value": 0.02})}, "accepted", []),
    "no execution evidence": (
        {},
        {"target_status": "accepted"},
        "rejected",
        ["execution evidence required (target beyond exploratory or require_execution_evidence) but none provided"],
    ),
    "execution evidence": (
        {},
        {"target_status": "accepted", "execution_evidence": EXECUTION, "capacity_curve_readable": True},
        "accepted",
        [],
    ),
    "execution evidence without a curve": (
        {"require_execution_evidence": True},
        {"execution_evidence": EXECUTION},
        "rejected",
        ["execution evidence missing required: capacity_curve_path"],
    ),
}


def judged(thresholds, **given):
    """The decision about what is good in every way but for what is given."""
    return evaluate_candidate(**({"bundle": bundle(), "thresholds": ThresholdConfig(**thresholds)} | given))


@pytest.mark.parametrize("case", VECTORS)
def test_the_rules_speak_in_known_words(case):
    """Whoever reads the reasons of another tool must find the same ones here."""
    thresholds, given, status, reasons = VECTORS[case]
    found = judged(thresholds, **given)
    assert (found.status, list(found.reasons)) == (status, reasons)
    assert judged(thresholds, **given) == found


@pytest.mark.parametrize("value", [NAN, math.inf, -math.inf, True, False, "0.9", [], {}, None], ids=repr)
@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_figure_that_is_no_number_never_passes(name, value):
    """NaN passed every threshold, since it is not below any."""
    found = judged({}, bundle=bundle(**{name: value}))
    assert found.status != "accepted"
    assert any(name in reason or "IC summary" in reason for reason in found.reasons)


@pytest.mark.parametrize("value", [NAN, True, False, "0.01", 0, -0.1, 1.1, math.inf], ids=repr)
def test_a_p_value_that_is_none_never_passes(value):
    """False counts as 0, and a p-value of 0 is one that no bootstrap can give."""
    assert "no p-value" in str(judged(LUCK, rc_summary={"rc_p_value": value}).reasons)
    summary = {"rc_p_value": 0.01, "rw_adjusted_p_values": {"momentum": value}}
    assert "no p-value" in str(judged(LUCK, rc_summary=summary).reasons)


def test_the_best_of_a_sweep_does_not_carry_the_others():
    """The reality check is of the best one; this signal may be as useless as the test says the null is."""
    summary = {"rc_p_value": 0.01, "rw_adjusted_p_values": {"momentum": 0.4, "value": 0.01}}
    assert judged(LUCK, rc_summary=summary).reasons == ("rw_adjusted_p_value 0.4000 > 0.05",)
    del summary["rw_adjusted_p_values"]["momentum"]
    assert "has no momentum" in str(judged(LUCK, rc_summary=summary).reasons)


@pytest.mark.parametrize(
    ("drawn", "says"),
    [
        ({"n_obs": 240, "config": {"block": 12}}, "rc_blocks 20 < 50"),
        ({"n_obs": 240, "config": {}}, "missing rc_blocks"),
        ({"n_obs": None, "config": {"block": 12}}, "missing rc_blocks"),
        ({"n_obs": 600, "config": {"block": NAN}}, "missing rc_blocks"),
        ({"n_obs": 600, "config": {"block": 0}}, "missing rc_blocks"),
        ({"n_obs": 600, "config": []}, "missing rc_blocks"),
    ],
    ids=str,
)
def test_a_reality_check_of_few_blocks_finds_too_much(drawn, says):
    """Of 120 useless hypotheses over twenty blocks one is found in every third trial."""
    assert says in judged(LUCK, rc_summary={"rc_p_value": 0.01} | drawn).reasons
    good = {"rc_p_value": 0.01, "n_obs": 600, "config": {"block": 12}}
    assert judged(LUCK, rc_summary=good).status == "accepted"


def test_too_few_observations_are_never_enough():
    """A mean of one observation is as high as one likes."""
    assert "n_obs 199 < 200" in judged({}, bundle=bundle(**with_mean(0.03, 0.1, 199))).reasons
    assert judged({"n_obs_min": 900}).status == "accepted"
    assert "a count" in str(judged({}, bundle=bundle(n_obs=900.5)).reasons)


def test_another_horizon_is_not_judged_instead():
    """What works at one horizon says nothing of the next."""
    assert judged({}, horizon=4).status == "accepted"
    assert judged({}, horizon=5).reasons == ("horizon 5 is not in the bundle, which has 4",)
    assert judged({}, horizon=5).status == "rejected"
    assert "horizon 5" in str(judged({}, bundle=bundle(horizons=(4, 5)), horizon=5).reasons)


def test_thresholds_that_were_decoration_are_asked():
    """A threshold that nobody compares with anything promises what it does not do."""
    found = judged({"tstat_min": 1.0}, bundle=bundle(**with_mean(0.03, 0.3, 225)))
    assert found.reasons == ("p_value 0.1350 > 0.05",)
    assert judged({"deflated_sharpe_min": 2}).reasons == ("deflated_sharpe 1.5000 < 2",)
    assert judged({"deflated_sharpe_min": None}, bundle=bundle(deflated_sharpe=None)).status == "accepted"


def test_a_t_statistic_is_computed_again():
    """A t that was typed in is no evidence."""
    assert "is not mean_ic / std_ic" in str(judged({}, bundle=bundle(t_stat=30.0)).reasons)
    assert "above 0" in str(judged({}, bundle=bundle(std_ic=0.0)).reasons)
    assert "above 0" in str(judged({}, bundle=bundle(std_ic=-0.1, t_stat=-9.0)).reasons)


def test_regimes_of_other_horizons_and_single_bars_do_not_count():
    """One regime at two horizons is one regime, and one bar is no sample."""
    other = REGIMES[1] | {"horizon": 1}
    assert "got 1" in str(judged(ROBUST, regime_summary=[REGIMES[0], other]).reasons)
    short = REGIMES[1] | {"n_bars": 1}
    assert "got 1" in str(judged(ROBUST, regime_summary=[REGIMES[0], short]).reasons)
    assert "twice" in str(judged(ROBUST, regime_summary=[REGIMES[0], REGIMES[0]]).reasons)
    worthless = REGIMES[1] | {"mean_ic": NAN}
    assert "no number in wild" in str(judged(ROBUST, regime_summary=[REGIMES[0], worthless]).reasons)
    assert "got 0" in str(judged(ROBUST, regime_summary=[]).reasons)
    for column in ("regime", "horizon", "n_bars"):
        rows = [{name: value for name, value in row.items() if name != column} for row in REGIMES]
        assert f"missing {column}" in str(judged(ROBUST, regime_summary=rows).reasons)


@pytest.mark.parametrize("name", ["capacity_curve_path", "max_participation_rate", "cost_config"])
@pytest.mark.parametrize("value", [None, NAN, True, "", {}, -1], ids=repr)
def test_each_part_of_the_execution_evidence_is_needed(name, value):
    """What costs nothing by omission is always worth trading."""
    found = judged(
        {}, target_status="candidate", execution_evidence=EXECUTION | {name: value}, capacity_curve_readable=bool(value)
    )
    known = name == "capacity_curve_path" and value is not None and value not in ("", {})
    assert (found.status == "accepted") == known


def test_soft_limits_of_execution_are_asked():
    """An absent liquidity is not enough liquidity."""
    given = {"target_status": "candidate", "execution_evidence": EXECUTION, "capacity_curve_readable": True}
    asked = {"min_liquidity_usd_min": 2e6, "max_participation_rate_max": 0.01}
    assert judged(asked, **given).reasons == (
        "min_liquidity_usd 1e+06 < 2000000.0",
        "max_participation_rate 0.05 > 0.01",
    )
    given["execution_evidence"] = {name: value for name, value in EXECUTION.items() if name != "min_liquidity_usd"}
    assert judged({"min_liquidity_usd_min": 1}, **given).reasons == ("missing min_liquidity_usd",)


def test_doing_without_execution_evidence_stays_visible():
    """An exception that leaves no trace is the rule by next week."""
    found = judged({}, target_status="accepted", allow_missing_execution_evidence=True)
    assert found.status == "accepted"
    assert found.warnings == ("allow_missing_execution_evidence: execution evidence not checked",)


@pytest.mark.parametrize(
    "thresholds",
    [
        {"ic_mean_min": NAN},
        {"ic_mean_min": None},
        {"tstat_min": "2"},
        {"n_obs_min": True},
        {"require_reality_check": 1},
    ],
    ids=str,
)
def test_a_threshold_that_nothing_can_miss_is_refused(thresholds):
    """Nothing is below NaN."""
    with pytest.raises(ValueError, match=next(iter(thresholds))):
        ThresholdConfig(**thresholds)


def test_the_p_value_is_that_of_student():
    """A formula of one's own is right where another one agrees, in the tails too."""
    for t in (0.0, 1e-3, 0.5, 1.96, -2.5, 4.0, 37.0, 1e4):
        for degrees in (1, 2, 30, 199, 1999, 100_000):
            assert student_p(t, degrees) == pytest.approx(2 * stats.t.sf(abs(t), degrees), rel=1e-8, abs=1e-300)


@pytest.mark.parametrize("value", [10**400, "1", None, NAN, True], ids=lambda value: str(value)[:5])
def test_what_is_no_finite_number_is_none(value):
    """An integer of four hundred digits is infinite to a comparison of floats."""
    assert number(value) is None


def test_every_way_of_an_evaluation_is_a_way_that_there_is():
    """Two tables of the same rules drift apart."""
    for old in STATUSES:
        for found in ("accepted", "rejected", "exploratory"):
            new = after_evaluation(old, found)
            if new != old:
                demand_step(old, new)
    assert [old for old in STATUSES if "accepted" in TRANSITIONS[old]] == ["candidate"]
    assert after_evaluation("rejected", "accepted") == "rejected"
    with pytest.raises(PolicyError):
        demand_step("exploratory", "accepted")


WHOLE = {
    "run_id": "r",
    "dataset_id": "d",
    "signal_name": "s",
    "freq": "1h",
    "horizons": [4],
    "ic_summary_by_horizon": {"4": {}},
    "ic_decay_table": [],
    "meta": {},
}


def test_a_bundle_reads_back():
    """Keys of horizons are texts in the file and numbers everywhere else."""
    found = ValidationBundle.read(json.dumps(WHOLE | {"ic_decay_path": "x.csv"}).encode(), "b.json")
    assert found.ic_summary_by_horizon == {4: {}}
    assert found.paths == {"ic_decay_path": "x.csv"}
    assert len(found.sha256) == 64


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_bundle_that_lacks_something_is_none(name):
    """Half a bundle is one that says nothing bad."""
    with pytest.raises(Unproven, match=name):
        ValidationBundle.read(
            json.dumps({key: value for key, value in WHOLE.items() if key != name}).encode(), "b.json"
        )


@pytest.mark.parametrize(
    "change",
    [
        {"run_id": ""},
        {"signal_name": None},
        {"horizons": []},
        {"horizons": [4, 4]},
        {"horizons": [4, "4"]},
        {"horizons": [True]},
        {"horizons": [0]},
        {"horizons": 4},
        {"ic_summary_by_horizon": {"04": {}}},
        {"ic_summary_by_horizon": {"x": {}}},
        {"ic_summary_by_horizon": {"4": 3}},
        {"meta": []},
    ],
    ids=str,
)
def test_a_bundle_of_another_shape_is_refused(change):
    """What is read leniently is read differently by the next one."""
    with pytest.raises(Unproven):
        ValidationBundle.read(json.dumps(WHOLE | change).encode(), "b.json")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"run_id": NaN}', b'{"run_id": "a", "run_id": "b"}'], ids=repr)
def test_a_file_that_is_no_bundle_is_refused(content):
    """A file that was cut short must not be judged by its first half."""
    with pytest.raises(Unproven):
        ValidationBundle.read(content, "b.json")
