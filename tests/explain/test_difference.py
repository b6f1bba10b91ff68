"""`promotion diff`: what changed between two decisions."""

from __future__ import annotations

import json

import pytest

from pytest_promotion.explain.difference import differences, same_outcomes
from pytest_promotion.model import Exhibit, Record, Subject
from pytest_promotion.policy import Policy, Rules
from pytest_promotion.trust.stored import parse
from tests.cli.test_commands import promotion
from tests.decisions import decided, gate, seen


def stored(*results, **more):
    return parse(json.dumps(decided(*results, **more)).encode(), "it")


BASE = stored(gate("a", record=seen("data/a.json")))


@pytest.mark.parametrize(
    ("other", "parts", "same"),
    [
        (stored(gate("a", record=seen("data/a.json")), run_id="other"), set(), True),
        (stored(gate("a", "FAIL", record=seen("data/a.json"))), {"verdict", "outcome", "reason"}, False),
        (stored(gate("a", record=seen("data/a.json")), gate("b")), {"outcome", "reason"}, False),
        (stored(gate("a", record=seen("data/a.json")), problems=["x"]), {"verdict"}, False),
        (stored(gate("a", record=seen("data/b.json"))), {"verdict", "evidence", "timestamp", "window"}, True),
        (stored(gate("a", record=seen("data/a.json", value=0.8))), {"measurement"}, True),
        (stored(gate("a", record=seen("data/a.json", age_s=61))), {"timestamp"}, True),
        (stored(gate("a", record=seen("data/a.json", max_age_s=99))), {"window", "verdict"}, True),
        (stored(gate("a", record=seen("data/a.json")), commit="ab" * 20), {"git"}, True),
        (stored(gate("a", record=seen("data/a.json")), subject=Subject("w", {"sha256": "ab" * 32})), {"subject"}, True),
        (stored(gate("a", record=seen("data/a.json")), policy=Policy(Rules(partial="allow"))), {"policy"}, True),
        (
            stored(gate("a", record=seen("data/a.json")), policy=Policy(Rules(), overrides={"x": 1}, weakened=("x",))),
            {"override", "weakened"},
            True,
        ),
        (stored(gate("a", record=seen("data/a.json")), as_of=True), {"verdict"}, False),
    ],
    ids=[
        "another-run",
        "outcome",
        "one-more",
        "problem",
        "evidence",
        "measurement",
        "age",
        "window",
        "commit",
        "subject",
        "policy",
        "override",
        "replay",
    ],
)
def test_each_change_is_told_under_its_part(other, parts, same):
    """A change nobody is told of is found after the deployment."""
    found = differences(BASE, other)
    assert {change.part for change in found} == parts
    assert same_outcomes(BASE, other) is same
    back = differences(other, BASE)
    assert {(one.part, one.name) for one in back} == {(one.part, one.name) for one in found}


def test_a_changed_digest_is_a_change_of_evidence():
    """The same name with other bytes is other evidence."""
    other = stored(gate("a", record=Record(exhibits=(Exhibit("data/a.json", "cd" * 32, 10, exists=True),))))
    change = next(one for one in differences(BASE, other) if one.part == "evidence")
    assert (change.before, change.after) == ("ab" * 32, "cd" * 32)


def test_true_is_not_one():
    """`require_day2_go=1` and `require_day2_go=true` are not the same override."""
    one, other = (stored(gate("a"), policy=Policy(Rules(), overrides={"x": value})) for value in (1, True))
    assert [change.part for change in differences(one, other)] == ["override"]


def test_the_command_compares_two_sessions(good_place):
    """Two JSON files of a thousand lines are compared by nobody."""
    good_place.run()
    data = json.loads((good_place.path / "evidence/good.json").read_text())
    good_place.file("evidence/good.json", data | {"score": 0.1})
    good_place.run()
    one, other = sorted(good_place.folder.glob("promotion_gates_*.json"), key=lambda path: path.stat().st_mtime_ns)
    assert promotion("diff", str(one), str(one)).returncode == 0
    done = promotion("diff", str(one), str(other))
    assert done.returncode == 2
    assert "outcome good: PASS (critical) -> FAIL (critical)" in done.stdout
    assert "measurement good score: 0.9 -> 0.1" in done.stdout
    said = json.loads(promotion("diff", str(one), str(other), "--json").stdout)
    assert (said["same_outcomes"], "evidence" in {change["part"] for change in said["changes"]}) == (False, True)
    assert promotion("diff", str(one), "gone.json").returncode == 3
