"""
The report for release tooling, written by every session that decides about a release.

A pytest plugin, registered in the sessions whose policy names the suite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_promotion.model import Decision

_MESSAGE = "_promotion_release_report"


def pytest_promotion_decided(config: Any, decision: Decision) -> None:
    """Writes `.runtime/release_gate_<profile>_<time>.json`, except for a replay or a partial run."""
    from pytest_promotion.model import Status
    from pytest_promotion.plugin.settings import opening
    from pytest_promotion.suites.release import report

    if decision.kind != "decision" or decision.verdict.status is Status.PARTIAL:
        return
    try:
        message = f"release report: {report.write(decision, opening(config).root)}"
    except OSError as problem:
        message = f"the release report could not be written: {(problem.strerror or 'failed').lower()}"
    setattr(config, _MESSAGE, message)


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Says where the report is."""
    message = getattr(config, _MESSAGE, "")
    if message:
        terminalreporter.write_line(message)
