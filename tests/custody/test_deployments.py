"""What a stage runs, by the record of its deployments."""

from __future__ import annotations

import pytest

from pytest_promotion.custody import deployments
from pytest_promotion.custody.deployments import Deployment
from pytest_promotion.errors import Unproven


@pytest.mark.parametrize(
    ("events", "runs"),
    [
        ("deployed 1", "1"),
        ("deployed 1, deployed 2", "2"),
        ("deployed 1, rolled back 2", "1"),
        ("deployed 1, deployed 2, reverted 2", "1"),
        ("deployed 1, deployed 2, reverted 2, deployed 3, reverted 3", "1"),
        ("deployed 1, rolled back 1", "1"),  # it was deployed once more, and that failed
        ("deployed 1, failed 2", ""),
        ("deployed 1, failed 2, rolled back 2", "1"),
        ("deployed 1, interrupted 2", ""),
        ("deployed 1, rollback failed 2", ""),
        ("deployed 1, rollback failed 2, deployed 3", "3"),
        ("deployed 1, reverted 1", ""),  # what ran before it was not recorded
        ("rolled back 1", ""),
        ("reverted 1", ""),
    ],
)
def test_what_runs(tmp_path, events, runs):
    """After a rollback at night the next shift has to know which version serves, and a guess is worse than "not known"."""
    for number, event in enumerate(events.split(", ")):
        words, _, run_id = event.rpartition(" ")
        reverted = words == "reverted"
        found = Deployment(
            stage="prod",
            subject={"gitCommit": run_id * 40},
            run_id=run_id,
            sha256=run_id * 64,
            ts_utc=f"2026-01-01T00:00:{number:02}+00:00",
            ended="rolled back" if reverted else words,
            reverted=reverted,
        )
        deployments.record(tmp_path, found)
        deployments.record(
            tmp_path,
            Deployment(
                **{name: getattr(found, name) for name in ("subject", "run_id", "sha256", "ts_utc")}, stage="eu"
            ),
        )
    there = deployments.running(tmp_path).get("prod")
    assert (there.run_id if there else "") == runs
    assert deployments.running(tmp_path)["eu"].run_id == run_id


def test_a_line_of_an_earlier_version(tmp_path):
    """The record is older than the package: a line that cannot be read would block every stage."""
    line = '{"stage":"prod","subject":{"gitCommit":"%s"},"run_id":"1","sha256":"%s","ts_utc":"2026-01-01T00:00:00+00:00"}\n'
    (tmp_path / deployments.NAME).write_text(line % ("1" * 40, "2" * 64))
    there = deployments.running(tmp_path)["prod"]
    assert (there.allowances, there.compared) == ([], True)


def test_a_damaged_record_is_not_guessed_at(tmp_path):
    """The line that cannot be read may be the rollback."""
    (tmp_path / deployments.NAME).write_text("{}\n")
    with pytest.raises(Unproven, match=r"deployments.jsonl line 1"):
        deployments.running(tmp_path)
