"""Northlight's repository with a change of the trace schema, built once, and copies of it to be broken."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures import deployment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.provenance import for_git

# As in tests/conftest.py: what a session in this process loads first is unloaded after it.
for module in ("github", "sqlalchemy.dialects.sqlite", "pytest_promotion.suites.deployment.schema_change.undoing"):
    importlib.import_module(module)

Git = Callable[[list[str]], str]


@pytest.fixture(scope="session")
def _northlight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("northlight") / "root"
    folder.mkdir()
    deployment.repository(folder)
    return folder


@pytest.fixture
def target(_northlight: Path, tmp_path: Path) -> Path:
    """The repository as it may go on, to be broken."""
    return Path(shutil.copytree(_northlight, tmp_path / "root", symlinks=True))


@pytest.fixture
def asking() -> Callable[[Path], Git]:
    """`asking(folder)`: git in that folder, as the gate asks it."""

    def of(folder: Path) -> Git:
        def git(argv: list[str]) -> str:
            done = subprocess.run(
                argv,
                cwd=folder,
                env=for_git(os.environ),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise Unproven(done.stdout)
            return done.stdout

        return git

    return of
