"""
Suites: the gates, policy, commands and machinery of one governed system each.

A suite is a `Suite` that a distribution registers in the entry-point group
`pytest_promotion.suites`; the ones of this package are registered in the same way.
"""

from __future__ import annotations

from pytest_promotion.suites.api import Absence, Adoption, GatesOption, Suite, in_checkout
from pytest_promotion.suites.registry import find, installed

__all__ = ["Absence", "Adoption", "GatesOption", "Suite", "find", "in_checkout", "installed"]
