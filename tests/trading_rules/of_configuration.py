"""Sabotages of the configuration: who may trade what, inside which limits."""

from __future__ import annotations

import math

from tests.trading_rules.changes import REMOVED, Change, Sabotage, edited, put, replaced, shown, whole

NAN = math.nan


def scope(path: str, place: str, value: object, message: str = "") -> Sabotage:
    name = f"{path.partition('_')[0]}.{place.replace('/', '.')}={shown(value)}"
    return Sabotage(
        "multi_bot_policy_scope",
        f"config/{path}.json",
        name,
        put(place, value),
        message or place.rsplit("/", maxsplit=1)[-1],
    )


POLICY, ACCOUNTS = "multi_bot_policy_v1", "exchange_account_map"
LIMITS, RECONCILIATION = "portfolio_limits_v1", "reconciliation_thresholds"

SCOPE = [
    *(
        scope(LIMITS, "portfolio_kill_switch_on_global_breach", value)
        for value in (REMOVED, False, "false", "true", None, 1)
    ),
    *(scope(LIMITS, "global_daily_loss_cap_pct", value) for value in (None, "0", "0.03", 0, -0.03, NAN, 1, 3, True)),
    *(scope(LIMITS, "cross_bot_net_exposure_cap_quote", value) for value in (None, "0", 0, -1)),
    *(scope(LIMITS, "concentration_cap_pct", value) for value in (None, 0, 70)),
    *(scope(LIMITS, "warn_buffer_ratio", value) for value in (None, 0, 1.5)),
    *(scope(LIMITS, "concentration_min_equity_quote", value) for value in (None, -1, "100")),
    *(scope(LIMITS, "bot_action_scope", value) for value in (None, [], ["bot4"], ["bot1", "bot4", "bot3"], "bot1")),
    *(scope(LIMITS, "bot_overrides", value) for value in (REMOVED, None, {}, {"bot2": {"enabled": False}})),
    scope(LIMITS, "bot_overrides/bot1", {"enabled": False}),
    scope(LIMITS, "bot_overrides/bot9", {"enabled": False}),
    scope(LIMITS, "bot_overrides/bot2/enabled", True, "bot_overrides.bot2.enabled"),
    scope(LIMITS, "bot_overrides/bot3/enabled", "false"),
    *(scope(RECONCILIATION, "defaults", value) for value in (REMOVED, None, {}, [])),
    *(scope(RECONCILIATION, "defaults/enabled", value, "enabled") for value in (False, "true", None, REMOVED)),
    *(
        scope(RECONCILIATION, f"defaults/{check}_check_enabled", False)
        for check in ("inventory", "exchange", "fill_parity", "accounting")
    ),
    *(
        scope(RECONCILIATION, f"defaults/{limit}", value)
        for limit in ("inventory_critical", "exchange_drift_warn", "fee_drop_critical", "turnover_fee_gap_warn")
        for value in (None, "0", 0, -0.1, 45)
    ),
    scope(RECONCILIATION, "defaults/fee_drop_warn", 0.9),
    scope(RECONCILIATION, "bots", {}, "reconciliation_thresholds.json has nothing for"),
    scope(RECONCILIATION, "bots/bot1", {"enabled": False}, "of bot1"),
    scope(RECONCILIATION, "bots/bot1", None),
    scope(RECONCILIATION, "bots/bot1", REMOVED),
    scope(RECONCILIATION, "bots/bot1/inventory_critical", None),
    scope(RECONCILIATION, "bots/bot1/inventory_warn", "0.4"),
    scope(RECONCILIATION, "bots/bot1/exchange_check_enabled", False),
    scope(RECONCILIATION, "bots/bot4/accounting_check_enabled", False),
    scope(RECONCILIATION, "bots/bot4", {"enabled": False}, "of bot4"),
    scope(RECONCILIATION, "bots/bot2/enabled", REMOVED, "of bot2"),
    *(scope(ACCOUNTS, "bots/bot1/account_mode", value) for value in ("disabled", "paper_only", None, REMOVED, "live")),
    scope(ACCOUNTS, "bots/bot1/exchange", "otherplace", "otherplace"),
    scope(ACCOUNTS, "bots/bot1/credential_prefix", ""),
    scope(ACCOUNTS, "bots/bot1", REMOVED, "exchange_account_map"),
    Sabotage(
        "multi_bot_policy_scope",
        f"config/{ACCOUNTS}.json",
        "bot4-signs-in-as-bot1",
        edited(lambda doc: doc["bots"]["bot4"].update(credential_prefix=doc["bots"]["bot1"]["credential_prefix"])),
        "bots.bot4.credential_prefix",
    ),
    *(scope(ACCOUNTS, "bots/bot3/account_mode", value) for value in ("probe", "disabled")),
    *(scope(POLICY, "bots/bot1/enabled", value) for value in (False, "true", None, REMOVED)),
    *(scope(POLICY, "bots/bot1/mode", value) for value in ("paper_only", "disabled", "LIVE", None, "testnet_probe")),
    *(scope(POLICY, "bots/bot1/max_notional_quote", value) for value in (None, "100", 0, -100, NAN, REMOVED)),
    *(scope(POLICY, "bots/bot1/allowed_symbols", value) for value in ([], None, [""], "BTC-USDT", REMOVED)),
    *(scope(POLICY, "bots/bot1/portfolio_action_enabled", value) for value in (False, "false")),
    *(scope(POLICY, "bots/bot1/exchange", value) for value in ("x_paper_trade", "none", "x_testnet", "", None)),
    scope(POLICY, "bots/bot3/exchange", "northsea", "bots.bot3.exchange"),
    scope(POLICY, "bots/bot4/exchange", "southbank", "bots.bot4.exchange"),
    scope(POLICY, "bots/bot3/mode", "live"),
    scope(POLICY, "bots/bot2/enabled", True),
    scope(POLICY, "bots/bot2/mode", "live"),
    scope(POLICY, "bots", {}),
    scope(POLICY, "gating_contract", REMOVED),
    scope(POLICY, "gating_contract/required_on_promotion", False),
    scope(POLICY, "gating_contract/required_on_promotion", "true"),
    scope(POLICY, "gating_contract/reconciliation_source", "config/other.json"),
]

