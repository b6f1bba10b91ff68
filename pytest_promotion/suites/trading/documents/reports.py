"""The reports of a trading system's services. What a gate does not rely on is known and not read."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from pytest_promotion.suites.trading.documents.kinds import Amount, Count, Limit, Name, Share

UNSET = msgspec.UNSET  # a field that a report does not have

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


class DriftDetails(msgspec.Struct):
    """How far a bot's inventory is from its target, as a share of its equity."""

    OPEN: ClassVar[bool] = True
    drift: float


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
    accounting_snapshots: Any = None
    exchange_source_enabled: Any = None
    exchange_snapshot_path: Any = None
    thresholds_path: Any = None


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
    max_abs_delta: Limit
    passed: bool = msgspec.field(name="pass")
    note: Literal["insufficient_data"] | msgspec.UnsetType = msgspec.UNSET
    delta: Any = None


class ComparedBot(msgspec.Struct):
    """The metrics of one bot."""

    bot: Name
    passed: bool = msgspec.field(name="pass")
    metrics: list[Metric]
    summary: Any = None


class ParityReport(msgspec.Struct):
    """`reports/parity/latest.json`."""

    ts_utc: Any
    status: Name
    failed_bots: Count
    checked_bots: Count
    bots: list[ComparedBot]
    event_store_file: Any = None
    event_store_files: Any = None
    reconciliation_status: Any = None
    thresholds_path: Any = None
    thresholds_version: Any = None


class BotRisk(msgspec.Struct):
    """What one bot adds to the portfolio's risk."""

    equity_quote: Amount
    daily_loss_pct: Annotated[float, msgspec.Meta(le=1)]
    drawdown_pct: Share
    directional_exposure_quote: float
    base_pct: Any = None
    base_exposure_abs_quote: Any = None


class RiskMetrics(msgspec.Struct):
    """The portfolio's figures, of the bots in scope."""

    portfolio_daily_loss_pct: Annotated[float, msgspec.Meta(le=1)]
    abs_net_exposure_quote: Amount
    max_equity_share_pct: Share
    total_equity_quote: Amount
    concentration_candidate_bot_count: Any = None
    concentration_min_equity_quote: Any = None
    portfolio_drawdown_pct: Any = None


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
    bots: Any = None
    limits_path: Any = None
    publish_actions_enabled: Any = None
    actions: Any = None


class SnapshotBot(msgspec.Struct):
    """What one bot holds, by the snapshot of its exchange or by its own table (`local_minute_proxy`)."""

    exchange: Name
    equity_quote: Amount
    base_pct: Annotated[float, msgspec.Meta(ge=-100, le=100)]
    trading_pair: Name
    source: Name
    account_mode: Literal["probe", "paper_only", "disabled"] | msgspec.UnsetType = msgspec.UNSET
    account_probe_status: Name | msgspec.UnsetType = msgspec.UNSET
    account_exchange: Any = None
    account_balances: Any = None
    row_ts_utc: Any = None


class AccountProbe(msgspec.Struct):
    """Whether the exchange was asked for the balances of the default account."""

    status: Name
    error: str
    balances: Any = None

    @property
    def failures(self) -> list[str]:
        """A sentence where the exchange was asked in vain, else nothing."""
        if not self.error and self.status != "error":
            return []
        return [f"account_probe.status is {self.status!r}, its error {self.error!r}"]


class ExchangeSnapshot(msgspec.Struct):
    """`reports/exchange_snapshots/latest.json`."""

    ts_utc: Any
    account_probe: AccountProbe
    bots: dict[str, SnapshotBot]
    source: Any = None
    mode: Any = None
    account_map_path: Any = None
    note: Any = None
    account_probe_cache: Any = None


class Probe(msgspec.Struct):
    """One endpoint that alerts go to, and whether it answered."""

    endpoint: Name
    ok: bool
    url: Any = None
    reason: Any = None


class AlertProbe(msgspec.Struct):
    """`reports/reconciliation/last_webhook_sent.json`."""

    ts_utc: Any
    status: Name
    probes: list[Probe]
    mode: Any = None


class Integrity(msgspec.Struct):
    """`reports/event_store/integrity_<day>.json`."""

    total_events: Count
    events_by_stream: dict[str, Count]
    missing_correlation_count: Count
    ts_utc: Any = None
    last_update_utc: Any = None
    unparsable_rows: Any = None


class Day2Check(msgspec.Struct):
    """One check of the day-2 evaluation, with the figures that are its own."""

    name: Name
    passed: bool = msgspec.field(name="pass")
    value_hours: Amount | msgspec.UnsetType = msgspec.UNSET
    required_hours: Limit | msgspec.UnsetType = msgspec.UNSET
    value: Count | msgspec.UnsetType = msgspec.UNSET
    required: Count | msgspec.UnsetType = msgspec.UNSET
    max_delta_observed: Count | msgspec.UnsetType = msgspec.UNSET
    max_allowed_delta: Count | msgspec.UnsetType = msgspec.UNSET


class Day2(msgspec.Struct):
    """`reports/event_store/day2_gate_eval_latest.json`."""

    ts_utc: Any
    go: bool
    checks: list[Day2Check]
    gate: Any = None
    baseline_file: Any = None
    integrity_file: Any = None
    source_compare_file: Any = None


class GroupRun(msgspec.Struct):
    """One group of the target's tests."""

    selected: Count
    collected: Count
    passed: Count
    skipped: Count
    failed: Count
    rc: Any = None
    duration_s: Any = None


class LeakFound(msgspec.Struct):
    """A secret that the scan found: where, and by which rule."""

    OPEN: ClassVar[bool] = True
    path: Name
    rule: Name
    line: int | None = None

    def __str__(self) -> str:
        line = "" if self.line is None else f" line {self.line}"
        return f"{self.path}{line} ({self.rule})"


class Signature(msgspec.Struct):
    """Over how many events a window was replayed."""

    OPEN: ClassVar[bool] = True
    regression_event_count: Count


class WindowReplay(msgspec.Struct):
    """The replay of one window of events."""

    min_events: Annotated[int, msgspec.Meta(gt=0)]
    status: Name
    deterministic_repeat_pass: bool
    blockers: list[Name]
    rc: Any = None
    signature_baseline: Any = None
    report_path: Any = None
    runner_output_tail: Any = None


class ModelFigures(msgspec.Struct):
    """What a model, or the baseline, achieved."""

    sharpe: float
    pnl_bps: float


class Drift(msgspec.Struct):
    """How far a model has drifted."""

    feature_psi: Amount
    confidence_drop: float


class Retirement(msgspec.Struct):
    """How long a model has been bad."""

    consecutive_underperformance_days: Count
    critical_incidents_7d: Count


class ModelReport(msgspec.Struct):
    """`reports/ml/latest.json`."""

    ts_utc: Any
    baseline: ModelFigures
    candidate: ModelFigures
    drift: Drift
    retirement: Retirement
