"""A release to be judged, built once, and a way to judge copies of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures import release
from tests.sessions import environment

REPOSITORY = Path(__file__).resolve().parents[2]
Decide = Callable[..., tuple[dict[str, Any], subprocess.CompletedProcess[str]]]


def copied(source: Path, target: Path) -> Path:
    """A copy of a release; what npm installed is shared with it."""

    def place(one: str, other: str) -> str:
        if "node_modules" in one:
            os.link(one, other)
            return other
        return shutil.copy2(one, other)

    return Path(shutil.copytree(source, target, symlinks=True, copy_function=place))


@pytest.fixture(scope="session")
def tidebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release as it was built, without what npm installs. Copied before anything is done to it."""
    return release.build(tmp_path_factory.mktemp("release") / "tidebook")


@pytest.fixture(scope="session")
def installed(tidebook: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with what npm installs."""
    root = copied(tidebook, tmp_path_factory.mktemp("release") / "installed")
    missing = release.install(root)
    if missing:
        pytest.skip(f"the frontend cannot be installed here: {missing}")
    return root


@pytest.fixture
def target(tidebook: Path, tmp_path: Path) -> Path:
    """A release of this test's own, without what npm installs."""
    return copied(tidebook, tmp_path / "tidebook")


@pytest.fixture
def whole(installed: Path, tmp_path: Path) -> Path:
    """A release of this test's own that can be linted, tested and built."""
    return copied(installed, tmp_path / "whole")


@pytest.fixture
def decide(tmp_path: Path) -> Decide:
    """
    `decide(root, *words)`: `promotion gates gates/release` on *root*; the decision and the process.

    With `only=`, the roll-call is that gate; with `variables=`, the environment has these as well, or not where None.
    """

    def run(
        root: Path, *words: str, only: str = "", variables: dict[str, str | None] | None = None
    ) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
        reports = tmp_path / f"reports{len(list(tmp_path.glob('reports*')))}"
        handed = environment("ALLOW_SIM_BACKTEST", "SECRET_KEY", "APP_ENV", "GITHUB_ACTIONS")
        for name, value in (variables or {}).items():
            handed.pop(name, None)
            if value is not None:
                handed[name] = value
        done = subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "pytest_promotion.cli",
                    "gates",
                    "gates/release",
                    "-q",
                    "-p",
                    "no:cacheprovider",
                ),
                "--promotion-policy=fixtures/release_policy.yaml",
                f"--promotion-root={root}",
                f"--promotion-reports={reports}",
                *([f"--promotion-set=required={only}"] if only else []),
                *words,
            ],
            cwd=REPOSITORY,
            env=handed,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert "Traceback" not in done.stdout + done.stderr
        latest = reports / "promotion_gates" / "latest.json"
        assert latest.exists(), done.stdout + done.stderr
        return json.loads(latest.read_text()), done

    return run


def check_of(decision: dict[str, Any], name: str) -> dict[str, Any]:
    """What a decision says of one gate."""
    return next(check for check in decision["checks"] if check["name"] == name)
