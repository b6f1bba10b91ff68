"""How much a controller may lose: its leverage, its stops and its fees, against the files that they refer to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from pytest_promotion.suites.trading.documents.controllers import (
    Controller,
    ExchangeProfile,
    ExchangeProfiles,
    FeeProfiles,
)
from pytest_promotion.suites.trading.documents.minute_rows import MinuteRow
from pytest_promotion.suites.trading.rules.scope import PAPER, is_testnet

FEES: Final = "config/fee_profiles.json"
EXCHANGES: Final = "config/exchange_profiles.json"
_LARGEST_FEE: Final = 0.005
_UNSET: Final = msgspec.UNSET


@dataclass(frozen=True)
class Bounds:
    """The largest leverage, and how many times the target of a position its stop may be."""

    leverage: float
    stop_per_target: float


def of_risk(controller: Controller) -> dict[str, float]:
    """The settings that say how much can be lost, by name: those that the controller has."""
    names = ("total_amount_quote", "leverage", "stop_loss", "take_profit", "turnover_cap_x", "time_limit")
    return {name: getattr(controller, name) for name in names if getattr(controller, name) is not _UNSET}


def wrong_in_controller(
    path: str, controller: Controller, bounds: Bounds, fees: FeeProfiles | None, exchanges: ExchangeProfiles | None
) -> Iterator[str]:
    """The sentences for what a controller says of its losses and another value contradicts."""
    stem = path.rpartition("/")[2].removesuffix(".yml")
    if controller.id not in (_UNSET, stem):
        yield f"{path}: id is {controller.id!r}, expected {stem!r}"
    if controller.enabled is False:
        yield f"{path}: enabled is false, and the bundle is approved"
    connector, paper = controller.connector_name, controller.connector_name.endswith(PAPER)
    if controller.internal_paper_enabled is not _UNSET and controller.internal_paper_enabled != paper:
        on = "true" if controller.internal_paper_enabled else "false"
        yield f"{path}: internal_paper_enabled is {on}, and connector_name {connector!r}"
    yield from _leverage(path, controller, bounds)
    yield from _bounds_of_base(path, controller)
    if exchanges is not None and connector not in {each.connector_name for each in exchanges.profiles.values()}:
        yield f"{path}: connector_name is {connector!r}, which {EXCHANGES} has in no profile"
    taken = 0.0
    if controller.fee_profile is not _UNSET:
        profiles = fees.profiles if fees is not None else {}
        if controller.fee_profile not in profiles:
            known = ", ".join(profiles) or "none, or is not there"
            yield f"{path}: fee_profile is {controller.fee_profile!r}, {FEES} has {known}"
        elif connector not in profiles[controller.fee_profile]:
            yield f"{FEES}: profiles.{controller.fee_profile} has no fees of {connector!r}, which {path} trades at"
        else:
            own = profiles[controller.fee_profile][connector]
            taken = float(own.maker) + float(own.taker)
    if controller.fee_profile is not _UNSET and controller.require_fee_resolution is False:
        yield f"{path}: require_fee_resolution is false: it would trade at unresolved fees"
    yield from _stops(path, controller, bounds, taken)


def _leverage(path: str, controller: Controller, bounds: Bounds) -> Iterator[str]:
    perpetual = "perpetual" in controller.connector_name
    if controller.leverage is _UNSET:
        if perpetual and not controller.no_trade:
            # What a framework takes for it is its own choice, and may be 20.
            yield f"{path} has no leverage, and {controller.connector_name} is of perpetual futures"
        return
    if controller.leverage > bounds.leverage:
        yield f"{path}: leverage is {controller.leverage:g}, the policy allows {bounds.leverage:g} (largest_leverage)"
    if controller.leverage > 1 and not perpetual:
        yield f"{path}: leverage is {controller.leverage:g}, and {controller.connector_name} is of no futures"


def _bounds_of_base(path: str, controller: Controller) -> Iterator[str]:
    least, most, target = controller.min_base_pct, controller.max_base_pct, controller.target_base_pct
    if least is not _UNSET and most is not _UNSET and not least < most:
        yield f"{path}: min_base_pct is {least:g}, max_base_pct {most:g}"
    if target is not _UNSET and least is not _UNSET and target < least:
        yield f"{path}: target_base_pct is {target:g}, min_base_pct {least:g}"


def _stops(path: str, controller: Controller, bounds: Bounds, taken: float) -> Iterator[str]:
    """*taken* is what both sides of a position pay: a stop or a target nearer than that is lost to fees."""
    stop, target = controller.stop_loss, controller.take_profit
    if (stop is _UNSET) != (target is _UNSET):
        yield f"{path} has {'no stop_loss' if stop is _UNSET else 'no take_profit'}, and the other one"
    elif stop is not _UNSET and target is not _UNSET:
        most = target * bounds.stop_per_target
        if stop > most:
            yield (
                f"{path}: stop_loss is {stop:g}, at most {most:g} is allowed: {bounds.stop_per_target:g} times the "
                f"take_profit of {target:g} (largest_stop_per_target)"
            )
        for name, value in (("stop_loss", stop), ("take_profit", target)):
            if value <= taken:
                yield f"{path}: {name} is {value:g}, and the fees of both sides are {taken:g} by {FEES}"


def wrong_in_fees(fees: FeeProfiles) -> Iterator[str]:
    """The sentences for fees that are no fees: a taker pays no less than a maker, and neither half a percent."""
    for name, profile in fees.profiles.items():
        for connector, fee in profile.items():
            place = f"{FEES}: profiles.{name}.{connector}"
            maker, taker = float(fee.maker), float(fee.taker)
            if maker > taker:
                yield f"{place}.maker is {fee.maker}, above taker, {fee.taker}"
            if max(abs(maker), taker) > _LARGEST_FEE:
                yield f"{place} is {fee.maker} and {fee.taker}, expected at most {_LARGEST_FEE:g}"


def wrong_in_charged(row: MinuteRow, fees: FeeProfiles) -> Iterator[str]:
    """The sentence where a bot that takes its fees from the profiles wrote a row with others."""
    exchange, charged = row.cells["exchange"], (row.number("maker_fee_pct"), row.number("taker_fee_pct"))
    known = [profile[exchange] for profile in fees.profiles.values() if exchange in profile]
    if row.cells["fee_source"].startswith("project:") and charged not in [
        (float(fee.maker), float(fee.taker)) for fee in known
    ]:
        listed = " or ".join(f"{fee.maker} and {fee.taker}" for fee in known) or "none"
        stated = f"maker_fee_pct and taker_fee_pct are {charged[0]:g} and {charged[1]:g}"
        yield f"{row.origin}: {stated}, {FEES} has {listed}"


def wrong_in_exchanges(exchanges: ExchangeProfiles) -> Iterator[str]:
    """The sentences for profiles whose fields are about different exchanges."""
    there = {each.connector_name for each in exchanges.profiles.values()}
    for name, profile in exchanges.profiles.items():
        place, connector = f"{EXCHANGES}: profiles.{name}", profile.connector_name
        paper = connector.endswith(PAPER)
        if profile.is_demo != (paper or is_testnet(connector)):
            yield f"{place}.is_demo is {str(profile.is_demo).lower()}, and connector_name {connector!r}"
        needed = profile.requires_paper_trade_exchange
        if paper and (needed not in there or needed is None or not needed.startswith(connector.removesuffix(PAPER))):
            yield f"{place}.requires_paper_trade_exchange is {needed!r}, expected what {connector} imitates"
        if not paper and needed is not None:
            yield f"{place}.requires_paper_trade_exchange is {needed!r}, and {connector} is no paper exchange"
        if profile.market_type != _market(profile):
            yield f"{place}.market_type is {profile.market_type!r}, its exchange is of the type {_market(profile)}"


def _market(profile: ExchangeProfile) -> str:
    exchange = profile.requires_paper_trade_exchange or profile.connector_name
    return "perpetual" if "perpetual" in exchange else "spot"
