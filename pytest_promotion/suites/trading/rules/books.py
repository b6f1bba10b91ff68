"""The books: parity against its plan, and the findings of reconciliation against the rows that they are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from pytest_promotion.suites.trading.documents.book_reports import ComparedBot, DriftFinding, FillCounts, Finding
from pytest_promotion.suites.trading.documents.configuration import Inventory, ParityPlan
from pytest_promotion.suites.trading.documents.minute_rows import MinuteRow
from pytest_promotion.suites.trading.documents.typed import typed
from pytest_promotion.suites.trading.rules.figures import same
from pytest_promotion.suites.trading.rules.scope import RECONCILIATION

PARITY: Final = "config/parity_thresholds.json"
# By the name of a metric in the report: what the plan expects of it, and how far from that it may be.
METRICS: Final = {
    "fill_ratio_delta": ("expected_fill_ratio", "max_fill_ratio_delta"),
    "slippage_delta_bps": ("expected_slippage_bps", "max_slippage_delta_bps"),
    "reject_rate_delta": ("expected_reject_rate", "max_reject_rate_delta"),
    "realized_pnl_delta_quote": ("expected_realized_pnl_quote", "max_realized_pnl_delta_quote"),
}


def off_plan(bot: ComparedBot, plan: ParityPlan) -> Iterator[str]:
    """Where the report on *bot* was made with other expectations than the plan of now, or without one of them."""
    found = {metric.metric: metric for metric in bot.metrics}
    if len(found) != len(bot.metrics):
        yield f"{bot.bot} has a metric twice"
    for name in sorted(set(METRICS) ^ set(found)):
        yield f"{bot.bot} has {'no' if name in METRICS else 'an unknown'} metric {name}"
    for name, (expected, limit) in METRICS.items():
        if name not in found:
            continue
        for field, key in (("expected", expected), ("max_abs_delta", limit)):
            value, planned = getattr(found[name], field), getattr(plan, key)
            if value != planned:
                yield f"{bot.bot} {name}: {field} is {value:g}, {PARITY} has a {key} of {planned:g}"


def wrong_in_metrics(bot: ComparedBot) -> Iterator[str]:
    """The sentences for metrics whose delta is not the value less what was expected, or whose value is missing."""
    for metric in bot.metrics:
        what = f"{bot.bot} {metric.metric}"
        if metric.value is None or metric.delta is None:
            if (metric.value, metric.delta) != (None, None):
                yield f"{what}: value is {metric.value}, delta {metric.delta}"
        elif not same(metric.delta, metric.value - metric.expected):
            difference = metric.value - metric.expected
            yield f"{what}: delta is {metric.delta:.10g}, value less expected is {difference:.10g}"
        elif metric.note is not msgspec.UNSET:
            yield f"{what}: value is {metric.value:g}, and its note is 'insufficient_data'"
    summary = bot.summary
    if summary.actionable_intents > summary.intents_total:
        actionable, all_of_them = summary.actionable_intents, summary.intents_total
        yield f"{bot.bot}: summary.actionable_intents is {actionable}, of an intents_total of {all_of_them}"
    values = {metric.metric: metric.value for metric in bot.metrics}
    failed = summary.order_failed_total + summary.risk_denied_total
    for name, count, what in (
        ("fill_ratio_delta", summary.fills_total, "fills_total"),
        ("reject_rate_delta", failed, "order_failed_total and risk_denied_total"),
    ):
        value = values.get(name)
        if value and not count:
            yield f"{bot.bot} {name}: value is {value:g}, and the {what} of its summary are 0"
    if "slippage_delta_bps" in values and (values["slippage_delta_bps"] is None) != (summary.fills_total == 0):
        shown = values["slippage_delta_bps"]
        yield f"{bot.bot} slippage_delta_bps: value is {shown}, over a summary.fills_total of {summary.fills_total}"


def wrong_in_inventory(
    path: str, bot: str, findings: Sequence[DriftFinding], row: MinuteRow, settings: Inventory
) -> Iterator[str]:
    """
    The sentences where the finding about a bot's inventory is not what its row and its thresholds give.

    Drift is how far the row's `base_pct` is from its `target_base_pct`.
    """
    drift = abs(row.number("base_pct") - row.number("target_base_pct"))
    critical, warn = settings.inventory_critical, settings.inventory_warn
    wanted = "critical" if drift >= critical else "warning" if drift >= warn else ""
    stated = [finding for finding in findings if finding.bot == bot and finding.check == "inventory"]
    severities = [finding.severity for finding in stated]
    limits = f"inventory_warn {warn:g}, inventory_critical {critical:g} of {RECONCILIATION}"
    if severities != ([wanted] if wanted else []):
        found = " and ".join(severities) or "nothing"
        yield f"{path}: {bot} inventory: {found} is found, {row.origin} has a drift of {drift:g} ({limits})"
    for finding in stated:
        details = finding.details
        for name, value, own in (
            ("drift", details.drift, drift),
            ("warn_threshold", details.warn_threshold, warn),
            ("critical_threshold", details.critical_threshold, critical),
        ):
            if value is not msgspec.UNSET and not same(abs(value), own):
                yield f"{path}: {bot} inventory: details.{name} is {value:g}, expected {own:g} ({limits})"


def wrong_in_fills(path: str, findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each finding that fills are not those of the events, whose own counts say that they are."""
    for number, finding in enumerate(findings):
        if finding["check"] == "fill_parity":
            place = f"{path}: findings[{number}].details"
            counts = typed(finding["details"], FillCounts, path, place=f"findings[{number}].details")
            if counts.fills_csv == counts.fills_events:
                yield f"{place}: fills_csv is {counts.fills_csv}, fills_events as well"


def about(path: str, field: str, stated: str, wanted: str) -> Iterator[str]:
    """A sentence where the *field* of a report names another file than *wanted*, below any root."""
    if stated.replace("\\", "/") != wanted and not stated.replace("\\", "/").endswith(f"/{wanted}"):
        yield f"{path}: {field} is {stated!r}, expected {wanted}"


def of_severity(findings: Sequence[Finding], severity: str) -> list[str]:
    """The findings of that severity, each with its bot and check."""
    return [str(finding) for finding in findings if finding.severity == severity]
