"""
Promotion gates are tests: one pytest session becomes one decision.

A gate is a test with `@pytest.mark.critical` or `@pytest.mark.warning` that asks for the
fixtures `artifact`, `freshness`, `measure` and `command`. What is exported here is what the
authors of gates and of suites need by name; `pytest_promotion.readers` reads the files of
other tools. Everything else is internal.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_promotion.durations import parse_duration
    from pytest_promotion.errors import GateFailed, PolicyError, Unproven
    from pytest_promotion.evidence.commands import Completed
    from pytest_promotion.evidence.documents import parse_json
    from pytest_promotion.evidence.provenance import for_git as git_environment
    from pytest_promotion.model import Decision, Gate, GateResult, Measurement, Outcome, Severity, Status
    from pytest_promotion.plugin.suite_gates import export as export_gates
    from pytest_promotion.readers.artifact import Artifact
    from pytest_promotion.secrets.masking import Mask, secret_values
    from pytest_promotion.suites.api import Absence, Adoption, Suite
    from pytest_promotion.version import VERSION as __version__  # noqa: N811 - as every package calls it

__all__ = [
    "Absence",
    "Adoption",
    "Artifact",
    "Completed",
    "Decision",
    "Gate",
    "GateFailed",
    "GateResult",
    "Mask",
    "Measurement",
    "Outcome",
    "PolicyError",
    "Severity",
    "Status",
    "Suite",
    "Unproven",
    "__version__",
    "export_gates",
    "git_environment",
    "parse_duration",
    "parse_json",
    "secret_values",
]

_MODULES: Final = {
    "Absence": "suites.api",
    "Adoption": "suites.api",
    "Artifact": "readers.artifact",
    "Completed": "evidence.commands",
    "GateFailed": "errors",
    "Mask": "secrets.masking",
    "PolicyError": "errors",
    "Suite": "suites.api",
    "Unproven": "errors",
    "__version__": "version:VERSION",
    "export_gates": "plugin.suite_gates:export",
    "git_environment": "evidence.provenance:for_git",
    "parse_duration": "durations",
    "parse_json": "evidence.documents",
    "secret_values": "secrets.masking",
}


def __getattr__(name: str) -> Any:
    # Looked up when it is asked for: every pytest start on a machine with the plugin imports
    # this file, and what is behind these names takes ten times as long as all else that is idle.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _MODULES.get(name, "model").partition(":")
    found = getattr(import_module(f"{__name__}.{module}"), attribute or name)
    globals()[name] = found
    return found
