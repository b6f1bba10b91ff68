"""Every sabotage of a healthy trading workspace is noticed, one change at a time, and named."""

from __future__ import annotations

import os
from itertools import product

import pytest

from tests.trading_rules import of_configuration, of_figures, of_reports, of_rows
from tests.trading_rules.changes import Sabotage

pytestmark = pytest.mark.slow

LISTED = (*of_configuration.ALL, *of_reports.ALL, *of_figures.ALL, *of_rows.ALL)
SABOTAGES = {sabotage.id: sabotage for sabotage in LISTED}


def test_the_names_are_told_apart():
    """Of two sabotages with one name, one would not be tried."""
    assert len(SABOTAGES) == len(LISTED)


WAYS = tuple(product(("demo", "live"), ("default", "ci")))
# Every sabotage in every way takes more than an hour: `make sweep`, which runs each night. Else one of four, the ways
# by turns, so that each kind of document is among them.
TRIED = [
    pytest.param(*way, sabotage, id="-".join((*way, sabotage.id)))
    for number, sabotage in enumerate(SABOTAGES.values())
    for turn, way in enumerate(WAYS)
    if way[0] in sabotage.workspaces
    if os.environ.get("PROMOTION_SWEEP") == "all" or (number % 4 == 0 and turn == number // 4 % len(WAYS))
]


@pytest.mark.parametrize(("name", "profile", "sabotage"), TRIED)
def test_a_sabotage_is_noticed_and_named(ask, healthy, name, profile, sabotage: Sabotage):
    """What survives is traded on; what is refused without the field is looked for in the wrong file."""
    workspace = healthy(name, sabotage, profile)
    before = {path: path.read_bytes() for path in workspace.root.glob(sabotage.path)}
    assert before, f"nothing matches {sabotage.path}"
    try:
        for path, content in before.items():
            path.write_bytes(sabotage.change(content))
        assert any(path.read_bytes() != content for path, content in before.items())
        found = ask(workspace, sabotage.gate, profile, sabotage.models)
    finally:
        for path, content in before.items():
            path.write_bytes(content)
    assert found["outcome"] in ("FAIL", "INCONCLUSIVE"), found["reason"]
    assert sabotage.message in found["reason"]
