"""The page of settings has those of the policy, with the values that they have there."""

from __future__ import annotations

import re

import pytest

from pytest_promotion.policy import load
from tests.trading_rules.workspaces import REPOSITORY

POLICY = REPOSITORY / "gates/trading/promotion.yaml"
ROW = re.compile(
    r"^\| (?:`(?P<gate>\w+)`)? ?\| (?P<settings>`.*?`) \| (?P<default>.*?) \| (?P<strict>[^|]*?) ?\|", re.MULTILINE
)


def documented():
    """Gate and setting to what the page says of it, by default and in strict."""
    page, gate = {}, ""
    for row in ROW.finditer((REPOSITORY / "docs/reference/trading.md").read_text()):
        gate = row["gate"] or gate
        for setting in re.findall(r"`(\w+)`", row["settings"]):
            page[gate, setting] = row["default"].strip("` "), row["strict"].strip("` ")
    return page


def test_every_setting_stands_in_the_reference():
    """A setting that is not documented is a rule that can be neither kept nor left."""
    rules = load(POLICY, "default").rules.gates
    assert {(gate, name) for gate, rule in rules.items() for name in rule.thresholds} == documented().keys()


@pytest.mark.parametrize(("profile", "column"), [("default", 0), ("strict", 1), ("prod", 1)])
def test_accept_and_refuse_are_as_the_page_says(profile, column):
    """A page that says refuse where the profile accepts is why somebody did not look."""
    page = documented()
    rules = load(POLICY, profile).rules.gates
    found = {
        (gate, name): value
        for gate, rule in rules.items()
        for name, value in rule.thresholds.items()
        if value in ("accept", "refuse") and page[gate, name][1] == "refuse"
    }
    assert found == {key: page[key][column] for key in found}
    assert len(found) == 12
