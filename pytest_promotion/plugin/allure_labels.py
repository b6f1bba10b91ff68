"""
What allure-pytest shows of a gate: labels, by the marks that it reads.

Nothing of Allure is imported: `allure_label` is a mark like any other, and is there where `--alluredir` is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from pytest_promotion.model import Severity
from pytest_promotion.plugin.fixtures import GATE
from pytest_promotion.reporting import junit
from pytest_promotion.reporting.allure_results import RUN, AllureResults

_MARK: Final = "allure_label"
_SEVERITIES: Final = {Severity.CRITICAL: "critical", Severity.WARNING: "minor"}  # in Allure's words


def folder_of(config: pytest.Config) -> Path | None:
    """The folder that `--alluredir` names; None where allure-pytest is not there or writes nothing."""
    name = config.getoption("allure_report_dir", default=None)
    return Path(config.invocation_params.dir / name).absolute() if name else None


def results_of(config: pytest.Config, run_id: str) -> AllureResults | None:
    """The results that allure-pytest writes in this session."""
    folder = folder_of(config)
    return AllureResults(folder, run_id) if folder is not None else None


class AllureLabels:
    """Labels each gate, where it is collected."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            if GATE not in item.stash:
                continue
            gate = item.stash[GATE]
            given = {mark.kwargs.get("label_type") for mark in item.iter_markers(_MARK)}
            labels = {junit.GATE: gate.id, RUN: self._run_id, "promotion.severity": gate.severity.value}
            labels |= {"severity": _SEVERITIES[gate.severity]} | ({"owner": gate.owner} if gate.owner else {})
            for name, value in labels.items():
                if name not in given:  # what a gate says of itself stays
                    item.add_marker(getattr(pytest.mark, _MARK)(value, label_type=name))
