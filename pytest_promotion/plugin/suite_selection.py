"""
Which gates of the suites a session runs, and which gates do not apply.

The gates of a suite run where the profile requires them, or where a `require_…` switch of the gate says so: two suites
can be beside each other, and a profile that needs less of one says so in the policy. What a `skip_…` switch
skips stays required, so that it is NOT_RUN and the decision FAIL. Gates of the project itself always run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import pytest

from pytest_promotion import suites
from pytest_promotion.decision.declared_gates import Written, written_in
from pytest_promotion.plugin.fixtures import GATE, SETTINGS
from pytest_promotion.plugin.selection import gate_folders
from pytest_promotion.policy import Policy


def declared(config: pytest.Config, policy: Policy) -> list[Written]:
    """The gates in the sources below the gates paths, those that are imported from the suites of *policy* included."""
    imported = {suite.gates: suite.folder for suite in map(suites.find, policy.suites)}
    return [gate for folder in gate_folders(config) for gate in written_in(folder, config.rootpath, imported)]


def with_replaced(policy: Policy, written: Iterable[Written]) -> Policy:
    """*policy*, in which gates of the project that stand in for those of a suite are listed as what weakens it."""
    replaced = tuple(
        f"gates.{gate.id}: replaced by {gate.file} line {gate.line}, instead of {gate.replaces}"
        for gate in written
        if gate.replaces
    )
    return replace(policy, weakened=(*policy.weakened, *replaced))


class SuiteSelection:
    """Deselects the gates of suites that *policy* does not require, and marks those that a switch skips."""

    def __init__(self, policy: Policy, not_applicable: Collection[str]) -> None:
        self._policy = policy
        self._not_applicable = frozenset(not_applicable)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        _select(config, items, self._policy)
        if self._not_applicable:
            _leave_out(config, items, [item for item in items if _ids(item) & self._not_applicable])


def _select(config: pytest.Config, items: list[pytest.Item], policy: Policy) -> None:
    rules = policy.rules
    ids = rules.required_ids
    required = None if ids is None else frozenset(ids)
    packages = tuple(f"{suites.find(name).gates}." for name in policy.suites)
    moment = config.stash[SETTINGS].rules_as_of
    left_out = []
    for item in items:
        if GATE not in item.stash or not _of_a_suite(item, packages):
            continue
        thresholds = rules.gate(item.stash[GATE].id).thresholds_at(moment)
        switches = {key for key, value in thresholds.items() if value is True}
        is_required = required is None or bool(_ids(item) & required)
        if not is_required and not any(key.startswith("require_") for key in switches):
            left_out.append(item)
        if "skipped_counts_as" in thresholds:
            continue  # the gate says itself what a skip means
        for key in sorted(key for key in switches if key.startswith("skip_")):
            item.add_marker(pytest.mark.skip(reason=f"{key} is set; a gate that did not run shows nothing"))
    _leave_out(config, items, left_out)


def _leave_out(config: pytest.Config, items: list[pytest.Item], left_out: list[pytest.Item]) -> None:
    if left_out:
        gone = set(map(id, left_out))
        items[:] = [item for item in items if id(item) not in gone]
        config.hook.pytest_deselected(items=left_out)


def _ids(item: pytest.Item) -> set[str]:
    """The id of a gate, with and without its parameter; nothing of another test."""
    if GATE not in item.stash:
        return set()
    return {item.stash[GATE].id, item.stash[GATE].id.partition("[")[0]}


def _of_a_suite(item: pytest.Item, packages: tuple[str, ...]) -> bool:
    """Whether a test is imported from one of *packages*, or collected where a checkout has the suites' gates."""
    module = getattr(getattr(item, "function", None), "__module__", "")
    return module.startswith(packages) or suites.in_checkout(item.path)
