"""From shard files and the vaults beside them to one decision with one vault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_promotion.decision import shards
from pytest_promotion.decision.assembly import decision_of
from pytest_promotion.decision.policy_names import unknown_gates
from pytest_promotion.decision.shards import Shard
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.model import Decision, Requested
from pytest_promotion.policy import Policy
from pytest_promotion.trust import shard_signatures
from pytest_promotion.trust.keys import PublicKey
from pytest_promotion.trust.required_gates import resolved
from pytest_promotion.trust.verify import kept
from pytest_promotion.trust.waivers import granted

if TYPE_CHECKING:
    from pytest_promotion.decision.assembly import Account


def merged(files: Sequence[Path], vault: Vault, keys: Sequence[PublicKey] = ()) -> Decision:
    """
    The decision of the run whose shards lie in *files*; what their vaults hold of it is copied to *vault*.

    Args:
        keys: one of which has to have signed each shard; none for shards that need no signature.

    A shard that is missing, was run twice or disagrees makes it FAIL, as does evidence that is
    not, or not any more, what was judged.

    Raises:
        Unproven: where a file is no shard, is not signed, or the policy of the run cannot be had.
    """
    read = {path: shards.read(path) for path in files}
    for path, content in read.items() if keys else ():
        shard_signatures.demand(path, content, keys)
    contents = frozenset(read.values())
    sources = [Vault(path.parent / "evidence") for path in files]

    def policy_of(shard: Shard) -> Policy:
        names = {one.path: one.sha256 for one in shard.policy_files}
        _collect(names.values(), sources, vault)
        digests = (shard.policy_sha256, shard.policy_resolved_sha256)
        return resolved(shard, shard.policy_path, names, digests, kept(vault))

    account = shards.account_of(contents, policy_of)
    lost = tuple(_collect(_named(account), sources, vault))
    whole = account.requested in (Requested.ALL, Requested.CHOSEN)
    unknown = unknown_gates(account.policy, account.known) if whole else ()
    return decision_of(
        replace(
            account,
            problems=(*account.problems, *unknown, *lost),
            granted=granted(account.policy, account.subject, account.now),
        )
    )


def _named(account: Account) -> Iterator[str]:
    for result in account.results:
        yield from (one.sha256 for one in result.record.exhibits if one.in_vault)
        yield from (run.output_sha256 for run in result.record.commands if run.output_sha256)
    if account.manifest is not None and account.manifest.in_vault:
        yield account.manifest.sha256
    yield from (run.output_sha256 for _, run in account.refreshed if run.output_sha256)


def _collect(digests: Iterable[str], sources: Sequence[Vault], vault: Vault) -> list[str]:
    """Copies what is named; a sentence for each that no source holds as it was judged."""
    lost = []
    for digest in sorted(set(digests)):
        for source in (vault, *sources):
            if _copy(digest, source, vault):
                break
        else:
            lost.append(f"the evidence {digest[:12]} is in none of the shards' vaults as it was judged")
    return lost


def _copy(digest: str, source: Vault, vault: Vault) -> bool:
    try:
        content = kept(source)(digest)
    except Unproven:
        return False
    vault.keep(digest, content)
    return True
