"""Sabotages of what the services wrote: reports, event rows and minute rows."""

from __future__ import annotations

import math

from tests.trading_rules.changes import REMOVED, Change, Sabotage, column, edited, put, rows, shown

NAN = math.nan
RECONCILED, PARITY = "reports/reconciliation/latest.json", "reports/parity/latest.json"
RISK, SNAPSHOT = "reports/portfolio_risk/latest.json", "reports/exchange_snapshots/latest.json"
DAY2, STORE = "reports/event_store/day2_gate_eval_latest.json", "reports/event_store/events_*.jsonl"
MINUTES = "data/bot4/logs/*/*/minute.csv"


def at(gate: str, path: str, place: str, value: object, message: str = "") -> Sabotage:
    return Sabotage(
        gate,
        path,
        f"{place.replace('/', '.')}={shown(value)}",
        put(place, value),
        message or place.rsplit("/", maxsplit=1)[-1],
    )


def _critical(report: dict) -> None:
    report["findings"].append(
        {"severity": "critical", "check": "inventory", "message": "too_much", "bot": "bot1", "details": {"drift": 0.9}}
    )


def _understated(report: dict) -> None:
    report["findings"].append(
        {"severity": "warning", "check": "inventory", "message": "too_much", "bot": "bot1", "details": {"drift": 0.9}}
    )
    report |= {"warning_count": len(report["findings"]), "status": "warning"}


def _without_snapshot(bot: str):
    def edit(report: dict) -> None:
        report["accounting_snapshots"] = [one for one in report["accounting_snapshots"] if one["bot"] != bot]

    return edited(edit)


BOOKS = [
    Sabotage("reconciliation_status", RECONCILED, "critical-finding", edited(_critical), "bot1: too_much"),
    Sabotage("reconciliation_status", RECONCILED, "understated-finding", edited(_understated), "drift of 0.9"),
    *(at("reconciliation_status", RECONCILED, "critical_count", value) for value in (1, None, "0", -1, 0.5, REMOVED)),
    *(at("reconciliation_status", RECONCILED, "status", value, "status") for value in (None, "critical", "OK", "fail")),
    *(at("reconciliation_status", RECONCILED, "checked_bots", value) for value in (0, "3", None, REMOVED)),
    at("reconciliation_status", RECONCILED, "findings", None),
    *(Sabotage("accounting_integrity_v2", RECONCILED, f"{bot}-has-no-snapshot", _without_snapshot(bot), "snapshots")
      for bot in ("bot1", "bot3", "bot4")),
    at("accounting_integrity_v2", RECONCILED, "accounting_snapshots", []),
    at("accounting_integrity_v2", RECONCILED, "checked_bots", 4, "4"),
    *(at("accounting_integrity_v2", RECONCILED, "accounting_snapshots/0/mid", value) for value in (None, "1", 0, -1, NAN)),
    *(at("accounting_integrity_v2", RECONCILED, "accounting_snapshots/0/fees_paid_today_quote", value)
      for value in (None, -0.01, "0", NAN, REMOVED)),
    *(at("accounting_integrity_v2", RECONCILED, "accounting_snapshots/1/equity_quote", value) for value in (None, 1, "7890")),
    *(at("accounting_integrity_v2", RECONCILED, "accounting_snapshots/1/drawdown_pct", value) for value in (2, -1, None)),
    at("accounting_integrity_v2", RECONCILED, "accounting_snapshots/1/fee_source", ""),
    at("accounting_integrity_v2", RECONCILED, "accounting_snapshots/0/bot", "bot4", "bot4"),
    *(at("parity_thresholds", PARITY, "bots/0/metrics/3/value", value, "realized_pnl") for value in (1e6, -1e6)),
    *(at("parity_thresholds", PARITY, "bots/0/metrics/3/value", value, "value") for value in ("0", NAN, True, REMOVED)),
    at("parity_thresholds", PARITY, "bots/0/metrics/3/value", None, "realized_pnl"),
    *(at("parity_thresholds", PARITY, "bots/0/metrics/3/max_abs_delta", value) for value in (1e9, None, "600", 0)),
    at("parity_thresholds", PARITY, "bots/0/metrics/3/expected", 1e6, "expected"),
    at("parity_thresholds", PARITY, "bots/0/metrics/0/pass", False, "fill_ratio"),
    at("parity_thresholds", PARITY, "bots/0/metrics/0/pass", "true"),
    at("parity_thresholds", PARITY, "bots/0/metrics", [], "no metric"),
    at("parity_thresholds", PARITY, "bots/0/metrics/0", REMOVED, "no metric fill_ratio"),
    at("parity_thresholds", PARITY, "bots/0/pass", False, "bot1 pass"),
    at("parity_thresholds", PARITY, "bots/0", REMOVED, "bot1"),
    at("parity_thresholds", PARITY, "bots", [], "compares []"),
    at("parity_thresholds", PARITY, "failed_bots", 1),
    at("parity_thresholds", PARITY, "status", "fail"),
    at("parity_thresholds", "config/parity_thresholds.json", "bots/bot1/enabled", False, "bot1"),
    at("parity_thresholds", "config/parity_thresholds.json", "defaults", None),
    *(at("portfolio_risk_status", RISK, "portfolio_action", value) for value in ("kill_switch", None, "none", REMOVED)),
    *(at("portfolio_risk_status", RISK, "synthetic_breach", value) for value in (True, "false", None)),
    *(at("portfolio_risk_status", RISK, "critical_count", value) for value in (1, None, "0")),
    *(at("portfolio_risk_status", RISK, f"metrics/{name}", value, label)
      for name, label in (("portfolio_daily_loss_pct", "loss"), ("abs_net_exposure_quote", "exposure"),
                          ("max_equity_share_pct", "concentration"), ("total_equity_quote", "worth"))
      for value in (0.01, 0.49)),
    *(at("portfolio_risk_status", RISK, "metrics/max_equity_share_pct", value) for value in (None, "0.5", 58, NAN)),
    at("portfolio_risk_status", RISK, "bots/bot1/daily_loss_pct", 0.2, "loss"),
    at("portfolio_risk_status", RISK, "bots/bot1/equity_quote", None),
    at("portfolio_risk_status", RISK, "bots/bot1", REMOVED, "bot1"),
    at("portfolio_risk_status", RISK, "bots", {}, "bot1"),
    at("portfolio_risk_status", RISK, "risk_scope_bots", ["bot4"], "in scope"),
    at("portfolio_risk_status", "config/portfolio_limits_v1.json", "global_daily_loss_cap_pct", None),
    at("portfolio_risk_status", "config/portfolio_limits_v1.json", "concentration_cap_pct", "0.7"),
    at("portfolio_risk_status", "config/portfolio_limits_v1.json", "cross_bot_net_exposure_cap_quote", 1, "exposure"),
]  # fmt: skip

