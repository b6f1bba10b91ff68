"""What a minute row counts: whole numbers, and totals of a day that move with its fills."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final

from pytest_promotion.suites.trading.documents.minute_rows import MinuteRow

_COUNTS: Final = ("orders_active", "fills_count_today")
_COUNTS_OF_SOME: Final = ("orders_rejected_today", "ws_reconnect_count")  # bots that count them
_AMOUNTS: Final = ("fees_paid_today_quote", "turnover_today_x", "cancel_per_min")
_FLAGS: Final = ("soft_pause_edge", "order_book_stale")
_MOVED_BY_FILLS: Final = ("fees_paid_today_quote", "realized_pnl_today_quote", "avg_entry_price", "position_base")
_FILLS: Final = "fills_count_today"
_NEXT: Final = timedelta(minutes=2)  # a longer gap may be a restart, after which a bot counts anew


def wrong_in_counts(row: MinuteRow) -> Iterator[str]:
    """A sentence for each cell of the row that is no count, no amount, no flag, or no log of that variant."""
    cells = row.cells
    for column in (*_COUNTS, *(column for column in _COUNTS_OF_SOME if column in cells)):
        if not cells[column].isdecimal():
            yield f"{row.origin}: {column} is {cells[column]!r}, expected a whole number from 0"
    for column in _AMOUNTS:
        if row.number(column) < 0:
            yield f"{row.origin}: {column} is {cells[column]}, expected 0 or more"
    for column in _FLAGS:
        if column in cells and cells[column] not in ("True", "False"):
            yield f"{row.origin}: {column} is {cells[column]!r}, expected True or False"
    if "soft_pause_edge" in cells and (cells["soft_pause_edge"], cells["state"]) == ("True", "running"):
        yield f"{row.origin}: soft_pause_edge is True, and state 'running'"
    folder = file_of(row).rsplit("/", 2)[-2]
    if folder.rpartition("_")[2] != cells["bot_variant"]:
        yield f"{row.origin}: bot_variant is {cells['bot_variant']!r}, and its folder is {folder}"


def moved_without_fill(rows: Sequence[MinuteRow]) -> Iterator[str]:
    """A sentence for each total that a minute changed in which nothing was filled."""
    for before, row in pairwise(rows):
        if file_of(before) != file_of(row) or not timedelta(0) < row.moment - before.moment <= _NEXT:
            continue
        if before.cells[_FILLS] != row.cells[_FILLS]:
            continue
        if before.moment.date() != row.moment.date():
            continue
        for column in _MOVED_BY_FILLS:
            if column not in row.cells or column not in before.cells:
                continue
            was, now = before.number(column), row.number(column)
            # A bot that reads its balance again takes the position from that.
            read_again = column == "position_base" and row.cells[column] == row.cells["base_balance"]
            if was != now and not read_again:
                yield f"{row.origin}: {column} is {now:.10g}, {was:.10g} a minute before, and nothing was filled"


def wrong_in_newest(rows: Sequence[MinuteRow]) -> Iterator[str]:
    """The sentences for a bot whose newest row says that it has stopped for good, or why it should have."""
    if not rows:
        return
    row = max(rows, key=lambda each: each.moment)
    state = row.cells["state"]
    if state == "hard_stop":
        yield f"{row.origin}: state of the newest row is 'hard_stop'"
    elif "risk_reasons" in row.cells and re.search("hard|kill", row.cells["risk_reasons"]):
        yield f"{row.origin}: risk_reasons is {row.cells['risk_reasons']!r}, and state {state!r}"


def file_of(row: MinuteRow) -> str:
    """The path of the log that the row is from."""
    return row.origin.rpartition(" line ")[0]
