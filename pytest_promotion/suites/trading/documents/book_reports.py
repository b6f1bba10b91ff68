"""The reports of the books: reconciliation, parity and the portfolio's risk. Fields of the type `Any` are not read."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from pytest_promotion.suites.trading.documents.kinds import Amount, Count, Limit, Name, Share, ShareLimit, Version

Severity = Literal["critical", "warning", "info"]
Health = Literal["ok", "warning", "critical"]


class Finding(msgspec.Struct):
    """One finding: how bad, and of which check."""

    OPEN: ClassVar[bool] = True
    severity: Severity
    check: Name

    def __str__(self) -> str:
        return self.check


class TitledFinding(Finding):
    """A finding with its title, as of the portfolio."""

    message: Name

    def __str__(self) -> str:
        return f"{self.message} ({self.check})"


class BotFinding(TitledFinding):
    """A finding about one bot."""

    bot: Name

    def __str__(self) -> str:
        return f"{self.bot}: {self.message} ({self.check})"


class Drift(msgspec.Struct):
    """How far a bot's inventory is from its target, as a share of its equity."""

    OPEN: ClassVar[bool] = True
    drift: float


class DriftDetails(Drift):
    """The same, and from when on that is found."""

    warn_threshold: ShareLimit | msgspec.UnsetType = msgspec.UNSET
    critical_threshold: ShareLimit | msgspec.UnsetType = msgspec.UNSET


class DriftFinding(BotFinding):
    """A finding with what it compared: of inventory, a drift."""

    details: DriftDetails


class FillCounts(msgspec.Struct):
    """How many fills the table of a bot has, and how many events tell of one."""

    OPEN: ClassVar[bool] = True
    fills_csv: Count
    fills_events: Count


class AccountingSnapshot(msgspec.Struct):
    """What one bot holds, in quote currency, and what it lost today, as shares of one."""

    bot: Name
    exchange: Name
    trading_pair: Name
    mid: Limit
    equity_quote: Amount
    base_balance: float
    quote_balance: float
    fees_paid_today_quote: Amount
    funding_paid_today_quote: Amount
    daily_loss_pct: Annotated[float, msgspec.Meta(le=1)]
    drawdown_pct: Share
    fee_source: Name
    row_ts_utc: Any = None


class Reconciled(msgspec.Struct):
    """What `reports/reconciliation/latest.json` found."""

    ts_utc: Any
    status: Health
    checked_bots: Count
    critical_count: Count
    warning_count: Count
    findings: list[BotFinding]
    thresholds_path: Name
    accounting_snapshots: Any = None
    exchange_source_enabled: Any = None
    exchange_snapshot_path: Any = None


class Accounts(msgspec.Struct):
    """What the same report says of the bots' accounts."""

    OPEN: ClassVar[bool] = True
    checked_bots: Count
    critical_count: Count
    warning_count: Count
    findings: list[Finding]
    accounting_snapshots: list[AccountingSnapshot]


class Metric(msgspec.Struct):
    """How far one metric of a bot is from what was expected; null where there was nothing to compute it from."""

    metric: Name
    value: float | None
    expected: float
    delta: float | None
    max_abs_delta: Limit
    passed: bool = msgspec.field(name="pass")
    note: Literal["insufficient_data"] | msgspec.UnsetType = msgspec.UNSET


class ParitySummary(msgspec.Struct):
    """What a bot did and what it held, in quote currency; null without a minute row."""

    intents_total: Count
    actionable_intents: Count
    fills_total: Count
    order_failed_total: Count
    risk_denied_total: Count
    equity_first: Amount | None
    equity_last: Amount | None


class ComparedBot(msgspec.Struct):
    """The metrics of one bot."""

    bot: Name
    passed: bool = msgspec.field(name="pass")
    metrics: list[Metric]
    summary: ParitySummary


class ParityReport(msgspec.Struct):
    """`reports/parity/latest.json`."""

    ts_utc: Any
    status: Name
    failed_bots: Count
    checked_bots: Count
    bots: list[ComparedBot]
    thresholds_path: Name
    thresholds_version: Version
    reconciliation_status: Literal["ok", "warning"]
    event_store_file: Any = None
    event_store_files: Any = None


class BotRisk(msgspec.Struct):
    """What one bot adds to the portfolio's risk."""

    equity_quote: Amount
    daily_loss_pct: Annotated[float, msgspec.Meta(le=1)]
    drawdown_pct: Share
    directional_exposure_quote: float
    base_pct: float
    base_exposure_abs_quote: Amount


class RiskMetrics(msgspec.Struct):
    """The portfolio's figures, of the bots in scope."""

    portfolio_daily_loss_pct: Annotated[float, msgspec.Meta(le=1)]
    abs_net_exposure_quote: Amount
    max_equity_share_pct: Share
    total_equity_quote: Amount
    concentration_candidate_bot_count: Count
    concentration_min_equity_quote: Amount
    portfolio_drawdown_pct: Share | msgspec.UnsetType = msgspec.UNSET


class RiskDetails(msgspec.Struct):
    """The figures that a finding about the portfolio compared: services name them in two ways."""

    OPEN: ClassVar[bool] = True
    cap_pct: Limit | msgspec.UnsetType = msgspec.UNSET
    cap: Limit | msgspec.UnsetType = msgspec.UNSET
    warn_level_pct: Limit | msgspec.UnsetType = msgspec.UNSET


class RiskAction(msgspec.Struct):
    """What the portfolio did to a bot."""

    bot: Name
    action: Literal["allow", "soft_pause", "kill_switch"]
    event_id: Any = None


class PortfolioRisk(msgspec.Struct):
    """`reports/portfolio_risk/latest.json`."""

    ts_utc: Any
    status: Health
    critical_count: Count
    warning_count: Count
    portfolio_action: Literal["allow", "soft_pause", "kill_switch"]
    synthetic_breach: bool
    metrics: RiskMetrics
    risk_scope_bots: list[Name]
    findings: list[TitledFinding]
    limits_path: Name
    actions: list[RiskAction]
    publish_actions_enabled: bool
    bots: Any = None
