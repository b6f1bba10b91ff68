"""Whether a machine-learned signal may steer anything."""

import os

import pytest

SHAPE = (
    "version",
    "policy_id",
    "enabled_default",
    "require_report_when_enabled",
    "report_max_age_min",
    "baseline",
    "promotion_thresholds",
    "drift_limits",
    "retirement_criteria",
)
SECTIONS = ("baseline", "promotion_thresholds", "drift_limits", "retirement_criteria")
SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@pytest.mark.critical(owner="research", fix="retrain or retire the model, or set ML_ENABLED=false")
def test_ml_signal_governance(artifact, freshness, measure, policy, reason, stored_report):
    """The model beats its baseline and has not drifted; or it is off."""
    if policy.source == "report":
        stored_report("reports/policy/ml_governance_latest.json")
        return
    rules = artifact("config/ml_governance_policy_v1.json")
    for key in SHAPE:
        assert rules[key] is not None, f"{rules.path}: {key} is null"
    for key in SECTIONS:
        section = rules[key]
        assert isinstance(section, dict), f"{rules.path}: {key} is no object"
        assert section, f"{rules.path}: {key} says nothing"
    measure.at_least("version", rules["version"], 1)
    measure.equals("require_report_when_enabled", rules["require_report_when_enabled"], True)
    max_age_min = rules["report_max_age_min"]
    measure.at_least("report_max_age_min", max_age_min, 1)
    on_by_default = rules["enabled_default"]
    assert on_by_default is True or on_by_default is False, f"enabled_default is {on_by_default!r}, no boolean"
    said = os.environ.get("ML_ENABLED", str(on_by_default)).strip().lower()
    assert said in SWITCH, f"ML_ENABLED is {said!r}, expected true or false"
    if not SWITCH[said]:
        reason("the model is off; baseline rules decide")
        return
    report = artifact("reports/ml/latest.json")
    freshness(report, max_age=60 * max_age_min)
    better, worse = rules["promotion_thresholds"], rules["drift_limits"]
    for metric, limit in (("sharpe", "min_sharpe_delta"), ("pnl_bps", "min_pnl_bps_delta")):
        candidate = measure.number(f"candidate {metric}", report["candidate"][metric])
        baseline = measure.number(f"baseline {metric}", report["baseline"][metric])
        measure.at_least(f"{metric} over baseline", candidate - baseline, better[limit])
    measure.at_most("feature_psi", report["drift"]["feature_psi"], worse["max_feature_psi"])
    measure.at_most("confidence_drop", report["drift"]["confidence_drop"], worse["max_confidence_drop"])
    for metric in ("consecutive_underperformance_days", "critical_incidents_7d"):
        measure.at_most(metric, report["retirement"][metric], rules["retirement_criteria"][f"max_{metric}"])
    reason("the model beats its baseline inside the drift limits")
