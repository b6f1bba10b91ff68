"""
The tally of the gate that runs.

One gate runs at a time in a process, and its threads count for it, so that there is one tally in a process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pytest_promotion.assertions.tally import Tally

tally: Tally | None = None


@contextmanager
def counting(new: Tally) -> Iterator[None]:
    """Counts for *new* while the block runs."""
    global tally
    before, tally, new.active = tally, new, True
    try:
        yield
    finally:
        tally, new.active = before, False


def doubt(problem: str, place: str) -> None:
    """What was judged at *place* cannot be relied on, if there is a *problem*."""
    if problem and tally is not None:
        tally.doubt(f"{place} {problem}")


def where(file: str, line: int) -> str:
    """A place in a sentence."""
    return f"{file} line {line}"
