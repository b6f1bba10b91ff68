"""The environment of the pytest sessions that tests start in processes of their own."""

from __future__ import annotations

import os
from importlib.metadata import entry_points

# What an installation of the package brings along. Other plugins are installed here for a few tests, which ask for
# them by name; loaded by every session under test, they would take most of the time in which it starts.
BROUGHT = {"pytest-promotion", "pytest-cov", "pytest-json-report", "pytest-timeout", "pytest-xdist"}
OTHERS = [
    entry.name for entry in entry_points(group="pytest11") if entry.dist is not None and entry.dist.name not in BROUGHT
]
WITHOUT_OTHERS = " ".join(f"-pno:{name}" for name in sorted(OTHERS))


def environment(*without: str) -> dict[str, str]:
    """The variables of this process, except those of pytest and coverage and *without*, with other plugins blocked."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_")) and name not in without
    }
    return kept | {"PYTEST_ADDOPTS": WITHOUT_OTHERS}
