"""
The policy of the knowledge base benchmark, field by field: what is not as it was, and which way that goes.

The digest of a policy is that of its RFC 8785 form: how it is laid out is nobody's decision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pytest_promotion.canonical import digest
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import named

NUMBERS: Final = ("min_precision", "min_recall", "min_content_recall", "min_ndcg", "min_recall_at_k", "min_mrr")
MODES: Final = ("off", "optional", "required")  # from loose to strict
ABSENT: Final = object()  # not the same as null

Policy = dict[str, dict[str, Any]]  # by profile and field


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one profile that is not what it was."""

    profile: str
    field: str
    old: Any
    new: Any

    @property
    def place(self) -> str:
        """As records name it: `prod.min_recall`."""
        return f"{self.profile}.{self.field}"

    @property
    def loosens(self) -> bool:
        """Whether something may pass now that did not before; what cannot be told counts as that."""
        if ABSENT in (self.old, self.new):
            return True  # what a policy leaves out is built in somewhere else
        if self.field in (*NUMBERS, "min_queries"):
            return bool(self.new < self.old)
        if self.field == "mode":
            return MODES.index(self.new) < MODES.index(self.old)
        return True

    def __str__(self) -> str:
        return f"{self.place}: {shown(self.old)} to {shown(self.new)}"


def checked(data: Any, origin: str) -> Policy:
    """
    *data* as a policy, read from *origin*.

    Raises:
        Unproven: where it is none: thresholds are numbers from 0 to 1, modes are known.
    """
    if not isinstance(data, dict) or not data:
        raise Unproven(f"{origin} is {named(data) if data else 'empty'}, expected an object of profiles")
    found: Policy = {}
    for profile, rules in data.items():
        if not isinstance(rules, dict):
            raise Unproven(f"{origin}: {profile} is {named(rules)}, expected an object")
        found[profile] = {}
        for name, value in rules.items():
            _check(name, value, f"{origin}: {profile}.{name}")
            found[profile][name] = value
    return found


def _check(name: str, value: Any, where: str) -> None:
    if name in NUMBERS:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (number and math.isfinite(value) and 0 <= value <= 1):
            raise Unproven(f"{where} is {value!r}, expected a number from 0 to 1")
    elif name == "min_queries":
        if type(value) is not int or value < 1:
            raise Unproven(f"{where} is {value!r}, expected a whole number from 1 on")
    elif name == "mode" and value not in MODES:
        raise Unproven(f"{where} is {value!r}, expected one of {', '.join(MODES)}")
    elif isinstance(value, (dict, list)) or value is None:
        raise Unproven(f"{where} is {named(value)}, expected a text, a number or a boolean")


def sha256(policy: Policy) -> str:
    """The digest that records name a policy by."""
    return digest(policy)


def differences(old: Policy, new: Policy) -> Iterator[Difference]:
    """Every field in which two policies are not the same, in order of profile and field."""
    for profile in sorted({*old, *new}):
        before, after = old.get(profile, {}), new.get(profile, {})
        for name in sorted({*before, *after}):
            values = before.get(name, ABSENT), after.get(name, ABSENT)
            if not same(*values):
                yield Difference(profile, name, *values)


def same(old: Any, new: Any) -> bool:
    """Whether two values are one: 1 is not true."""
    return bool(old == new) and isinstance(old, bool) is isinstance(new, bool)


def changed(policy: Policy, change: Difference) -> Policy:
    """*policy* with one field as it is after *change*; a profile without fields is gone."""
    rules = {name: value for name, value in policy.get(change.profile, {}).items() if name != change.field}
    if change.new is not ABSENT:
        rules[change.field] = change.new
    rest = {profile: value for profile, value in policy.items() if profile != change.profile}
    return {**rest, change.profile: rules} if rules else rest


def shown(value: Any) -> str:
    """A value as a sentence says it."""
    return "nothing" if value is ABSENT else str(value)
