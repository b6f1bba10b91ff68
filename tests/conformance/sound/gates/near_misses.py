"""Gates that look like broken ones and are sound."""

import re
import subprocess
from contextlib import suppress

import pytest

LIMITS = {"ok": None, "failed": 0}
EXPECTED_ERRORS = 0


def parsed(text):
    """The number in a text; a text without one fails the gate."""
    try:
        return float(text)
    except ValueError:
        pytest.fail(f"{text!r} is no number")


@pytest.mark.critical
def test_recounted_zero(artifact, freshness, measure):
    report = artifact("evidence/report.json")
    freshness(report)
    measure.equals("errors", len(report["errors"]), 0)
    errors = len(report["errors"])
    assert errors == EXPECTED_ERRORS


@pytest.mark.critical
def test_rounded_on_both_sides(artifact, freshness):
    report = artifact("evidence/report.json")
    freshness(report)
    assert round(report["score"], 1) == round(report["precision"] + 0.02, 1)


@pytest.mark.critical
def test_rounded_and_not_across_a_limit(artifact, freshness, measure):
    report = artifact("evidence/report.json")
    freshness(report)
    share = round(100 * report["score"])
    assert share >= 90
    assert float(f"{report['precision']:.2f}") >= 0.9
    measure.at_least("score", round(report["score"], 1), 0.9)
    measure.equals("rows", int(len(report["rows"]) / 1), 2)


@pytest.mark.critical
def test_first_and_last_of_texts(artifact, freshness):
    report = artifact("evidence/report.json")
    freshness(report)
    assert sorted(row["name"] for row in report["rows"])[-1] == "b"  # noqa: FURB192 - as gates are written
    assert max("2026-02-28", report["day"]) == "2026-03-01"
    files = ["scan_20261130T093000Z.json", "scan_20261130T101500Z.json"]
    assert max(files) == files[1]
    assert sorted(files, key=lambda name: name)[-1] == files[1]  # noqa: FURB192 - as above
    assert max(report["rows"], key=lambda row: row["score"])["name"] == "a"


@pytest.mark.critical
def test_none_is_one_of_the_answers(artifact, freshness):
    report = artifact("evidence/report.json")
    freshness(report)
    assert report["held_by"] in (None, "release")
    assert report["passed"] is not False
    assert re.search(r"[a-f]+", report["commit"])
    assert not re.search("error|failed", " ".join(report["states"]))
    assert "passed with 0 errors and without warnings".startswith("passed")
    assert (report["rows"] or [])[0]["ok"] is True
    assert sorted(report["rows"], key=lambda row: row["score"], reverse=True)[0]["name"] == "a"  # noqa: FURB192 - as above
    assert max(["2026-03-01T10:00:00Z", "2026-03-02T09:00:00Z"]) == "2026-03-02T09:00:00Z"


@pytest.mark.critical
def test_words_in_a_summary(artifact, freshness):
    report = artifact("evidence/report.json")
    freshness(report)
    summary = "12 passed, 0 failed" if report["passed"] else "1 failed"
    assert "passed" in summary
    assert "ok" in report["states"]


@pytest.mark.critical
def test_texts_in_order(artifact, freshness):
    report = artifact("evidence/report.json")
    freshness(report)
    names = [row["name"] for row in report["rows"]]
    for one, other in zip(names, names[1:], strict=False):  # noqa: RUF007 - as gates are written
        assert one <= other
    assert report["day"] >= "2026-01-01"


@pytest.mark.critical
def test_a_table_of_the_gate(artifact, freshness):
    report = artifact("evidence/report.json")
    freshness(report)
    for state in report["states"]:
        limit = LIMITS.get(state)
        if limit is not None:
            assert len(report["errors"]) <= limit
    assert report["score"] >= 0.9


@pytest.mark.critical
def test_an_optional_section(artifact, freshness, reason):
    report = artifact("evidence/report.json")
    freshness(report)
    assert report["score"] >= 0.9
    if "gpu" in report.data:
        assert report["gpu"]["memory"] <= 8
    else:
        reason("no GPU was used")


@pytest.mark.critical
def test_what_is_expected_is_there(artifact, freshness):
    report = artifact("evidence/report.json")
    freshness(report)
    missing = {"a", "b"} - {row["name"] for row in report["rows"]}
    assert not missing
    assert set(report["states"]) <= {"ok", "skipped"}


@pytest.mark.critical
def test_a_number_is_read_or_the_gate_fails(artifact, freshness):
    report = artifact("evidence/report.json")
    freshness(report)
    assert parsed(str(report["drop"])) <= 0.1


@pytest.mark.critical
def test_only_a_file_may_be_missing(artifact, freshness, workspace):
    report = artifact("evidence/report.json")
    freshness(report)
    with suppress(FileNotFoundError):
        (workspace / "evidence" / "left-over.tmp").unlink()
    assert report["passed"] is True


@pytest.mark.critical
def test_a_match_is_asserted(artifact, freshness):
    report = artifact("evidence/report.json")
    freshness(report)
    assert re.fullmatch(r"[0-9a-f]{4}", report["commit"])
    assert report["commit"] == report["built_from"]


@pytest.mark.critical
def test_a_script_that_stops(artifact, freshness):
    report = artifact("evidence/report.json")
    freshness(report)
    subprocess.run(["bash", "-o", "pipefail", "-ec", "set -o pipefail; true | cat; echo done"], check=True)
    subprocess.run(["sh", "-c", "true && echo 'a | b; c'"], check=True)
    assert report["passed"] is True


@pytest.mark.critical
def test_nothing_was_found_among_some(artifact, freshness, measure):
    report = artifact("evidence/report.json")
    freshness(report)
    slow = [row["name"] for row in report["rows"] if row["score"] < 0.9]
    measure.none("rows below the limit", slow, among=len(report["rows"]))
    measure.none("errors that nobody accepted", report["errors"], among=len(report["errors"]), may_be_empty=True)


@pytest.mark.critical
def test_a_rounding_that_decides_nothing(artifact, freshness):
    report = artifact("evidence/report.json")
    freshness(report)
    assert round(report["score"] + 0.0001, 2) >= 0.9
    assert int(report["precision"] * 100) >= 90
    assert report["day"] in ("2026-03-01", "2026-03-02")
