"""
What may be another value without a gate having to notice, and why: by path, place, kind and reason, as patterns.

Nothing else in the workspace says what these should be, or the value is a decision of the operator that stays inside its
bounds; of a decision about risk, the decision shows the value.
"""

from __future__ import annotations

from typing import Final

_ANY: Final = ".*"
_SMALLER: Final = "a tenth"
_LABEL: Final = "another|unknown"
_GONE: Final = "null|removed"

_CONTROLLER: Final = r"data/.*/conf/controllers/.*"
_SCRIPT: Final = r"data/.*/conf/scripts/.*"
_LIMITS: Final = r"config/portfolio_limits_v1\.json"
_POLICY: Final = r"config/multi_bot_policy_v1\.json"
_MODELS: Final = r"config/ml_governance_policy_v1\.json"
_MINUTES: Final = r"data/.*/minute\.csv"
_PARITY: Final = r"reports/parity/latest\.json"
_EVENTS: Final = r"reports/event_store/.*"
_OF_RISK: Final = (
    "id|controller_name|instance_name|connector_name|trading_pair|no_trade|enabled|leverage|stop_loss|take_profit|"
    "fee_profile|total_amount_quote|internal_paper_enabled"
)
_FIGURES: Final = (
    "state|mid|equity_quote|base_pct|base_balance|quote_balance|exchange|trading_pair|daily_loss_pct|drawdown_pct"
)

