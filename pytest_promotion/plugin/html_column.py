"""
A column of pytest-html that says what a row means to the promotion.

pytest-html lays a row out when its test ends, before there is a decision: the column has the severity, and the outcome
by all that is known by then.
"""

from __future__ import annotations

from html import escape
from typing import Any

import pytest

from pytest_promotion.model import Outcome
from pytest_promotion.plugin.recorder import Recorder

_AT = 1  # after the result


class HtmlColumn:
    """Adds the column to the report of a session with gates."""

    def __init__(self, recorder: Recorder, decisions: str) -> None:
        """*decisions* is the folder that the decision will be in."""
        self._recorder = recorder
        self._decisions = decisions
        self._passed: dict[str, bool] = {}  # the gates that have ended, by id

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        cells.insert(_AT, "<th>Promotion</th>")

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: Any, cells: list[str]) -> None:
        cells.insert(_AT, f'<td class="col-promotion">{escape(self._cell(report.nodeid))}</td>')

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        prefix.append(
            "<p>Results are those of tests. The column Promotion says how severe a gate is, and its outcome: critical "
            f"gates block, warning gates do not. The decision is in {escape(self._decisions)}.</p>"
        )

    def _cell(self, nodeid: str) -> str:
        if not self._recorder.is_gate(nodeid):
            return ""
        result = self._recorder.accept(self._recorder.ledger.result(nodeid))
        gate, outcome, passed = result.gate, result.outcome, result.passed
        if outcome is Outcome.PASS and not all(self._passed.get(name, True) for name in gate.requires):
            outcome, passed = Outcome.INCONCLUSIVE, False
        self._passed[gate.id] = passed
        pending = [name for name in gate.requires if name not in self._passed] if passed else []
        return f"{gate.severity.value} {outcome.value}" + (f" if {', '.join(pending)} passes" if pending else "")
