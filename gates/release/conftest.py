"""What the release gates share: which of them a profile has, the tools they run, and the report for release tooling."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_promotion.errors import GateFailed
from pytest_promotion.fixtures import GATE, SETTINGS
from pytest_promotion.release.tools import demand
from pytest_promotion.secrets.masking import Mask, secret_values

if TYPE_CHECKING:
    from pytest_promotion.evidence.commands import Completed
    from pytest_promotion.model import Decision

TAIL = 30  # lines of what a failing program printed
SAID = pytest.StashKey[str]()  # about the report, once there is one


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Leaves out the gates of this folder that the profile does not have, and skips those that a switch skips.

    A profile has what is on its roll-call, and what a `require_…` switch of a gate asks for: so none of
    them runs under the policy of another system. What a `skip_…` switch skips stays on the roll-call.
    """
    settings = config.stash.get(SETTINGS, None)
    if settings is None:
        return
    rules = settings.policy.rules
    here = os.path.dirname(__file__)
    ours = [item for item in items if os.path.dirname(item.path) == here and GATE in item.stash]
    left_out = []
    for item in ours:
        gate = item.stash[GATE].id
        switches = {key for key, value in rules.gate(gate).thresholds.items() if value is True}
        asked = any(key.startswith("require_") for key in switches)
        if rules.required is not None and not asked and not {gate, gate.partition("[")[0]} & set(rules.required):
            left_out.append(item)
        for key in sorted(key for key in switches if key.startswith("skip_")):
            item.add_marker(pytest.mark.skip(reason=f"{key} is set; what was not asked shows nothing"))
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_promotion_decided(config: pytest.Config, decision: Decision) -> None:
    """Writes `.runtime/release_gate_<profile>_<time>.json` of a decision about a release."""
    from pytest_promotion.model import Status
    from pytest_promotion.release import report
    from pytest_promotion.settings import opening

    here = os.path.relpath(os.path.dirname(__file__), config.rootpath)
    ours = any(result.gate.nodeid.startswith(f"{here}/") for result in decision.verdict.results)
    if not ours or decision.kind != "decision" or decision.verdict.status is Status.PARTIAL:
        return
    try:
        config.stash[SAID] = f"release report: {report.write(decision, opening(config).root)}"
    except OSError as problem:
        config.stash[SAID] = f"the release report could not be written: {(problem.strerror or 'failed').lower()}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Says where the report is."""
    if SAID in config.stash:
        terminalreporter.write_line(config.stash[SAID])


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
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = tool(argv, 60.0, {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **(env or {})})
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
