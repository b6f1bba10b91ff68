"""What runs a bot: its controller and its script, and the fees and the exchanges that controllers name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from pytest_promotion.suites.trading.documents.kinds import Amount, Name, Share, ShareLimit, Version

UNSET = msgspec.UNSET
Unset = msgspec.UnsetType

Fee = Annotated[float, msgspec.Meta(ge=-0.005, le=0.005)]  # a part of one; below 0 it is paid to the trader
Leverage = Annotated[float, msgspec.Meta(ge=1, le=125)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Spreads = Annotated[str, msgspec.Meta(pattern=r"^0(\.\d+)?(,\s*0(\.\d+)?)*$")]  # shares below one
Percents = Annotated[str, msgspec.Meta(pattern=r"^(\d{1,2}(\.\d+)?|100)(,\s*(\d{1,2}(\.\d+)?|100))*$")]


class Controller(msgspec.Struct):
    """
    A bundle's controller file. Without a word about it, a controller places orders.

    Of what a strategy may leave out, here are the fields that say how much can be lost and how fast, each with a range.
    """

    controller_name: Name
    instance_name: Name
    connector_name: Name
    trading_pair: Name
    total_amount_quote: Amount
    no_trade: bool = False
    id: Name | Unset = UNSET
    enabled: bool | Unset = UNSET
    leverage: Leverage | Unset = UNSET
    position_mode: Literal["ONEWAY", "HEDGE"] | Unset = UNSET
    stop_loss: ShareLimit | Unset = UNSET
    take_profit: ShareLimit | Unset = UNSET
    take_profit_order_type: Literal["MARKET", "LIMIT", "LIMIT_MAKER"] | Unset = UNSET
    time_limit: Seconds | Unset = UNSET
    executor_refresh_time: Seconds | Unset = UNSET
    cooldown_time: Seconds | Unset = UNSET
    buy_spreads: Spreads | Unset = UNSET
    sell_spreads: Spreads | Unset = UNSET
    buy_amounts_pct: Percents | Unset = UNSET
    sell_amounts_pct: Percents | Unset = UNSET
    fee_mode: Literal["auto", "project", "manual"] | Unset = UNSET
    fee_profile: Name | Unset = UNSET
    require_fee_resolution: bool | Unset = UNSET
    spot_fee_pct: Fee | Unset = UNSET
    slippage_est_pct: Annotated[float, msgspec.Meta(gt=0, le=0.02)] | Unset = UNSET
    turnover_cap_x: Annotated[float, msgspec.Meta(gt=0, le=10)] | Unset = UNSET
    min_base_pct: Share | Unset = UNSET
    max_base_pct: Share | Unset = UNSET
    target_base_pct: Share | Unset = UNSET
    internal_paper_enabled: bool | Unset = UNSET
    sample_interval_s: Annotated[float, msgspec.Meta(gt=0, le=60)] | Unset = UNSET


class Script(msgspec.Struct):
    """A bundle's script file."""

    script_file_name: Name
    controllers_config: list[Name]
    max_global_drawdown_quote: Amount | None = None
    max_controller_drawdown_quote: Amount | None = None


class Fees(msgspec.Struct):
    """What an exchange takes of a trade, as texts of parts of one."""

    maker: Annotated[str, msgspec.Meta(pattern=r"^-?0(\.\d+)?$")]
    taker: Annotated[str, msgspec.Meta(pattern=r"^0(\.\d+)?$")]


class FeeProfiles(msgspec.Struct):
    """`config/fee_profiles.json`: by profile and connector."""

    version: Version
    profiles: dict[str, dict[str, Fees]]


class ExchangeProfile(msgspec.Struct):
    """One way to be connected to an exchange."""

    connector_name: Name
    market_type: Literal["spot", "perpetual"]
    is_demo: bool
    requires_paper_trade_exchange: Name | None
    notes: Any = None


class ExchangeProfiles(msgspec.Struct):
    """`config/exchange_profiles.json`."""

    version: Version
    profiles: dict[str, ExchangeProfile]
