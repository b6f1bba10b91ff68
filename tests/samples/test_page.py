"""The page about samples: its gates run, its commands give what it shows, its tables are those of the benchmark."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs/how-to/samples.md").read_text(encoding="utf-8")
GATES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def rows(share, count=3000, seed=1):
    """Examples in three languages, with the answers of a candidate and a champion, and latencies."""
    chance = random.Random(seed)
    return [
        {
            "correct": chance.random() < share,
            "champion": chance.random() < 0.92,
            "language": ("de", "en", "fr")[number % 3],
            "ms": round(chance.lognormvariate(5, 0.4), 1),
        }
        for number in range(count)
    ]


@pytest.fixture
def judged(good_place):
    """`judged(examples)`: what the page's first gate says of them."""

    def judge(examples):
        good_place.file("promotion.yaml", "version: 1\nevidence: required\n")
        good_place.file("reports/eval.json", {"ts_utc": datetime.now(UTC).isoformat(), "rows": examples})
        good_place.write(test_accuracy=GATES[0])
        good_place.file("gates/test_good.py", "")
        good_place.run(apart=True)
        return good_place.check("accuracy")

    return judge


def test_the_gate_of_the_page_has_three_answers(judged):
    """Good samples, bad ones, and too few of them."""
    good = judged(rows(0.96))
    assert good["outcome"] == "PASS"
    interval = good["measurements"][0]["interval"]
    assert interval["method"] == "wilson"
    assert 0.9 < interval["low"] < good["measurements"][0]["value"] < interval["high"]
    bad = judged(rows(0.99, 2400) + [row | {"language": "it"} for row in rows(0.8, 600)])
    assert bad["outcome"] == "FAIL"
    assert "accuracy of it is 0." in bad["reason"]
    thin = judged(rows(0.93, 90))
    assert thin["outcome"] == "INCONCLUSIVE"
    assert "cannot tell" in thin["reason"]
    empty = judged([])
    assert empty["outcome"] == "INCONCLUSIVE"


def test_the_command_gives_what_the_page_shows():
    """Whoever plans by the page plans by the command."""
    [(command, shown)] = re.findall(r"\$ (promotion plan-samples [^\n]*)\n(.*?)```", PAGE, re.DOTALL)
    words = [sys.executable, "-m", "pytest_promotion.cli", *command.split()[1:]]
    run = subprocess.run(words, capture_output=True, text=True, check=True)
    assert run.stdout == shown
    as_json = subprocess.run([*words, "--json"], capture_output=True, text=True, check=True)
    assert '"samples": 1676' in as_json.stdout
    wrong = subprocess.run([*words[:5], "0.9", "--margin", "0.2"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 3
    assert "fit no share" in wrong.stderr


def test_a_gate_cannot_be_less_confident_than_its_policy(good_place):
    """The short way to green is a wider risk: the policy says how wide it may be."""
    body = "def test_share(measure):\n    measure.proportion('share', 960, 1000, at_least=0.945, confidence={})\n"
    head = "import pytest\n\n@pytest.mark.critical\n"
    outcomes = {}
    for policy, asked in ((0.95, 0.95), (0.99, 0.95), (0.99, 0.99), (0.95, 0.999)):
        good_place.file("promotion.yaml", f"version: 1\nconfidence: {policy}\n")
        good_place.write(test_share=head + body.format(asked))
        good_place.file("gates/test_good.py", "")
        good_place.run(apart=True)
        outcomes[policy, asked] = good_place.check("share")
    assert outcomes[0.95, 0.95]["outcome"] == "PASS"
    assert "the policy has 0.99" in outcomes[0.99, 0.95]["reason"]
    assert outcomes[0.99, 0.99]["outcome"] == "INCONCLUSIVE"
    assert outcomes[0.95, 0.999]["outcome"] == "INCONCLUSIVE"


def test_a_proof_changes_all_samples_where_one_makes_no_difference(judged, good_place):
    """One wrong answer of thousands is what a sample has; a gate that passes with all of them wrong judges nothing."""
    judged(rows(0.96, 1500))
    good_place.write(
        test_accuracy=GATES[0].replace("at_least=0.9,", "at_least=0.85,").replace("margin=0.01", "margin=0.05")
    )
    result = good_place.run("--promotion-prove", apart=True)
    text = result if isinstance(result, str) else "\n".join(result.outlines)
    assert "every gate can fail" in text
