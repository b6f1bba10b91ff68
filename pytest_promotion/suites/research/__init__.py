"""Research candidates: from exploratory to accepted, with the evidence that was judged."""

from __future__ import annotations

from typing import Final

from pytest_promotion.suites.api import Suite, bundled
from pytest_promotion.version import VERSION

_COMMANDS: Final = "pytest_promotion.suites.research.commands"

suite: Final = Suite(
    name="research",
    version=VERSION,
    summary="Research candidates: from exploratory to accepted.",
    gates="pytest_promotion.suites.research.gates",
    policy=bundled(__file__, "research") / "promotion.yaml",
    commands={
        "candidates": f"{_COMMANDS}.group:candidates",
        "reality-check": f"{_COMMANDS}.reality_check:reality_check",
        "ui": f"{_COMMANDS}.ui:ui",
    },
    aliases={
        "list": f"{_COMMANDS}.candidates:list_candidates",
        "create": f"{_COMMANDS}.candidates:create",
        "show": f"{_COMMANDS}.candidates:show",
        "evaluate": f"{_COMMANDS}.evaluate:evaluate",
        "set-status": f"{_COMMANDS}.evaluate:set_status",
        "events": f"{_COMMANDS}.candidates:events",
        "migrate": f"{_COMMANDS}.candidates:migrate",
    },
)
