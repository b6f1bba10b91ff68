import json
import math
import os
import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

pytestmark = pytest.mark.critical
MINIMUM = 0.9
LIMITS = {"drop": 0.08, "errors": 0}


def test_threshold(report):
    assert report["score"] >= MINIMUM, f"{report['score']} is below {MINIMUM}"


def test_between(report):
    assert 0 <= report["drop"] <= LIMITS["drop"]


def test_several(report):
    assert report["score"] >= 0.9
    assert report["passed"] is True
    assert report["errors"] == []
    assert not report["errors"]


def test_no_errors_in_rows(rows):
    bad = [row for row in rows if not row["ok"]]
    assert not bad, bad


def test_all(rows):
    assert all(row["ok"] for row in rows)
    assert not any(row["score"] < 0.5 for row in rows)
    assert sum(not row["ok"] for row in rows) == 0


def test_loop(rows):
    for number, row in enumerate(rows):
        assert row["ok"], number


def test_worst(rows):
    worst = max(row["drop"] for row in rows)
    assert worst <= 0.08


def test_least_so_far(rows):
    least = float("inf")
    for row in rows:
        if row["score"] < least:
            least = row["score"]
    assert least >= 0.5
    assert least < math.inf


def test_counted(rows):
    failed = 0
    for row in rows:
        if not row["ok"]:
            failed += 1
    assert failed == 0


def test_grouped(rows):
    groups = {}
    for row in rows:
        groups.setdefault(row["name"], []).append(row)
    assert set(groups) == {"a", "b"}
    assert all(len(group) == 1 for group in groups.values())


def test_filtered(rows):
    assert len(list(filter(lambda row: row["ok"], rows))) == 2
    assert list(map(str.upper, (row["name"] for row in rows))) == ["A", "B"]


def test_guard(report):
    if report["drop"] > 0.08:
        pytest.fail("the score dropped")


def test_guard_by_raise(report):
    if report["score"] < 0.9:
        raise AssertionError(f"the score is {report['score']}")


def test_guards_for_each(rows):
    for row in rows:
        if row["score"] < 0.5:
            pytest.fail(row["name"])


def test_guard_else(report):
    if report["score"] >= 0.9:
        print("good")
    else:
        pytest.fail("bad")


def test_missing_field_is_a_failure(report):
    score = report.get("score")
    assert score is not None, "no score"
    assert score >= 0.9


def test_optional_field(report):
    note = report.get("note")
    if note is not None:
        assert note.strip()
    assert report["score"] >= 0.9


def test_optional_list(report):
    if "waived" not in report:
        assert report["passed"]
        return
    assert not report["waived"]


def test_in():
    assert "ok" in Path("evidence/state.txt").read_text()
    assert re.search(r"^state: ok$", Path("evidence/state.txt").read_text(), re.MULTILINE)


def test_same_digest(report):
    assert report["commit"] == report["built_from"] != ""


def test_known_states(report):
    assert set(report["states"]) <= {"ok", "degraded"}
    assert report["states"]


def test_versions(report):
    assert tuple(map(int, report["version"].split("."))) >= (1, 2)


def test_dates_as_texts(report):
    assert "2020-01-01" <= report["day"] <= "2999-12-31"


def test_decimal(report):
    assert Decimal(str(report["score"])) >= Decimal("0.9")


def test_close(report):
    assert report["score"] == pytest.approx(0.93, abs=0.01)
    assert math.isclose(report["score"], 0.93, abs_tol=0.01)
    assert abs(report["score"] - 0.93) < 0.01


def test_finite(report):
    assert math.isfinite(report["drop"])
    assert report["drop"] != report["score"]


def test_age_from_both_sides(report):
    age = datetime.now(UTC) - datetime.fromisoformat(report["ts_utc"])
    assert timedelta(minutes=-2) <= age <= timedelta(hours=1)


def test_configured(report):
    minimum = float(os.environ.get("SOUND_MINIMUM", "0.9"))
    assert report["score"] >= minimum


def test_with_block():
    with open("evidence/report.json") as file:
        report = json.load(file)
    assert report["score"] >= 0.9


def test_match(report):
    match report:
        case {"score": float(score)}:
            assert score >= 0.9
        case _:
            pytest.fail("no score")


def test_polled():
    for _ in range(100):
        if "ok" in Path("evidence/state.txt").read_text():
            break
        time.sleep(0.1)
    else:
        pytest.fail("never ok")


def test_polled_until_deadline():
    deadline = time.monotonic() + 60
    while "ok" not in Path("evidence/state.txt").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "ok" in Path("evidence/state.txt").read_text()


def test_fallback_is_reported(report):
    try:
        value = report["score"]
    except KeyError as problem:
        pytest.fail(f"no {problem}")
    assert value >= 0.9


def test_first_match(rows):
    found = next((row for row in rows if row["name"] == "b"), None)
    assert found is not None
    assert found["ok"]


def test_walrus(report):
    assert (score := report["score"]) >= 0.9
    assert score <= 1


def test_empty_stderr():
    text = Path("evidence/stderr.txt").read_text()
    assert not text
    assert text == ""


def test_bool_of_number(report):
    assert bool(report["passed"])
    assert bool(report["version"])


def test_early_return_after_judgement(report):
    assert report["passed"]
    if not report["errors"]:
        return
    assert len(report["errors"]) < 3
