"""Numbers out of documents: what is no finite number never passes a comparison, because it never reaches one."""

from __future__ import annotations

import math
from typing import Any


def number(value: Any) -> float | None:
    """*value* as a finite float; None for everything else: NaN, infinities, booleans, texts, nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def student_p(t: float, degrees: int) -> float:
    """
    The two-sided p-value of a t statistic with *degrees* of freedom, of at least 1.

    The regularised incomplete beta function I_x(degrees/2, 1/2) at x = degrees/(degrees + t^2) (Abramowitz and Stegun
    26.7.1), by the continued fraction 26.5.8 in Lentz's form. A t that underflows gives 0.
    """
    x = degrees / (degrees + t * t)
    a, b = degrees / 2, 0.5
    if x in {0.0, 1.0}:
        return x
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    # The fraction converges quickly below the mean of the distribution; above it, its mirror image does.
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1), tiny)
    value = d
    for m in range(1, 300):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away(1 + term * d, tiny)
            c = _away(1 + term / c, tiny)
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _away(value: float, tiny: float) -> float:
    """*value*, kept away from zero, by which it will be divided."""
    return value if abs(value) > tiny else tiny
