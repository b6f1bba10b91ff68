"""The deployment policy: determinism, service levels, scans, plans, protection and monitoring."""

from __future__ import annotations

from typing import Final

from pytest_promotion.suites.api import Suite, bundled
from pytest_promotion.version import VERSION

_COMMANDS: Final = "pytest_promotion.suites.deployment.commands"

suite: Final = Suite(
    name="deployment",
    version=VERSION,
    summary="The deployment policy: determinism, service levels, scans, plans, monitoring.",
    gates="pytest_promotion.suites.deployment.gates",
    policy=bundled(__file__, "deployment") / "promotion.yaml",
    commands={
        "slo": f"{_COMMANDS}.slo:slo",
        "load": f"{_COMMANDS}.slo:load",
        "parity": f"{_COMMANDS}.parity:parity",
        "scan-check": f"{_COMMANDS}.scan_check:scan_check",
        "plan": f"{_COMMANDS}.plan:plan",
        "protection": f"{_COMMANDS}.protection:protection",
        "schema-change": f"{_COMMANDS}.schema_change:schema_change",
        "monitor": f"{_COMMANDS}.monitor:monitor",
        "canonical": f"{_COMMANDS}.canonical:canonical",
    },
)
