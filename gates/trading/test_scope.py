"""Who may trade what: four configurations, the catalog and the compose file must agree."""

import pytest

from pytest_promotion.suites.trading.documents import configuration
from pytest_promotion.suites.trading.documents.typed import settings_of, typed
from pytest_promotion.suites.trading.rules import catalog as bundles
from pytest_promotion.suites.trading.rules import scope

MAY_BE_COORDINATED = {"live", "testnet_probe"}
GUARDRAILS = {
    "COORD_ENABLED": "${COORD_ENABLED:-false}",
    "COORD_REQUIRE_ML_ENABLED": "${COORD_REQUIRE_ML_ENABLED:-true}",
}
OWN_FILES = {
    "COORD_POLICY_PATH": "/config/coordination_policy_v1.json",
    "COORD_HEALTH_PATH": "/reports/coordination/latest.json",
}


@pytest.fixture
def document(artifact):
    """`document(path, kind, unread)`: a configuration file as a struct; fields that it does not know go to *unread*."""
    return lambda path, kind, unread=None: typed(artifact(path).data, kind, path, unread)


@pytest.mark.critical(owner="portfolio", fix="make the four files under config/ name the same bots and modes")
def test_multi_bot_policy_scope(artifact, document, measure, policy, reason, stored_report):
    """Policy, accounts, limits and reconciliation name the same bots, and every live bot is watched and limited."""
    if policy.source == "report":
        stored_report("reports/policy/latest.json")
        return
    unread = []
    bots = document(scope.POLICY, configuration.BotPolicy, unread)
    accounts = document(scope.ACCOUNTS, configuration.AccountMap, unread)
    limits = document(scope.LIMITS, configuration.PortfolioLimits, unread)
    document(scope.RECONCILIATION, configuration.ReconciliationThresholds, unread)
    thresholds = artifact(scope.RECONCILIATION).data
    reconciled = {
        name: settings_of(thresholds, name, configuration.Reconciliation, scope.RECONCILIATION)
        for name in thresholds["bots"]
    }
    measure.at_least("bots", len(bots.bots), 1)
    wrong = list(scope.disagreements(bots, accounts, limits, reconciled))
    assert not wrong, "; ".join(wrong)
    acting = ", ".join(sorted(limits.bot_action_scope))
    reason(f"{len(bots.bots)} bots agree across the four files; portfolio actions on {acting}{_of_no_rule(unread)}")


@pytest.mark.critical(owner="strategy", fix="correct the bundle in config/strategy_catalog/catalog_v1.json")
def test_strategy_catalog_consistency(artifact, document, measure, policy, reason, refused, stored_report):
    """Every approved bundle resolves to files, on a bot of its mode, inside its limits."""
    if policy.source == "report":
        stored_report("reports/strategy_catalog/latest.json")
        return
    unread = []
    catalog = document(bundles.CATALOG, configuration.Catalog, unread)
    bots = typed(artifact(scope.POLICY)["bots"], dict[str, configuration.TradingBot], scope.POLICY, place="bots")
    measure.at_least("approved_bundles", len(catalog.approved_bundles), 1)
    for template in ("controller_template.yml", "script_template.yml"):
        assert artifact(f"{catalog.defaults.config_templates_root}/{template}").data, f"{template} is empty"
    wrong, misnamed = list(bundles.wrong_in_catalog(catalog, bots)), []
    for bundle in catalog.approved_bundles:
        controller = _file_of_bundle(artifact(bundle.controller_config), bundles.Controller)
        script = _file_of_bundle(artifact(bundle.script_config), bundles.Script)
        assert artifact(f"{catalog.defaults.controller_code_root}/{controller.controller_name}.py").text
        wrong += bundles.wrong_in_bundle(catalog, bots, bundle, controller, script)
        misnamed += bundles.misnamed(catalog, bundle)
    assert not wrong, "; ".join(wrong)
    files = 2 * len(catalog.approved_bundles)
    assert not refused("misnamed_files", misnamed), "; ".join(misnamed)
    unlimited = bundles.orders_without_notional(catalog)
    modes = ", ".join(unlimited)
    assert not refused("orders_without_notional", unlimited), (
        f"{bundles.CATALOG}: the max_notional_quote of {modes} is 0"
    )
    remark = f"; {len(misnamed)} of {files} files are not called as the naming contract says" if misnamed else ""
    if unlimited:
        remark += f"; orders of {modes} have no notional limit"
    reason(f"{len(catalog.approved_bundles)} bundles resolve and keep to their limits{remark}{_of_no_rule(unread)}")


@pytest.mark.critical(
    owner="portfolio", fix="narrow config/coordination_policy_v1.json, restore the guardrails in compose"
)
def test_coordination_policy_scope(artifact, document, measure, policy, reason, stored_report):
    """Coordination acts on live or testnet bots only, within bounds, and is off unless switched on."""
    if policy.source == "report":
        stored_report("reports/policy/coordination_policy_latest.json")
        return
    unread = []
    path = "config/coordination_policy_v1.json"
    coordination = document(path, configuration.CoordinationPolicy, unread)
    measure.equals("require_ml_enabled", coordination.require_ml_enabled, True)
    measure.equals("enabled_default", coordination.enabled_default, False)
    bots = typed(artifact(scope.POLICY)["bots"], dict, scope.POLICY, place="bots")
    assert coordination.allowed_instances, f"{path}: allowed_instances is empty, and coordination runs all the same"
    for name in coordination.allowed_instances:
        bot = typed(bots[name], configuration.RunningBot, scope.POLICY, place=f"bots.{name}")
        measure.equals(f"{name} enabled", bot.enabled, True)
        assert bot.mode in MAY_BE_COORDINATED, f"{path}: allowed_instances has {name}, which is {bot.mode}"
    target = coordination.target_base_pct
    measure.between("target_base_pct.min", target.min, 0, target.max)
    measure.between("target_base_pct.neutral", target.neutral, target.min, target.max)
    measure.at_most("target_base_pct.max", target.max, 1)
    measure.at_most("target_base_pct.confidence_step", target.confidence_step, target.max - target.min)
    given = artifact("compose/docker-compose.yml")["services"]["coordination-service"]["environment"]
    if isinstance(given, list):
        given = dict(entry.partition("=")[::2] for entry in given)
    for key, value in GUARDRAILS.items():
        measure.equals(key, given.get(key), value)
    for key, ending in OWN_FILES.items():
        assert str(given.get(key, "")).endswith(ending), f"{key} is {given.get(key)!r}, expected …{ending}"
    instances = ", ".join(coordination.allowed_instances)
    reason(f"coordination is held to {instances} and off by default{_of_no_rule(unread)}")


def _file_of_bundle(file, kind):
    """A controller or script as a struct; it has settings of the strategy that no rule of ours knows."""
    return typed(file.data, kind, file.path)


def _of_no_rule(fields):
    return f"; no rule reads {', '.join(fields)}" if fields else ""
