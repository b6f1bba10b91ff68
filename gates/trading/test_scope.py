"""Who may trade what: four configurations, the catalog and the compose file must agree."""

import pytest

MODES = ("live", "testnet_probe", "paper_only", "disabled")
PAPER_OR_OFF = {"paper_only": "paper_only", "disabled": "disabled"}
MAY_BE_COORDINATED = {"live", "testnet_probe"}
GUARDRAILS = {
    "COORD_ENABLED": "${COORD_ENABLED:-false}",
    "COORD_REQUIRE_ML_ENABLED": "${COORD_REQUIRE_ML_ENABLED:-true}",
}
OWN_FILES = {
    "COORD_POLICY_PATH": "/config/coordination_policy_v1.json",
    "COORD_HEALTH_PATH": "/reports/coordination/latest.json",
}


@pytest.mark.critical(owner="portfolio", fix="make the four files under config/ name the same bots and modes")
def test_multi_bot_policy_scope(artifact, measure, policy, reason, stored_report):
    """Policy, accounts, limits and reconciliation name the same bots, in compatible modes."""
    if policy.source == "report":
        stored_report("reports/policy/latest.json")
        return
    bots = artifact("config/multi_bot_policy_v1.json")["bots"]
    accounts = artifact("config/exchange_account_map.json")["bots"]
    limits = artifact("config/portfolio_limits_v1.json")
    watched = artifact("config/reconciliation_thresholds.json")["bots"]
    assert bots, "config/multi_bot_policy_v1.json names no bots"
    assert set(bots) == set(accounts), f"policy has {sorted(bots)}, the account map {sorted(accounts)}"
    assert set(bots) <= set(watched), f"no reconciliation thresholds for {sorted(set(bots) - set(watched))}"
    for name, bot in bots.items():
        for switch in ("enabled", "portfolio_action_enabled"):
            assert bot[switch] is True or bot[switch] is False, f"{name}: {switch} is {bot[switch]!r}, no boolean"
        assert bot["mode"] in MODES, f"{name} has the mode {bot['mode']!r}, expected one of {', '.join(MODES)}"
        assert not (bot["enabled"] and bot["mode"] == "disabled"), f"{name} is enabled, and its mode is disabled"
        demanded = PAPER_OR_OFF.get(bot["mode"])
        if demanded:
            measure.equals(f"{name} account_mode", accounts[name]["account_mode"], demanded)
        if not bot["enabled"] or bot["mode"] == "disabled":
            measure.equals(f"{name} reconciliation enabled", watched[name]["enabled"], False)
    acting = sorted(name for name, bot in bots.items() if bot["portfolio_action_enabled"])
    scope = sorted(limits["bot_action_scope"])
    assert acting == scope, f"the policy lets {acting} be acted on, config/portfolio_limits_v1.json {scope}"
    reason(f"{len(bots)} bots agree across the four files; portfolio actions on {', '.join(acting)}")


@pytest.mark.critical(owner="strategy", fix="correct the bundle in config/strategy_catalog/catalog_v1.json")
def test_strategy_catalog_consistency(artifact, measure, policy, reason, stored_report):
    """Every approved bundle resolves to files, named by contract, inside its mode's risk envelope."""
    if policy.source == "report":
        stored_report("reports/strategy_catalog/latest.json")
        return
    catalog = artifact("config/strategy_catalog/catalog_v1.json")
    naming, defaults = catalog["naming_contract"], catalog["defaults"]
    bundles = catalog["approved_bundles"]
    assert bundles, "the catalog approves no bundles"
    for template in ("controller_template.yml", "script_template.yml"):
        assert artifact(f"{defaults['config_templates_root']}/{template}").data, f"{template} is empty"
    for bundle in bundles:
        name, mode = measure.text("bundle_id", bundle["bundle_id"]), bundle["mode"]
        assert mode in naming["allowed_modes"], f"{name}: mode {mode} is not one of {naming['allowed_modes']}"
        for kind in ("controller", "script"):
            expected = naming[f"{kind}_pattern"]
            for part in ("strategy", "version", "bot", "venue", "mode"):
                expected = expected.replace(f"<{part}>", bundle[part])
            found = bundle[f"{kind}_config"].rpartition("/")[2]
            assert found == expected, f"{name}: its {kind} is called {found}, by contract it is {expected}"
        controller, script = artifact(bundle["controller_config"]), artifact(bundle["script_config"])
        file = bundle["controller_config"].rpartition("/")[2]
        assert file in script["controllers_config"], f"{name}: {script.path} does not run {file}"
        measure.equals(f"{name} instance_name", controller["instance_name"], bundle["bot"])
        assert artifact(f"{defaults['controller_code_root']}/{controller['controller_name']}.py").text
        envelope = catalog["risk_envelopes"][mode]
        most = measure.number(f"{name} max_notional_quote", envelope["max_notional_quote"])
        # An envelope without room is one in which no order may be placed, and the other way round.
        measure.equals(f"{mode} allow_order_placement", envelope["allow_order_placement"], most > 0)
        if most > 0:
            measure.at_most(f"{name} notional", controller["total_amount_quote"], most)
        else:
            measure.equals(f"{name} no_trade", controller["no_trade"], True)
    reason(f"{len(bundles)} bundles resolve, follow the naming contract and keep to their envelopes")


@pytest.mark.critical(
    owner="portfolio", fix="narrow config/coordination_policy_v1.json, restore the guardrails in compose"
)
def test_coordination_policy_scope(artifact, measure, policy, reason, stored_report):
    """Coordination acts on live or testnet bots only, within bounds, and is off unless switched on."""
    if policy.source == "report":
        stored_report("reports/policy/coordination_policy_latest.json")
        return
    coordination = artifact("config/coordination_policy_v1.json")
    bots = artifact("config/multi_bot_policy_v1.json")["bots"]
    services = artifact("compose/docker-compose.yml")["services"]
    instances = coordination["allowed_instances"]
    assert instances, "coordination is allowed no instance, and runs all the same"
    for name in instances:
        measure.equals(f"{name} enabled", bots[name]["enabled"], True)
        assert bots[name]["mode"] in MAY_BE_COORDINATED, f"{name} is {bots[name]['mode']}: it may not be coordinated"
    target = coordination["target_base_pct"]
    measure.between("target_base_pct.min", target["min"], 0, target["max"])
    measure.between("target_base_pct.neutral", target["neutral"], target["min"], target["max"])
    measure.at_most("target_base_pct.max", target["max"], 1)
    given = services["coordination-service"]["environment"]
    if isinstance(given, list):
        given = dict(entry.partition("=")[::2] for entry in given)
    for key, value in GUARDRAILS.items():
        measure.equals(key, given.get(key), value)
    for key, ending in OWN_FILES.items():
        assert str(given.get(key, "")).endswith(ending), f"{key} is {given.get(key)!r}, expected …{ending}"
    reason(f"coordination is held to {', '.join(instances)} and off by default")
