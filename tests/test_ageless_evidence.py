"""Under `evidence: required` the age of every file is asked for, or declared to make no difference."""

from __future__ import annotations

import pytest

HEAD = "import pytest\n\n@pytest.mark.critical\n"
BECAUSE = "configuration, dated by the commit"
POLICY = "version: 1\nevidence: required\n"


def decide(place, body, policy=POLICY):
    """The check of the gate with *body* and the decision's status."""
    place.file("promotion.yaml", policy)
    place.file("evidence/report.json", {"ts_utc": "2019-01-01T00:00:00+00:00", "score": 0.9})
    place.write(test_score=f"{HEAD}def test_score(artifact, freshness):\n    {body}\n")
    place.file("gates/test_good.py", "")
    place.run()
    return place.check("score")


READ = "artifact('evidence/report.json'{})['score'] >= 0.5"


def test_a_report_of_2019_does_not_pass_unasked(good_place):
    """A gate that forgot `freshness` accepted reports of 2019, of 2099 and without a date, and its PASS never expired."""
    check = decide(good_place, "assert " + READ.format(""))
    assert check["outcome"] == "INCONCLUSIVE"
    assert check["reason"].startswith("never asked for the age of evidence/report.json")


def test_without_a_policy_only_what_is_asked_counts(good_place):
    """The rule is that of `evidence: required`."""
    assert decide(good_place, "assert " + READ.format(""), "version: 1\n")["outcome"] == "PASS"


@pytest.mark.parametrize(
    ("body", "policy"),
    [
        (f"assert {READ.format(f', max_age={chr(34)}none{chr(34)}, because={BECAUSE!r}')}", POLICY),
        ("assert " + READ.format(""), f"{POLICY}gates:\n  score: {{max_age: none, because: '{BECAUSE}'}}\n"),
        (
            "assert " + READ.format(""),
            f"{POLICY}timestamps: {{ageless: [{{artifacts: ['evidence/*'], because: '{BECAUSE}'}}]}}\n",
        ),
    ],
    ids=["gate", "policy of the gate", "pattern"],
)
def test_what_is_declared_to_make_no_difference_is_in_the_decision(good_place, body, policy):
    """Who reviews a decision sees which evidence may be of any age, and why."""
    check = decide(good_place, body, policy)
    assert check["outcome"] == "PASS", check
    assert check["ageless"] == [{"path": "evidence/report.json", "because": BECAUSE}]


def test_no_age_needs_a_reason(good_place):
    """`none` without a word is how a window is switched off in passing."""
    check = decide(good_place, "assert " + READ.format(", max_age='none'"))
    assert check["outcome"] == "INCONCLUSIVE"
    assert "needs because=" in check["reason"]


@pytest.mark.parametrize("rule", ["max_age: none", "because: what is this about"])
def test_the_policy_needs_both(good_place, rule):
    """A window that is lifted without a reason is a usage error, and so is a reason for nothing."""
    good_place.file("promotion.yaml", f"{POLICY}gates:\n  good: {{{rule}}}\n")
    result = good_place.run()
    assert result.ret == 4
    assert "`max_age: none` and `because` need each other" in str(result.stderr) + str(result.stdout)


def test_what_was_only_looked_for_has_no_age(good_place):
    """Whether a file is there is the answer; what is read after that is asked for its age again."""
    looked = "assert artifact.exists('evidence/report.json')"
    assert decide(good_place, looked)["outcome"] == "PASS"
    read = f"{looked}; {READ.format('')}; assert 'score' in artifact('evidence/report.json').data"
    assert decide(good_place, read.replace(f"{READ.format('')}; ", ""))["outcome"] == "INCONCLUSIVE"
