"""
A pytest plugin of two numbers: how many tests were to run, and how many ran to their end.

Loaded into the target's run. A test that calls `pytest.exit` with zero leaves a result without failures, in which
the tests after it are not even missing; only these two numbers tell. It needs nothing of pytest but its hooks.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "PROMOTION_SUITES_WITNESS"
_planned: list[str] = []
_ended: set[str] = set()


def pytest_collection_finish(session: Any) -> None:
    """Notes what is left to run after deselection."""
    _planned[:] = [item.nodeid for item in session.items]


def pytest_runtest_logfinish(nodeid: str) -> None:
    """Notes that a test went through all its phases."""
    _ended.add(nodeid)


def pytest_sessionfinish() -> None:
    """Writes both down; a process that was ended before leaves nothing, which is told from zero."""
    if place := os.environ.get(VARIABLE):
        Path(place).write_text(
            json.dumps({"planned": len(set(_planned) | _ended), "ended": len(_ended)}), encoding="utf-8"
        )
