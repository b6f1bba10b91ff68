"""Release governance: environment, tree, tag, knowledge base, deployment and rollback."""

from __future__ import annotations

from typing import Final

from pytest_promotion.suites.api import Suite, bundled
from pytest_promotion.version import VERSION

_COMMANDS: Final = "pytest_promotion.suites.release.commands"

suite: Final = Suite(
    name="release",
    version=VERSION,
    summary="Release governance: knowledge base, thresholds, deployment and rollback.",
    gates="pytest_promotion.suites.release.gates",
    policy=bundled(__file__, "release") / "promotion.yaml",
    commands={
        "kb": f"{_COMMANDS}.kb:kb",
        "threshold-change": f"{_COMMANDS}.threshold_change:threshold_change",
        "deploy": f"{_COMMANDS}.deploy:deploy",
        "drill": f"{_COMMANDS}.drill:drill",
    },
    plugin="pytest_promotion.suites.release.session_report",
)
