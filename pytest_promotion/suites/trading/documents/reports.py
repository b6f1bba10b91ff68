"""The reports of a trading system's services. What a gate does not rely on is known and not read."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from pytest_promotion.suites.trading.documents.kinds import Amount, Count, Limit, Name

UNSET = msgspec.UNSET  # a field that a report does not have


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
    mode: Annotated[str, msgspec.Meta(pattern=r"^(proxy_local|[a-z0-9]+_ccxt_private)$")]
    source: Any = None
    account_map_path: Any = None
    note: Any = None
    account_probe_cache: Any = None

    @property
    def other_sources(self) -> list[str]:
        """A sentence for each bot whose source is not that of the snapshot's mode."""
        proxied = self.mode == "proxy_local"
        return [
            f"bots.{name}.source is {bot.source!r}, and mode {self.mode!r}"
            for name, bot in self.bots.items()
            if bot.source != ("local_minute_proxy" if proxied else self.mode)
            and (proxied or bot.source != "local_minute_proxy")
        ]


class Probe(msgspec.Struct):
    """One endpoint that alerts go to, and whether it answered."""

    endpoint: Name
    ok: bool
    reason: Name
    url: Any = None

    @property
    def answered(self) -> bool:
        """Whether it answered, by its own word and by the HTTP status that it has as reason."""
        status = re.search(r"\b[1-5]\d\d\b", self.reason)
        return self.ok and (status is None or status[0].startswith("2"))


class AlertProbe(msgspec.Struct):
    """`reports/reconciliation/last_webhook_sent.json`."""

    ts_utc: Any
    status: Name
    probes: list[Probe]
    mode: Literal["live", "local_dev_degraded"]


class CoordinationHealth(msgspec.Struct):
    """`reports/coordination/latest.json`."""

    ts_utc: Any
    status: Literal["ok", "disabled", "enabled", "running"]
    require_ml_enabled: bool
    allowed_instances: list[Name]
    policy_path: Name
    coord_enabled: bool | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    ml_enabled: bool | msgspec.UnsetType = msgspec.UNSET
    state: Name | msgspec.UnsetType = msgspec.UNSET
    instance_name: Name | msgspec.UnsetType = msgspec.UNSET
    decisions_seen: Count | msgspec.UnsetType = msgspec.UNSET
    intents_emitted: Count | msgspec.UnsetType = msgspec.UNSET
    intents_seen: Any = None
    last_intent_utc: Any = None

    @property
    def switch(self) -> str:
        """The field that says whether it acts, in the order in which services write it."""
        return "enabled" if self.coord_enabled is UNSET else "coord_enabled"

    @property
    def is_on(self) -> bool:
        """Whether it acts. A report that does not say so may be of one that does."""
        return getattr(self, self.switch) is not False


class Kpi(msgspec.Struct):
    """A figure of the paper soak and its limits; null for none."""

    value: float
    min: float | None
    max: float | None
    passed: bool = msgspec.field(name="pass")


class PaperSoak(msgspec.Struct):
    """`reports/paper_soak/latest.json`."""

    OPEN: ClassVar[bool] = True
    status: Name
    bot: Name
    sample_count: Count
    window_hours: Limit | msgspec.UnsetType = msgspec.UNSET
    kpis: dict | msgspec.UnsetType = msgspec.UNSET  # type: ignore[type-arg]


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
