"""
Where a gate failed: at its own line, not at the line of this package that raised for it.

A refusal of the evidence is raised deep inside of a measure or an artifact. What its reader wants to see, and the
debugger to stop at, is the line of the gate that used it, with the gate's values.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from pytest_promotion.plugin.failure_reasons import is_refusal

_PACKAGE = str(Path(__file__).parents[1]) + os.sep
_LIBRARY = str(Path(sysconfig.get_path("stdlib"))) + os.sep
_INSTALLED = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
_RUNNERS = ("_pytest", "pluggy", "xdist", "pytest_timeout")


class Refusal:
    """An exception that says all there is to say, and whether a line of the project led to it."""

    def __init__(self, problem: BaseException, *, located: bool) -> None:
        self._problem = problem
        self._located = located

    def show(self, report: pytest.TestReport, sentence: str) -> None:
        """Lets *report* say it in plain words."""
        if self._located:
            _leave_out_class(report.longrepr, self._problem)
        else:  # a traceback through this package adds nothing
            report.longrepr = sentence


def refusal_of(item: pytest.Item, call: pytest.CallInfo[None]) -> Refusal | None:
    """
    The refusal that ended *call*, None where it ended otherwise.

    Its traceback then ends at the last line of the gate or of the project's own code, unless `--full-trace` is on.
    """
    if call.excinfo is None or not is_refusal(call.excinfo.value):
        return None
    problem = call.excinfo.value
    if item.config.getoption("fulltrace", default=False):
        return Refusal(problem, located=True)
    return Refusal(problem, located=end_in_project(problem))


def end_in_project(problem: BaseException) -> bool:
    """
    Ends the traceback of *problem* at the last frame of the gate or of the project's own code.

    It is changed in place, because debuggers and `--tb=native` show hidden frames.

    Returns:
        whether there is such a frame; where not, as in a fixture of this package, nothing is changed.
    """
    frames = list(_entries(problem.__traceback__))
    mine = [number for number, entry in enumerate(frames) if _of_the_project(entry)]
    if not mine:
        return False
    frames[mine[-1]].tb_next = None
    context = problem.__context__
    if context is not None and not any(map(_of_the_project, _entries(context.__traceback__))):
        problem.__suppress_context__ = True  # what this package met before it refused
    return True


def _leave_out_class(longrepr: Any, problem: BaseException) -> None:
    """Takes the name of the exception's class from pytest's lines with an E: the sentence is enough."""
    kind = type(problem)
    prefix = f"{kind.__module__}.{kind.__qualname__}: "
    crash = getattr(longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = crash.message.removeprefix(prefix)
    entries = getattr(getattr(longrepr, "reprtraceback", None), "reprentries", ())
    for entry in entries[-1:]:
        entry.lines[:] = [
            line.replace(prefix, "", 1) if line.startswith("E ") and line[1:].lstrip().startswith(prefix) else line
            for line in entry.lines
        ]


def _entries(entry: TracebackType | None) -> Iterator[TracebackType]:
    while entry is not None:
        yield entry
        entry = entry.tb_next


def _of_the_project(entry: TracebackType) -> bool:
    code = entry.tb_frame.f_code.co_filename
    if code.startswith(_PACKAGE):
        # The gates of a suite are in the package, and are gates like those of a project.
        return f"{os.sep}gates{os.sep}" in code[len(_PACKAGE) - 1 :]
    name = str(entry.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
    if name in _RUNNERS or code.startswith("<"):
        return False
    return not code.startswith(_LIBRARY) or any(part in code for part in _INSTALLED)
