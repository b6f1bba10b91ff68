"""What a decision names in its vault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_promotion.trust.stored import StoredDecision


@dataclass(frozen=True, slots=True)
class Named:
    """Something in a vault. `size_bytes` is None where the decision does not say: of the output of a program."""

    sha256: str
    name: str
    size_bytes: int | None


def judged(decision: StoredDecision) -> dict[str, Named]:
    """What the gates looked at and was kept, by digest: artifacts, the release manifest, the output of programs."""
    commands = [command for check in decision.checks for command in check.commands] + decision.refreshed
    found = {
        command.output_sha256: Named(command.output_sha256, f"the output of {' '.join(command.argv)}", None)
        for command in commands
        if command.output_sha256
    }
    manifest = decision.release_manifest_ref
    files = [*decision.evidence_bundle.artifacts, *([manifest] if manifest is not None else [])]
    kept = (one for one in files if one.exists and not one.secret)
    return found | {one.sha256: Named(one.sha256, one.path, one.size_bytes) for one in kept}


def by_digest_only(decision: StoredDecision) -> str:
    """How many artifacts are listed by digest and kept in no vault, as a sentence; "" where all are kept."""
    count = sum(one.exists and one.secret for one in decision.evidence_bundle.artifacts)
    if not count:
        return ""
    return f"{count:,} secret {'artifact is' if count == 1 else 'artifacts are'} kept by digest only"


def everything(decision: StoredDecision) -> Iterator[Named]:
    """What the gates looked at and the policy files that they were judged by, each once, sorted by digest."""
    policies = {one.sha256: Named(one.sha256, one.path, one.size_bytes) for one in decision.policy.files if one.exists}
    found = policies | judged(decision)
    yield from (found[digest] for digest in sorted(found))