SNAPSHOTS = [
    at("paper_smoke_matrix", SNAPSHOT, "bots/bot3/exchange", "bitget", "bots.bot3.exchange"),
    at("paper_smoke_matrix", SNAPSHOT, "bots/bot3/account_mode", "probe"),
    at("paper_smoke_matrix", SNAPSHOT, "bots/bot3/account_probe_status", "error"),
    at("paper_smoke_matrix", SNAPSHOT, "bots/bot3/account_mode", None),
    at("paper_smoke_matrix", SNAPSHOT, "bots/bot3/equity_quote", "7890"),
    at("paper_smoke_matrix", SNAPSHOT, "bots/bot3/base_pct", NAN),
    at("paper_smoke_matrix", SNAPSHOT, "bots/bot3", REMOVED, "bot3"),
    at("paper_smoke_matrix", SNAPSHOT, "bots/bot1", REMOVED, "bot1"),
    Sabotage("paper_smoke_matrix", SNAPSHOT, "only-bot3",
             edited(lambda doc: doc.update(bots={"bot3": doc["bots"]["bot3"]})), "bot1, bot4"),
    at("paper_smoke_matrix", SNAPSHOT, "bots", {}, "bot1"),
    at("paper_smoke_matrix", SNAPSHOT, "account_probe", None),
    at("paper_smoke_matrix", "config/multi_bot_policy_v1.json", "bots/bot3/mode", "live", "bot3 mode"),
]  # fmt: skip


def minutes(name: str, change: Change, message: str) -> Sabotage:
    return Sabotage("smoke_checks", MINUTES, name, change, message)


