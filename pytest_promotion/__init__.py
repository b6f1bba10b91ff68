"""
Promotion gates are tests: one pytest session becomes one decision.

A gate is a test with `@pytest.mark.critical` or `@pytest.mark.warning` that asks for the
fixtures `artifact`, `freshness`, `measure` and `command`. What is exported here is what its
author may want to name in an annotation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_promotion.errors import GateFailed, Unproven
    from pytest_promotion.model import Decision, Gate, GateResult, Outcome, Severity, Status

__all__ = ["Decision", "Gate", "GateFailed", "GateResult", "Outcome", "Severity", "Status", "Unproven"]


def __getattr__(name: str) -> Any:
    # Looked up when it is asked for: every pytest start on a machine with the plugin imports
    # this file, and the model takes ten times as long to import as all else that is idle.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pytest_promotion import errors, model

    found = getattr(errors, name, None) or getattr(model, name)
    globals()[name] = found
    return found
