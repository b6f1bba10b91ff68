"""A line of text with its neighbours, and what a rule found in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CONTEXT_LINES: Final = 5  # what the library's detectors are given on each side


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its surrounding blanks, and up to `CONTEXT_LINES` whole lines on each side."""

    text: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """
    One secret in a line.

    `start` and `end` are its place in the line's text, `label` is what may be shown of it: the
    name of its key or of its kind, never a part of its value. `more` is what belongs to it
    beyond the line, such as the lines of a PEM block.
    """

    rule: str
    rank: int
    start: int
    end: int
    label: str
    more: str = ""


def strongest(found: list[Match]) -> list[Match]:
    """One match for each place: where two overlap, the more specific rule (the lower rank) stays."""
    kept: list[Match] = []
    for match in sorted(found, key=lambda one: (one.rank, one.start, -one.end, one.rule)):
        if all(match.end <= other.start or other.end <= match.start for other in kept):
            kept.append(match)
    return sorted(kept, key=lambda one: (one.start, one.end))
