"""What the research gates share: the files that the candidate named, and that none runs under another policy."""

from __future__ import annotations

import pytest


@pytest.fixture
def record(artifact, policy):
    """What the store says of the candidate: the output of `promotion show ID --json`."""
    return artifact(policy["record"])


@pytest.fixture
def named(artifact, record):
    """Gives the file that the candidate named, by what it is."""
    return lambda kind: artifact(record["evidence"]["artifacts"][kind]["path"])
