"""The configuration of a trading system: who may trade what, inside which limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from pytest_promotion.suites.trading.documents.kinds import Amount, Limit, Name, Share, ShareLimit, Version
from pytest_promotion.suites.trading.documents.typed import Partly

Mode = Literal["live", "testnet_probe", "paper_only", "disabled"]
AccountMode = Literal["probe", "paper_only", "disabled"]


class BotMode(msgspec.Struct):
    """With whose money a bot of `config/multi_bot_policy_v1.json` trades."""

    mode: Mode


class PlacedBot(BotMode):
    """Where it may trade."""

    exchange: Name
    allowed_symbols: list[Name]


class RunningBot(BotMode):
    """Whether it runs."""

    enabled: bool

    @property
    def is_on(self) -> bool:
        """Whether the bot runs: it is enabled and its mode is not `disabled`."""
        return self.enabled and self.mode != "disabled"


class TradingBot(RunningBot):
    """What it may trade. `max_notional_quote` is in quote currency; 0 is no real capital."""

    allowed_symbols: list[Name]
    max_notional_quote: Amount


class TradedBot(TradingBot):
    """And where it trades."""

    exchange: Name


class Bot(TradedBot):
    """All that the policy says of it."""

    portfolio_action_enabled: bool
    role: Name
    compose_profiles: list[Name]
    failure_isolation: Name


class GatingContract(msgspec.Struct):
    """What the policy says of its own gate, and which files it has in mind."""

    required_on_promotion: bool
    account_mode_source: Name
    risk_scope_source: Name
    reconciliation_source: Name
    promotion_gate_check: Any = None


class BotPolicy(msgspec.Struct):
    """`config/multi_bot_policy_v1.json`."""

    version: Version
    bots: dict[str, Bot]
    gating_contract: GatingContract
    policy_id: Name


class Account(msgspec.Struct):
    """The account of a bot."""

    exchange: Name
    credential_prefix: Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9_]*$")]  # of environment variables
    account_mode: AccountMode


class AccountMap(msgspec.Struct):
    """`config/exchange_account_map.json`."""

    version: Version
    bots: dict[str, Account]
    defaults: Account


class Override(msgspec.Struct):
    """Whether a bot's money counts in the portfolio."""

    enabled: bool


class RiskCaps(msgspec.Struct):
    """The caps of `config/portfolio_limits_v1.json`, and for which bots: shares of one, amounts in quote currency."""

    global_daily_loss_cap_pct: ShareLimit
    cross_bot_net_exposure_cap_quote: Limit
    concentration_cap_pct: ShareLimit
    concentration_min_equity_quote: Amount
    bot_action_scope: list[Name]


class WarnedCaps(RiskCaps):
    """The caps, and from which part of one on a figure is a warning."""

    warn_buffer_ratio: ShareLimit


class PortfolioLimits(WarnedCaps):
    """All of that file."""

    version: Version
    portfolio_kill_switch_on_global_breach: bool
    bot_overrides: dict[str, Override]


class Reconciliation(msgspec.Struct):
    """Which checks reconciliation makes of one bot, and its thresholds as shares; defaults filled in."""

    enabled: bool
    inventory_check_enabled: bool
    exchange_check_enabled: bool
    fill_parity_check_enabled: bool
    accounting_check_enabled: bool
    inventory_warn: ShareLimit
    inventory_critical: ShareLimit
    exchange_drift_warn: ShareLimit
    exchange_drift_critical: ShareLimit
    fee_drop_warn: ShareLimit
    fee_drop_critical: ShareLimit
    turnover_fee_gap_warn: ShareLimit


class Reconciling(msgspec.Struct):
    """Whether reconciliation looks at a bot."""

    enabled: bool


class CriticalInventory(msgspec.Struct):
    """From which share on a bot's drift is critical."""

    inventory_critical: ShareLimit


class Inventory(CriticalInventory):
    """From which shares on a bot's drift is a finding."""

    inventory_warn: ShareLimit


class ReconciliationThresholds(msgspec.Struct):
    """`config/reconciliation_thresholds.json`: defaults, and what single bots have instead."""

    version: Version
    defaults: Partly[Reconciliation]
    bots: dict[str, Partly[Reconciliation]]


class ParityPlan(msgspec.Struct):
    """What is expected of one bot, and how far from it each metric may be; defaults filled in."""

    enabled: bool
    expected_fill_ratio: Share
    max_fill_ratio_delta: Limit
    expected_slippage_bps: float
    max_slippage_delta_bps: Limit
    expected_reject_rate: Share
    max_reject_rate_delta: Limit
    expected_realized_pnl_quote: float
    max_realized_pnl_delta_quote: Limit


class BasePct(msgspec.Struct):
    """How far coordination may move a bot's share of the base currency."""

    neutral: Share
    confidence_step: ShareLimit
    min: Share
    max: ShareLimit


class Conflicts(msgspec.Struct):
    """Who outranks coordination, and how long an intent of it counts, in milliseconds."""

    ops_guard_precedence: Name
    intent_ttl_ms: Annotated[int, msgspec.Meta(gt=0, le=3_600_000)]


class Actions(msgspec.Struct):
    """What coordination does with an opinion: without a model it moves no target, and a rejected one pauses."""

    approved_with_model_version: Literal["set_target_base_pct", "resume", "soft_pause"]
    approved_no_model_version: Literal["resume", "soft_pause"]
    rejected: Literal["soft_pause", "kill_switch"]


class CoordinationPolicy(msgspec.Struct):
    """`config/coordination_policy_v1.json`."""

    version: Version
    enabled_default: bool
    require_ml_enabled: bool
    allowed_instances: list[Name]
    target_base_pct: BasePct
    actions: Actions
    conflict_contract: Conflicts
    policy_id: Name
