"""What several trading gates share: judging a report by its own word, and reading the settings of the policy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_promotion import Unproven
from pytest_promotion.suites.trading.documents.minute_rows import LOGS, minute_rows
from pytest_promotion.suites.trading.rules.figures import Logs

if TYPE_CHECKING:
    from pytest_promotion import Artifact


@pytest.fixture
def stored_report(artifact: Any, freshness: Any, measure: Any, reason: Any) -> Callable[[str], Artifact]:
    """`stored_report(path)`: a producer's report, which must be fresh and say `status: pass`."""

    def judge(path: str) -> Artifact:
        report = artifact(path)
        freshness(report)
        measure.equals(f"{path} status", report["status"], "pass")
        reason(f"{path} says pass")
        return report

    return judge


@pytest.fixture
def setting(policy: Any, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`setting(name, *values)`: a setting of this gate, one of *values*, or a number where none are given."""

    def get(name: str, *values: str) -> Any:
        value = policy[name]
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
        if value in values if values else number:
            return value
        key = f"gates.{request.node.name.removeprefix('test_')}.thresholds.{name}"
        raise Unproven(f"the policy's {key} is {value!r}, expected {' or '.join(values) or 'a number'}")

    return get


@pytest.fixture
def refused(setting: Any) -> Callable[[str, list[str]], list[str]]:
    """`refused(name, found)`: those of *found* that the setting refuses, which are all, or none where it accepts."""

    def of(name: str, found: list[str]) -> list[str]:
        return found if setting(name, "accept", "refuse") == "refuse" else []

    return of


@pytest.fixture
def minute_logs(artifact: Any, setting: Any, workspace: Any) -> Callable[[str, datetime], Logs]:
    """`minute_logs(bot, reported)`: the minute rows of a bot, for a report of the moment *reported*."""
    compared = "its rows are compared with the time of the report"

    def read(bot: str, reported: datetime) -> Logs:
        paths = sorted(path.relative_to(workspace).as_posix() for path in workspace.glob(LOGS.format(bot=bot)))
        logs = [artifact(path, max_age="none", because=compared) for path in paths]
        rows = [row for log in logs for row in minute_rows(log.rows())]
        return Logs(bot, rows, reported, timedelta(seconds=setting("rows_within_sec")))

    return read
