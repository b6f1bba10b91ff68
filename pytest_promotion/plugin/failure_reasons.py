"""From an exception to the one sentence that a reader of the decision gets."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_promotion.errors import GateFailed, PolicyError, Unproven
from pytest_promotion.text import legible

_LONGEST = 500


def of_failure(problem: BaseException) -> tuple[str, str, bool]:
    """
    What kind of failure an exception is ("fail", "inconclusive" or "error"), its sentence,
    and whether the sentence replaces the traceback.
    """
    if isinstance(problem, Unproven):
        return "inconclusive", str(problem), True
    if isinstance(problem, GateFailed):
        return "fail", str(problem), True
    if isinstance(problem, PolicyError):
        return "inconclusive", str(problem), True
    if isinstance(problem, pytest.PytestReturnNotNoneWarning):
        return "fail", "returned a value: a gate asserts, what it returns is not looked at", True
    if isinstance(problem, AssertionError):
        return "fail", _first_line(problem) or "an assertion failed", False
    if isinstance(problem, pytest.fail.Exception):
        return "fail", _first_line(problem), False
    return "error", f"{type(problem).__name__}: {_first_line(problem)}".rstrip(": "), False


def of_skip(longrepr: Any) -> str:
    """The reason of a skip, without the word and the place."""
    text = (
        longrepr[2] if isinstance(longrepr, tuple) and len(longrepr) == 3 else str(longrepr or "")
    )  # file, line, reason
    return str(text).removeprefix("Skipped: ").strip() or "no reason given"


def _first_line(problem: BaseException) -> str:
    line = next((line.strip() for line in str(problem).splitlines() if line.strip()), "")
    line = legible(line)  # before it is cut: half of a token looks like none
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
