"""Limits that a gate does not hold to the last digit, whatever the rounding is written with."""

from __future__ import annotations

import importlib.util
import json

import pytest

from pytest_promotion.plugin.gate_words import numbers_of
from pytest_promotion.prove.limits import BEYOND, Numbers, passed_beyond

READ = {
    "json": "x = artifact('a.json')['score']",
    "text": "x = json.loads(artifact('a.json').text)['score']",
    "rows": "[row] = artifact('t.csv').rows()\n    x = float(row['score'])",
    "lines": "[row] = artifact('l.jsonl').rows()\n    x = row['score']",
    "log": "x = float(artifact('l.log').text.split()[-1])",
    "command": "x = json.loads(command(['cat', 'a.json']).output)['score']",
}
ROUNDED = [
    "float(f'{x:.1f}') >= 0.9",
    "float('%.2f' % x) >= 0.9",
    "round(x * 100) >= 90",
    "int(x * 100 + 0.5) >= 90",
    "float(numpy.around(x, 1)) >= 0.9",
    "float(Decimal(repr(x)).quantize(Decimal('0.01'))) >= 0.9",
    "round(x, 2) == 0.95",
]
EXACT = [
    "x >= 0.9",
    "x * 100 >= 90",
    "0 <= x <= 1 and x >= 0.9",
    "abs(x - 0.95) <= 0.05",
    "x >= 0.95 - 0.05",
    "x >= 1 - 0.1",
    "x == 0.95",
    "math.isclose(x, 0.95, abs_tol=0.005)",
    "1 - x <= 0.1 and x < 2",
    "x > 0.5 and x >= 0.75 and x < 1",
    "[x][0] >= 0.5 and len([x]) == 1",
]
IMPORTS = "import json, math, pytest\nfrom decimal import Decimal\n\n\n@pytest.mark.critical\n"


@pytest.fixture
def beyond(place):
    """The fields in which proving finds that a gate with this body passes beyond its limit, and what it says."""

    def prove(body, *words, policy=None):
        place.file("a.json", {"score": 0.95, "other": 0.5})
        place.file("t.csv", "name,score\na,0.95\n")
        place.file("l.jsonl", '{"score": 0.95}\n')
        place.file("l.log", "the score is 0.95\n")
        if policy:
            place.file("promotion.yaml", policy)
        place.write(test_it=f"{IMPORTS}def test_it(artifact, command, measure, policy):\n    {body}\n")
        place.run("--promotion-prove", *words)
        [path] = place.folder.glob("prove_*.json")
        [gate] = json.loads(path.read_text())["gates"]
        path.unlink()
        assert not gate["why_not"].startswith("its honest run"), gate["why_not"]
        return [(one["field"], one["said"]) for one in gate["attempts"] if one["sabotage"] == BEYOND]

    return prove


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "field"),
    [
        ("json", "score"),
        ("text", "score"),
        ("rows", "column score"),
        ("lines", "row *: score"),
        ("log", "number 1"),
        ("command", "score"),
    ],
)
def test_a_number_that_is_rounded_is_found_wherever_it_is_read(beyond, how, field):
    """A candidate of 0.895 was promoted by a gate that says 0.9."""
    [(found, said)] = beyond(f"{READ[how]}\n    assert float('%.2f' % x) >= 0.9")
    assert found == field
    assert said == "0.895005, where the limit is 0.9: it is rounded before it is compared"
    assert beyond(f"{READ[how]}\n    assert x >= 0.9") == []


@pytest.fixture
def limits_of(tmp_path):
    """A function that is a condition, and the numbers in it, by the way in which those of a gate are found."""

    def made(condition):
        place = tmp_path / "conditions.py"
        place.write_text(
            f"import math\nfrom decimal import Decimal\n\nimport numpy\n\ndef judge(x):\n    return {condition}\n"
        )
        spec = importlib.util.spec_from_file_location("conditions", place)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)

        class Item:
            function = staticmethod(module.judge)

        return module.judge, numbers_of(Item)

    return made


@pytest.mark.parametrize("condition", ROUNDED)
def test_every_way_of_rounding(limits_of, condition):
    """Only calls of `round`, `int`, `floor` and `ceil` in the comparison itself were seen."""
    judge, numbers = limits_of(condition)
    assert judge(0.95)
    found = list(passed_beyond(0.95, Numbers(tuple(numbers)), judge))
    assert found
    assert all(judge(number) and number != limit for number, limit in found)


@pytest.mark.parametrize("condition", EXACT)
def test_no_limit_that_is_held_is_named(limits_of, condition):
    """A tolerance, a range, a percentage and a difference of constants are not roundings."""
    judge, numbers = limits_of(condition)
    assert judge(0.95)
    assert list(passed_beyond(0.95, Numbers(tuple(numbers)), judge)) == []


def test_a_limit_that_is_read_is_no_rounding():
    """A figure of 0.1 that may not be below another figure of 0.05 looks as if it were rounded to one digit."""
    judge = lambda x: x >= 0.05  # noqa: E731 - as above
    assert list(passed_beyond(0.1, Numbers((0.1,)), judge)) != []
    assert list(passed_beyond(0.1, Numbers((0.1,), (0.05,)), judge)) == []


@pytest.mark.slow
def test_the_limit_is_found_in_the_policy_too(beyond):
    """Most gates have their limits there."""
    policy = {"version": 1, "gates": {"it": {"thresholds": {"least": 0.9}}}}
    body = "x = artifact('a.json')['score']\n    assert {} >= policy['least']"
    assert [field for field, _ in beyond(body.format("float('%.1f' % x)"), policy=policy)] == ["score"]
    assert beyond(body.format("x"), policy=policy) == []
