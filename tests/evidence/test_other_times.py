"""A file that is dated by its modification time, and says under another name that it is older."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pytest_promotion.evidence.other_times import other_times

GATE = """
import pytest

@pytest.mark.critical
def test_score(artifact, freshness):
    report = artifact("report.json"{more})
    freshness(report)
    assert report["score"] >= 0.9
"""


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"generated_at": "2019-01-01T00:00:00Z"}, "generated_at"),
        ({"generatedAt": "2019-01-01T00:00:00Z"}, "generatedAt"),
        ({"created": "2019-01-01"}, "created"),
        ({"timestamp": 1546300800}, "timestamp"),
        ({"time_ms": 1546300800000}, "time_ms"),
        ({"Date": "2019-01-01 00:00"}, "Date"),
        ({"metadata": {"finished": "2019-01-01"}}, "metadata.finished"),
        ({"meta": {"timestamp": "2019-01-01T00:00:00.123456"}}, "meta.timestamp"),
    ],
)
def test_a_time_is_seen_under_other_names(document, found):
    """Every tool has a name of its own for it."""
    assert [(name, f"{moment:%Y-%m-%d}") for name, moment in other_times(document)] == [(found, "2019-01-01")]


@pytest.mark.parametrize(
    "document",
    [
        {"score": 1546300800},
        {"times": 3},
        {"runtime": "2019-01-01"},
        {"updated": True},
        {"updated": "yesterday"},
        {"date": "01.01.2019"},
        {"time": 12.5},
        {"rows": [{"ts": "2019-01-01"}]},
    ],
)
def test_what_is_no_time_is_none(document):
    """A number of seconds that a run took is no moment."""
    assert list(other_times(document)) == []


def run(place, document, policy, more=""):
    place.file("promotion.yaml", policy)
    place.write(test_gates=GATE.replace("{more}", more))
    (place.path / "report.json").write_text(json.dumps(document))
    place.run()
    [check] = place.latest()["checks"]
    return check["outcome"], check["reason"]


OLD = {"score": 0.95, "generated_at": "2019-01-01T00:00:00Z"}
REQUIRED = "version: 1\nevidence: required\n"


def test_where_evidence_is_required_the_modification_time_hides_no_older_one(place):
    """A report of 2019 that was copied this morning is fresh by its file."""
    outcome, reason = run(place, OLD, REQUIRED)
    assert outcome == "INCONCLUSIVE"
    assert "its generated_at is of 2019-01-01 00:00" in reason
    assert "timestamps='generated_at' or timestamps='mtime'" in reason


def test_without_that_policy_it_is_the_time_that_counts(place):
    """The contract says that the modification time stands in for the two fields."""
    assert run(place, OLD, "version: 1\n")[0] == "PASS"


def test_the_author_says_which_time_counts(place):
    """A model card names the day of the training, and is written each night."""
    assert run(place, OLD, REQUIRED, ', timestamps="mtime"')[0] == "PASS"
    outcome, reason = run(place, OLD, REQUIRED, ', timestamps="generated_at"')
    assert (outcome, "old by its generated_at" in reason) == ("FAIL", True)
    assert (
        run(place, OLD, "version: 1\nevidence: required\ntimestamps: {mtime: forbid}\n", ', timestamps="mtime"')[0]
        != "PASS"
    )


def test_a_recent_time_changes_nothing(place):
    """A tool that writes its own time writes it when it runs."""
    now = datetime.now(UTC).isoformat()
    assert run(place, {"score": 0.95, "generated_at": now}, REQUIRED)[0] == "PASS"
    assert run(place, {"score": 0.95}, REQUIRED)[0] == "PASS"
