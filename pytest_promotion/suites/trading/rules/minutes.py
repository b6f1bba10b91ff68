"""The minute rows of a bot: whether it was running, at a price."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pytest_promotion.clock import BadTimestamp, parse_moment

STATES: Final = ("running", "soft_pause", "hard_stop")


@dataclass
class Minutes:
    """What the rows of one log amount to."""

    rows: int = 0
    newest_state: str = ""
    problems: list[str] = field(default_factory=list)


def inspected(rows: Iterable[Mapping[str, Any]], newest: datetime, window: timedelta) -> Minutes:
    """
    What the rows of a log amount to, whose newest is of *newest*.

    A row that is older than *window* may lack a price: what a bot saw while it started is no evidence of today.
    """
    found = Minutes()
    for row in rows:
        found.rows += 1
        place, state, mid = getattr(row, "origin", "a row"), row["state"], row["mid"]
        moment = _moment(row["ts"])
        if state not in STATES:
            found.problems.append(f"{place}: state is {state!r}, expected {', '.join(STATES)}")
        if not _is_price(mid) and (moment is None or moment >= newest - window):
            found.problems.append(f"{place}: mid is {mid!r}, expected a number above 0")
        if moment == newest:
            found.newest_state = state
            if state == "hard_stop":
                found.problems.append(f"{place}: state of the newest row is 'hard_stop'")
    return found


def _moment(text: str) -> datetime | None:
    try:
        return parse_moment(text)
    except BadTimestamp:
        return None


def _is_price(cell: str) -> bool:
    try:
        value = float(cell)
    except ValueError:
        return False
    return math.isfinite(value) and value > 0
