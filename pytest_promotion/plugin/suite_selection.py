"""Suites whose gates run only where a policy asks for them, so that they can stand beside those of another system."""

from __future__ import annotations

import os

import pytest

from pytest_promotion.plugin.fixtures import GATE, SETTINGS


def only_what_is_asked(config: pytest.Config, items: list[pytest.Item], folder: str) -> None:
    """
    Leaves out the gates in *folder* that the profile does not have, and skips those that a switch skips.

    A profile has what is on its roll-call, and what a `require_…` switch of a gate asks for: so none of them runs under
    the policy of another system. What a `skip_…` switch skips stays on the roll-call, and the decision is FAIL. To be
    called from `pytest_collection_modifyitems` of the suite's conftest.
    """
    settings = config.stash.get(SETTINGS, None)
    if settings is None:
        return
    rules = settings.policy.rules
    left_out = []
    for item in items:
        if os.path.dirname(item.path) != folder or GATE not in item.stash:
            continue
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
