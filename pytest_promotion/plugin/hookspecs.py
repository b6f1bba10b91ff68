"""
Hooks of this plugin, for plugins and conftest files.

Implement them with `@pytest.hookimpl(optionalhook=True)` where the plugin may be absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_promotion.model import Decision


@pytest.hookspec
def pytest_promotion_decided(config: pytest.Config, decision: Decision) -> None:
    """
    Called once, in the controller, after the decision is taken and its files are written.

    For notifying and archiving. The decision is frozen: nothing that is done here, and
    nothing that is raised here, changes it or the exit code for the better.
    """
