"""The roll-call of a past decision, answered by the policy files that were kept with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pytest_promotion import policy as policies
from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.model import Outcome, Severity
from pytest_promotion.trust.stored import StoredCheck, StoredDecision

_LETS_THROUGH = (Outcome.PASS, Outcome.WAIVED, Outcome.NOT_APPLICABLE)
_STAGE = ((Severity.CRITICAL, Outcome.PASS), (Severity.CRITICAL, Outcome.WAIVED))
Kept = Callable[[str], bytes]  # from a digest to the bytes that have it; raises Unproven


class Judged(Protocol):
    """What says which policy it was judged by: a decision, or a shard of one."""

    @property
    def profile(self) -> str: ...
    @property
    def stage(self) -> str | None: ...
    @property
    def overrides(self) -> dict[str, Any]: ...


def policy_of(decision: StoredDecision, kept: Kept) -> policies.Policy:
    """
    The policy that the decision was taken under, resolved again from the files in its vault.

    Raises:
        Unproven: where a file is gone or damaged, or where those files do not resolve to the
            rules whose digest the decision names.
    """
    policy = decision.policy
    files = {file.path: file.sha256 for file in policy.files}
    return resolved(decision, policy.path, files, (policy.sha256, policy.resolved_sha256), kept)


def resolved(
    judged: Judged, path: str | None, files: Mapping[str, str], digests: tuple[str, str], kept: Kept
) -> policies.Policy:
    """
    The policy at *path*, read from kept *files* (from paths to digests).

    Args:
        digests: of the first file and of the resolved rules, which must come out.

    Raises:
        Unproven: as `policy_of`.
    """
    places = {os.path.normpath(name): digest for name, digest in files.items()}

    def reader(place: Path) -> bytes:
        try:
            return kept(places[os.path.normpath(place)])
        except KeyError:
            raise FileNotFoundError(2, "not among the policy files that were kept") from None

    assignments = [assignment(key, value) for key, value in judged.overrides.items()]
    try:
        found = policies.load(Path(path) if path else None, judged.profile, assignments, reader, judged.stage or "")
    except PolicyError as problem:
        raise Unproven(f"its policy cannot be resolved again: {problem}") from None
    first = found.sources[0].sha256 if found.sources else found.resolved_sha256
    if (first, found.resolved_sha256) != digests:
        raise Unproven("its policy files do not resolve to the rules that it says it was judged by")
    return found


def unanswered(decision: StoredDecision, policy: policies.Policy) -> Iterator[str]:
    """A sentence for each required gate that the decision does not rest on, and for each severity it changed."""
    checks = {check.name: check for check in decision.checks}
    heard = {*checks, *(name.partition("[")[0] for name in checks)}
    for name in (*policy.built_in, *(policy.rules.required_ids or ())):
        if name not in heard:
            yield f"the required gate {name} is not in it"
    for name, least in policy.rules.required_counts.items():
        own = [check for check in decision.checks if check.name.partition("[")[0] == name]
        apart = own and all(check.outcome is Outcome.NOT_APPLICABLE for check in own)
        ran = sum("[" in check.name and check.outcome is not Outcome.NOT_RUN for check in own)
        if ran < least and not apart:
            yield f"{name} has {ran} of {least} required parameters"
    try:
        now = parse_moment(decision.clock.now_utc)
    except BadTimestamp as problem:
        yield f"its clock cannot be read: {problem}"
        return
    for check in checks.values():
        yield from _of_stage(check) if check.name in policy.built_in else _otherwise(check, policy, now)
    yield from failed(decision)


def _of_stage(check: StoredCheck) -> Iterator[str]:
    """Whatever else is required, the gates of the stage have to let it through."""
    if (check.severity, check.outcome) not in _STAGE or check.shadow:
        kind = "in shadow" if check.shadow else check.severity.value
        yield f"{check.name} is {kind} and {check.outcome.value}, and the stage rests on it"


def _otherwise(check: StoredCheck, policy: policies.Policy, now: datetime) -> Iterator[str]:
    """In what the policy, as of *now*, says otherwise of a gate than its check."""
    name, rules = check.name, policy.gate(check.name)
    declared = rules.severity_at(now)
    if check.outcome is Outcome.NOT_APPLICABLE and rules.not_applicable is None:
        yield f"{name} is NOT_APPLICABLE, and the policy has no condition for that"
    if declared is not None and declared is not check.severity:
        yield f"{name} counted as {check.severity.value}, and the policy calls it {declared.value}"
    if check.shadow and not rules.shadow:
        yield f"{name} is in shadow, and the policy does not say so"


def failed(decision: StoredDecision) -> Iterator[str]:
    """A sentence for each critical gate that did not pass."""
    for check in decision.checks:
        if check.severity is Severity.CRITICAL and not check.shadow and check.outcome not in _LETS_THROUGH:
            yield f"the critical gate {check.name} is {check.outcome.value}: {check.reason}"


def assignment(key: str, value: Any) -> str:
    """The `KEY=VALUE` that an override of a decision came from."""
    if isinstance(value, list):
        return f"{key}={','.join(map(str, value))}"
    return f"{key}={str(value).lower() if isinstance(value, bool) else value}"
