"""Which sources judge in a session: those below the gates paths, the conftests above them, and local plugins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_promotion import suites
from pytest_promotion.evidence import judges
from pytest_promotion.model import Judges
from pytest_promotion.plugin.selection import gate_folders
from pytest_promotion.policy import Policy


def of_session(config: pytest.Config, policy: Policy) -> Judges:
    """The judges of *config*'s session as they are now, whoever runs its gates."""
    used = {suite.name: (suite.version, suite.folder) for suite in map(suites.find, policy.suites)}
    return judges.read(set(files_of(config)), Path(os.path.realpath(config.rootpath)), used)


def files_of(config: pytest.Config) -> Iterator[Path]:
    """The sources that judge, each once or more: below the gates paths, their conftest files, and local plugins."""
    root = Path(os.path.realpath(config.rootpath))
    for folder in gate_folders(config):
        yield from judges.python_files(folder)
        for parent in folder.parents:
            if (parent / "conftest.py").is_file():
                yield parent / "conftest.py"
            if parent == root:
                break
    for plugin in config.pluginmanager.get_plugins():
        name = getattr(plugin, "__file__", None)
        path = Path(os.path.realpath(name)) if name else None
        # What is installed is named by its version, and in the environment's lock file.
        if path and path.suffix == ".py" and path.is_relative_to(root) and "site-packages" not in path.parts:
            yield path
