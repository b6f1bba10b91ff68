"""The minute rows of a bot: whether it was running, at a price, and whether its figures follow from each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pytest_promotion.suites.trading.documents.kinds import STATES
from pytest_promotion.suites.trading.documents.minute_rows import MinuteRow, minute_rows
from pytest_promotion.suites.trading.rules.minute_totals import moved_without_fill, wrong_in_counts, wrong_in_newest

_NOISE: Final = 1e-9  # of binary fractions that a bot writes as decimals
# A share of what the equity was: when the day began, and when it was highest.
_SHARES_OF: Final = {"daily_loss_pct": "opening equity", "drawdown_pct": "highest equity"}


@dataclass(frozen=True)
class Place:
    """Where a bot may trade: its exchanges, in the order of the files that name them, and its symbols."""

    exchanges: Collection[str]
    symbols: Collection[str]


@dataclass
class Minutes:
    """What the rows of one log amount to."""

    rows: int = 0
    newest_state: str = ""
    problems: list[str] = field(default_factory=list)


def inspected(rows: Iterable[Mapping[str, Any]], newest: datetime, window: timedelta, place: Place) -> Minutes:
    """
    What the rows of a log amount to, whose newest is of *newest*.

    A row that is older than *window* may lack a price: what a bot saw while it started is no evidence of today.
    """
    found, priced = Minutes(), []
    for row in minute_rows(rows):
        found.rows += 1
        found.problems += unknown_states([row])
        if row.has_price():
            priced.append(row)
        elif row.moment >= newest - window:
            found.problems += without_price([row])
        if row.moment == newest:
            found.newest_state = row.cells["state"]
            found.problems += wrong_in_newest([row])
    found.problems += contradictions([row for row in priced if row.moment >= newest - timedelta(days=1)], place)
    return found


def unknown_states(rows: Iterable[MinuteRow]) -> Iterator[str]:
    """A sentence for each of *rows* whose state is none that a bot can be in."""
    for row in rows:
        if row.cells["state"] not in STATES:
            yield f"{row.origin}: state is {row.cells['state']!r}, expected {', '.join(STATES)}"


def without_price(rows: Iterable[MinuteRow]) -> Iterator[str]:
    """A sentence for each of *rows* that has no mid price above 0."""
    for row in rows:
        if not row.has_price():
            yield f"{row.origin}: mid is {row.cells['mid']!r}, expected a number above 0"


def contradictions(rows: Sequence[MinuteRow], place: Place) -> Iterator[str]:
    """
    A sentence for each figure of *rows* that another figure of the same log contradicts.

    Equity is what the balances are worth at mid, `base_pct` the base's share of it. Both are compared to the digits
    that are written. The shares lost are of an equity that the rows beside it imply too.
    """
    for row in rows:
        exchange, symbol = row.cells["exchange"], row.cells["trading_pair"]
        if exchange not in place.exchanges:
            yield f"{row.origin}: exchange is {exchange!r}, the bot is at {' or '.join(place.exchanges)}"
        if symbol not in place.symbols:
            yield f"{row.origin}: trading_pair is {symbol!r}, the policy allows {', '.join(place.symbols)}"
        yield from _balances(row)
        yield from wrong_in_counts(row)
        loss, drawdown = row.number("daily_loss_pct"), row.number("drawdown_pct")
        for column, share in (("daily_loss_pct", loss), ("drawdown_pct", drawdown)):
            if not 0 <= share < 1:
                yield f"{row.origin}: {column} is {share:g}, expected a share from 0 to below 1"
        if drawdown < loss - row.unit("daily_loss_pct") - _NOISE:
            yield f"{row.origin}: drawdown_pct is {drawdown:g}, below the daily_loss_pct of {loss:g}"
    yield from moved_without_fill(rows)
    for column, what in _SHARES_OF.items():
        yield from _shares(rows, column, what)


def _balances(row: MinuteRow) -> Iterator[str]:
    base, mid, quote = (row.number(column) for column in ("base_balance", "mid", "quote_balance"))
    equity, share = row.number("equity_quote"), row.number("base_pct")
    worth = base * mid + quote
    tolerance = row.unit("equity_quote") + row.unit("quote_balance") + row.unit("base_balance") * mid
    tolerance += row.unit("mid") * abs(base) + _NOISE * abs(worth)
    if abs(equity - worth) > tolerance:
        yield f"{row.origin}: equity_quote is {equity:g}, by base_balance, mid and quote_balance it is {worth:g}"
    elif equity > 0 and abs(share - base * mid / equity) > row.unit("base_pct") + tolerance / equity:
        yield f"{row.origin}: base_pct is {share:g}, by base_balance, mid and equity_quote {base * mid / equity:g}"


def _shares(rows: Sequence[MinuteRow], column: str, what: str) -> Iterator[str]:
    """A sentence for each row whose share lost is of another equity than those of the rows before and after it."""
    implied = []
    for row in rows:
        share, equity = row.number(column), row.number("equity_quote")
        if not 0 <= share < 1 or equity <= 0:
            return  # reported above
        tolerance = (row.unit(column) * equity + row.unit("equity_quote")) / (1 - share) ** 2 + _NOISE * equity
        implied.append(_Implied(row, share, equity / (1 - share), tolerance))
    for before, one, after in zip(implied, implied[1:], implied[2:], strict=False):
        if not (before.share and after.share) or before.differs(after):
            continue
        # Without a loss, the equity may be above what the others lost from.
        if one.differs(before) and (one.share or one.equity < before.equity):
            was, by_others = f"by {column} the {what} was {one.equity:g}", f"by the rows beside it {before.equity:g}"
            yield f"{one.row.origin}: {was}, {by_others}"
    if column == "daily_loss_pct" and len(implied) > 1 and implied[-1].share:
        last, days = implied[-1], Counter(row.moment.date() for row in rows)
        if days[last.row.moment.date()] > 1 and all(map(last.differs, implied[:-1])):
            yield f"{last.row.origin}: by {column} the {what} was {last.equity:g}, by no other row of the log"


@dataclass(frozen=True, slots=True)
class _Implied:
    """The equity that a row's share is of, and how exactly its digits tell it."""

    row: MinuteRow
    share: float
    equity: float
    tolerance: float

    def differs(self, other: _Implied) -> bool:
        return abs(self.equity - other.equity) > self.tolerance + other.tolerance
