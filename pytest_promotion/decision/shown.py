"""
What gates and files are called in a decision: their names as they may leave the process.

The bundle id is that of the names that the decision lists, so that anyone who has the decision can compute it. Two
names that differ in a secret only, and would look the same, are numbered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pytest_promotion.model import Exhibit, GateResult
from pytest_promotion.text import legible


def names(raw: Iterable[str]) -> dict[str, str]:
    """Each of *raw* with what it is called, no two alike."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(raw)):
        shown = base = legible(name)
        number = 1
        while shown in taken:
            number += 1
            # Inside of the bracket of a parameter, so that it still is one.
            shown = f"{base[:-1]} ({number})]" if base.endswith("]") else f"{base} ({number})"
        taken.add(shown)
        found[name] = shown
    return found


def gate_names(results: Iterable[GateResult]) -> dict[str, str]:
    """What each gate is called, by its id."""
    return names(result.gate.id for result in results)


def results(given: Sequence[GateResult]) -> list[GateResult]:
    """The same results by the ids that are listed."""
    called = gate_names(given)
    return [
        one if called[one.gate.id] == one.gate.id else replace(one, gate=replace(one.gate, id=called[one.gate.id]))
        for one in given
    ]


def files(exhibits: Sequence[Exhibit]) -> tuple[Exhibit, ...]:
    """The same files by the paths that are listed, sorted by them."""
    called = names(item.path for item in exhibits)
    found = (item if called[item.path] == item.path else replace(item, path=called[item.path]) for item in exhibits)
    return tuple(sorted(found, key=lambda item: item.path))
