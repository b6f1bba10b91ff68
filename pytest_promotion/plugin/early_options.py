"""
What a session will run, as far as its options are parsed before the first conftest is imported.

Imported where there is a gates path; small, because most sessions of such a project run other tests.
"""

from __future__ import annotations

import glob
import os
import sys
from typing import Any, Final, cast

import pytest

from pytest_promotion.plugin.selection import LOOKING, Selection, gate_folders

NAME: Final = "promotion-early-fail"  # of the plugin that stands for what was written
_PRINTING: Final = ("help", "version", "markers")  # with these pytest prints something and starts no session


def known(config: pytest.Config) -> pytest.Config:
    """*config* with its options as far as they are parsed."""
    return cast("pytest.Config", _KnownConfig(config))


def run_gates(config: pytest.Config) -> bool:
    """Whether the session will run all gates of some files, in this process or in workers of its own."""
    so_far = known(config)
    if _is_worker() or any(so_far.getoption(name) for name in (*LOOKING, *_PRINTING)):
        return False
    selection = Selection(so_far, gate_folders(so_far))
    return selection.touches_gates and not (selection.incidental or selection.surely_partial)


class _KnownConfig:
    """A configuration whose options are parsed as far as the plugins that are loaded by now know them."""

    def __init__(self, config: pytest.Config) -> None:
        self.rootpath, self.inipath, self.getini = config.rootpath, config.inipath, config.getini
        self.invocation_params, self.option = config.invocation_params, config.known_args_namespace
        self.args, self.args_source = self._arguments()

    def getoption(self, name: str, default: Any = None) -> Any:
        return getattr(self.option, name, default)

    def _arguments(self) -> tuple[list[str], Any]:
        """As pytest chooses them once all options are parsed."""
        source = pytest.Config.ArgsSource
        if self.option.file_or_dir:
            return list(self.option.file_or_dir), source.ARGS
        if self.invocation_params.dir == self.rootpath:
            paths = self.getini("testpaths")
            if not self.getoption("pyargs"):
                paths = [found for path in paths for found in glob.iglob(path, recursive=True)]
            if paths:
                return paths, source.TESTPATHS
        return [str(self.invocation_params.dir)], source.INVOCATION_DIR


def _is_worker() -> bool:
    """Whether this process was started by pytest-xdist, which configures it before it says so."""
    frame = sys._getframe() if "PYTEST_XDIST_WORKER" in os.environ else None  # noqa: SLF001 - a process inherits the variable
    while frame is not None:
        if frame.f_globals.get("__name__") == "__channelexec__":
            return True
        frame = frame.f_back
    return False
