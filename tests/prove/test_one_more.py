"""Lists of which a gate goes through a part: the first element, the first three, those before an early return."""

from __future__ import annotations

import json

import pytest

from pytest_promotion.prove.one_more import ONE_MORE, missed

RUNS = {
    "runs": [{"status": "passed", "errors": 0, "jobs": [{"ok": True}]}, {"status": "passed", "errors": 0, "jobs": []}]
}
SEEN = {("runs", 0, "status"): "passed", ("runs", 0, "errors"): 0}


def judged(judge, seen=SEEN, document=RUNS):
    """Whether each bad element at the end is noticed by *judge*, by the list that it is in."""
    return [(field, bool(message)) for field, message in missed(document, seen, lambda one: "" if judge(one) else "no")]


@pytest.mark.parametrize(
    "judge",
    [
        lambda one: one["runs"][0]["status"] == "passed" and one["runs"][0]["errors"] == 0,
        lambda one: all(run["status"] == "passed" and run["errors"] == 0 for run in one["runs"][:2]),
        lambda one: next(iter(one["runs"]))["errors"] < 1,
    ],
)
def test_a_part_of_a_list_is_not_the_list(judge):
    """A run that failed behind the first ones was never looked at."""
    found = judged(judge)
    assert found
    assert not any(noticed for _, noticed in found)


@pytest.mark.parametrize(
    "judge",
    [
        lambda one: all(run["status"] == "passed" and run["errors"] == 0 for run in one["runs"]),
        lambda one: len(one["runs"]) == 2 and one["runs"][0]["status"] == "passed" and one["runs"][0]["errors"] == 0,
        lambda one: one["runs"][-1]["status"] == one["runs"][0]["status"] == "passed",
        lambda one: {run["status"] for run in one["runs"]} == {"passed"},
        lambda one: sum(run["errors"] for run in one["runs"]) == 0,
    ],
)
def test_all_of_a_list_is_judged(judge):
    """A gate that judges each element, or how many there are, has nothing to mend."""
    assert all(noticed for _, noticed in judged(judge))


@pytest.mark.parametrize("name", ["name", "id", "run_id", "finished", "day"])
def test_an_element_that_is_found_by_its_name_is_left_alone(name):
    """A second row of the same model would be evidence that nobody has."""
    wanted = 7 if "id" in name else "2026-11-30T10:00:00Z"
    document = {"rows": [{name: wanted, "score": 0.9}]}
    seen = {("rows", 0, name): wanted, ("rows", 0, "score"): 0.9}
    assert judged(lambda one: next(r for r in one["rows"] if r[name] == wanted)["score"] >= 0.8, seen, document) == []


def test_lists_in_lists():
    """The list that is cut short may be an outer one or an inner one."""
    document = {"runs": [{"results": [{"level": "ok"}]}]}
    seen = {("runs", 0, "results", 0, "level"): "ok"}
    first_run = judged(lambda one: all(r["level"] == "ok" for r in one["runs"][0]["results"]), seen, document)
    assert first_run == [("runs", False), ("runs[0].results", True)]
    first_result = judged(lambda one: all(r["results"][0]["level"] == "ok" for r in one["runs"]), seen, document)
    assert first_result == [("runs", True), ("runs[0].results", False)]


@pytest.fixture
def survivors(place):
    """The lists of which proving says that a gate with this body judges a part."""

    def prove(body):
        place.file("a.json", RUNS)
        place.file("t.csv", "errors,score\n0,0.9\n0,0.95\n")
        place.file("l.jsonl", '{"errors": 0}\n{"errors": 0}\n')
        gate = f"import json, pytest\n\n@pytest.mark.critical\ndef test_it(artifact, measure):\n    {body}\n"
        place.write(test_it=gate)
        place.run("--promotion-prove")
        [path] = place.folder.glob("prove_*.json")
        [gate] = json.loads(path.read_text())["gates"]
        path.unlink()
        assert not gate["why_not"].startswith("its honest run"), gate["why_not"]
        return {one["field"]: one["killed"] for one in gate["attempts"] if one["sabotage"] == ONE_MORE}

    return prove


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "whole", "field"),
    [
        ("rows = artifact('a.json')['runs'][:2]", "rows = artifact('a.json')['runs']", "runs"),
        (
            "rows = json.loads(artifact('a.json').text)['runs'][:2]",
            "rows = json.loads(artifact('a.json').text)['runs']",
            "runs",
        ),
        ("rows = list(artifact('l.jsonl').rows())[:2]", "rows = list(artifact('l.jsonl').rows())", "rows"),
        ("rows = list(artifact('t.csv').rows())[:2]", "rows = list(artifact('t.csv').rows())", "rows"),
    ],
    ids=["json", "text", "lines", "csv"],
)
def test_in_every_kind_of_file(survivors, part, whole, field):
    """Files of the same content in another form are judged the same."""
    judge = "\n    assert len(rows) > 0\n    for row in rows:\n        measure.equals('errors', int(row['errors']), 0)"
    assert survivors(part + judge) == {field: False}
    assert survivors(whole + judge) == {field: True}
