"""Who may trade what: four configurations, the catalog and the compose file must agree."""

import pytest

from pytest_promotion.suites.trading.documents import catalog as catalogs
from pytest_promotion.suites.trading.documents import configuration, reports
from pytest_promotion.suites.trading.documents import controllers as running
from pytest_promotion.suites.trading.documents.typed import settings_of, typed
from pytest_promotion.suites.trading.rules import catalog as bundles
from pytest_promotion.suites.trading.rules import composed, controllers, coordination, scope
from pytest_promotion.suites.trading.rules.versions import of_another_version

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
def test_multi_bot_policy_scope(artifact, document, measure, policy, reason, setting, stored_report):
    """Policy, accounts, limits, reconciliation and Compose have the same bots; a live one is watched and limited."""
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
    wrong += of_another_version(scope.POLICY, bots.version, bots.policy_id)
    wrong += composed.wrong_in_compose(bots, artifact(composed.COMPOSE)["services"], artifact.exists)
    assert not wrong, "; ".join(wrong)
    # What is decided about risk stands in the decision, where a comparison of two shows what was loosened.
    largest = setting("largest_daily_loss_cap_pct")
    measure.at_most(f"{scope.LIMITS}: global_daily_loss_cap_pct", limits.global_daily_loss_cap_pct, largest)
    for field in ("concentration_cap_pct", "warn_buffer_ratio"):
        measure.between(f"{scope.LIMITS}: {field}", getattr(limits, field), 0, 1)
    for field in ("cross_bot_net_exposure_cap_quote", "concentration_min_equity_quote"):
        measure.at_least(f"{scope.LIMITS}: {field}", getattr(limits, field), 0)
    for name, bot in bots.bots.items():
        measure.at_least(f"{scope.POLICY}: bots.{name}.max_notional_quote", bot.max_notional_quote, 0)
    for name, settings in reconciled.items():
        for field in scope.RECONCILED:
            measure.between(f"{scope.RECONCILIATION}: {field} of {name}", getattr(settings, field), 0, 1)
    acting = ", ".join(sorted(limits.bot_action_scope))
    reason(f"{len(bots.bots)} bots agree across the four files; portfolio actions on {acting}{_of_no_rule(unread)}")


@pytest.fixture
def of_controller(artifact):
    """`of_controller(path)`: a controller as a struct; it has settings of the strategy that no rule of ours knows."""
    return lambda path: typed(artifact(path).data, running.Controller, path)


@pytest.fixture
def started(artifact, of_controller):
    """`started(catalog, bots, wrong_in)`: what is wrong with what Compose starts, and scripts without a bundle."""

    def of_bots(catalog, bots, wrong_in):
        services, wrong, unapproved = artifact(composed.COMPOSE)["services"], [], []
        for name in bots:
            given = composed.environment(services[name]) if name in services else {}
            place = f"{composed.COMPOSE}: services.{name}"
            if composed.SCRIPT not in given:
                wrong += [f"{place} has {composed.ENTRY}, and no {composed.SCRIPT}"] if composed.ENTRY in given else []
                continue
            entry = given.get(composed.ENTRY)
            if entry != catalog.defaults.entry_script:
                wrong.append(f"{place} has {composed.ENTRY}={entry}, expected {catalog.defaults.entry_script}")
            folder, file = f"data/{name}/conf", given[composed.SCRIPT]
            script = typed(artifact(f"{folder}/scripts/{file}").data, running.Script, f"{folder}/scripts/{file}")
            paths = [f"{folder}/controllers/{each}" for each in script.controllers_config]
            ran = {path: of_controller(path) for path in paths}
            wrong += bundles.wrong_in_started(catalog, name, f"{folder}/scripts/{file}", ran)
            wrong += [problem for path, controller in ran.items() for problem in wrong_in(path, controller)]
            if not bundles.is_approved(catalog, name, f"{folder}/scripts/{file}"):
                unapproved.append(f"{name} is started with {file}, which no approved bundle has")
        return wrong, unapproved

    return of_bots


@pytest.fixture
def profiles(artifact):
    """`profiles(needed)`: the fee profiles and the exchange profiles, each None where it is not there."""

    def read(needed):
        fees = exchanges = None
        if needed or artifact.exists(controllers.FEES):
            fees = typed(artifact(controllers.FEES).data, running.FeeProfiles, controllers.FEES)
        if artifact.exists(controllers.EXCHANGES):
            exchanges = typed(artifact(controllers.EXCHANGES).data, running.ExchangeProfiles, controllers.EXCHANGES)
        return fees, exchanges

    return read


