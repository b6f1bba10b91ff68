"""What the deployment gates share: none of them runs under the policy of another system."""

from __future__ import annotations

import os

import pytest

from pytest_promotion.opting import only_what_is_asked


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what the profile does not have."""
    only_what_is_asked(config, items, os.path.dirname(__file__))
