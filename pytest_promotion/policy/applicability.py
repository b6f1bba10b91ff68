"""
Which gates do not apply to a candidate: decided by conditions of the policy, and never by a gate.

A condition that cannot be evaluated is not met, so its gate applies and has to pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json, parse_yaml
from pytest_promotion.evidence.files import read_given
from pytest_promotion.evidence.provenance import unchanged_since
from pytest_promotion.policy.shape import Condition, GateRules, Rules

_ABSENT = object()


def not_applicable(rules: Rules, profile: str, root: Path) -> dict[str, str]:
    """
    The gates of *rules* that do not apply to the candidate at *root*, each with a sentence that says why.

    The sentence holds the reason that the policy gives and each part of the condition that was found to be true.
    """
    found = {}
    for name, gate in rules.gates.items():
        if gate.not_applicable is None:
            continue
        facts = list(_facts(gate, gate.not_applicable.when, profile, root))
        if facts and all(fact is not None for fact in facts):
            found[name] = f"does not apply: {gate.not_applicable.because} ({'; '.join(map(str, facts))})"
    return found


def _facts(gate: GateRules, condition: Condition, profile: str, root: Path) -> Iterator[str | None]:
    """For each part of the condition what makes it true, or None where it is not, or cannot be told to be."""
    if condition.no_files is not None:
        patterns = condition.no_files
        absent = bool(patterns) and not any(_matches(root, pattern) for pattern in patterns)
        yield f"no file matches {', '.join(patterns)}" if absent else None
    if condition.no_entry is not None:
        file, entry = condition.no_entry.file, condition.no_entry.entry
        yield f"{file} has no {'.'.join(entry)}" if _lacks(root / file, entry) else None
    if condition.profiles is not None:
        yield f"the profile is {profile}" if profile in condition.profiles else None
    if condition.unchanged is not None:
        since, paths = condition.unchanged.since, condition.unchanged.paths
        unchanged = unchanged_since(root, since, paths)
        yield f"{', '.join(paths)} unchanged since {since}" if unchanged else None
    for name, wanted in (condition.thresholds or {}).items():
        value = gate.thresholds.get(name, _ABSENT)
        # Of the same type: 0 and "false" are not false.
        same = type(value) is type(wanted) and value == wanted
        yield f"{name} is {json.dumps(wanted)}" if same else None


def _lacks(path: Path, entry: Sequence[str]) -> bool:
    """Whether the JSON or YAML file at *path* could be read, and has nothing at *entry*."""
    parse = parse_json if path.suffix == ".json" else parse_yaml
    try:
        value = parse(read_given(path, path.name), path.name)
    except Unproven:
        return False
    for key in entry:
        if not isinstance(value, dict):
            return False
        if key not in value:
            return True
        value = value[key]
    return False


def _matches(root: Path, pattern: str) -> bool:
    """Whether any file matches, in any case, or it cannot be told: what cannot be looked at may be there."""
    either = "".join(f"[{letter.lower()}{letter.upper()}]" if letter.isalpha() else letter for letter in pattern)
    try:
        return any(True for each in (pattern, either) for _ in root.glob(each))
    except (OSError, ValueError, NotImplementedError):
        return True
