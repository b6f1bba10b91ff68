"""
Which failure it is: the same next time, and another one where something else is wrong.

In the fingerprint stand the gate, its outcome, each measurement that failed by name, operator and
threshold, each stale item by path and window, and what else the reason says. How bad it was stands in
the limits beside it: a drift of 31 that was accepted does not accept one of 900.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from pytest_promotion.canonical import digest
from pytest_promotion.model import Freshness, GateResult, Measurement, Outcome
from pytest_promotion.text import legible, measured

VERSION: Final = 1
WAIVABLE: Final = (Outcome.FAIL, Outcome.INCONCLUSIVE)  # what broke or never ran has shown nothing to accept

# What differs between two runs in which the same thing is wrong. All other numbers are findings: three
# orphans that were accepted do not accept four. A length of time is an age only where it says so.
_MASKS: Final = (
    ("<time>", re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")),
    ("<time>", re.compile(r"\b\d{8}T\d{6}Z\b")),
    ("<uuid>", re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")),
    (
        "<digest>",
        re.compile(r"\b(?=[0-9]*[a-f])(?:[0-9a-f]{128}|[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}|[0-9a-f]{12})\b"),
    ),
    ("<age>", re.compile(r"(?<![\w.+-])\d+(?:\.\d+)? (?:s|min|h|hours|days)(?= (?:old|ago)\b)")),
)
_PLACED: Final = r"(?: \([^()]*\))?"  # the files that the ledger adds to a sentence


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure: `limits` gives the value of each failing measurement, and of each age in seconds."""

    fingerprint: str
    limits: dict[str, Any]


def failure_of(result: GateResult) -> Failure | None:
    """What went wrong in a gate; None where it is nothing that could be waived."""
    if result.outcome not in WAIVABLE:
        return None
    missed, stale = _missed(result), _stale(result)
    said = legible(result.reason)
    # A sentence that only says what the measurement says would put its value into the fingerprint.
    told = any(pattern.fullmatch(said) for pattern in (*map(_sentence, missed), *map(_complaint, stale)))
    identity = {
        "version": VERSION,
        "gate": legible(result.gate.id),
        "outcome": result.outcome.value,
        "measurements": sorted([one.name, one.operator, repr(one.threshold), one.ok is None] for one in missed),
        "stale": sorted([item.path, repr(item.max_age_s)] for item in stale),
        "reason": "" if told else masked(said),
    }
    return Failure(digest(identity), dict(_limits(missed, stale)))


def exceeded(result: GateResult, limits: dict[str, Any]) -> Iterator[str]:
    """A sentence for each value that is worse than what was accepted, and for each that nobody accepted."""
    for one in _missed(result):
        if one.ok is None:
            continue  # no value: what was found instead stands in the fingerprint
        if one.name not in limits:
            yield f"it has no limit for {one.name!r}"
        elif not _within(one, limits[one.name]):
            yield f"{one.name} is {one.value!r}, and {limits[one.name]!r} was accepted"
    for item in _stale(result):
        name = age_of(item.path)
        limit = limits.get(name)
        if limit is None or not _is_number(limit):
            yield f"it has no limit for {name!r}"
        elif item.age_s > limit:
            yield f"the {name} is {item.age_s:.0f} s, and {limit:g} s was accepted"


def age_of(path: str) -> str:
    """What the limit of a file's age is called."""
    return f"age of {path}"


def masked(text: str) -> str:
    """*text* without what differs each time: times, ages, uuids and digests in hex."""
    for name, pattern in _MASKS:
        text = pattern.sub(name, text)
    return text


def _missed(result: GateResult) -> list[Measurement]:
    # As a decision says them, so that a decision that is read back has the same failures.
    return [
        replace(
            one,
            name=legible(one.name),
            value=measured(one.name, one.value),
            threshold=measured(one.name, one.threshold),
        )
        for one in result.record.measurements
        if one.ok is not True
    ]


def _stale(result: GateResult) -> list[Freshness]:
    return [replace(one, path=legible(one.path)) for one in result.record.freshness if one.age_s > one.max_age_s]


def _sentence(one: Measurement) -> re.Pattern[str]:
    """What a measurement that missed its threshold makes its gate say; see `evidence.measures`."""
    if one.operator == "between" and isinstance(one.threshold, list) and len(one.threshold) == 2:
        limit = f"between {one.threshold[0]} and {one.threshold[1]}"
    else:
        limit = f"{one.operator} {one.threshold!r}"
    return re.compile(rf"{re.escape(one.name)} is .+, expected {re.escape(limit)}{_PLACED}", re.DOTALL)


def _complaint(item: Freshness) -> re.Pattern[str]:
    """What a stale item makes its gate say; see `evidence.freshness`."""
    return re.compile(rf"{re.escape(item.path)} is .+ old by its .+, the window is [\w. ]+{_PLACED}", re.DOTALL)


def _limits(missed: list[Measurement], stale: list[Freshness]) -> Iterator[tuple[str, Any]]:
    for one in missed:
        if one.ok is False:
            # The same name twice: the last stands here, and the other one has to hold it as well.
            yield one.name, one.value
    for item in stale:
        yield age_of(item.path), item.age_s


def _within(one: Measurement, limit: Any) -> bool:
    """Whether a value that missed its threshold is no worse than *limit*."""
    if not (_is_number(one.value) and _is_number(limit)):
        return type(one.value) is type(limit) and bool(one.value == limit)  # a word has no worse and no better
    if one.operator == "<=":
        return bool(one.value <= limit)
    if one.operator == ">=":
        return bool(one.value >= limit)
    if one.operator == "between":
        return bool(one.value <= limit if one.value > one.threshold[1] else one.value >= limit)
    return bool(one.value == limit)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
