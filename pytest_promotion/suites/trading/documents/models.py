"""The governance of machine-learned models: its policy, and the report on the model of now."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from pytest_promotion.suites.trading.documents.kinds import Amount, Count, Limit, Name, ShareLimit, Version


class ModelBaseline(msgspec.Struct):
    """What a model is compared with."""

    strategy_id: Name
    model_id: Name
    model_version: Name
    min_observations: Annotated[int, msgspec.Meta(ge=30)]  # fewer have no distribution to speak of


class ModelGain(msgspec.Struct):
    """How much better than the baseline a model has to be."""

    min_sharpe_delta: Limit
    min_pnl_bps_delta: Limit


class ModelDrift(msgspec.Struct):
    """How far a model may drift."""

    max_feature_psi: ShareLimit
    max_confidence_drop: Annotated[float, msgspec.Meta(gt=0, le=0.5)]


class ModelRetirement(msgspec.Struct):
    """When a model is retired. No incident at all may be what a company tolerates, and one a day is the most."""

    max_consecutive_underperformance_days: Annotated[int, msgspec.Meta(gt=0, le=365)]
    max_critical_incidents_7d: Annotated[int, msgspec.Meta(ge=0, le=7)]
    fail_action: Literal["disable_ml", "retire_model", "rollback_model", "fallback_to_baseline"]


class ModelGovernance(msgspec.Struct):
    """`config/ml_governance_policy_v1.json`; its shape is demanded with the model off as well."""

    version: Version
    policy_id: Name
    enabled_default: bool
    require_report_when_enabled: bool
    report_max_age_min: Annotated[float, msgspec.Meta(ge=1, le=1440)]
    baseline: ModelBaseline
    promotion_thresholds: ModelGain
    drift_limits: ModelDrift
    retirement_criteria: ModelRetirement


class ModelFigures(msgspec.Struct):
    """What a model, or the baseline, achieved."""

    sharpe: float
    pnl_bps: float


class Drift(msgspec.Struct):
    """How far a model has drifted."""

    feature_psi: Amount
    confidence_drop: float


class Retirement(msgspec.Struct):
    """How long a model has been bad."""

    consecutive_underperformance_days: Count
    critical_incidents_7d: Count


class ModelReport(msgspec.Struct):
    """`reports/ml/latest.json`."""

    ts_utc: Any
    baseline: ModelFigures
    candidate: ModelFigures
    drift: Drift
    retirement: Retirement
