"""The portfolio's risk: its figures added up from its bots, and its findings from figures and limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.trading.documents.book_reports import BotRisk, PortfolioRisk, RiskDetails
from pytest_promotion.suites.trading.documents.configuration import RiskCaps, WarnedCaps
from pytest_promotion.suites.trading.rules.figures import same
from pytest_promotion.suites.trading.rules.scope import LIMITS

# By a word of the checks that services make: the figure, and the limit that it is compared with.
CAPPED: Final = {
    "loss": ("portfolio_daily_loss_pct", "global_daily_loss_cap_pct"),
    "exposure": ("abs_net_exposure_quote", "cross_bot_net_exposure_cap_quote"),
    "concentration": ("max_equity_share_pct", "concentration_cap_pct"),
}


def added_up(scope: Sequence[BotRisk], caps: RiskCaps) -> dict[str, float]:
    """
    The portfolio's figures, from those of the bots in scope: amounts in quote currency, shares of one.

    Raises:
        Unproven: where they are worth nothing.
    """
    total = sum(bot.equity_quote for bot in scope)
    sizes = [bot.equity_quote for bot in scope if bot.equity_quote >= caps.concentration_min_equity_quote]
    if total <= 0 or not sizes:
        raise Unproven(f"the bots in scope are worth {total:g}, of which no share can be computed")
    return {
        "portfolio_daily_loss_pct": sum(bot.daily_loss_pct * bot.equity_quote for bot in scope) / total,
        "portfolio_drawdown_pct": sum(bot.drawdown_pct * bot.equity_quote for bot in scope) / total,
        "abs_net_exposure_quote": abs(sum(bot.directional_exposure_quote for bot in scope)),
        "max_equity_share_pct": max(sizes) / sum(sizes),
        "total_equity_quote": total,
        "concentration_candidate_bot_count": len(sizes),
        "concentration_min_equity_quote": caps.concentration_min_equity_quote,
    }


def wrong_in_metrics(path: str, report: PortfolioRisk, added: Mapping[str, float]) -> Iterator[str]:
    """A sentence for each figure of the portfolio that its bots do not add up to; *added* is from `added_up`."""
    for name, value in added.items():
        stated = getattr(report.metrics, name)
        if stated is not msgspec.UNSET and not same(stated, value):
            whose = LIMITS if name == "concentration_min_equity_quote" else "the bots in scope"
            yield f"{path}: metrics.{name} is {stated:.10g}, by {whose} it is {value:.10g}"


def wrong_in_findings(
    path: str, report: PortfolioRisk, details: Sequence[RiskDetails], caps: WarnedCaps
) -> Iterator[str]:
    """The sentences for findings that the limits of now do not give, and for those that they would give."""
    for number, finding in enumerate(report.findings):
        limit = next((cap for word, (_, cap) in CAPPED.items() if word in finding.check), None)
        if "drawdown" in finding.check:
            limit = "global_daily_loss_cap_pct"
        if limit is None:
            continue
        place, cap = f"{path}: findings[{number}].details", getattr(caps, limit)
        for name, wanted in (
            ("cap_pct", cap),
            ("cap", cap),
            ("warn_level_pct", cap * caps.warn_buffer_ratio),
        ):
            stated = getattr(details[number], name)
            if stated is not msgspec.UNSET and not same(stated, wanted):
                yield f"{place}.{name} is {stated:g}, by {limit} of {LIMITS} it is {wanted:g}"
    for word, (metric, limit) in CAPPED.items():
        value, level = getattr(report.metrics, metric), getattr(caps, limit) * caps.warn_buffer_ratio
        found = [finding.check for finding in report.findings if word in finding.check]
        if value >= level and not found:
            buffer = f"the warn_buffer_ratio of {caps.warn_buffer_ratio:g} times {limit} of {LIMITS}"
            yield f"{path}: metrics.{metric} is {value:g}, at or above {level:g}, {buffer}, and no finding says so"
        elif value < level and found:
            yield f"{path}: {found[0]} is found, and metrics.{metric} is {value:g}, below {level:g}"


def wrong_in_actions(path: str, report: PortfolioRisk) -> Iterator[str]:
    """The sentences where the actions on single bots are not those of the portfolio, or reach nobody."""
    if not report.publish_actions_enabled:
        yield f"{path}: publish_actions_enabled is false: no bot would hear of a breach"
    if report.portfolio_action != "allow":
        acted = [action.bot for action in report.actions]
        for bot in report.risk_scope_bots:
            if acted.count(bot) != 1:
                yield f"{path}: {bot} has {acted.count(bot)} actions, portfolio_action is {report.portfolio_action!r}"
    for number, action in enumerate(report.actions):
        if action.bot not in report.risk_scope_bots:
            yield f"{path}: actions[{number}].bot is {action.bot!r}, which is not in scope"
        if action.action != report.portfolio_action:
            wanted = report.portfolio_action
            yield f"{path}: actions[{number}].action is {action.action!r}, portfolio_action is {wanted!r}"
