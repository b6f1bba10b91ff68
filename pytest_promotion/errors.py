"""What can go wrong with a gate or with its policy, each as one sentence a person can act on."""

from __future__ import annotations


class GateFailed(AssertionError):
    """The evidence was judged and found wanting: the gate's outcome is FAIL."""


class Unproven(Exception):
    """
    The evidence is missing, unreadable or too thin to judge: the gate's outcome is INCONCLUSIVE.

    Not an `AssertionError`, so that `pytest.raises(AssertionError)` in a gate cannot turn
    missing evidence into success.
    """


class PolicyError(Exception):
    """The policy, or an option beside it, cannot be used: the session ends with exit code 4."""
