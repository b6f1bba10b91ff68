"""
Golden metrics: figures of a recorded data set, what they were expected to be, and how far they may be off.

The file is a JSON object `{"metrics": [{"metric": …, "expected": …, "tolerance": …}]}`. A
figure that nobody computed, or that is no number, is off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.evidence.files import read_given


class Golden(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One expectation; the ends of the tolerance belong to it."""

    metric: Annotated[str, msgspec.Meta(min_length=1)]
    expected: float
    tolerance: Annotated[float, msgspec.Meta(ge=0)]
    why: str = ""


class GoldenFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The file: at least one metric."""

    metrics: Annotated[list[Golden], msgspec.Meta(min_length=1)]
    version: int = 1


def read_golden(path: Path) -> list[Golden]:
    """The expectations in *path*. Raises `Unproven` where it is missing, wrong or names a metric twice."""
    try:
        data = parse_json(read_given(path, path.name), path.name)
        found = msgspec.convert(data, GoldenFile).metrics
    except msgspec.ValidationError as problem:
        raise Unproven(f"{path.name} is not a file of golden metrics: {problem}") from None
    names = [each.metric for each in found]
    if len(set(names)) != len(names):
        raise Unproven(f"{path.name} names a metric twice")
    return found


def hold(golden: Golden, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The check of one expectation, as reports list it."""
    value = metrics.get(golden.metric)
    number = _number(value)
    ok = number is not None and abs(number - golden.expected) <= golden.tolerance
    return {
        "name": f"golden_{golden.metric}",
        "pass": ok,
        "value": number if number is not None else f"not a number: {value!r}" if value is not None else None,
        "required": {"expected": golden.expected, "tolerance": golden.tolerance},
    }


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    number = float(value)
    return number if math.isfinite(number) else None
