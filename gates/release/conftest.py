"""What the release gates share: which of them a profile has, the tools they run, and the report for release tooling."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_promotion import GateFailed, Mask, git_environment, secret_values
from pytest_promotion.suites.release.tools import demand

if TYPE_CHECKING:
    from pytest_promotion import Completed

TAIL = 30  # lines of what a failing program printed


@pytest.fixture
def tool(command: Any) -> Callable[..., Completed]:
    """`tool(argv, timeout)`: as `command`, but a program that is missing fails the gate with how to install it."""

    def run(argv: Sequence[str], timeout: float = 60.0, env: Mapping[str, str] | None = None) -> Completed:
        demand(argv[0])
        done = command(argv, timeout, {**os.environ, "CI": "1", "NO_COLOR": "1"} if env is None else env)
        if done.exit_code != 0:
            # For the terminal, where pytest shows it below the failing gate; no report has it.
            lines = done.output.splitlines()[-TAIL:]
            print(Mask(secret_values(os.environ)).text("\n".join(lines)))  # noqa: T201
        return done

    return run


@pytest.fixture
def git(tool: Any) -> Callable[..., str]:
    """`git(argv)`: what git prints, undisturbed by what the environment tells it; a git that says no fails the gate."""

    def run(argv: Sequence[str], env: Mapping[str, str] | None = None) -> str:
        done = tool(argv, 60.0, {**git_environment(os.environ), **(env or {})})
        if done.exit_code != 0:
            said = (done.output.strip().splitlines() or ["nothing"])[0]
            raise GateFailed(f"git ended with exit code {done.exit_code}: {said[:200]}")
        return done.output

    return run


@pytest.fixture
def state(workspace: Any) -> Callable[[str], tuple[int, int, int] | None]:
    """`state(path)`: what tells whether a file was written; None where there is none."""

    def of(path: str) -> tuple[int, int, int] | None:
        try:
            facts = (workspace / path).stat()
        except OSError:
            return None
        return facts.st_mtime_ns, facts.st_size, facts.st_ino

    return of
