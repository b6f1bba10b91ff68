"""Whose rows are in the event store: bots of the policy, where they may trade, run by a controller of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pytest_promotion.suites.trading.documents.configuration import PlacedBot
from pytest_promotion.suites.trading.documents.event_row import MARKET
from pytest_promotion.suites.trading.documents.events import Source
from pytest_promotion.suites.trading.rules.scope import POLICY, place_of


def wrong_in_sources(
    sources: Mapping[Source, str], bots: Mapping[str, PlacedBot], is_there: Callable[[str], bool]
) -> Iterator[str]:
    """
    A sentence for each source of rows that the policy does not have.

    Args:
        sources: with the place of the first row of each.
        bots: those of the policy.
        is_there: whether a file is, by its path below the root.
    """
    for source, place in sources.items():
        bot = bots.get(source.instance)
        if bot is None:
            yield f"{place}: instance_name is {source.instance!r}, and {POLICY} has no such bot"
            continue
        if bot.mode != "disabled" and not bot.allowed_symbols:
            yield f"{POLICY}: bots.{source.instance}.allowed_symbols is empty, and the bot has rows"
        where, trades = place_of(bot), source.stream == MARKET
        # A service that acts on a bot is at no exchange, and names none. The rows of a bot that is off are old.
        if bot.mode != "disabled" and (trades or source.connector) and source.connector not in where.exchanges:
            expected = " or ".join(where.exchanges)
            yield f"{place}: connector_name is {source.connector!r}, {source.instance} is at {expected}"
        if bot.mode != "disabled" and (trades or source.symbol) and source.symbol not in where.symbols:
            allowed = ", ".join(where.symbols)
            yield f"{place}: trading_pair is {source.symbol!r}, the policy allows {source.instance} {allowed}"
        controller = f"data/{source.instance}/conf/controllers/{source.controller}.yml"
        if trades and not is_there(controller):
            yield f"{place}: controller_id is {source.controller!r}, and {controller} is missing"
