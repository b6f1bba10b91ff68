"""What may stand in the place of one value of evidence: each has to be noticed by a gate that looked at it."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from pytest_promotion.model import Measurement
from pytest_promotion.prove.observations import Place

REMOVED: Final = object()
NO_DIRECTION: Final = "far too low and far too high"
# Of samples, a gate that judges their interval has to notice these only where all of them are wrong.
JUDGED_TOGETHER: Final = ("removed", "flipped", "status flipped", "status qualified", NO_DIRECTION)
_FAR: Final = 10**6
_PER_SHAPE: Final = 1  # of values whose places differ only in list positions, so many are sabotaged
_GOOD: Final = {
    "pass": "fail",
    "passed": "failed",
    "ok": "error",
    "go": "hold",
    "green": "red",
    "success": "failure",
    "healthy": "unhealthy",
    "completed": "failed",
}
_BAD: Final = ("failed", "error", "cancelled", "timed_out")
_WORD: Final = re.compile(r"[a-z0-9]+")


class Wrong(NamedTuple):
    """Values of one kind, tried in this order: it is enough that the gate notices one of them."""

    kind: str
    values: tuple[Any, ...]


def wrong_values(value: Any, measurements: tuple[Measurement, ...] = ()) -> Iterator[Wrong]:
    """What may stand there instead; *measurements* are those of this value."""
    yield Wrong("removed", (REMOVED,))
    if value is not None:
        yield Wrong("null", (None,))
    if isinstance(value, bool):
        yield Wrong("boolean as text", (str(value).lower(),))
        yield Wrong("flipped", (not value,))
    elif isinstance(value, (int, float)):
        yield Wrong("NaN", (math.nan,))
        yield Wrong("number as text", (str(value),))
        yield Wrong(NO_DIRECTION, far(value))
        for one in measurements:
            if one.ok and one.value == value and not isinstance(one.value, bool):
                yield from _across(one)
    elif isinstance(value, str):
        yield from _words(value)
    elif isinstance(value, (dict, list)) and value:
        yield Wrong("emptied", ({} if isinstance(value, dict) else [],))
        yield Wrong("wrong type", ("text",))


def _words(value: str) -> Iterator[Wrong]:
    bad = flipped(value)
    if bad is not None:
        yield Wrong("status flipped", (bad,))
        # As trackers and CI services write it: completed_with_errors, succeededWithIssues.
        yield Wrong("status qualified", (f"{value}_with_errors",))
    elif value.lower() in _BAD:  # of a candidate that is bad: what notices this one has to notice the others
        for word in _BAD:
            if word != value.lower():
                yield Wrong("status flipped", (word,))
    if len(value) == 64 and not value.strip("0123456789abcdef"):
        yield Wrong("digest mismatch", (value[:-1] + ("0" if value[-1] != "0" else "1"),))


def flipped(value: str) -> str | None:
    """The opposite of a word that says that all is well; None for other texts."""
    bad = _GOOD.get(value.lower())
    return bad.upper() if bad and value.isupper() else bad


def far(value: float) -> tuple[float, ...]:
    """
    Numbers that no threshold near *value* lets through: far below it, zero, and far above it.

    A gate may ignore one direction, since less of some things is always better; one that passes with all of them
    judges the number not at all. The largest is tried last: a gate may count up to it.
    """
    distance = (abs(value) + 1) * _FAR
    if isinstance(distance, float) and not math.isfinite(distance):
        distance = sys.float_info.max / 4
        return (-distance, 0.0, distance)
    between = () if value == 0 else (type(value)(0),)
    return (value - distance, *between, value + distance)


def chosen(seen: Mapping[Place, Any]) -> Iterator[tuple[Place, Any]]:
    """One of each shape: what a gate asks of an item of a list, it asks of all."""
    shapes: dict[Place, int] = {}
    for place, value in seen.items():
        if not place:
            continue
        shape = _shape(place)
        shapes[shape] = shapes.get(shape, 0) + 1
        if shapes[shape] <= _PER_SHAPE:
            yield place, value


def samples(place: Place, seen: Mapping[Place, Any]) -> list[Place]:
    """The places of *seen* that differ from *place* in list positions only, itself among them; none if it is alone."""
    shape = _shape(place)
    found = [other for other in seen if len(other) == len(place) and _shape(other) == shape]
    return found if len(found) > 1 else []


def _shape(place: Place) -> Place:
    return tuple("*" if isinstance(step, int) else step for step in place)


def is_named(name: str, place: Place) -> bool:
    """Whether a measurement is of the value at *place*, by its name: two values may be equal and only one measured."""
    last = next((str(step) for step in reversed(place) if isinstance(step, str)), "")
    return set(last.lower().split("_")) <= set(_WORD.findall(name.lower())) or last.lower() in name.lower()


def _across(one: Measurement) -> Iterator[Wrong]:
    """The nearest values on the wrong side of what was measured."""
    bounds = one.threshold if isinstance(one.threshold, (list, tuple)) else [one.threshold]
    numbers = [bound for bound in bounds if isinstance(bound, (int, float)) and not isinstance(bound, bool)]
    if len(numbers) != len(bounds):
        return
    name = f"{one.name} across its threshold"
    if one.operator in (">=", "between"):
        yield Wrong(name, (_step(numbers[0], -1, one.value),))
    if one.operator in ("<=", "between"):
        yield Wrong(name, (_step(numbers[-1], 1, one.value),))
    if one.operator == "==":
        yield Wrong(name, (_step(numbers[0], 1, one.value),))


def _step(bound: float, direction: int, like: Any) -> float:
    if isinstance(like, int) and float(bound).is_integer():
        return int(bound) + direction
    return bound + direction * max(abs(bound) * 1e-9, 1e-12)


def changed(document: Any, place: Place, new: Any) -> Any:
    """*document* with *new* at *place*, changed in place."""
    *way, last = place
    here = document
    for step in way:
        here = here[step]
    if new is REMOVED:
        del here[last]
    else:
        here[last] = new
    return document


def dotted(place: Place) -> str:
    """A place as a person writes it: `bots[0].mode`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
