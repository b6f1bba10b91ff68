"""
What workers of pytest-xdist found outside the gates paths, for the process that started them.

Apart from `distributed`, because sessions without gates need it, and nothing else of that.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

_OUTPUT: Final = "promotion_marks"


def send(config: pytest.Config, sentence: str, *, refused: bool) -> None:
    """Gives the controller what this worker would have reported."""
    config.workeroutput[_OUTPUT] = [refused, sentence]  # type: ignore[attr-defined] # set by xdist


class Receiver:
    """Reports it in the controller."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        found = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if found:
            from pytest_promotion.plugin import gates_elsewhere

            gates_elsewhere.report(node.config, found[1], refused=found[0])
