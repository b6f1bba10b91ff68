"""What the research gates share: the files that the candidate named, and the one judge, asked part by part."""

from __future__ import annotations

import pytest

from pytest_promotion import Unproven
from pytest_promotion.suites.research.record import answer, read_record

BOUND = "bound by digest to the evaluation, whose age candidate_record judges"


@pytest.fixture
def record_file(artifact, policy):
    """What the store says of the candidate: the output of `promotion show ID --json`."""
    return artifact(policy["record"])


@pytest.fixture
def record(record_file):
    """The same, read: as it was printed, or nothing is judged."""
    return read_record(record_file.text.encode(), "the record")


@pytest.fixture
def named(artifact, record):
    """Gives the file that the candidate named, by what it is."""
    return lambda kind: artifact(record["evidence"]["artifacts"][kind]["path"], max_age="none", because=BOUND)


@pytest.fixture
def unseen(artifact, record):
    """The data that were named after the candidate was created."""
    observed = [event["payload"] for event in record["events"] if event["event_type"] == "observed"]
    assert observed, "no data dated after the creation are on record: promotion candidates observe"
    found = artifact(observed[-1]["path"], max_age="none", because=BOUND)
    assert found.sha256 == observed[-1]["sha256"], "the unseen data are not those that were named"
    return found


@pytest.fixture
def judged(record, named, clock):
    """Asks the judge for a part, on the files of these kinds: its figures, where nothing is against it or open."""

    def ask(part, *kinds, observed=None):
        contents = {kind: named(kind).text.encode() for kind in kinds}
        found = answer(record, part, contents, clock.now(), observed.text.encode() if observed else None)
        assert not found.against, "; ".join(found.against)
        if found.open_questions:
            raise Unproven("; ".join(found.open_questions))
        return found.figures

    return ask
