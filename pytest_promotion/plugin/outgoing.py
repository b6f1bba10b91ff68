"""What pytest itself shows of a gate: its node id, its traceback and its output, as they may leave the process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_promotion.decision import shown
from pytest_promotion.reporting.terminal import Line
from pytest_promotion.text import TAB, block, learn_secrets, legible, safe


def rename(items: Sequence[pytest.Item]) -> None:
    """Gives each item the node id that may be shown: pytest writes it to the terminal and into its reports."""
    called = shown.names(item.nodeid for item in items)
    for item in items:
        name = called[item.nodeid]
        if name == item.nodeid:
            continue
        path, line, domain = item.location
        item.location = (legible(path), line, legible(domain))  # cached, and computed only once
        # Pytest has no public way to name an item: before 9.2 the node id is a text.
        if isinstance(getattr(item, "_nodeid", None), str):
            item._nodeid = name  # type: ignore[attr-defined]  # noqa: SLF001
        else:
            item._id = type(item._id).parse(name)  # noqa: SLF001
        item.name = legible(item.name)


def refuse_unreadable(folders: Iterable[Path]) -> None:
    """Refuses gate files whose names pytest could not print on one line. Raises `pytest.UsageError`."""
    for folder in folders:
        for place, _, files in os.walk(folder):
            below = os.path.relpath(place, folder)
            for name in files:
                if name.endswith(".py") and not (name.isprintable() and below.isprintable()):
                    where = legible(os.path.relpath(os.path.join(place, name), folder.parent))
                    raise pytest.UsageError(f"{where}: the name of a gate file may hold no control characters")


def hide_secrets(report: Any) -> None:
    """Masks what a report of a gate says beside its outcome, which the terminal and JUnit show."""
    if not report.passed or report.when == "call":
        learn_secrets()  # a gate or a conftest may have set some since; looked for once a gate
    if getattr(report, "user_properties", None):
        report.user_properties = [(legible(name), safe(value)) for name, value in report.user_properties]
    if report.sections:
        report.sections = [(legible(name), block(text)) for name, text in report.sections]
    if hasattr(report, "wasxfail"):
        report.wasxfail = legible(report.wasxfail)
    longrepr: Any = report.longrepr
    if longrepr is None:
        return
    if isinstance(longrepr, tuple):  # of a skip: file, line, reason
        report.longrepr = (legible(longrepr[0]), longrepr[1], legible(longrepr[2]))
        return
    if not _may_be_shown(str(longrepr)):
        _hide(longrepr)
    text = str(longrepr)
    if not _may_be_shown(text):
        report.longrepr = block(text)


def _may_be_shown(text: str) -> bool:
    return block(text) == text.expandtabs(TAB)


def _hide(part: Any) -> Any:
    """*part* of a traceback, masked in place: it keeps its layout and its colours."""
    if isinstance(part, str):
        return block(part)
    if isinstance(part, list):
        part[:] = [_hide(one) for one in part]
    elif isinstance(part, tuple):
        return tuple(_hide(one) for one in part)
    elif type(part).__module__ == "_pytest._code.code":
        for name, value in vars(part).items():
            object.__setattr__(part, name, _hide(value))
    return part


class Messages:
    """Cleans what pytest prints that belongs to no report: warnings, and why a run was ended early."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        warning_message.message = block(str(warning_message.message))

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        problem: Any = excinfo.value
        if hasattr(problem, "msg"):  # of `pytest.exit`
            problem.msg = legible(problem.msg)
        problem.args = tuple(legible(one) if isinstance(one, str) else one for one in problem.args)


def refusal(problem: BaseException) -> pytest.UsageError:
    """The same refusal on one line."""
    return pytest.UsageError(*map(legible, problem.args))


def show(reporter: Any, lines: Iterable[Line]) -> None:
    """Writes *lines* to the terminal."""
    for text, markup in lines:
        reporter.ensure_newline()
        reporter.write_line(legible(text), **markup)
