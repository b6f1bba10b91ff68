"""What the deployment gates share: none of them runs under the policy of another system, and how they ask git."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from pytest_promotion import Unproven, git_environment
from pytest_promotion.suites.deployment import languages, linters


@pytest.fixture
def python(policy: Any, workspace: Any) -> list[str]:
    """The folders with Python in them; none where there is none."""
    return languages.folders(workspace, policy["python"], linters.PYTHON, policy["outside"])


@pytest.fixture
def javascript(policy: Any, workspace: Any) -> list[str]:
    """The same of JavaScript and TypeScript."""
    return languages.folders(workspace, policy["javascript"], linters.JAVASCRIPT, policy["outside"])


@pytest.fixture
def git(command: Any) -> Callable[[list[str]], str]:
    """`git(argv)`: what git prints, undisturbed by what the environment tells it; a git that says no proves nothing."""

    def run(argv: list[str]) -> str:
        done = command(argv, 60.0, git_environment(os.environ))
        if done.exit_code != 0:
            said = (done.output.strip().splitlines() or ["nothing"])[0]
            raise Unproven(f"git ended with exit code {done.exit_code}: {said[:200]}")
        return done.output

    return run
