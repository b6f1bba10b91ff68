"""
Limits that a gate does not hold to the last digit: it rounds what it compares.

`round(score, 2) >= 0.9` passes with 0.895, and so does `float(f"{score:.2f}")`, a column's `.round()` or a conversion
to whole numbers. The source does not tell all of them; the value from which on the gate passes does. For each number in
a gate, it is tried whether the gate passes from just there on, or from where rounding to some digits would put it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from pytest_promotion.prove.forms import number_of
from pytest_promotion.prove.observations import Place
from pytest_promotion.prove.observers import Look
from pytest_promotion.prove.rows import in_column, in_lines, is_json
from pytest_promotion.prove.values import changed, chosen, dotted

BEYOND: Final = "beyond its limit"
_STEPS: Final = (1.0, 0.1, 0.01, 0.001)  # between two numbers as they are rounded
_NEAR: Final = 1e-3  # of a step: how close to where the rounding turns is looked
_COUNTS: Final = (-1, 0, 1, 2, 3, 4)  # positions and counts far more often than limits of a fraction
_MOST: Final = 12  # numbers of a gate that are tried
_TINY: Final = 1e-9
_LARGEST: Final = 1e15  # of a number whose digits a float has


class Numbers(NamedTuple):
    """The numbers that a gate has: those in its source and its policy, which may be its limits, and those it read."""

    limits: tuple[float, ...] = ()
    read: tuple[float, ...] = ()


NO_NUMBERS: Final = Numbers()


def numbers_among(values: Iterable[object]) -> Iterator[float]:
    """The numbers among *values*, also those that are texts, as far as a float has all of their digits."""
    for value in values:
        number = number_of(value) if isinstance(value, str) else value
        if isinstance(number, (int, float)) and abs(number) < _LARGEST:
            yield float(number)


def numbers_read(looks: Iterable[Look]) -> Iterator[float]:
    """The numbers in what a gate looked at: one of them may be the limit of another."""
    for look in looks:
        for seen in (look.touches.seen, *(row.seen for row in look.rows.values())):
            yield from numbers_among(seen.values())


def passed_beyond(value: float, numbers: Numbers, passes: Callable[[float], bool]) -> Iterator[tuple[float, float]]:
    """
    Numbers that the gate passes with although they are beyond its limit, each with that limit.

    Args:
        value: the number in the evidence, with which it passes.
        numbers: those that the gate has.
        passes: whether the gate passes with another number in place of *value*.
    """
    limits = _scaled(value, numbers.limits)
    known = [*limits, *numbers.read]
    asked: dict[float, bool] = {}

    def passes_at(number: float) -> bool:
        if number not in asked:
            asked[number] = passes(number)
        return asked[number]

    for limit in [one for one in limits if one not in _COUNTS][:_MOST]:
        beyond = _beyond(limit, known, passes_at)
        if beyond is not None:
            yield beyond, limit


def beyond_sentence(number: float, limit: float) -> str:
    """What `passed_beyond` found, in words."""
    return f"{number:.6g}, where the limit is {limit:.6g}: it is rounded before it is compared"


def _beyond(limit: float, known: list[float], passes: Callable[[float], bool]) -> float | None:
    """A number beyond *limit* that passes since it is rounded; None where the gate holds the limit or has another."""
    tiny = max(abs(limit), 1.0) * _TINY
    below, above = passes(limit - tiny), passes(limit + tiny)
    widest = max(_STEPS) * (1 + _NEAR)
    if not (below and above) or (passes(limit - widest) and passes(limit + widest)):
        return None
    for step in _STEPS:
        # Rounding turns half a step from the limit, cutting digits off a whole one.
        for distance, side in itertools.product((step / 2, step), (-1, 1)):
            turns, near = limit + side * distance, distance * _NEAR
            if any(abs(one - distance) < _TINY or abs(one - turns) < _TINY for one in known):
                continue  # the gate has this distance as a tolerance, or another limit there
            inside = limit + side * (distance - near)
            if passes(inside) and not passes(limit + side * (distance + near)):
                return inside
    return None


def numbers_in(path: str, look: Look) -> Iterator[tuple[str, float, Callable[[float], bytes]]]:
    """The fractions that a gate looked at in a file: the field, its value, and the file with another value there."""
    content, suffix = look.reading.content, PurePosixPath(path).suffix
    if content is None:
        return
    if look.document is not None and is_json(path):
        for place, value in chosen(look.touches.seen):
            if type(value) is float:
                yield dotted(place), value, partial(_in_document, content, place)
    for place, value in chosen(look.rows[min(look.rows)].seen) if look.rows else ():
        if suffix == ".csv" and isinstance(value, str) and type(number_of(value)) is float:
            yield f"column {place[0]}", float(value), partial(_in_column, content, str(place[0]))
        elif suffix != ".csv" and type(value) is float:
            yield f"row *: {dotted(place)}", value, partial(_in_rows, content, place)


def _in_document(content: bytes, place: Place, number: float) -> bytes:
    return json.dumps(changed(json.loads(content), place, number)).encode()


def _in_column(content: bytes, column: str, number: float) -> bytes:
    return in_column(column, repr(number))(content)


def _in_rows(content: bytes, place: Place, number: float) -> bytes:
    return in_lines(place, number, first=False)(content)


def _scaled(value: float, known: Sequence[float]) -> list[float]:
    """The numbers as they are, and as shares of percentages or the other way round, where *value* may be one."""
    found = list(known)
    if abs(value) <= 1:
        found += [one / 100 for one in known if 1 < abs(one) <= 100]
    else:
        found += [one * 100 for one in known if 0 < abs(one) < 1]
    return list(dict.fromkeys(found))
