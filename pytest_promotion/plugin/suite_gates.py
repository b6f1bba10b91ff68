"""The gates of a suite as names that a project's own file imports."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from pytest_promotion.plugin import gate_imports
from pytest_promotion.suites import Suite


def export(suite: Suite, namespace: dict[str, Any]) -> list[str]:
    """
    Puts the gates and fixtures of *suite* into *namespace*, that of its `gates` package.

    The modules are imported with pytest's rewriting of assertions, so that a failing one shows its values.

    Returns:
        their names, for `__all__`: gates in the order of the files and of the definitions in each.

    Raises:
        ImportError: where two modules define gates of one name: the first would never run.
    """
    stems = sorted(
        path.stem for path in suite.folder.glob("*.py") if path.stem.startswith("test_") or path.stem == "conftest"
    )
    modules = [f"{suite.gates}.{stem}" for stem in stems]
    pytest.register_assert_rewrite(*modules)
    gate_imports.also_below(suite.folder)
    origin: dict[str, str] = {}
    for module in modules:
        for name, value in vars(import_module(module)).items():
            if not _is_gate(name, value, module) and not _is_fixture(value):
                continue
            if name in origin:
                raise ImportError(f"{module} and {origin[name]} both define {name}")
            origin[name] = module
            namespace[name] = value
    return list(origin)


def _is_gate(name: str, value: object, module: str) -> bool:
    return name.startswith("test_") and callable(value) and getattr(value, "__module__", "") == module


def _is_fixture(value: object) -> bool:
    # An object of its own since pytest 8.4; before, a function with an attribute.
    return type(value).__name__ == "FixtureFunctionDefinition" or hasattr(value, "_pytestfixturefunction")
