"""The target of the 95th percentile, from what a load test suggested."""

from __future__ import annotations

import math
from pathlib import Path

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import an_object
from pytest_promotion.json_files import read_object

_NAME = "latency_p95"


def suggested(path: Path) -> float:
    """
    Milliseconds, from the report that `promotion slo --out` wrote.

    Raises:
        PolicyError: where it suggests none, as after too few requests.
    """
    try:
        suggestion = an_object(read_object(path).get("suggestion"), f"{path}: suggestion")
        target = an_object(suggestion.get("targets"), f"{path}: targets").get(_NAME)
        if target is None:
            raise Unproven(f"{path} suggests no {_NAME}: {suggestion.get('why_not', 'it was not measured')}")
        found = an_object(target, f"{path}: {_NAME}")
    except Unproven as problem:
        raise PolicyError(str(problem)) from None
    most, unit = found.get("at_most"), found.get("unit")
    if isinstance(most, bool) or not isinstance(most, (int, float)) or not math.isfinite(most) or most <= 0:
        raise PolicyError(f"{path}: {_NAME} is at most {most!r}")
    if unit != "ms":
        raise PolicyError(f"{path}: {_NAME} is in {unit!r}, expected ms")
    return float(most)