_CATALOG = "config/strategy_catalog/catalog_v1.json"


def catalog(name: str, change: Change, message: str, path: str = _CATALOG) -> Sabotage:
    return Sabotage("strategy_catalog_consistency", path, name, change, message)


_CONTROLLERS = "data/*/conf/controllers"
CATALOG = [
    *(
        catalog(f"max_notional={value}", put("risk_envelopes/live_microcap/max_notional_quote", value), "max_notional_quote")
        for value in (None, "100", -1, NAN, 0)
    ),
    catalog("max_notional=1", put("risk_envelopes/live_microcap/max_notional_quote", 1), "total_amount_quote"),
    *(
        catalog(f"notrade-allows={value}", put("risk_envelopes/live_notrade/allow_order_placement", value), "allow_order")
        for value in (True, "false", None)
    ),
    catalog("smoke-forbidden", put("risk_envelopes/testnet_smoke/allow_order_placement", False), "testnet_smoke"),
    catalog("envelope-gone", put("risk_envelopes/live_microcap", REMOVED), "live_microcap"),
    catalog("no-bundles", put("approved_bundles", []), "approved_bundles"),
    catalog("one-bundle-left", edited(lambda doc: doc.update(approved_bundles=doc["approved_bundles"][:1])), "none for bot3"),
    catalog("bundle-of-bot4-gone", edited(lambda doc: doc["approved_bundles"].pop()), "none for bot4"),
    catalog("bundle-twice", edited(lambda doc: doc["approved_bundles"].append(doc["approved_bundles"][0])), "two bundles"),
    catalog("live-bundle-on-bot3", put("approved_bundles/0/bot", "bot3"), "bot3"),
    catalog("paper-bundle-is-live", put("approved_bundles/2/mode", "live_microcap"), "bot3"),
    catalog("mode-unknown", put("approved_bundles/3/mode", "anything"), "anything"),
    catalog("mode=null", put("approved_bundles/3/mode", None), "approved_bundles[3].mode"),
    catalog("no-allowed-modes", put("naming_contract/allowed_modes", []), "is not one of []"),
    catalog("script-of-another", put("approved_bundles/0/script_config", "data/bot3/x.yml"), "data/bot3/x.yml"),
    catalog("live-script-runs-more", replaced(r"^controllers_config:", "controllers_config:\n  - unapproved.yml"),
            "unapproved.yml", "data/bot1/conf/scripts/*live_microcap.yml"),
    catalog("paper-controller-at-a-live-exchange", replaced(r"_paper_trade", ""), "connector_name",
            f"{_CONTROLLERS}/*paper_smoke.yml"),
    catalog("testnet-controller-at-a-live-exchange", replaced(r"^(connector_name: .*)_testnet", r"\1"), "connector_name",
            f"{_CONTROLLERS}/*bot4*smoke.yml"),
    catalog("notrade-trades", replaced(r"^no_trade: true", "no_trade: false"), "no_trade", f"{_CONTROLLERS}/*live_notrade.yml"),
    catalog("live-controller-trades-more", replaced(r"^total_amount_quote: \S+", "total_amount_quote: 100000"),
            "total_amount_quote", f"{_CONTROLLERS}/*live_microcap.yml"),
    catalog("amount-is-a-text", replaced(r"^total_amount_quote: (\S+)", r'total_amount_quote: "\1"'),
            "total_amount_quote", f"{_CONTROLLERS}/*live_microcap.yml"),
    catalog("another-symbol", replaced(r"^trading_pair: \S+", "trading_pair: DOGE-USDT"), "trading_pair",
            f"{_CONTROLLERS}/*live_microcap.yml"),
    catalog("policy-limit-below", put("bots/bot1/max_notional_quote", 1), "total_amount_quote", f"config/{POLICY}.json"),
]  # fmt: skip


