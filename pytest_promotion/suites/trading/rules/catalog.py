"""What each approved bundle runs: on which bot, at which exchange, with how much money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from pytest_promotion.suites.trading.documents.configuration import Bundle, Catalog, TradingBot
from pytest_promotion.suites.trading.documents.kinds import Amount, Name
from pytest_promotion.suites.trading.rules.scope import POLICY, suits

CATALOG: Final = "config/strategy_catalog/catalog_v1.json"
_MODES: Final = {"live": "live", "paper": "paper_only", "testnet": "testnet_probe"}  # by how a bundle's mode begins
_PARTS: Final = ("strategy", "version", "bot", "venue", "mode")


class Controller(msgspec.Struct):
    """A bundle's controller file. Without a word about it, a controller places orders."""

    controller_name: Name
    instance_name: Name
    connector_name: Name
    trading_pair: Name
    total_amount_quote: Amount
    no_trade: bool = False


class Script(msgspec.Struct):
    """A bundle's script file."""

    controllers_config: list[Name]


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
    # A bot that is on runs what was approved for it. One that had two bundles may lose one of them.
    with_bundle = {bundle.bot for bundle in bundles}
    for name, bot in bots.items():
        if bot.is_on and name not in with_bundle:
            yield f"{CATALOG}: approved_bundles has none for {name}, which is on"


def wrong_in_bundle(
    catalog: Catalog, bots: Mapping[str, TradingBot], bundle: Bundle, controller: Controller, script: Script
) -> Iterator[str]:
    """The sentences for what is wrong with one bundle, whose files are given."""
    name = bundle.bundle_id
    if bundle.mode not in catalog.naming_contract.allowed_modes or not bot_mode(bundle.mode):
        yield f"{name}: mode {bundle.mode!r} is not one of {catalog.naming_contract.allowed_modes}"
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


def _inside_limits(
    catalog: Catalog, bots: Mapping[str, TradingBot], bundle: Bundle, controller: Controller
) -> Iterator[str]:
    name, bot, mode = bundle.bundle_id, bots[bundle.bot], bot_mode(bundle.mode)
    envelope, amount = catalog.risk_envelopes[bundle.mode], controller.total_amount_quote
    if bot.mode != mode:
        yield f"{name}: a bundle of the mode {bundle.mode} is approved for {bundle.bot}, which is {bot.mode}"
    if not suits(mode, controller.connector_name):
        yield f"{name}: connector_name is {controller.connector_name!r}, where a bot of that mode may not trade"
    if controller.trading_pair not in bot.allowed_symbols:
        yield f"{name}: trading_pair is {controller.trading_pair!r}, the policy allows {bot.allowed_symbols}"
    if not envelope.allow_order_placement and not controller.no_trade:
        yield f"{name}: no_trade is false, and orders may not be placed in the mode {bundle.mode}"
    for limit, whose in (
        (envelope.max_notional_quote, f"the envelope of {bundle.mode}"),
        (bot.max_notional_quote, f"the policy for {bundle.bot}"),
    ):
        # A limit of 0 is none where no real money is; with real money it was refused above.
        if not controller.no_trade and limit > 0 and amount > limit:
            yield f"{name}: total_amount_quote is {amount:g}, {whose} allows {limit:g}"
