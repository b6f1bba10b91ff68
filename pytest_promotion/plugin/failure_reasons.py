"""From an exception to the one sentence that a reader of the decision gets."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_promotion.errors import GateFailed, PolicyError, Unproven
from pytest_promotion.text import legible

_LONGEST = 500


def is_refusal(problem: BaseException) -> bool:
    """Whether an exception says by itself all there is to say, and where this package raised it says nothing."""
    return isinstance(problem, (Unproven, GateFailed, PolicyError, pytest.PytestReturnNotNoneWarning))


def of_failure(problem: BaseException) -> tuple[str, str]:
    """What kind of failure an exception is ("fail", "inconclusive" or "error"), and its sentence."""
    if isinstance(problem, Unproven):
        return "inconclusive", str(problem)
    if isinstance(problem, GateFailed):
        return "fail", str(problem)
    if isinstance(problem, PolicyError):
        return "inconclusive", str(problem)
    if isinstance(problem, pytest.PytestReturnNotNoneWarning):
        return "fail", "returned a value: a gate asserts, what it returns is not looked at"
    if isinstance(problem, (AssertionError, pytest.fail.Exception)):
        return "fail", _one_line(str(problem)) or "an assertion failed"
    return "error", f"{type(problem).__name__}: {_first_line(problem)}".rstrip(": ")


def of_skip(longrepr: Any) -> str:
    """The reason of a skip, without the word and the place."""
    text = (
        longrepr[2] if isinstance(longrepr, tuple) and len(longrepr) == 3 else str(longrepr or "")
    )  # file, line, reason
    return str(text).removeprefix("Skipped: ").strip() or "no reason given"


def _one_line(text: str) -> str:
    """
    The message of an assertion as one line: what its author wrote, else the comparison as pytest lays it out.

    A message of several lines is often data, such as a document, that says nothing without the comparison.
    """
    lines = text.strip().splitlines()
    number = next((number for number, line in enumerate(lines) if line.startswith("assert ")), None)
    if number is None:
        return _short(" ".join(text.split()))
    comparison = lines[number]
    if number == 0:
        return _short(comparison)
    message = " ".join(" ".join(lines[:number]).split())
    return _short(message if number == 1 or comparison == "assert False" else f"{comparison}: {message}")


def _first_line(problem: BaseException) -> str:
    return _short(next((line.strip() for line in str(problem).splitlines() if line.strip()), ""))


def _short(line: str) -> str:
    line = legible(line)  # before it is cut: half of a token looks like none
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
