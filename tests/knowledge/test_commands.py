"""`promotion kb`, as people and pipelines call it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.knowledge.test_gates import POLICY
from tests.knowledge.test_review import Diary

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "knowledge.md").read_text(encoding="utf-8")


def test_the_page_shows_what_the_command_prints(base):
    """An example that prints something else is believed, and the command doubted."""
    done = base.run("benchmark", "--profile", "prod")
    assert done.returncode == 0
    assert done.stdout in PAGE


def test_the_page_shows_the_rules_that_the_gates_are_proven_with():
    """Thresholds that a page gives and nobody ran are missing one."""
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    shown, used = yaml.safe_load(block), yaml.safe_load(POLICY)
    assert shown["gates"]
    for name, gate in shown["gates"].items():
        assert set(gate["thresholds"]) == set(used["gates"][name]["thresholds"])


@pytest.mark.parametrize("command", ["benchmark", "monitor", "accept", "review", "checkpoint"])
def test_each_command_says_how_it_is_used(base, command):
    """Help without an example is read by those who need none."""
    done = base.run(command, "--help")
    assert done.returncode == 0
    assert "Example: promotion kb" in done.stdout
    assert "Exit 0" in " ".join(done.stdout.split())


def test_the_report_has_the_fields_that_programs_read(base):
    """Names that the earlier system's readers know."""
    done = base.run("benchmark", "--json", "--output", "reports/kb.json")
    report = json.loads(done.stdout)
    assert json.loads((base.root / "reports/kb.json").read_text()) == report
    assert {
        "cases_file", "database_url", "corpus_dir", "seeded_documents", "cases", "avg_precision_at_k", "avg_keyword_recall",
        "results",
    } <= set(report)  # fmt: skip
    assert {
        "query", "policy_profile", "top_k", "hits", "matched_hits", "matched_keywords", "precision_at_k", "keyword_recall",
    } <= set(report["results"][0])  # fmt: skip
    assert str(base.root) not in done.stdout


def test_below_a_threshold_is_no(base):
    """0 for anything but yes is a promotion by accident."""
    assert base.run("benchmark", "--min-precision", "1", "--min-recall", "1").returncode == 0
    base.write_cases({"query": "zeppelin", "expected_keywords": ["zeppelin"]})
    for mode in ("off", "optional", "required"):
        done = base.run("benchmark", "--mode", mode)
        assert done.returncode == 2
        assert "not good enough" in done.stdout


def test_from_the_first_look_to_the_record_of_the_month(base):
    """Each step reads what the one before wrote."""
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    for _ in range(4):
        assert base.run("monitor").returncode == 0
    done = base.run("review", "--plot", "--json")
    assert done.returncode == 5  # 1.0 and 1.0 against 0.55 and 0.80
    report = json.loads(done.stdout)
    path = base.root / report["report_path"]
    assert all(path.with_suffix(suffix).stat().st_size for suffix in (".json", ".md", ".png", ".html"))
    month = report["generated_at_utc"][:7]
    done = base.run("checkpoint", "--month", month, "--owner", "R. Quay")
    assert done.returncode == 5
    folder = base.root / ".runtime/kb_monthly_checkpoints/prod"
    assert "| Owner | R. Quay |" in (folder / f"monthly_{month}.md").read_text()
    first = (folder / f"monthly_{month}.json").read_bytes()
    base.run("checkpoint", "--month", month)
    assert (folder / f"monthly_{month}.json").read_bytes() == first
    assert (folder / f"monthly_{month}_1.json").exists()


@pytest.mark.parametrize(
    ("precisions", "code", "word"),
    [
        ((0.6, 0.6, 0.6, 0.6), 0, "keep_thresholds"),
        ((0.6, 0.6, 0.5, 0.6), 2, "investigate_before_change"),
        ((), 3, "insufficient_data"),
        ((0.9, 0.9, 0.9, 0.9), 5, "consider_tighten"),
    ],
)
def test_each_word_has_an_exit_code(tmp_path, base, monkeypatch, precisions, code, word):
    """The earlier review ended with 0, whatever it said."""
    from datetime import UTC, datetime

    monkeypatch.setattr("tests.knowledge.test_review.NOW", datetime.now(UTC))
    Diary(tmp_path).weeks(*precisions)
    done = base.run("review", "--history-dir", "history")
    assert (done.returncode, word in done.stdout) == (code, True), done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("review", "--profile", "../x"), ("review", "--lookback", "0"), ("review", "--template", "none.md"),
        ("checkpoint", "--month", "2026-13"), ("checkpoint", "--month", "2999-01"), ("checkpoint", "--min-points", "-1"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_words_write_nothing(base, words):
    """Half a report of a month that does not exist is found by the next reader."""
    before = sorted(base.root.rglob("*"))
    done = base.run(*words)
    assert done.returncode == 4, done.stdout
    assert "Traceback" not in done.stderr
    assert [path for path in sorted(base.root.rglob("*")) if path not in before and path.is_file()] == []
