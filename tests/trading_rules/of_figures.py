"""Sabotages of one value that another file, or the same one, contradicts; in the live workspace, whose files have them."""

from __future__ import annotations

from tests.trading_rules.changes import Change, Sabotage, put, replaced

_CONTROLLER = "data/bot1/conf/controllers/*live_microcap.yml"
_COMPOSE = "compose/docker-compose.yml"


def live(gate: str, path: str, name: str, change: Change, message: str) -> Sabotage:
    return Sabotage(gate, path, name, change, message, workspaces=("live",))


ALL = [
    live("strategy_catalog_consistency", _CONTROLLER, "leverage-tenfold", replaced(r"^leverage: 1$", "leverage: 10"), "leverage is 10"),
    live("strategy_catalog_consistency", _CONTROLLER, "stop-tenfold", replaced(r"^stop_loss: \S+", "stop_loss: 0.02"), "stop_loss is 0.02"),
    live("strategy_catalog_consistency", _CONTROLLER, "fee-profile-unknown", replaced("vip0", "vip9"), "vip9"),
    live("strategy_catalog_consistency", "config/multi_bot_policy_v1.json", "limit-tenfold",
         put("bots/bot1/max_notional_quote", 1000), "max_notional_quote is 1000"),
    live("strategy_catalog_consistency", _COMPOSE, "another-script", replaced("v2_epp_v2_4_bitget_paper_smoke", "v2_epp_v2_4_binance_demo_smoke"), "bot1 is started with"),
    live("multi_bot_policy_scope", _COMPOSE, "bot1-on-paper", replaced("BOT_POLICY_MODE: live", "BOT_POLICY_MODE: paper_only"), "BOT_POLICY_MODE=paper_only"),
    live("multi_bot_policy_scope", "config/portfolio_limits_v1.json", "loss-cap-tenfold", put("global_daily_loss_cap_pct", 0.3), "global_daily_loss_cap_pct is 0.3"),
    live("portfolio_risk_status", "config/portfolio_limits_v1.json", "exposure-cap-tenfold", put("cross_bot_net_exposure_cap_quote", 250000), "cross_bot_net_exposure_cap_quote"),
    live("coordination_policy_scope", "config/coordination_policy_v1.json", "ttl-tenfold", put("conflict_contract/intent_ttl_ms", 600000), "intent_ttl_ms is 600000"),
    live("parity_thresholds", "reports/parity/latest.json", "equity-last", put("bots/0/summary/equity_last", 7000.0), "equity_last is 7000"),
    live("parity_thresholds", "reports/parity/latest.json", "delta", put("bots/0/metrics/3/delta", 3.9), "delta is 3.9"),
    live("accounting_integrity_v2", "reports/reconciliation/latest.json", "loss", put("accounting_snapshots/0/daily_loss_pct", 0.02), "daily_loss_pct is 0.02"),
    live("validation_ladder_paper_soak", "reports/paper_soak/latest.json", "bot", put("bot", "bot1"), "bot is 'bot1'"),
    live("validation_ladder_paper_soak", "reports/paper_soak/latest.json", "samples-tenfold", put("sample_count", 1200), "sample_count"),
]  # fmt: skip
