"""
The gates of a project as JSON, for `promotion list-gates`: what pytest collects, and nothing is run.

Loaded by that command only: `pytest gates --collect-only -p pytest_promotion.plugin.listing --promotion-list FILE`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_promotion.plugin.recorder import Collector


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--promotion-list", metavar="FILE", help="Write the gates to FILE as JSON.")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Writes every gate, those included that the profile does not require."""
    collector: Collector | None = session.config.pluginmanager.get_plugin("promotion-collector")
    if collector is None:
        return
    found = collector.collected
    gates = {gate.nodeid: gate for gate in (*found.planned, *found.deselected)}
    Path(session.config.getoption("promotion_list")).write_text(
        json.dumps([_document(gate) for gate in gates.values()]), encoding="utf-8"
    )


def _document(gate: Any) -> dict[str, Any]:
    return {
        "id": gate.id,
        "severity": gate.severity.value,
        "owner": gate.owner,
        "rule": gate.rule,
        "fix": gate.fix,
        "nodeid": gate.nodeid,
    }
