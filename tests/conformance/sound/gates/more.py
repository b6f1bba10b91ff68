import contextlib
import functools
import itertools
import os
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

pytestmark = pytest.mark.critical


@dataclass
class Row:
    name: str
    score: float

    @property
    def good(self):
        return self.score >= 0.9

    def near(self, other):
        return abs(self.score - other) < 0.1


class TestRows:
    @pytest.fixture
    def table(self, rows):
        return [Row(row["name"], row["score"]) for row in rows]

    def test_property_of_rows(self, table):
        assert all(row.good for row in table)

    def test_method_of_rows(self, table):
        assert table[0].near(0.93)
        assert not table[0].near(0.1)

    def test_names_are_sorted(self, table):
        names = [row.name for row in table]
        assert names == sorted(names)
        assert len(set(names)) == len(names)

    def test_some(self, table):
        assert any(row.name == "b" for row in table)

    def test_pairs(self, table):
        for before, after in itertools.pairwise(table):
            assert before.name < after.name

    def test_counter(self, table):
        counts = Counter(row.good for row in table)
        assert counts[True] == 2
        assert counts.total() == 2

    def test_grouped_rows(self, table):
        groups = defaultdict(list)
        for row in table:
            groups[row.name].append(row)
        assert sorted(groups) == ["a", "b"]

    def test_mean(self, table):
        mean = sum(row.score for row in table) / len(table)
        assert mean >= 0.9

    def test_reduced(self, table):
        assert functools.reduce(min, (row.score for row in table)) >= 0.9

    def test_max_of_two(self, table):
        assert max(table[0].score, table[1].score) >= 0.9


def test_tmp_path(tmp_path):
    (tmp_path / "x").write_text("1")
    assert (tmp_path / "x").read_text() == "1"
    assert list(tmp_path.iterdir())


def test_removed(tmp_path):
    with contextlib.suppress(FileNotFoundError):
        (tmp_path / "x").unlink()
    assert not (tmp_path / "x").exists()


def test_printed(capsys):
    print("ok")
    assert capsys.readouterr().out == "ok\n"


def test_patched(monkeypatch):
    monkeypatch.setenv("MODE", "strict")
    assert os.environ.get("MODE", "lenient") == "strict"


def test_mock():
    call = mock.Mock(return_value=3)
    assert call(1) == 3
    call.assert_called_once_with(1)


def test_mock_only():
    call = mock.Mock()
    call(1)
    call.assert_called_once_with(1)


def load(attempts):
    attempts.append(1)
    if len(attempts) < 2:
        raise OSError("not yet")
    return {"score": 0.93}


def test_read_again():
    attempts = []
    for _ in range(3):
        try:
            report = load(attempts)
            break
        except OSError:
            time.sleep(0)
    else:
        pytest.fail("never read")
    assert report["score"] >= 0.9


def test_wait_forever():
    turns = 0
    while True:
        turns += 1
        if turns > 3:
            break
    assert turns == 4


def wait_for(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("in vain")


def test_waited():
    wait_for(lambda: "ok" in Path("evidence/state.txt").read_text())
    assert Path("evidence/state.txt").exists()


def read_optional(name):
    try:
        return Path(name).read_text()
    except FileNotFoundError:
        return ""


def test_optional_file():
    assert read_optional("evidence/none.txt") == ""
    assert read_optional("evidence/state.txt").startswith("state")


def test_default_that_fails(report):
    assert report.get("score", 0.0) >= 0.9
    assert report.get("passed", False)
    assert max((row["score"] for row in report["rows"]), default=0.0) >= 0.9


def test_unknown_field(report):
    assert "error" not in report
    assert set(report) >= {"score", "rows"}
    assert not {"score", "rows"} - set(report)


def test_types(report):
    assert isinstance(report["score"], float)
    assert not isinstance(report["score"], bool)


def test_ternary(report):
    least = 0.9 if report["passed"] else 0.95
    assert report["score"] >= least


def test_nested(report):
    def least():
        return min(row["score"] for row in report["rows"])

    assert least() >= 0.9


def test_lines():
    lines = Path("evidence/rows.csv").read_text().splitlines()[1:]
    assert lines
    for line in lines:
        _, score = line.split(",")
        assert float(score) >= 0.9


def test_word_error_is_fine(report):
    states = [state for state in report["states"] if state != "error"]
    assert len(states) == len(report["states"])


def test_word_as_truth(report):
    assert report["commit"]
    assert report["version"] and report["day"]


def test_retried_status():
    status = "pending"
    for _ in range(5):
        status = "ok"
        if status == "ok":
            break
    assert status == "ok"


def test_chained(report):
    assert 0.9 <= report["score"] <= 1.0 and report["drop"] < 0.1


def test_or(report):
    assert report["score"] >= 0.99 or report["drop"] <= 0.08


def test_recorded(record_property, report):
    record_property("score", report["score"])
    assert report["score"] >= 0.9


def test_zip(rows):
    for row, name in zip(rows, ["a", "b"], strict=True):
        assert row["name"] == name


def test_del():
    values = [1, 2]
    while values:
        assert values.pop() > 0


def test_is_in_set(report):
    assert report["states"][0] in {"ok", "degraded"}
    assert "down" not in report["states"]


def test_finally(tmp_path):
    file = (tmp_path / "x").open("w")
    try:
        assert file.writable()
    finally:
        file.close()


def test_logged_and_raised(report):
    try:
        score = float(report["score"])
    except ValueError:
        print("no number")
        raise
    assert score >= 0.9


def test_percent(report):
    assert round(report["score"] * 100) >= 90


def test_text_number(report):
    assert float("0.93") <= 1
    assert report["version"] == "1.10"
