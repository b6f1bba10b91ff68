"""What a policy sets without effect: rules of gates that do not exist, and thresholds that no gate reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final

from pytest_promotion.model import GateResult, Outcome
from pytest_promotion.policy import Policy

# Of the gates of suites: switches that select gates, or say what a skip means, and are not read by the gate itself.
_SWITCHES: Final = ("require_", "skip_", "skipped_counts_as")


def unknown_gates(policy: Policy, known: Collection[str]) -> Iterator[str]:
    """A sentence for each gate that the policy has rules for and that does not exist: they change nothing."""
    # What is required and does not exist has failed as a gate of its own.
    names = with_bases(known) | set(policy.rules.required_ids or ())
    for name, where in policy.names.items():
        if name not in names:
            yield _unknown(name, where, names)
    yield from unknown_excused(policy, names)


def unknown_excused(policy: Policy, names: Collection[str]) -> Iterator[str]:
    """A sentence for each pattern under `prove.equivalent` that is no gate's."""
    for pattern, where in policy.excused.items():
        if pattern not in names and not any(fnmatchcase(name, pattern) for name in names):
            yield _unknown(pattern, where, names)


def not_written(policies: Iterable[Policy], written: Collection[str]) -> Iterator[str]:
    """
    A sentence for each gate that one of *policies* speaks of and that no source defines.

    Args:
        written: the ids of the gates in the sources, whose parameters are not known.
    """
    found: dict[str, None] = {}
    for policy in policies:
        required = dict.fromkeys(policy.rules.required_ids or (), f"required in the profile {policy.profile}")
        for name, where in (required | policy.names).items():
            if name.partition("[")[0] not in written:
                found[_unknown(name, where, written)] = None
        # A pattern that has brackets may be about parameters.
        found |= dict.fromkeys(
            _unknown(pattern, where, written)
            for pattern, where in policy.excused.items()
            if not any(fnmatchcase(name, pattern.partition("[")[0]) for name in written)
        )
    yield from found


def with_bases(known: Iterable[str]) -> set[str]:
    """The ids with and without their parameters."""
    return {name for one in known for name in (one, one.partition("[")[0])}


def _unknown(name: str, where: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"{where}: no gate is called {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def unused(policy: Policy, results: Iterable[GateResult]) -> list[str]:
    """
    The thresholds of gates that passed and never read them, each with the name that was looked for instead.

    A gate that did not pass may have ended before it read them. Of the gates of suites, a threshold that the suite does
    not have was refused when the policy was read, and commands of the suite may read others.
    """
    served: dict[str, list[GateResult]] = {}
    for result in results:
        name = result.gate.id
        served.setdefault(name if name in policy.rules.gates else name.partition("[")[0], []).append(result)
    found = []
    for name, rules in policy.rules.gates.items():
        if name not in policy.names:
            continue
        own = served.get(name, [])
        if not any(result.outcome is Outcome.PASS for result in own):
            continue
        read = {setting for result in own for setting in result.record.settings}
        found += [f"{name}.{key}{_near(key, read, rules.thresholds)}" for key in _unread(policy, name, read)]
    return sorted(found)


def _unread(policy: Policy, name: str, read: Collection[str]) -> Iterator[str]:
    for key in policy.rules.gates[name].thresholds:
        if key not in read and not (policy.suites and key.startswith(_SWITCHES)):
            yield key


def _near(key: str, read: Iterable[str], given: Mapping[str, object]) -> str:
    near = get_close_matches(key, [name for name in read if name not in given], n=1)
    return f" (nearest: {near[0]})" if near else ""
