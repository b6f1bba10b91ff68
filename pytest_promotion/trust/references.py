"""What a decision names in its vault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_promotion.text import listed
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
    kept = (one for one in files if one.in_vault)
    return found | {one.sha256: Named(one.sha256, one.path, one.size_bytes) for one in kept}


def by_digest_only(decision: StoredDecision) -> str:
    """How many artifacts are listed by digest and kept in no vault, as a sentence; "" where all are kept."""
    there = [one for one in decision.evidence_bundle.artifacts if one.exists]
    secret, unkept = sum(one.secret for one in there), [one.path for one in there if not one.kept and not one.secret]
    found = []
    if secret:
        found.append(f"{secret:,} secret {'artifact is' if secret == 1 else 'artifacts are'} kept by digest only")
    if unkept:
        found.append(f"the policy lets {listed(unkept)} be recorded by digest only")
    return "; ".join(found)


def everything(decision: StoredDecision) -> Iterator[Named]:
    """What the gates looked at and the policy files that they were judged by, each once, sorted by digest."""
    policies = {one.sha256: Named(one.sha256, one.path, one.size_bytes) for one in decision.policy.files if one.exists}
    found = policies | judged(decision)
    yield from (found[digest] for digest in sorted(found))
