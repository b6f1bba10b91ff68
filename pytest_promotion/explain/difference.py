"""What is different between two decisions, part by part."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_promotion.text import listed
from pytest_promotion.trust.stored import StoredCheck, StoredDecision


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not the same; None stands for what is not there."""

    part: str  # "verdict", "outcome", "evidence", ...
    name: str
    before: Any
    after: Any

    def document(self) -> dict[str, Any]:
        """The change as plain values."""
        return {"part": self.part, "name": self.name, "before": self.before, "after": self.after}

    def line(self) -> str:
        """The change for people."""
        return f"{self.part} {self.name}: {_shown(self.before)} -> {_shown(self.after)}"


def same_outcomes(before: StoredDecision, after: StoredDecision) -> bool:
    """Whether both say the same of the promotion and of every gate."""
    return _conclusion(before) == _conclusion(after)


def _conclusion(decision: StoredDecision) -> tuple[Any, ...]:
    gates = {check.name: (check.severity, check.outcome) for check in decision.checks}
    return decision.status, decision.kind, decision.scope, gates


def differences(before: StoredDecision, after: StoredDecision) -> list[Change]:
    """Every change that matters, the verdict's first. Run ids, durations and ages are not among them."""
    return [
        *_of_mapping("verdict", _verdict(before), _verdict(after)),
        *_of_mapping("outcome", _outcomes(before), _outcomes(after)),
        *_of_mapping("reason", _of_checks(before, _reason), _of_checks(after, _reason)),
        *_of_mapping("evidence", _evidence(before), _evidence(after)),
        *_of_mapping("measurement", _of_checks(before, _measurements), _of_checks(after, _measurements)),
        *_of_mapping("threshold", _of_checks(before, _thresholds), _of_checks(after, _thresholds)),
        *_of_mapping("timestamp", _of_checks(before, _timestamps), _of_checks(after, _timestamps)),
        *_of_mapping("window", _of_checks(before, _windows), _of_checks(after, _windows)),
        *_of_mapping("command", _of_checks(before, _commands), _of_checks(after, _commands)),
        *_of_mapping("policy", _policy(before), _policy(after)),
        *_of_mapping("override", before.overrides, after.overrides),
        *_of_mapping("weakened", dict.fromkeys(before.weakened, True), dict.fromkeys(after.weakened, True)),
        *_of_mapping("waiver", _waivers(before), _waivers(after)),
        *_of_mapping("subject", _subject(before), _subject(after)),
        *_of_mapping("git", _git(before), _git(after)),
    ]


def _of_mapping(part: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        one, other = before.get(name), after.get(name)
        # 1 and True are equal to Python, and not to a policy.
        if one != other or type(one) is not type(other):
            yield Change(part, name, one, other)


def _verdict(decision: StoredDecision) -> dict[str, Any]:
    return {
        "status": decision.status,
        "kind": decision.kind,
        "scope": decision.scope,
        "reasons": list(decision.reasons),
        "valid_until": decision.valid_until.because if decision.valid_until else None,
    }


def _outcomes(decision: StoredDecision) -> dict[str, str]:
    return {check.name: f"{check.outcome.value} ({check.severity.value})" for check in decision.checks}


def _evidence(decision: StoredDecision) -> dict[str, str]:
    return {item.path: item.sha256 or "absent" for item in decision.evidence_bundle.artifacts}


Values = Iterable[tuple[str, Any]]


def _of_checks(decision: StoredDecision, values: Any) -> dict[str, Any]:
    """What *values* gives of each check, by gate and name; a name that stands there again is counted."""
    found: dict[str, Any] = {}
    for check in decision.checks:
        seen: dict[Hashable, int] = {}
        for name, value in values(check):
            seen[name] = number = seen.get(name, 0) + 1
            place = f"{check.name} {name}".rstrip()
            found[place if number == 1 else f"{place} #{number}"] = value
    return found


def _reason(check: StoredCheck) -> Values:
    return [("", check.reason)]


def _measurements(check: StoredCheck) -> Values:
    return [(item.name, item.value) for item in check.measurements]


def _thresholds(check: StoredCheck) -> Values:
    return [(item.name, f"{item.operator} {item.threshold!r}") for item in check.measurements]


def _timestamps(check: StoredCheck) -> Values:
    return [(item.path, f"{item.timestamp} by its {item.source}") for item in check.freshness]


def _windows(check: StoredCheck) -> Values:
    return [(item.path, item.max_age_s) for item in check.freshness]


def _commands(check: StoredCheck) -> Values:
    return [(" ".join(item.argv), f"exit code {item.exit_code}") for item in check.commands]


def _policy(decision: StoredDecision) -> dict[str, Any]:
    policy = decision.policy
    files = {f"file {item.path}": item.sha256 for item in policy.files}
    return {"profile": decision.profile, "sha256": policy.sha256, "resolved": policy.resolved_sha256, **files}


def _waivers(decision: StoredDecision) -> dict[str, str]:
    return {
        one.gate: f"{one.outcome} {one.fingerprint[:12]} until {one.expires}: {one.reason}" for one in decision.waivers
    }


def _subject(decision: StoredDecision) -> dict[str, Any]:
    if decision.subject is None:
        return {}
    return {"name": decision.subject.name, **decision.subject.digest}


def _git(decision: StoredDecision) -> dict[str, Any]:
    return {"commit": decision.git.commit, "tree": decision.git.tree, "dirty": decision.git.dirty}


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return listed(value, separator="; ") or "nothing"
    return str(value) or "nothing"
