"""An interval for a figure that was computed from samples, and what it shows about a threshold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.model import Interval

Estimated = tuple[float, Callable[[float], Interval]]  # a figure, and its interval at a confidence

EXTRA: Final = "pip install 'pytest-promotion[statistics]'"
LEAST_CONFIDENCE: Final = 0.8
_MOST: Final = 1e9  # samples: nobody takes more


def stats() -> Any:
    """`scipy.stats`. Raises `Unproven` with the command that installs it."""
    try:
        from scipy import stats as found
    except ModuleNotFoundError:
        raise Unproven(f"figures from samples need scipy: {EXTRA}") from None
    except ImportError as problem:
        raise Unproven(f"figures from samples need scipy, which cannot be imported: {problem}") from problem
    return found


def shows(interval: Interval, operator: str, threshold: float) -> bool | None:
    """True where the whole interval is on the right side of the threshold, False on the wrong one, else None."""
    low, high = (interval.low, interval.high) if operator == ">=" else (-interval.high, -interval.low)
    wanted = threshold if operator == ">=" else -threshold
    if math.isnan(low) or math.isnan(high):
        return None
    return True if low >= wanted else False if high < wanted else None


def samples_needed(estimate: float, interval: Interval, threshold: float, samples: int) -> str:
    """
    How many samples would show it, in words, if the estimate stays what it is.

    An interval narrows with the square root of the number of samples.
    """
    distance = abs(estimate - threshold)
    near = (interval.high - interval.low) / 2
    needed = samples * (near / distance) ** 2 if distance else math.inf
    if distance and (not math.isfinite(near) or needed <= samples):
        return "more samples would"
    if needed > _MOST:
        return "no number of samples would tell, if it stays that near"
    digits = max(0, math.floor(math.log10(needed)) - 1)
    return f"about {round(needed / 10**digits) * 10**digits:,} samples would"


def numbers(name: str, values: Iterable[Any]) -> list[float]:
    """*values* as finite numbers. Raises `Unproven` for an element that is none, with its place."""
    figures = []
    for place, value in enumerate(values):
        try:
            figure = math.nan if is_boolean(value) or isinstance(value, str) else float(value)
        except (TypeError, ValueError, OverflowError):
            figure = math.nan
        if not math.isfinite(figure) or abs(figure) >= 1e300:
            raise Unproven(f"{name}: sample {place} is {value!r:.60}, expected a finite number")
        figures.append(figure)
    return figures


def booleans(name: str, values: Any) -> list[bool]:
    """*values* as booleans, 1 and 0 too. Raises `Unproven` for another element, with its place: "false" is true."""
    found = list(values)
    for place, value in enumerate(found):
        if not is_boolean(value) and not (isinstance(value, Integral) and value in (0, 1)):
            raise Unproven(f"{name}: sample {place} is {value!r:.60}, expected true or false")
    return [bool(value) for value in found]


def are_booleans(values: Sequence[Any]) -> bool:
    """Whether all of *values* are booleans."""
    return bool(values) and all(map(is_boolean, values))


def is_boolean(value: Any) -> bool:
    """Whether *value* is a boolean, of NumPy too, whose own is no `bool`."""
    return isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")


def is_number(value: Any) -> bool:
    """Whether *value* is a finite number, and no boolean."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -1e300 < value < 1e300
