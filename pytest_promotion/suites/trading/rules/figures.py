"""The figures of reports: each is that of a minute row of its bot, written at about the time of the report."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pytest_promotion.suites.trading.documents.book_reports import AccountingSnapshot, BotRisk, ComparedBot
from pytest_promotion.suites.trading.documents.minute_rows import MinuteRow, minute_rows
from pytest_promotion.suites.trading.documents.reports import SnapshotBot

_SAME: Final = 1e-6  # relative, and of shares absolute: reports round to six digits

ACCOUNTING: Final = ("mid", "equity_quote", "base_balance", "quote_balance", "fees_paid_today_quote", "daily_loss_pct")


@dataclass(frozen=True)
class Logs:
    """The minute rows of one bot, of all its logs, and which of them a report may be of."""

    bot: str
    rows: Sequence[MinuteRow]
    reported: datetime
    within: timedelta

    @property
    def near(self) -> list[MinuteRow]:
        """The rows that were written at about the time of the report."""
        return [row for row in self.rows if abs(row.moment - self.reported) <= self.within]


def same(value: float, other: float) -> bool:
    """Whether two figures are one, as far as a report rounds them."""
    return math.isclose(value, other, rel_tol=_SAME, abs_tol=_SAME)


def of_no_row(
    place: str, figures: Mapping[str, float | str], rows: Sequence[MinuteRow], where: str
) -> tuple[MinuteRow | None, list[str]]:
    """
    The row of *rows* that has all *figures*, by column; else a sentence with the first figure that no row has.

    Args:
        place: what in the report the figures are of, such as `reports/x.json: bots.bot1`.
        where: which rows these are, in words.
    """
    if not rows:
        return None, [f"{place}: {where} has no rows, which its figures would be of"]
    for row in rows:
        if all(_has(row, column, value) for column, value in figures.items()):
            return row, []
    wrong = [([column for column, value in figures.items() if not _has(row, column, value)], row) for row in rows]
    least, best = min(wrong, key=lambda found: len(found[0]))
    column = least[0]
    value = figures[column]
    shown = repr(value) if isinstance(value, str) else f"{value:.10g}"
    return None, [
        f"{place}.{column} is {shown}, {best.origin} has {best.cells[column]} and no other row of {where} fits"
    ]


def _has(row: MinuteRow, column: str, value: float | str) -> bool:
    if isinstance(value, str):
        return bool(row.cells[column] == value)
    return same(row.number(column), value)


def wrong_in_snapshot(place: str, snapshot: AccountingSnapshot, logs: Logs) -> tuple[MinuteRow | None, list[str]]:
    """The minute row that an accounting snapshot is of, or the sentence for why it is of none."""
    figures: dict[str, float | str] = {column: getattr(snapshot, column) for column in ACCOUNTING}
    for column in ("drawdown_pct", "exchange", "trading_pair", "fee_source"):
        figures[column] = getattr(snapshot, column)
    if snapshot.funding_paid_today_quote:
        figures["funding_paid_today_quote"] = snapshot.funding_paid_today_quote
    return of_no_row(place, figures, logs.near, _rows(logs))


def wrong_in_holdings(place: str, held: SnapshotBot, logs: Logs, *, is_on: bool) -> list[str]:
    """The sentence for why what a snapshot says of a bot is of no minute row. One that is off may be of an old row."""
    names = ("equity_quote", "base_pct", "exchange", "trading_pair")
    figures: dict[str, float | str] = {name: getattr(held, name) for name in names}
    return of_no_row(place, figures, logs.near if is_on else logs.rows, _rows(logs))[1]


def wrong_in_risk(place: str, risk: BotRisk, logs: Logs, *, is_on: bool) -> list[str]:
    """
    The sentences for what is wrong with a bot's figures in the report on the portfolio's risk.

    Its exposure is what the base is worth beyond the quote balance, or beyond its target share: both ways are in use.
    """
    figures: dict[str, float | str] = {"equity_quote": risk.equity_quote, "base_pct": risk.base_pct}
    if is_on:
        figures |= {"daily_loss_pct": risk.daily_loss_pct, "drawdown_pct": risk.drawdown_pct}
    row, wrong = of_no_row(place, figures, logs.near if is_on else logs.rows, _rows(logs))
    if row is None:
        return wrong
    base = row.number("base_balance") * row.number("mid")
    net = base - row.number("quote_balance")
    beyond_target = (row.number("base_pct") - row.number("target_base_pct")) * row.number("equity_quote")
    exposure, absolute = risk.directional_exposure_quote, risk.base_exposure_abs_quote
    tolerance = _SAME * max(1, row.number("equity_quote")) * 2
    if min(abs(exposure - net), abs(exposure - beyond_target)) > tolerance:
        counted = f"{net:.10g} beyond its quote balance and {beyond_target:.10g} beyond its target"
        wrong.append(f"{place}.directional_exposure_quote is {exposure:.10g}, {row.origin} has {counted}")
    if abs(absolute - abs(base)) > tolerance:
        wrong.append(f"{place}.base_exposure_abs_quote is {absolute:.10g}, {row.origin} has {abs(base):.10g}")
    return wrong


def wrong_in_parity(place: str, bot: ComparedBot, logs: Logs, realized: Callable[[datetime], float]) -> Iterator[str]:
    """
    The sentences for what is wrong with the equities of a bot in the parity report, and with its profit.

    The profit is the change of its equity, or what its fills realised since the row of the first equity: *realized*.
    """
    first, last = bot.summary.equity_first, bot.summary.equity_last
    [profit] = [metric.value for metric in bot.metrics if metric.metric == "realized_pnl_delta_quote"]
    if first is None or last is None:
        if (first, last) != (None, None):
            yield f"{place}.summary has only one of equity_first and equity_last"
        elif profit is not None:
            yield f"{place}: realized_pnl_delta_quote is {profit:.10g}, and its summary has no equity"
        return
    begin, wrong = _of_equity(f"{place}.summary.equity_first", first, logs.rows, logs)
    yield from wrong
    _, wrong = _of_equity(f"{place}.summary.equity_last", last, logs.near, logs)
    yield from wrong
    if profit is None or begin is None or wrong:
        return
    of_fills = realized(begin.moment)
    if not any(abs(profit - each) <= _SAME * max(1, abs(first)) for each in (last - first, of_fills)):
        changed = f"its equity changed by {last - first:.10g}, its fills realised {of_fills:.10g}"
        yield f"{place}: the value of realized_pnl_delta_quote is {profit:.10g}, {changed}"


def _of_equity(place: str, value: float, rows: Sequence[MinuteRow], logs: Logs) -> tuple[MinuteRow | None, list[str]]:
    for row in rows:
        if same(row.number("equity_quote"), value):
            return row, []
    return None, [f"{place} is {value:.10g}, and equity_quote of no row of {_rows(logs)}"]


def realized_since(rows: Iterable[Mapping[str, Any]], begin: datetime) -> float:
    """What the fills of a table realised since *begin*, in quote currency. Raises `Unproven` with the row."""
    amount = 0.0
    for row in minute_rows(rows):
        if row.moment >= begin:
            amount += row.number("realized_pnl_quote")
    return amount


def _rows(logs: Logs) -> str:
    minutes = logs.within.total_seconds() / 60
    return f"data/{logs.bot}/logs within {minutes:g} min of the report"