@pytest.mark.critical(owner="strategy", fix="correct the bundle in config/strategy_catalog/catalog_v1.json")
def test_strategy_catalog_consistency(
    artifact, document, measure, of_controller, policy, profiles, reason, refused, setting, started, stored_report
):
    """Every approved bundle resolves to files, on a bot of its mode, inside its limits; no bot is started with more."""
    if policy.source == "report":
        stored_report("reports/strategy_catalog/latest.json")
        return
    unread = []
    catalog = document(bundles.CATALOG, catalogs.Catalog, unread)
    bots = typed(artifact(scope.POLICY)["bots"], dict[str, configuration.TradedBot], scope.POLICY, place="bots")
    measure.at_least("approved_bundles", len(catalog.approved_bundles), 1)
    for template in ("controller_template.yml", "script_template.yml"):
        assert artifact(f"{catalog.defaults.config_templates_root}/{template}").data, f"{template} is empty"
    ran = {bundle.controller_config: of_controller(bundle.controller_config) for bundle in catalog.approved_bundles}
    fees, exchanges = profiles(any(each.fee_profile is not running.UNSET for each in ran.values()))
    bounds = controllers.Bounds(setting("largest_leverage"), setting("largest_stop_per_target"))

    def wrong_in(path, controller):
        return list(controllers.wrong_in_controller(path, controller, bounds, fees, exchanges))

    wrong, misnamed = list(bundles.wrong_in_catalog(catalog, bots)), []
    wrong += bundles.symbols_of_no_bundle(catalog, bots, ran)
    wrong += controllers.wrong_in_fees(fees) if fees else []
    wrong += controllers.wrong_in_exchanges(exchanges) if exchanges else []
    for bundle in catalog.approved_bundles:
        path = bundle.controller_config
        controller = ran[path]
        script = typed(artifact(bundle.script_config).data, running.Script, bundle.script_config)
        assert artifact(f"{catalog.defaults.controller_code_root}/{controller.controller_name}.py").text
        wrong += bundles.wrong_in_bundle(catalog, bots, bundle, controller, script)
        wrong += wrong_in(path, controller)
        misnamed += bundles.misnamed(catalog, bundle)
        for field, value in controllers.of_risk(controller).items():
            measure.at_least(f"{path}: {field}", value, 0)
    wrong_when_started, unapproved = started(catalog, bots, wrong_in)
    wrong += wrong_when_started
    assert not wrong, "; ".join(wrong)
    for mode, envelope in catalog.risk_envelopes.items():
        measure.at_least(f"risk_envelopes.{mode}.max_notional_quote", envelope.max_notional_quote, 0)
    files = 2 * len(catalog.approved_bundles)
    assert not refused("misnamed_files", misnamed), "; ".join(misnamed)
    assert not refused("unapproved_scripts", unapproved), "; ".join(unapproved)
    unlimited = bundles.orders_without_notional(catalog)
    modes = ", ".join(unlimited)
    assert not refused("orders_without_notional", unlimited), (
        f"{bundles.CATALOG}: the max_notional_quote of {modes} is 0"
    )
    remark = f"; {len(misnamed)} of {files} files are not called as the naming contract says" if misnamed else ""
    if unlimited:
        remark += f"; orders of {modes} have no notional limit"
    remark += "".join(f"; {one}, on paper" for one in unapproved)
    reason(f"{len(catalog.approved_bundles)} bundles resolve and keep to their limits{remark}{_of_no_rule(unread)}")


@pytest.mark.critical(
    owner="portfolio", fix="narrow config/coordination_policy_v1.json, restore the guardrails in compose"
)
def test_coordination_policy_scope(artifact, document, freshness, measure, policy, reason, setting, stored_report):
    """Coordination acts on live or testnet bots only, within bounds, and is off unless switched on."""
    if policy.source == "report":
        stored_report("reports/policy/coordination_policy_latest.json")
        return
    unread, path = [], coordination.PATH
    rules = document(path, configuration.CoordinationPolicy, unread)
    other = list(of_another_version(path, rules.version, rules.policy_id))
    assert not other, other[0]
    measure.equals("require_ml_enabled", rules.require_ml_enabled, True)
    measure.equals("enabled_default", rules.enabled_default, False)
    bots = typed(artifact(scope.POLICY)["bots"], dict, scope.POLICY, place="bots")
    assert rules.allowed_instances, f"{path}: allowed_instances is empty, and coordination runs all the same"
    for name in rules.allowed_instances:
        bot = typed(bots[name], configuration.RunningBot, scope.POLICY, place=f"bots.{name}")
        measure.equals(f"{name} enabled", bot.enabled, True)
        assert bot.mode in MAY_BE_COORDINATED, f"{path}: allowed_instances has {name}, which is {bot.mode}"
    target = rules.target_base_pct
    measure.between("target_base_pct.min", target.min, 0, target.max)
    measure.between("target_base_pct.neutral", target.neutral, target.min, target.max)
    measure.at_most("target_base_pct.max", target.max, 1)
    measure.at_most("target_base_pct.confidence_step", target.confidence_step, target.max - target.min)
    given = composed.environment(artifact(composed.COMPOSE)["services"]["coordination-service"])
    for key, value in GUARDRAILS.items():
        measure.equals(key, given.get(key), value)
    for key, ending in OWN_FILES.items():
        assert str(given.get(key, "")).endswith(ending), f"{key} is {given.get(key)!r}, expected …{ending}"
    elsewhere = list(coordination.wrong_in_service(given, rules))
    measure.none("instances that coordination may not serve", elsewhere, among=len(rules.allowed_instances))
    least, most = (1000 * setting(name) for name in ("least_intent_ttl_sec", "longest_intent_ttl_sec"))
    measure.between(f"{path}: conflict_contract.intent_ttl_ms", rules.conflict_contract.intent_ttl_ms, least, most)
    if artifact.exists(coordination.REPORT):
        report = artifact(coordination.REPORT)
        freshness(report)
        running_as = typed(report.data, reports.CoordinationHealth, report.path, unread)
        wrong = list(coordination.wrong_in_report(running_as, rules))
        measure.none(f"contradictions of {report.path}", wrong, among=len(rules.allowed_instances))
    instances = ", ".join(rules.allowed_instances)
    reason(f"coordination is held to {instances} and off by default{_of_no_rule(unread)}")


def _of_no_rule(fields):
    return f"; no rule reads {', '.join(fields)}" if fields else ""
