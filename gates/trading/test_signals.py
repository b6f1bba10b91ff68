"""Whether a machine-learned signal may steer anything."""

import os

import pytest

from pytest_promotion.suites.trading.documents.models import ModelGovernance, ModelReport
from pytest_promotion.suites.trading.documents.typed import typed
from pytest_promotion.suites.trading.rules import composed
from pytest_promotion.suites.trading.rules.versions import of_another_version

SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@pytest.mark.critical(owner="research", fix="retrain or retire the model, or set ML_ENABLED=false")
def test_ml_signal_governance(artifact, freshness, measure, policy, reason, stored_report):
    """The model beats its baseline and has not drifted; or it is off."""
    if policy.source == "report":
        stored_report("reports/policy/ml_governance_latest.json")
        return
    path = "config/ml_governance_policy_v1.json"
    rules = typed(artifact(path).data, ModelGovernance, path)  # its shape is demanded with the model off, too
    other = list(of_another_version(path, rules.version, rules.policy_id))
    assert not other, other[0]
    measure.equals("require_report_when_enabled", rules.require_report_when_enabled, True)
    said = os.environ.get("ML_ENABLED", str(rules.enabled_default)).strip().lower()
    assert said in SWITCH, f"ML_ENABLED is {said!r}, expected true or false"
    services = artifact(composed.COMPOSE)["services"]
    given = {name: composed.environment(entry) for name, entry in services.items()}
    on = [name for name, own in given.items() if "ML_ENABLED" in own and composed.is_on(own["ML_ENABLED"], os.environ)]
    if not SWITCH[said]:
        assert not on, f"{composed.COMPOSE}: {', '.join(on)} would use a model, and ML_ENABLED is {said}"
        reason("the model is off; baseline rules decide")
        return
    report = artifact("reports/ml/latest.json")
    freshness(report, max_age=60 * rules.report_max_age_min)
    facts = typed(report.data, ModelReport, report.path)
    better, worse, retirement = rules.promotion_thresholds, rules.drift_limits, rules.retirement_criteria
    for metric, limit in (("sharpe", "min_sharpe_delta"), ("pnl_bps", "min_pnl_bps_delta")):
        gain = getattr(facts.candidate, metric) - getattr(facts.baseline, metric)
        measure.at_least(f"{metric} over baseline", gain, getattr(better, limit))
    measure.at_most("feature_psi", facts.drift.feature_psi, worse.max_feature_psi)
    measure.at_most("confidence_drop", facts.drift.confidence_drop, worse.max_confidence_drop)
    for metric in ("consecutive_underperformance_days", "critical_incidents_7d"):
        measure.at_most(metric, getattr(facts.retirement, metric), getattr(retirement, f"max_{metric}"))
    reason("the model beats its baseline inside the drift limits")
