"""One value a moment: the coefficients, regimes or returns that figures are computed from."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import csv_rows

if TYPE_CHECKING:
    import numpy as np

_LEFT_OUT: Final = 0.02  # share of the moments


@dataclass(frozen=True, slots=True)
class Series:
    """Moments in rising order, and a finite value of each; `left_out` counts those between them that have none."""

    moments: tuple[datetime, ...]
    values: tuple[float, ...]
    left_out: int = 0

    @classmethod
    def read(cls, content: bytes, origin: str) -> Series:
        """
        The series in a CSV of moments and values; a moment with an empty cell is left out.

        Raises:
            Unproven: for other than two columns, a moment without an offset, moments that do not rise, a value that is
                no finite number, and fewer than two values.
        """
        moments: list[datetime] = []
        values: list[float] = []
        empty = left_out = 0
        for number, (moment, cell) in enumerate(_rows(content, origin), 1):
            if not cell:
                empty += 1
                continue
            try:
                value = float(cell)
            except ValueError:
                raise Unproven(f"{origin}: {cell!r} is no number") from None
            if not math.isfinite(value):
                raise Unproven(f"{origin}: row {number} has {cell}, which is no number")
            if moments and moment <= moments[-1]:
                raise Unproven(f"{origin}: row {number} is not later than the one before it")
            left_out, empty = left_out + (empty if values else 0), 0
            moments.append(moment)
            values.append(value)
        if len(values) < 2:
            raise Unproven(f"{origin} has {len(values)} values")
        return cls(tuple(moments), tuple(values), left_out)

    @property
    def step(self) -> float:
        """The time from one moment to the next, in seconds: the median."""
        steps = sorted((after - before).total_seconds() for before, after in pairwise(self.moments))
        return steps[len(steps) // 2]

    def gaps(self, what: str) -> list[str]:
        """A sentence where many moments between others have no value: whoever left them out chose which."""
        every = len(self.values) + self.left_out
        if self.left_out <= _LEFT_OUT * every:
            return []
        return [f"{what}: {self.left_out} of {every} moments have no value"]

    @property
    def array(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The values, float64."""
        import numpy as np

        return np.array(self.values, dtype=np.float64)


def labels(content: bytes, origin: str) -> dict[datetime, str]:
    """
    The labels in a CSV of moments and texts, such as regimes.

    Raises:
        Unproven: for other than two columns, a moment without an offset, and one that stands twice.
    """
    found: dict[datetime, str] = {}
    for moment, text in _rows(content, origin):
        if moment in found:
            raise Unproven(f"{origin}: {moment.isoformat()} stands twice")
        found[moment] = text
    return found


def _rows(content: bytes, origin: str) -> list[tuple[datetime, str]]:
    found = []
    for number, row in enumerate(csv_rows(io.BytesIO(content), origin), 1):
        cells = list(row.values())
        if len(cells) != 2:
            raise Unproven(f"{origin} has {len(cells)} columns, expected a moment and a value")
        try:
            found.append((parse_moment(cells[0]), cells[1]))
        except BadTimestamp as problem:
            raise Unproven(f"{origin}: row {number}: {problem}") from None
    return found
