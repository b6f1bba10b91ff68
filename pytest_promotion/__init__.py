"""
Promotion gates are tests: one pytest session becomes one decision.

A gate is a test with `@pytest.mark.critical` or `@pytest.mark.warning` that asks for the
fixtures `artifact`, `freshness`, `measure` and `command`. What is exported here is what its
author may want to name in an annotation.
"""

from __future__ import annotations

from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.model import Decision, Gate, GateResult, Outcome, Severity, Status

__all__ = ["Decision", "Gate", "GateFailed", "GateResult", "Outcome", "Severity", "Status", "Unproven"]
