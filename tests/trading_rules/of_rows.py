"""Sabotages of what rows, reports and configuration say to each other; in the live workspace, whose files have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.trading_rules.changes import REMOVED, Change, Sabotage, column, put, replaced, rows

_STORE = "reports/event_store/events_*.jsonl"
_BOT1 = "data/bot1/logs/*/*/minute.csv"
_COMPOSE = "compose/docker-compose.yml"
_ML = "config/ml_governance_policy_v1.json"
_RETENTION = "config/artifact_retention_policy.json"
_PORTFOLIO = "reports/portfolio_risk/latest.json"


def live(gate: str, path: str, name: str, change: Change, message: str) -> Sabotage:
    return Sabotage(gate, path, name, change, message, workspaces=("live",))


def stored(name: str, change: Change, message: str) -> Sabotage:
    return live("event_store_integrity_freshness", _STORE, name, change, message)


def of_payload(**values: Any) -> Callable[[Any], object]:
    return lambda row: row["payload"].update(values)


def of_metadata(**values: Any) -> Callable[[Any], object]:
    return lambda row: row["payload"]["metadata"].update(values)


def _exchanged(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    lines[100], lines[900] = lines[900], lines[100]
    return b"".join(lines)


ALL = [
    stored("audits-of-another-kind", rows(of_payload(category="other"), "audit"), "no row is the other one"),
    stored("intents-of-another-service", rows(lambda row: row.update(producer="x"), "execution_intent"), "no row is the other one"),
    stored("intent-resumes", rows(of_payload(action="resume"), "execution_intent", first=True), "portfolio_action"),
    stored("intent-softer", rows(of_payload(action="soft_pause"), "execution_intent", first=True), "portfolio_action"),
    stored("intent-moves-a-target", rows(of_payload(target_base_pct=0.9), "execution_intent", first=True), "moves no target"),
    stored("intent-without-reason", rows(of_metadata(reason=""), "execution_intent", first=True), "metadata.reason"),
    stored("intent-with-other-details", rows(of_metadata(details="{}"), "execution_intent", first=True), "metadata.details"),
    stored("audit-resumes", rows(of_payload(message="portfolio_risk_resume"), "audit", first=True), "portfolio_action"),
    stored("audit-quiet", rows(of_payload(severity="info"), "audit", first=True), "severity is 'info'"),
    stored("audit-of-another", rows(lambda row: row.update(correlation_id="x"), "audit", first=True), "correlation_id"),
    stored("another-version", rows(lambda row: row.update(event_version="v9"), "market_data", first=True), "event_version is 'v9'"),
    stored("another-schema", rows(of_payload(schema_version="0.1"), "market_data", first=True), "schema_version is '0.1'"),
    stored("entry-of-no-stream", rows(lambda row: row.update(stream_entry_id="0-0"), "market_data", first=True), "stream_entry_id"),
    stored("rows-exchanged", _exchanged, "stream_entry_id"),
    stored("edge-of-half", rows(of_payload(net_edge_pct=-0.5), "market_data", first=True), "net_edge_pct is -0.5"),
    stored("spread-of-three", rows(of_payload(spread_pct=3.0), "market_data", first=True), "spread_pct is 3.0"),
    stored("stopped-for-good", rows(of_payload(state="hard_stop"), "market_data"), "hard_stop"),
    live("portfolio_risk_status", _PORTFOLIO, "not-published", put("publish_actions_enabled", False), "publish_actions_enabled"),
    live("portfolio_risk_status", _PORTFOLIO, "publishing-unsaid", put("publish_actions_enabled", REMOVED), "publish_actions_enabled"),
    live("portfolio_risk_status", _PORTFOLIO, "action-gone", put("actions/1", REMOVED), "bot4 has 0 actions"),
    live("parity_thresholds", "reports/parity/latest.json", "of-critical-books", put("reconciliation_status", "critical"), "reconciliation_status"),
    live("accounting_integrity_v2", _BOT1, "hard-stop-last", column("state", "hard_stop", last=True), "hard_stop"),
    live("accounting_integrity_v2", _BOT1, "hard-limit-last", column("risk_reasons", "daily_loss_hard_limit", last=True), "risk_reasons"),
    live("accounting_integrity_v2", _BOT1, "orders-below-zero", column("orders_active", "-3", last=True), "orders_active is '-3'"),
    live("accounting_integrity_v2", _BOT1, "another-variant", column("bot_variant", "x", last=True), "bot_variant is 'x'"),
    live("accounting_integrity_v2", _BOT1, "edge-of-no-pause", column("soft_pause_edge", "maybe", last=True), "soft_pause_edge"),
    live("accounting_integrity_v2", _BOT1, "fees-fall", column("fees_paid_today_quote", "1.0", last=True), "fees_paid_today_quote"),
    live("accounting_integrity_v2", _BOT1, "loss-without-fill", column("realized_pnl_today_quote", "-900", last=True), "realized_pnl_today_quote"),
    live("accounting_integrity_v2", _BOT1, "position-without-fill", column("position_base", "2.18", last=True), "position_base"),
    live("reconciliation_status", "reports/reconciliation/latest.json", "fills-of-none",
         put("findings/0/details/fills_csv", 0), "fills_csv is 0, fills_events as well"),
    live("alerting_health", "reports/reconciliation/last_webhook_sent.json", "answered-500", put("probes/0/reason", "HTTP 500"), "answered"),
    live("alerting_health", "reports/reconciliation/last_webhook_sent.json", "dry-run", put("mode", "dry_run"), "mode is"),
    live("alerting_health", "reports/reconciliation/last_webhook_sent.json", "degraded", put("mode", "local_dev_degraded"), "mode is"),
    live("paper_smoke_matrix", "reports/exchange_snapshots/latest.json", "by-hand", put("bots/bot4/source", "manual"), "source is 'manual'"),
    live("paper_smoke_matrix", "reports/exchange_snapshots/latest.json", "another-mode", put("mode", "live"), "mode is"),
    live("secrets_hygiene", "reports/security/latest.json", "of-another-folder", put("scanned_files", 3), "scanned_files"),
    live("ml_signal_governance", _ML, "log-only", put("retirement_criteria/fail_action", "log_only"), "fail_action"),
    live("ml_signal_governance", _ML, "incidents-allowed", put("retirement_criteria/max_critical_incidents_7d", 100), "max_critical_incidents_7d"),
    live("ml_signal_governance", _ML, "two-observations", put("baseline/min_observations", 2), "min_observations"),
    live("ml_signal_governance", _ML, "drop-allowed", put("drift_limits/max_confidence_drop", 0.9), "max_confidence_drop"),
    live("ml_signal_governance", _ML, "another-version", put("version", 2), "policy_id"),
    live("ml_signal_governance", _COMPOSE, "model-on", replaced("ML_ENABLED:-false", "ML_ENABLED:-true"), "would use a model"),
    live("multi_bot_policy_scope", "config/multi_bot_policy_v1.json", "another-version", put("version", 2), "policy_id"),
    live("multi_bot_policy_scope", _COMPOSE, "trades-through-an-outage", replaced("ON_OUTAGE:-true", "ON_OUTAGE:-false"), "BUS_SOFT_PAUSE_ON_OUTAGE"),
    live("multi_bot_policy_scope", _COMPOSE, "actions-unpublished", replaced("PUBLISH_ACTIONS:-true", "PUBLISH_ACTIONS:-false"), "PUBLISH_ACTIONS"),
    live("coordination_policy_scope", "config/coordination_policy_v1.json", "another-version", put("version", 2), "policy_id"),
    live("strategy_catalog_consistency", "config/multi_bot_policy_v1.json", "second-symbol",
         put("bots/bot1/allowed_symbols", ["BTC-USDT", "ETH-USDT"]), "ETH-USDT"),
    live("strategy_catalog_consistency", "data/bot4/conf/controllers/*binance_smoke.yml", "trades-nothing",
         replaced("^no_trade: false", "no_trade: true"), "no_trade is true"),
    live("strategy_catalog_consistency", "data/bot1/conf/controllers/*live_microcap.yml", "no-slippage",
         replaced(r"^slippage_est_pct: \S+", "slippage_est_pct: 0"), "slippage_est_pct"),
    live("preflight_checks", _RETENTION, "removes-unasked", put("default_mode", "apply"), "default_mode"),
    live("preflight_checks", _RETENTION, "all-reports", put("rules/0/glob", "reports/*"), "glob"),
    live("preflight_checks", _RETENTION, "a-day", put("rules/0/keep_days", 1), "keep_days"),
    live("preflight_checks", _RETENTION, "unprotected", put("protect_latest/4", REMOVED), "reports/parity/latest.json"),
    live("preflight_checks", "docs/ops/release_manifest*.md", "another-image", replaced(r"version-2\.12\.0", "version-2.11.0"), "version-2.11.0"),
    live("preflight_checks", "docs/ops/release_manifest*.md", "another-controller", replaced(r"epp_v2_4\.py", "epp_v2_5.py"), "bundles run epp_v2_4"),
]  # fmt: skip
