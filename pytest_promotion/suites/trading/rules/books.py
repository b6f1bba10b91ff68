"""The books: parity against its plan, and the portfolio's risk added up from its bots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.trading.documents.book_reports import BotRisk, ComparedBot, Finding
from pytest_promotion.suites.trading.documents.configuration import ParityPlan, RiskCaps

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


def of_severity(findings: Sequence[Finding], severity: str) -> list[str]:
    """The findings of that severity, each with its bot and check."""
    return [str(finding) for finding in findings if finding.severity == severity]


def added_up(scope: Sequence[BotRisk], caps: RiskCaps) -> dict[str, float]:
    """
    The portfolio's figures, from those of the bots in scope: amounts in quote currency, shares of one.

    Raises:
        Unproven: where they are worth nothing.
    """
    total = sum(bot.equity_quote for bot in scope)
    sizes = [bot.equity_quote for bot in scope if bot.equity_quote >= caps.concentration_min_equity_quote]
    if total <= 0 or not sizes:
        raise Unproven(f"the bots in scope are worth {total:g}: no share of that can be told")
    return {
        "portfolio_daily_loss_pct": sum(bot.daily_loss_pct * bot.equity_quote for bot in scope) / total,
        "abs_net_exposure_quote": abs(sum(bot.directional_exposure_quote for bot in scope)),
        "max_equity_share_pct": max(sizes) / sum(sizes),
        "total_equity_quote": total,
    }
