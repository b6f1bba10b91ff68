"""What each approved bundle runs: on which bot, at which exchange, with how much money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pytest_promotion.suites.trading.documents.catalog import Bundle, Catalog
from pytest_promotion.suites.trading.documents.configuration import TradedBot, TradingBot
from pytest_promotion.suites.trading.documents.controllers import Controller, Script
from pytest_promotion.suites.trading.rules.scope import PAPER, POLICY, suits

CATALOG: Final = "config/strategy_catalog/catalog_v1.json"
_MODES: Final = {"live": "live", "paper": "paper_only", "testnet": "testnet_probe"}  # by how a bundle's mode begins
_PARTS: Final = ("strategy", "version", "bot", "venue", "mode")


def bot_mode(bundle_mode: str) -> str:
    """The mode of the bots on which a bundle of *bundle_mode*, such as `live_microcap`, may run; "" for none."""
    return _MODES.get(bundle_mode.partition("_")[0], "")


def misnamed(catalog: Catalog, bundle: Bundle) -> Iterator[str]:
    """The files of the bundle that are not called as the naming contract says."""
    for kind, pattern, path in (
        ("controller", catalog.naming_contract.controller_pattern, bundle.controller_config),
        ("script", catalog.naming_contract.script_pattern, bundle.script_config),
    ):
        wanted = pattern
        for part in _PARTS:
            wanted = wanted.replace(f"<{part}>", getattr(bundle, part))
        name = path.rpartition("/")[2]
        if name != wanted:
            yield f"{bundle.bundle_id}: its {kind} is called {name}, by the naming contract it is {wanted}"


def orders_without_notional(catalog: Catalog) -> list[str]:
    """The modes of play money that let orders be placed inside an envelope of 0, or none inside one with room."""
    return [
        mode
        for mode, envelope in sorted(catalog.risk_envelopes.items())
        if bot_mode(mode) != "live" and envelope.allow_order_placement != (envelope.max_notional_quote > 0)
    ]


def wrong_in_catalog(catalog: Catalog, bots: Mapping[str, TradingBot]) -> Iterator[str]:
    """The sentences for what is wrong with the catalog as a whole."""
    bundles = catalog.approved_bundles
    if not bundles:
        yield f"{CATALOG}: approved_bundles is empty"
    for field in ("bundle_id", "controller_config"):
        values = [getattr(bundle, field) for bundle in bundles]
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield f"{CATALOG}: {field} {value!r} is that of two bundles"
    for mode, envelope in catalog.risk_envelopes.items():
        if envelope.allow_order_placement == mode.endswith("notrade"):
            allowed = "true" if envelope.allow_order_placement else "false"
            yield f"{CATALOG}: risk_envelopes.{mode}.allow_order_placement is {allowed}"
        if bot_mode(mode) == "live" and envelope.allow_order_placement != (envelope.max_notional_quote > 0):
            allowed = "true" if envelope.allow_order_placement else "false"
            yield (
                f"{CATALOG}: risk_envelopes.{mode}.allow_order_placement is {allowed} with a max_notional_quote "
                f"of {envelope.max_notional_quote:g}"
            )
    if set(catalog.risk_envelopes) != set(catalog.naming_contract.allowed_modes):
        modes = sorted(catalog.naming_contract.allowed_modes)
        yield f"{CATALOG}: risk_envelopes is of {sorted(catalog.risk_envelopes)}, allowed_modes of {modes}"
    yield from _limits_of_live_bots(catalog, bots)
    # A bot that is on runs what was approved for it. One that had two bundles may lose one of them.
    with_bundle = {bundle.bot for bundle in bundles}
    for name, bot in bots.items():
        if bot.is_on and name not in with_bundle:
            yield f"{CATALOG}: approved_bundles has none for {name}, which is on"


def _limits_of_live_bots(catalog: Catalog, bots: Mapping[str, TradingBot]) -> Iterator[str]:
    """A live bot and the envelopes of its bundles have one limit: what exceeds the other has no effect."""
    bundles = [one for one in catalog.approved_bundles if one.mode in catalog.risk_envelopes and one.bot in bots]
    for name, bot in bots.items():
        own = {one.mode: catalog.risk_envelopes[one.mode].max_notional_quote for one in bundles if one.bot == name}
        if bot.mode == "live" and own and bot.max_notional_quote > max(own.values()):
            largest = max(own, key=lambda mode: own[mode])
            yield (
                f"{POLICY}: bots.{name}.max_notional_quote is {bot.max_notional_quote:g}, {CATALOG}: "
                f"risk_envelopes.{largest}.max_notional_quote is {own[largest]:g}"
            )
    for mode, envelope in catalog.risk_envelopes.items():
        limits = [bots[one.bot].max_notional_quote for one in bundles if one.mode == mode]
        if bot_mode(mode) == "live" and limits and envelope.max_notional_quote > max(limits):
            yield (
                f"{CATALOG}: risk_envelopes.{mode}.max_notional_quote is {envelope.max_notional_quote:g}, its bots may "
                f"have {max(limits):g} by {POLICY}"
            )


def wrong_in_bundle(
    catalog: Catalog, bots: Mapping[str, TradedBot], bundle: Bundle, controller: Controller, script: Script
) -> Iterator[str]:
    """The sentences for what is wrong with one bundle, whose files are given."""
    name = bundle.bundle_id
    if bundle.mode not in catalog.naming_contract.allowed_modes or not bot_mode(bundle.mode):
        yield f"{name}: mode {bundle.mode!r} is not one of {catalog.naming_contract.allowed_modes}"
    yield from _named(catalog, bundle, controller, script)
    file = bundle.controller_config.rpartition("/")[2]
    if file not in script.controllers_config:
        yield f"{name}: {bundle.script_config} runs {script.controllers_config}, expected {file}"
    own = {one.controller_config.rpartition("/")[2] for one in catalog.approved_bundles if one.bot == bundle.bot}
    for other in script.controllers_config:
        if other not in own:
            yield f"{name}: {bundle.script_config} runs {other}, which is approved for no bundle of {bundle.bot}"
    for path in (bundle.controller_config, bundle.script_config):
        if not path.startswith(f"data/{bundle.bot}/"):
            yield f"{name}: {path} is not a file of {bundle.bot}"
    if controller.instance_name != bundle.bot:
        yield f"{name}: instance_name is {controller.instance_name!r}, expected {bundle.bot!r}"
    if bundle.mode not in catalog.risk_envelopes:
        yield f"{CATALOG}: risk_envelopes has nothing for the mode {bundle.mode}"
    elif bundle.bot not in bots:
        yield f"{name}: {POLICY} has no bot {bundle.bot!r}"
    else:
        yield from _inside_limits(catalog, bots, bundle, controller)


def _named(catalog: Catalog, bundle: Bundle, controller: Controller, script: Script) -> Iterator[str]:
    """Where the names in a bundle are not those in its files."""
    name = bundle.bundle_id
    if controller.controller_name != f"{bundle.strategy}_{bundle.version}":
        wanted = f"{bundle.strategy}_{bundle.version}"
        yield f"{name}: controller_name is {controller.controller_name!r}, by strategy and version it is {wanted!r}"
    words = controller.connector_name.split("_")
    if not set(bundle.venue.split("_")) <= set(words) or bundle.venue.split("_")[0] != words[0]:
        yield f"{name}: venue is {bundle.venue!r}, and connector_name {controller.connector_name!r}"
    if script.script_file_name != catalog.defaults.entry_script:
        yield (
            f"{bundle.script_config}: script_file_name is {script.script_file_name!r}, {CATALOG} has "
            f"{catalog.defaults.entry_script!r} for entry_script"
        )


def wrong_in_started(catalog: Catalog, bot: str, script: str, controllers: Mapping[str, Controller]) -> list[str]:
    """
    The sentences for why a bot may not be started with *script*, which runs *controllers*, both by their paths.

    A script that no bundle approves may run on paper, where it moves no money; see `is_approved`.
    """
    wrong = []
    for path, controller in controllers.items():
        if controller.instance_name != bot:
            wrong.append(f"{path}: instance_name is {controller.instance_name!r}, and it is started for {bot}")
        if not is_approved(catalog, bot, script) and not controller.connector_name.endswith(PAPER):
            wrong.append(
                f"{bot} is started with {script}, which no approved bundle has, at {controller.connector_name}"
            )
    return wrong


def symbols_of_no_bundle(
    catalog: Catalog, bots: Mapping[str, TradedBot], controllers: Mapping[str, Controller]
) -> Iterator[str]:
    """The sentences for symbols that a bot may trade, and none of its bundles does; *controllers* by their paths."""
    for name, bot in bots.items():
        bundles = [bundle for bundle in catalog.approved_bundles if bundle.bot == name]
        pairs = {controllers[bundle.controller_config].trading_pair for bundle in bundles}
        for symbol in sorted(set(bot.allowed_symbols) - pairs) if bundles else []:
            yield f"{POLICY}: bots.{name}.allowed_symbols has {symbol!r}, which no approved bundle of {name} trades"


def is_approved(catalog: Catalog, bot: str, script: str) -> bool:
    """Whether a bundle of *bot* has the script at that path."""
    return any(bundle.bot == bot and bundle.script_config == script for bundle in catalog.approved_bundles)


def _inside_limits(
    catalog: Catalog, bots: Mapping[str, TradedBot], bundle: Bundle, controller: Controller
) -> Iterator[str]:
    name, bot, mode = bundle.bundle_id, bots[bundle.bot], bot_mode(bundle.mode)
    envelope, amount = catalog.risk_envelopes[bundle.mode], controller.total_amount_quote
    if bot.mode != mode:
        yield f"{name}: a bundle of the mode {bundle.mode} is approved for {bundle.bot}, which is {bot.mode}"
    if not suits(mode, controller.connector_name):
        yield f"{name}: connector_name is {controller.connector_name!r}, where a bot of that mode may not trade"
    elif bot.mode == mode and controller.connector_name != bot.exchange:
        yield f"{name}: connector_name is {controller.connector_name!r}, {POLICY} has {bot.exchange!r} for {bundle.bot}"
    if controller.trading_pair not in bot.allowed_symbols:
        yield f"{name}: trading_pair is {controller.trading_pair!r}, the policy allows {bot.allowed_symbols}"
    if envelope.allow_order_placement == controller.no_trade:
        stated, may = ("true", "may") if controller.no_trade else ("false", "may not")
        yield f"{name}: no_trade is {stated}, and orders {may} be placed in the mode {bundle.mode}"
    for limit, whose in (
        (envelope.max_notional_quote, f"the envelope of {bundle.mode}"),
        (bot.max_notional_quote, f"the policy for {bundle.bot}"),
    ):
        # A limit of 0 is none where no real money is; with real money it was refused above.
        if not controller.no_trade and limit > 0 and amount > limit:
            yield f"{name}: total_amount_quote is {amount:g}, {whose} allows {limit:g}"