EQUIVALENTS: Final[tuple[tuple[str, str, str, str], ...]] = (
    # Decisions of the operator, inside of their bounds.
    (_POLICY, r"bots/bot\d/max_notional_quote", "a tenth|not zero|times ten", "a limit above what is traded; measured"),
    (_LIMITS, r".*(cap|min_equity).*|warn_buffer_ratio", f"{_SMALLER}|times ten", "a cap that is not reached; measured"),
    (r"config/reconciliation_thresholds\.json", r".*_(warn|critical)", "a tenth|times ten", "a threshold; measured"),
    (r"config/reconciliation_thresholds\.json", r"bots/.*", "removed", "the default holds in its place, and is judged"),
    (r"config/reconciliation_thresholds\.json", r"defaults/.*", _ANY, "every bot that is reconciled has its own"),
    (r"config/reconciliation_thresholds\.json", r".*exchange_check_enabled", "flipped", "a paper bot may be checked"),
    (r"config/parity_thresholds\.json", r"defaults/.*", _ANY, "every bot that is compared has its own"),
    (r"config/parity_thresholds\.json", r"bots/.*", "removed", "the default holds in its place, and is compared"),
    (r"config/coordination_policy_v1\.json", r"target_base_pct/(min|neutral|confidence_step)", _SMALLER, "a bound"),
    (r"config/coordination_policy_v1\.json", r"actions/.*", "another", "another of the actions that are allowed there"),
    (_MODELS, r"(promotion_thresholds|drift_limits|retirement_criteria|baseline)/.*", _ANY, "models are off"),
    (_MODELS, r"report_max_age_min|enabled_default", _ANY, "models are off, by the environment or by default"),
    (r"config/strategy_catalog/.*", r"risk_envelopes/.*/max_notional_quote", _ANY, "of play money, or of no bundle"),
    # Labels that nothing else repeats.
    (_POLICY, r"bots/bot\d/(role|failure_isolation)", _LABEL, "a label; Compose may repeat a role"),
    (_POLICY, r"gating_contract/promotion_gate_check", _ANY, "the earlier runner's script"),
    (_ANY, r"(policy|catalog)_id", _LABEL, "a label; Compose may repeat the policy's"),
    (r"config/coordination_policy_v1\.json", r"conflict_contract/ops_guard_precedence", _LABEL, "a sentence for people"),
    (_MODELS, r".*", _LABEL, "names of models that are off"),
    (r"config/strategy_catalog/.*", r"approved_bundles/\d+/bundle_id", "unknown", "a label"),
    (r"config/strategy_catalog/.*", r"naming_contract/.*_pattern", _ANY, "misnamed files are accepted by default"),
    (r"config/exchange_account_map\.json", r"(bots/bot\d|defaults)/credential_prefix", _LABEL, "a label of its own"),
    (r"config/exchange_profiles\.json", r"profiles/[^/]+/notes", _ANY, "a sentence for people"),
    (r"config/exchange_profiles\.json", r"profiles/bitget_spot_live/.*", _ANY, "no bundle is at that exchange"),
    (r"config/fee_profiles\.json", r"profiles/vip0/(bitget|binance|binance_perpetual)/.*", _ANY, "no bundle is charged it"),
    (r"config/fee_profiles\.json", r"profiles/vip0/bitget_perpetual/.*", "a tenth|times ten", "no row was charged it yet"),
    # What a strategy may choose.
    (_CONTROLLER, rf"(?!({_OF_RISK})$).*", _ANY, "a setting of the strategy"),
    (_CONTROLLER, r"stop_loss|take_profit|total_amount_quote", "a tenth|times ten", "a choice inside its bounds; measured"),
    (_CONTROLLER, r"(id|enabled|internal_paper_enabled|fee_profile)", "removed", "a framework has a default for it"),
    (_CONTROLLER, r"(no_trade|leverage)", "flipped|removed", "of a bundle that is at no futures, or may trade"),
    (_SCRIPT, r"(markets|candles_config|max_.*)", _ANY, "read by the framework"),
    (r"compose/.*", r"services/[^/]+/environment/(?!BOT_|SCRIPT_CONFIG|CONFIG_FILE_NAME|COORD_|HB_INSTANCE|\d).*", _ANY,
     "of the framework, the bus or the machine"),
    (r"compose/.*", r"services/[^/]+/environment/\d", _ANY, "a list: which variable it is, its place does not say"),
    # Rows.
    (_MINUTES, rf"(middle|last)/(?!{_FIGURES}).*", _ANY, "no report is made from the column or from this row of it"),
    (_MINUTES, r"(middle|last)/(daily_loss_pct|drawdown_pct|state|base_pct)", _ANY, "the rows beside it allow it"),
    (_EVENTS, r".*/(event_id|correlation_id|stream_entry_id|producer|event_version|event_type|controller_id)", _ANY,
     "a name of its own"),
    (_EVENTS, r".*/payload/(?!mid_price|action|expires_at_ms|instance_name|connector_name|trading_pair).*", _ANY,
     "not repeated anywhere"),
    # Reports.
    (_PARITY, r"event_store_files?.*", _ANY, "which inputs it had; of others, its figures differ"),
    (_PARITY, r"bots/\d/summary/.*_total|bots/\d/summary/actionable_intents", _ANY, "the store may be gone; see metrics"),
    (r"reports/coordination/.*", r"(state|status|ml_enabled|instance_name|decisions_seen|intents_.*)", _ANY, "words of the service"),
    (r"reports/(paper_soak|analysis)/.*", r".*", "a tenth|removed|another|unknown", "of another shape, or fewer of them"),
    (r"reports/paper_soak/.*", r"(kpis/.*|reason|variant|minute_path)", _ANY, "its own figures, inside its own limits"),
    (r"reports/analysis/.*", r"(bots/.*|reason)", _ANY, "how one company's service lists them"),
    (r"reports/exchange_snapshots/.*", r"(source|mode|note|account_map_path|account_probe.*|bots/.*/(source|account.*|row_ts_utc))",
     _ANY, "how the snapshot was taken"),
    (r"reports/portfolio_risk/.*", r"(actions/\d/event_id|findings/.*)", _ANY, "not repeated"),
    (r"reports/reconciliation/.*", r"(exchange_source_enabled|exchange_snapshot_path|findings/.*)", _ANY, "not repeated"),
)  # fmt: skip