MINUTE_ROWS = [
    minutes("hard-stop-everywhere", column("state", "hard_stop"), "hard_stop"),
    minutes("hard-stop-last", column("state", "hard_stop", last=True), "hard_stop"),
    minutes("no-state-column", column("state", REMOVED), "state"),
    minutes("state-empty", column("state", ""), "state is ''"),
    minutes("state-unknown", column("state", "RUNNING!"), "RUNNING!"),
    *(minutes(f"mid={value or 'empty'}", column("mid", value), "mid is") for value in ("", "nan", "NaN", "0", "-1", "x", "inf")),
    minutes("mid-empty-last", column("mid", "", last=True), "mid is ''"),
    minutes("no-mid-column", column("mid", REMOVED), "mid"),
    minutes("header-only", lambda content: content.split(b"\n", 1)[0] + b"\n", "no rows"),
    minutes("cut", lambda content: content[:-20], "minute.csv"),
]  # fmt: skip


def store(name: str, change: Change, message: str, gate: str = "event_store_integrity_freshness") -> Sabotage:
    return Sabotage(gate, STORE, name, change, message)


MARKET, INTENT = "market_data", "execution_intent"
INTEGRITY = "reports/event_store/integrity_*.json"
EVENT_ROWS = [
    store("rows-without-type", rows(lambda row: row.pop("event_type")), "event_type is missing"),
    store("one-row-without-type", rows(lambda row: row.pop("event_type"), first=True), "event_type is missing"),
    store("type-empty", rows(lambda row: row.update(event_type=" ")), "event_type"),
    store("status=error", rows(lambda row: row.update(schema_validation_status="error")), "schema_validation_status is 'error'"),
    store("one-status=error", rows(lambda row: row.update(schema_validation_status="error"), first=True), "'error'"),
    store("no-status", rows(lambda row: row.pop("schema_validation_status")), "schema_validation_status is missing"),
    *(store(f"mid={value!r}", rows(lambda row, value=value: row["payload"].update(mid_price=value), MARKET),
            "payload.mid_price")
      for value in (None, "0", "68000", 0, -1, True, NAN)),
    store("no-mid", rows(lambda row: row["payload"].pop("mid_price"), MARKET), "payload.mid_price is missing"),
    store("mid-null-for-the-market-gate", rows(lambda row: row["payload"].update(mid_price=None), MARKET),
          "payload.mid_price", "market_data_freshness"),
    store("intents-without-expiry", rows(lambda row: row["payload"].pop("expires_at_ms"), INTENT), "expires_at_ms is missing"),
    store("expiry-null", rows(lambda row: row["payload"].update(expires_at_ms=None), INTENT, first=True), "expires_at_ms is null"),
    store("expiry-text", rows(lambda row: row["payload"].update(expires_at_ms="soon"), INTENT), "expires_at_ms is 'soon'"),
    store("intent-without-action", rows(lambda row: row["payload"].pop("action"), INTENT), "payload.action"),
    store("uncorrelated", rows(lambda row: row.update(correlation_id=None), MARKET), "of hb.market_data.v1 have no correlation_id"),
    store("one-uncorrelated", rows(lambda row: row.pop("correlation_id"), first=True), "correlation_id"),
    *(at("event_store_integrity_freshness", INTEGRITY, "missing_correlation_count", value) for value in (1, None, "0", 0.9, REMOVED)),
    *(at("event_store_integrity_freshness", INTEGRITY, "total_events", value) for value in (1, None, "1134")),
    at("event_store_integrity_freshness", INTEGRITY, "events_by_stream", {}, "integrity_"),
]  # fmt: skip


def day2(place: str, value: object, message: str = "") -> Sabotage:
    return at("day2_event_store_gate", DAY2, place, value, message)


DAY2_CHECKS = [
    *(day2("go", value) for value in (False, "true", 1, None, REMOVED)),
    day2("checks", [], "no check elapsed_window"),
    day2("checks/0", REMOVED, "no check elapsed_window"),
    day2("checks/1", REMOVED, "no check missing_correlation"),
    day2("checks/0/value_hours", 2.0),
    day2("checks/0/required_hours", 1.0),
    day2("checks/0/value_hours", "38"),
    day2("checks/1/value", 1, "missing_correlation: value is 1"),
    day2("checks/1/required", 5, "missing_correlation: required is 5"),
    day2("checks/1/value", None, "value"),
    day2("checks/2/max_delta_observed", 58),
    day2("checks/2/max_allowed_delta", 100),
    day2("checks/2/max_delta_observed", REMOVED),
    day2("checks/2/pass", "true"),
    day2("checks/2/pass", False),
]

