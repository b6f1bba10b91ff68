"""Whoever broke the glass has said why, before anything is promoted again."""

import pytest

from pytest_promotion.trust import overrides, signers

RECORD = "a record of the past, which does not go stale"


@pytest.mark.critical(
    owner="release",
    fix="promotion override post-mortem OVERRIDE --file POST-MORTEM --ssh-key KEY --as NAME",
)
def test_overrides_reviewed(artifact, clock, measure, policy, reason, workspace):
    """Every override of a refused promotion has a post-mortem that somebody answers for."""
    folder, incidents = policy["overrides"], policy["incidents"]
    told = (
        overrides.noted(artifact(incidents, max_age="none", because=RECORD).text)
        if artifact.exists(incidents)
        else set()
    )
    there = sorted(path.name for path in (workspace / folder).glob(f"*{overrides.SUFFIX}"))
    lost = sorted(told - set(there))
    measure.none(f"overrides of {incidents} that {folder} does not have", lost, among=len(told), may_be_empty=True)

    every = [owed(artifact, f"{folder}/{name.removesuffix(overrides.SUFFIX)}") for name in there]
    who = signers.read(policy.signers.content, "the signers") if policy.signers else {}
    open_ = overrides.owing(every, policy.resolved.exceptions.override, who, clock.now(), policy.future_skew)
    measure.none("overrides without a post-mortem", open_, among=len(there), may_be_empty=True)
    reason(f"{len(there)} overrides have a post-mortem" if there else "nothing was overridden")


def owed(artifact, stem):
    """One override, with its post-mortem as far as that is there."""
    review, document = f"{stem}{overrides.REVIEW}", f"{stem}.post-mortem.md"
    return overrides.Owed(
        name=f"{stem}{overrides.SUFFIX}".rpartition("/")[2],
        override=artifact(f"{stem}{overrides.SUFFIX}", max_age="none", because=RECORD).data,
        review=artifact(review, max_age="none", because=RECORD).data if artifact.exists(review) else None,
        document_sha256=artifact(document, max_age="none", because=RECORD).sha256 if artifact.exists(document) else "",
    )
