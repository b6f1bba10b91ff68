"""The suites that are installed, found by their entry points."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.api import Suite

GROUP: Final = "pytest_promotion.suites"


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def names() -> tuple[str, ...]:
    """The names of the installed suites, sorted; none of them is imported."""
    return tuple(_entries())


def installed() -> tuple[Suite, ...]:
    """Every installed suite, by name. Raises `PolicyError` where one cannot be used."""
    return tuple(find(name) for name in names())


def of_layout(root: Path) -> tuple[str, ...]:
    """The names of the suites that *root* has all files of the layout of."""
    return tuple(
        suite.name for suite in installed() if suite.layout and all((root / path).is_file() for path in suite.layout)
    )


@cache
def find(name: str) -> Suite:
    """
    The installed suite called *name*.

    Raises:
        PolicyError: where there is none, with the nearest name, or where it cannot be imported.
    """
    entry = _entries().get(name)
    if entry is None:
        near = difflib.get_close_matches(name, _entries(), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"installed: {', '.join(_entries()) or 'none'}"
        raise PolicyError(f"no suite {name!r} is installed; {hint}")
    try:
        suite = entry.load()
    except Exception as problem:
        raise PolicyError(f"the suite {name!r} cannot be imported ({entry.value}): {problem}") from problem
    if not isinstance(suite, Suite) or suite.name != name:
        raise PolicyError(f"{entry.value} is registered as the suite {name!r} and is not a Suite of that name")
    return suite
