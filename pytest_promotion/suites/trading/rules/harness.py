"""The regression harness, by its figures: what a check says of itself is compared with what it measured."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from pytest_promotion.suites.trading.documents.kinds import Count, Name, Value

# The invariants of the contract; a harness may have more.
CHECKS: Final = (
    "event_count_min",
    "missing_correlation_zero",
    "dataset_fingerprint_present",
    "intent_expiry_present_for_active_actions",
    "risk_denied_reason_present",
)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Check(msgspec.Struct):
    """One check: what was measured and what was required."""

    name: Name
    passed: bool = msgspec.field(name="pass")
    value: Value
    required: Value


class Dataset(msgspec.Struct):
    """The events that were judged."""

    sha256: Name
    event_count: Count
    sample_event_ids: Any = None
    sample_event_types: Any = None


def wrong_in_checks(checks: list[Check], dataset: Dataset) -> Iterator[str]:
    """The sentences for what is wrong; none where every check is there and holds by what it measured."""
    names = [check.name for check in checks]
    for name in CHECKS:
        if names.count(name) != 1:
            yield f"the check {name} is there {names.count(name)} times, expected once"
    for check in checks:
        if not check.passed or not _holds(check):
            yield f"{check.name}: value is {check.value!r}, required {check.required!r}, pass {check.passed}"
        if check.name == "dataset_fingerprint_present" and check.value != dataset.sha256:
            yield f"{check.name}: value is {check.value!r}, dataset_fingerprint.sha256 {dataset.sha256!r}"
        if check.name == "event_count_min" and check.value != dataset.event_count:
            yield f"{check.name}: value is {check.value!r}, dataset_fingerprint.event_count {dataset.event_count}"


def _holds(check: Check) -> bool:
    """Whether the value is what is required, as far as this kind of check is known."""
    value, required = check.value, check.required
    if check.name == "event_count_min":
        return _is_number(value) and _is_number(required) and bool(value >= required > 0)
    if check.name == "dataset_fingerprint_present":
        return isinstance(value, str) and bool(_DIGEST.fullmatch(value))
    if isinstance(required, dict):
        expected, tolerance = required.get("expected"), required.get("tolerance")
        numbers = _is_number(value) and _is_number(expected) and _is_number(tolerance)
        return numbers and bool(abs(value - expected) <= tolerance)
    if check.name in CHECKS or _is_number(required):
        return _is_number(value) and _is_number(required) and bool(value == required == 0)
    # A check in words: what is required says so, and the value is what was found against it.
    return isinstance(required, str) and bool(required) and bool(value == "")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