QUALITY = [
    *(at("secrets_hygiene", "reports/security/latest.json", "scanned_files", value) for value in (0, None, "5281")),
    at("secrets_hygiene", "reports/security/latest.json", "include_logs", False),
    at("secrets_hygiene", "reports/security/latest.json", "findings", [{"path": "docs/a.md", "line": 3, "rule": "api_key"}], "docs/a.md line 3 (api_key)"),
    at("secrets_hygiene", "reports/security/latest.json", "finding_count", 1),
    *(at("unit_service_integration_tests", "reports/tests/latest.json", f"groups/unit/{name}", value, message)
      for name, value, message in (("passed", 0, ""), ("failed", 1, ""), ("passed", "4", ""), ("collected", 9, "expected == 9"), ("skipped", None, ""))),
    at("unit_service_integration_tests", "reports/tests/latest.json", "groups/service", REMOVED, "service"),
    at("unit_service_integration_tests", "reports/tests/latest.json", "coverage_percent", "61"),
    *(at("replay_regression_first_class", "reports/replay_regression_multi_window/latest.json", place, value, message)
      for place, value, message in (
          ("windows/0/status", "fail", "window 500"), ("windows/0/blockers", ["run_1"], "blockers"),
          ("windows/1/deterministic_repeat_pass", False, "window 1000"), ("windows/1/deterministic_repeat_pass", "true", "repeat"),
          ("windows/2", REMOVED, "2000"), ("windows/2/signature_baseline/regression_event_count", 1134, "1134"),
          ("failed_windows", ["window_500"], "failed_windows"), ("repeat", 1, "repeat"), ("repeat", "2", "repeat"))),
    *(at("regression_backtest_harness", "reports/backtest_regression/latest.json", place, value, message)
      for place, value, message in (
          ("checks", [], "event_count_min"), ("checks/1", REMOVED, "expected once"), ("checks/1/value", 3, "value is 3"),
          ("dataset_fingerprint/event_count", 999, "999"), ("dataset_fingerprint/sha256", "0" * 64, "sha256"),
          ("dataset_fingerprint/event_count", "1058", "event_count"))),
]  # fmt: skip

MODEL_REPORT = "reports/ml/latest.json"
MODELS = [
    Sabotage(
        "ml_signal_governance",
        MODEL_REPORT,
        f"report.{place}={shown(value)}",
        put(place, value),
        message,
        models="true",
    )
    for place, value, message in (
        ("candidate/sharpe", 1.0, "sharpe over baseline"),
        ("candidate/sharpe", "1.4", "candidate.sharpe"),
        ("candidate/pnl_bps", NAN, "candidate.pnl_bps"),
        ("baseline", REMOVED, "baseline"),
        ("drift", {}, "drift has no field"),
        ("drift/feature_psi", None, "drift.feature_psi"),
        ("drift/feature_psi", 0.9, "feature_psi"),
        ("drift/confidence_drop", 0.9, "confidence_drop"),
        ("retirement", REMOVED, "retirement"),
        ("retirement/critical_incidents_7d", 7, "critical_incidents_7d"),
        ("retirement/consecutive_underperformance_days", -1, "consecutive_underperformance_days"),
    )
]

OTHERS = [
    *(at("alerting_health", "reports/reconciliation/last_webhook_sent.json", place, value, message)
      for place, value, message in (("probes", [], "no endpoint"), ("probes/0/ok", False, "answered"), ("probes/0/ok", "true", "ok"),
                                 ("status", "local_dev_degraded", "status"), ("probes", None, "probes"))),
    at("validation_ladder_paper_soak", "reports/paper_soak/latest.json", "sample_count", 0),
    at("validation_ladder_paper_soak", "reports/paper_soak/latest.json", "status", "FAIL"),
    at("validation_ladder_post_trade", "reports/analysis/post_trade_validation.json", "status", "INSUFFICIENT_DATA", "INSUFFICIENT"),
]  # fmt: skip

ALL = [*BOOKS, *SNAPSHOTS, *MINUTE_ROWS, *EVENT_ROWS, *DAY2_CHECKS, *QUALITY, *MODELS, *OTHERS]
