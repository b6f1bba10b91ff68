"""What a session was asked to run, as far as its arguments tell before anything is collected."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_promotion.model import Requested

if TYPE_CHECKING:
    from pytest_promotion.decision.declared_gates import Written

# With these a session starts and ends without running anything, and decides nothing.
LOOKING: Final = ("collectonly", "setupplan", "setuponly", "showfixtures", "show_fixtures_per_test", "cacheshow")


def project(config: pytest.Config) -> Path | None:
    """
    The folder that the gates paths are relative to; None where there are no gates.

    It is pytest's root directory. Without an ini file pytest guesses that from the existing
    paths among its arguments, values of options included, and may guess a parent; then the
    gates are looked for where pytest was called.
    """
    for folder in (config.rootpath, config.invocation_params.dir):
        if any((folder / name).is_dir() for name in config.getini("promotion_gates")):
            return folder
    return None


def gate_folders(config: pytest.Config) -> list[Path]:
    """The folders whose tests are gates."""
    base = project(config) or config.rootpath
    return [Path(os.path.realpath(base / name)) for name in config.getini("promotion_gates")]


class Selection:
    """The arguments of a session, held against the gates that are written down."""

    def __init__(self, config: pytest.Config, folders: list[Path]) -> None:
        self._config = config
        self._root = config.rootpath
        self._folders = folders
        self._asked = [self._split(argument, config) for argument in config.args]
        self._ignored = [
            os.path.realpath(config.invocation_params.dir / name) for name in config.getoption("ignore", None) or []
        ]
        self._patterns = config.getoption("ignore_glob", None) or []
        # These leave files out without saying so to anyone.
        self._filtered = bool(config.getoption("lf", default=False) or config.getoption("stepwise", default=False))

    @staticmethod
    def _split(argument: str, config: pytest.Config) -> tuple[str, str]:
        path, _, name = argument.partition("::")
        if config.getoption("pyargs", None) and not os.path.exists(config.invocation_params.dir / path):
            path = _of_module(path)
        return os.path.realpath(config.invocation_params.dir / path), name.partition("[")[0]

    @property
    def touches_gates(self) -> bool:
        """Whether the session may collect a gate at all."""
        return any(
            lies_below(path, str(folder)) or lies_below(str(folder), path)
            for path, _ in self._asked
            for folder in self._folders
        )

    @property
    def incidental(self) -> bool:
        """
        Whether the gates are only below what pytest collects when it is called without a path.

        A project must not find gates among its tests because a folder was added. With the gates among its
        `testpaths` it asks for them each time.
        """
        given = self._config.args_source is pytest.Config.ArgsSource.ARGS
        inside = any(lies_below(path, str(folder)) for path, _ in self._asked for folder in self._folders)
        return not given and not inside

    def leave_out_gates(self) -> None:
        """Keeps pytest from collecting the gates in this process."""
        option = self._config.option
        option.ignore = [*(option.ignore or []), *map(str, self._folders)]

    @property
    def missing(self) -> list[str]:
        """The paths that were asked for and are not there: with workers, pytest itself does not say so."""
        return [os.path.relpath(path, self._root) for path, _ in self._asked if not os.path.exists(path)]

    @property
    def surely_partial(self) -> bool:
        """Whether the arguments alone show that this is a look at some gates."""
        return self._filtered or any(name for _, name in self._asked)

    @property
    def requested(self) -> Requested:
        """How much of the gates was asked for, by the arguments and options."""
        if self.surely_partial:
            return Requested.PARTS
        everything = all(any(lies_below(str(folder), path) for path, _ in self._asked) for folder in self._folders)
        if not everything or self._ignored or self._patterns:
            return Requested.PLACES
        option = self._config.getoption
        chosen = any(option(name, default=None) for name in ("keyword", "markexpr", "deselect"))
        return Requested.CHOSEN if chosen else Requested.ALL

    def asks_for(self, gate: Written) -> bool:
        """Whether the session was to collect that gate."""
        file = os.path.realpath(self._root / gate.file)
        if self._filtered or any(lies_below(file, path) for path in self._ignored):
            return False
        if any(fnmatch.fnmatch(file, pattern) for pattern in self._patterns):
            return False
        return any(
            lies_below(file, path) and (not name or gate.name == name or gate.name.startswith(f"{name}::"))
            for path, name in self._asked
        )


def _of_module(name: str) -> str:
    """The file or folder of a module, as `--pyargs` finds it; *name* itself where there is none."""
    from importlib.util import find_spec

    try:
        spec = find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return name
    if spec is None:
        return name
    places = list(spec.submodule_search_locations or ())
    return places[0] if places else spec.origin or name


def lies_below(path: str, folder: str) -> bool:
    """Whether *path* is *folder* or is in it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
