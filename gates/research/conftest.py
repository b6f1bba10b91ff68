"""What the research gates share: the files that the candidate named, and that none runs under another policy."""

from __future__ import annotations

import pytest

BOUND = "bound by digest to the evaluation, whose age candidate_record judges"


@pytest.fixture
def record(artifact, policy):
    """What the store says of the candidate: the output of `promotion show ID --json`."""
    return artifact(policy["record"])


@pytest.fixture
def named(artifact, record):
    """Gives the file that the candidate named, by what it is."""
    return lambda kind: artifact(record["evidence"]["artifacts"][kind]["path"], max_age="none", because=BOUND)