def coordination(place: str, value: object, message: str = "") -> Sabotage:
    path = "config/coordination_policy_v1.json"
    name = f"{place.replace('/', '.')}={shown(value)}"
    return Sabotage(
        "coordination_policy_scope", path, name, put(place, value), message or place.rsplit("/", maxsplit=1)[-1]
    )


COORDINATION = [
    *(coordination("require_ml_enabled", value) for value in (REMOVED, False, "true", None)),
    *(coordination("enabled_default", value) for value in (True, "false", REMOVED)),
    *(coordination("allowed_instances", value, message) for value, message in (([], "empty"), (None, "null"), (["bot3"], "bot3"), (["bot2"], "bot2"), (["bot9"], "bot9"))),
    *(coordination("target_base_pct/max", value, "target_base_pct") for value in (None, "0.75", 1.5, 0, 0.1)),
    coordination("target_base_pct/confidence_step", 0.9),
    coordination("actions/rejected", "resume"),
    coordination("actions/approved_no_model_version", "set_target_base_pct"),
    coordination("actions", {}, "approved_with_model_version"),
    *(coordination("conflict_contract/intent_ttl_ms", value) for value in (0, None, "60000", 10**9)),
    coordination("conflict_contract", REMOVED),
]  # fmt: skip


def models(place: str, value: object) -> Sabotage:
    path = "config/ml_governance_policy_v1.json"
    name = f"{place.replace('/', '.')}={shown(value)}"
    return Sabotage("ml_signal_governance", path, name, put(place, value), place.split("/", maxsplit=1)[0])


MODELS = [
    *(
        models(section, value)
        for section in ("baseline", "promotion_thresholds", "drift_limits", "retirement_criteria")
        for value in ({}, None, REMOVED, [])
    ),
    *(models("drift_limits/max_feature_psi", value) for value in (None, "0", "0.2", 0, -1, 20, NAN)),
    *(models("drift_limits/max_confidence_drop", value) for value in (None, "0", 0)),
    *(models("promotion_thresholds/min_sharpe_delta", value) for value in (None, 0, -0.05)),
    models("retirement_criteria/max_consecutive_underperformance_days", 10**6),
    models("retirement_criteria/max_critical_incidents_7d", -1),
    models("retirement_criteria/fail_action", ""),
    models("baseline/min_observations", 0),
    *(models("require_report_when_enabled", value) for value in (False, "true")),
    *(models("report_max_age_min", value) for value in (0, None, "60", 10**6)),
]

PREFLIGHT = [
    Sabotage("preflight_checks", "docs/ops/release_manifest*.md", name, change, message)
    for name, change, message in (
        ("of-0-bytes", whole(b""), "is empty"),
        ("cut", lambda content: content[: len(content) // 2], "line end"),
        ("cut-after-a-heading", lambda content: content[: content.index(b"#", 5) if b"\n#" in content[5:] else 18] + b"## Way back\n", "nothing stands under"),
        ("web-page", whole(b"<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>\n"), "web page"),
        ("lowercase-web-page", whole(b"\n<html>\n<head></head>\n</html>\n"), "web page"),
        ("headings-only", whole(b"# Release manifest\n\n## What\n\n## Who\n"), "nothing stands under"),
        ("one-word", whole(b"ok\n"), "begin with a heading"),
        ("names-nothing", whole(b"# Release manifest\n\nAll\nis\nwell.\n"), "names no file"),
    )
]  # fmt: skip

ALL = [*SCOPE, *CATALOG, *COORDINATION, *MODELS, *PREFLIGHT]
