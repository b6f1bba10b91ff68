"""
The fix for this outcome of a gate: evidence that is old, missing or damaged is written again, a bad value has a cause.

The fix that a gate's author wrote is for the bad value. How a file is written again is known from the policy's
producers, and from what its suites say of their files.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from pytest_promotion.model import GateResult, Outcome
from pytest_promotion.policy import Policy

_JUDGED = (Outcome.FAIL, Outcome.INCONCLUSIVE)
# How reasons about a statement of provenance end: what the artifact is about is recorded by this, and by nothing less.
_RECORDED = "promotion run --name "


def with_fix(result: GateResult, policy: Policy) -> GateResult:
    """*result* with the fix for its outcome: the gate's own, unless a file is the cause whose writer is known."""
    if result.outcome not in _JUDGED:
        return result
    fix = _recorded(result, policy) or next(_fixes(result, policy), "")
    return replace(result, gate=replace(result.gate, fix=fix)) if fix else result


def _fixes(result: GateResult, policy: Policy) -> Iterator[str]:
    reason, record = result.reason, result.record
    for item in record.freshness:
        if item.age_s > item.max_age_s and item.path in reason:
            yield from _written(f"write {item.path} again", item.path, policy)
    for file in record.exhibits:
        if not file.exists and file.path in reason:
            yield from _written(f"write {file.path}", file.path, policy)
    if result.outcome is not Outcome.INCONCLUSIVE:
        return
    for file in record.exhibits:
        if reason.startswith(file.path):
            yield from _written(f"{file.path} cannot be used as it is; write it again", file.path, policy)
    for pattern, how in policy.writers.items():
        if f" {pattern} " in f" {reason} ":
            yield f"write {pattern}: {how}"


def _recorded(result: GateResult, policy: Policy) -> str:
    """The command of a reason about provenance, with the one that writes the file in it where known; else ""."""
    _, found, rest = result.reason.partition(_RECORDED)
    path = next((file.path for file in result.record.exhibits if f"--output {file.path}" in rest), "")
    writer = next(_writers(path, policy), "COMMAND")
    return f"run {found}{rest.replace('-- COMMAND', f'-- {writer}')}" if found else ""


def _written(what: str, path: str, policy: Policy) -> Iterator[str]:
    yield from (f"{what}: {how}" for how in _writers(path, policy))


def _writers(path: str, policy: Policy) -> Iterator[str]:
    for producer in policy.producers.values():
        if path in producer.writes:
            variables = (f"{name}={shlex.quote(_filled(value))}" for name, value in producer.environment.items())
            yield " ".join([*variables, shlex.join(map(_filled, producer.command))])
    for pattern, how in policy.writers.items():
        if fnmatchcase(path, pattern):
            yield how


def _filled(word: str) -> str:
    """A word of a producer's command, as somebody types it in the promotion root."""
    return word.replace("{python}", "python").replace("{root}", ".")
