"""The rows of a bot's minute log: figures as numbers, with the digits that they were written in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import Unproven

LOGS: Final = "data/{bot}/logs/*/*/minute.csv"


@dataclass(frozen=True, slots=True)
class MinuteRow:
    """One row: what a bot held and at which price, at a moment."""

    cells: Mapping[str, str]
    origin: str  # its file and line
    moment: datetime

    def number(self, column: str) -> float:
        """The number in *column*. Raises `Unproven` with the row for a cell that holds none."""
        value = number_of(self.cells[column])
        if value is None:
            raise Unproven(f"{self.origin}: {column} is {self.cells[column]!r}, expected a number")
        return value

    def unit(self, column: str) -> float:
        """The value of the last digit that *column* was written with, at most 1."""
        mantissa, _, exponent = self.cells[column].upper().partition("E")
        digits = len(mantissa.partition(".")[2])
        return min(1.0, 10.0 ** (int(exponent or 0) - digits))

    def has_price(self) -> bool:
        """Whether the row has a mid price above 0."""
        mid = number_of(self.cells["mid"])
        return mid is not None and mid > 0


def minute_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[MinuteRow]:
    """The rows of a log, in its order. Raises `Unproven` with the row for a `ts` that is no time with a zone."""
    for row in rows:
        origin = getattr(row, "origin", "a row")
        try:
            moment = parse_moment(row["ts"])
        except BadTimestamp as problem:
            raise Unproven(f"{origin}: ts is {problem}") from None
        yield MinuteRow(row, origin, moment)


def number_of(cell: str) -> float | None:
    """The finite number that a cell holds, None for any other text."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None
