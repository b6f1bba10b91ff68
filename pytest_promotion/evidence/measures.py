"""
Holding a value against a threshold, with three answers: it does, it does not, nobody can tell.

Python's comparisons have two: `not drop > 0.08` is true when `drop` is NaN, and
`True >= 1`. Here a value must be what the threshold is: a finite number for a number, a
boolean for a boolean, a text for a text.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from numbers import Rational, Real
from typing import Any

from pytest_promotion.assertions.syntax import names_an_age
from pytest_promotion.clock import FUTURE_SKEW
from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.evidence.sample_measures import SampleMeasures
from pytest_promotion.model import Measurement
from pytest_promotion.samples.interval import is_boolean

_LEAST_AGE = -FUTURE_SKEW.total_seconds()


class Measure(SampleMeasures):
    """Each method records name, value, operator and threshold, and fails the gate unless the value is shown to hold."""

    __slots__ = ()

    def at_least(
        self, name: str, value: Any, threshold: Any, min_samples: int | None = None, *, samples: int | None = None
    ) -> None:
        """Demands `value >= threshold`, over at least *min_samples* of the *samples* it was computed from."""
        self._hold(name, value, ">=", threshold, lambda: value >= threshold, samples, min_samples)

    def at_most(
        self, name: str, value: Any, threshold: Any, min_samples: int | None = None, *, samples: int | None = None
    ) -> None:
        """Demands `value <= threshold`, over at least *min_samples* of the *samples* it was computed from."""
        self._hold(name, value, "<=", threshold, lambda: value <= threshold, samples, min_samples)

    def between(
        self,
        name: str,
        value: Any,
        low: Any,
        high: Any,
        min_samples: int | None = None,
        *,
        samples: int | None = None,
    ) -> None:
        """Demands `low <= value <= high`; both ends belong to the range, which must not be empty."""
        self._hold(name, value, "between", [low, high], lambda: low <= value <= high, samples, min_samples)

    def equals(
        self, name: str, value: Any, expected: Any, min_samples: int | None = None, *, samples: int | None = None
    ) -> None:
        """Demands the same value of the same kind: the text "false" is not false, 1 is not true."""
        self._hold(name, value, "==", expected, lambda: value == expected, samples, min_samples)

    def none(self, name: str, items: Collection[Any], *, among: int, may_be_empty: bool = False) -> None:
        """
        Demands that *items* is empty: what was found wrong among so many.

        Args:
            among: how many were looked at. None of none is inconclusive,
            may_be_empty: unless this says that there may be nothing to look at.
        """
        least = 0 if may_be_empty else 1
        first = [item if isinstance(item, str) else _shown(item) for item in islice(items, 3)]
        details = f": {', '.join(first)}{' …' if len(items) > len(first) else ''}"
        self._hold(name, len(items), "==", 0, lambda: len(items) == 0, among, least, details)

    def number(self, name: str, value: Any) -> Any:
        """*value*, which must be a finite number: for what is computed with before it is held against anything."""
        if _kind(value) != "number":
            with self._notebook.noting():
                raise Unproven(f"{name}: found {_shown(value)} where a number belongs")
        return value

    def text(self, name: str, value: Any) -> str:
        """*value*, which must be a text that says something: a name that is null names nothing."""
        if not isinstance(value, str) or not value.strip():
            with self._notebook.noting():
                raise Unproven(f"{name}: found {_shown(value)} where a text belongs")
        return value

    def _hold(
        self,
        name: str,
        value: Any,
        operator: str,
        threshold: Any,
        holds: Callable[[], bool],
        samples: int | None,
        min_samples: int | None,
        details: str = "",
    ) -> None:
        wanted = threshold if operator == "between" else [threshold]
        doubt = _doubt(value, wanted, ordered=operator != "==") or _too_thin(samples, min_samples)
        if not doubt and operator == "<=" and value < _LEAST_AGE and names_an_age(name):
            doubt = f"{value!r} is the age of something from the future"
        ok = None if doubt else bool(holds())
        self._notebook.measurements.append(
            Measurement(name, plain(value), operator, plain(threshold), ok, samples, min_samples)
        )
        with self._notebook.noting():
            if doubt:
                raise Unproven(f"{name}: {doubt}")
            if not ok:
                limit = f"between {wanted[0]} and {wanted[1]}" if operator == "between" else f"{operator} {threshold!r}"
                raise GateFailed(f"{name} is {value!r}, expected {limit}{details}")
        self._notebook.tally.judge()


def _doubt(value: Any, wanted: list[Any], *, ordered: bool) -> str:
    kinds = {_kind(threshold) for threshold in wanted}
    if kinds != {"number"} and (ordered or len(kinds) > 1 or not kinds <= {"boolean", "text"}):
        shown = " to ".join(repr(threshold) for threshold in wanted)
        return f"the threshold {shown} is not a finite number" + ("" if ordered else ", a text or a boolean")
    kind = kinds.pop()
    if len(wanted) > 1 and wanted[0] > wanted[1]:
        return f"the range {wanted[0]} to {wanted[1]} is empty"
    if _kind(value) != kind:
        return f"found {_shown(value)} where a {kind} belongs"
    if kind == "text" and not ordered and not value.strip() and not wanted[0].strip():
        return "two empty texts are compared, which says nothing; `measure.none` demands that there is nothing"
    return ""


def _too_thin(samples: int | None, min_samples: int | None) -> str:
    if min_samples is None:
        return ""
    if samples is None or isinstance(samples, bool) or not isinstance(samples, int):
        return f"needs at least {min_samples} samples, and how many there were was not said"
    return f"rests on {samples} samples, needs at least {min_samples}" if samples < min_samples else ""


def _kind(value: Any) -> str:
    if is_boolean(value):
        return "boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (Real, Decimal)):
        # Integers and fractions are finite, and may be too large for `isfinite`.
        # Some trackers store infinity as the largest number there is.
        finite = isinstance(value, Rational) or (math.isfinite(value) and abs(float(value)) < sys.float_info.max)
        return "number" if finite else "nothing"
    return "nothing"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def plain(value: Any) -> Any:
    """*value* as JSON can say it without changing it: what has no exact JSON form becomes text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)
