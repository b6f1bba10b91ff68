"""Sabotages beyond thresholds, of collections, of CSV and of exit codes; and what no gate reads."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from pytest_promotion.policy import Equivalent
from pytest_promotion.prove.observations import Touches, watched
from pytest_promotion.prove.one_more import ONE_MORE
from pytest_promotion.prove.proof import Attempt, declared
from pytest_promotion.prove.shapes import shape
from pytest_promotion.prove.values import NO_DIRECTION, far

HEAD = "import pytest, sys\n\n@pytest.mark.critical\n"


@pytest.fixture
def table(place, ago):
    """What proving says of one gate, of which the body is given."""

    def prove(body, fixtures="artifact, freshness, measure", *words, **report):
        place.file("evidence/report.json", {"ts_utc": ago(timedelta()), "samples": 40, **report})
        gate = f"{HEAD}def test_it({fixtures}):\n" + "".join(f"    {line}\n" for line in body.splitlines())
        place.write(test_it=gate)
        place.run("--promotion-prove", *words)
        [path] = place.folder.glob("prove_*.json")
        found = json.loads(path.read_text())
        path.unlink()
        return found

    return prove


def survivors(table):
    """The sabotages that the gate did not notice."""
    return {(one["sabotage"], one["field"]) for one in table["gates"][0]["attempts"] if not one["killed"]}


def tried(table):
    """Every sabotage."""
    return {(one["sabotage"], one["field"]) for one in table["gates"][0]["attempts"]}


REPORT = "report = artifact('evidence/report.json')\nfreshness(report)\n"


@pytest.mark.parametrize("value", [0, 1, -7, 0.5, 1e305, 10**12])
def test_extremes_lie_on_both_sides(value):
    """A number that is only tried in one direction is not judged in the other."""
    least, *between, most = far(value)
    assert least < min(value, 0) <= max(value, 0) < most
    assert {type(one) for one in (least, *between, most)} == {type(value)}
    assert float("inf") not in map(abs, (least, most))


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("-n2",)], ids=["alone", "workers"])
def test_a_number_that_is_read_has_to_be_judged_in_one_direction(table, words):
    """A number that is checked for being one, and shown in a reason, looks as if it were judged."""
    found = table(f"{REPORT}measure.number('samples', report['samples'])", "artifact, freshness, measure", *words)
    assert survivors(found) == {(NO_DIRECTION, "samples")}
    [sentence] = found["gates"][0]["survivors"]
    assert sentence.endswith("(samples) far too low and far too high: it is read and judged in no direction")
    for judged in ("at_least('samples', report['samples'], 1)", "at_most('samples', report['samples'], 50)"):
        assert survivors(table(f"{REPORT}measure.{judged}", "artifact, freshness, measure", *words)) == set()


@pytest.mark.slow
def test_whatever_was_stepped_into_is_emptied(table):
    """An object that is empty has no bad value in it either."""
    body = f"{REPORT}limits = report['limits']['all']\nmeasure.equals('mode', report['mode'].get('a', 'on') == 'off', False)"
    found = table(body, limits={"all": {"a": 1}}, mode={"a": "on"})
    assert {("emptied", ""), ("emptied", "limits"), ("emptied", "mode")} <= tried(found)
    assert ("emptied", "limits") not in survivors(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("judged", "unnoticed"),
    [
        ("assert sum(float(row['price']) for row in rows) > 3", set()),
        ("assert sum(float(row['price'] or 0) for row in rows) != 99", {"empty cell"}),
        ("assert not any(row['price'] == '7' for row in rows)", {"empty cell", "NaN"}),
        ("assert not any(row.get('price') == '7' for row in rows)", {"empty cell", "NaN", "removed"}),
    ],
)
def test_cells_of_csv_are_sabotaged(table, place, judged, unnoticed):
    """What a spreadsheet lost is an empty text, which is not 7."""
    place.file("evidence/prices.csv", "id,price\na,2\nb,3\nc,4\n")
    found = table(f"rows = list(artifact('evidence/prices.csv').rows())\nassert len(rows) > 2\n{judged}", "artifact")
    fields = {(kind, field) for kind, field in tried(found) if field and kind != ONE_MORE}
    assert fields == {(kind, "column price") for kind in ("empty cell", "NaN", "removed")}
    assert {kind for kind, _ in survivors(found) if kind in ("empty cell", "NaN", "removed")} == unnoticed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("demand", "code", "survives"),
    [
        ("done.exit_code == 0", 0, False),
        ("done.exit_code in (0, 1) and 'good' in done.output", 0, False),  # 1 is an answer, 125 is none
        ("done.exit_code == 3", 3, False),
        ("done.exit_code is not None and 'good' in done.output", 0, True),
        ("done.exit_code < 200 and 'good' in done.output", 3, True),
    ],
)
def test_another_exit_code_is_noticed(table, demand, code, survives):
    """A tool that prints its summary and says no at the end is read as a yes by a gate that reads the summary alone."""
    body = f"done = command([sys.executable, '-c', 'import sys; print(\"good\"); sys.exit({code})'])\nassert {demand}"
    found = table(body, "command")
    assert ("command with another exit code" in {kind for kind, _ in survivors(found)}) is survives


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("-n2",)], ids=["alone", "workers"])
def test_a_body_that_did_not_run_is_named(table, place, words):
    """A hook that answers for a gate leaves a rule that is never checked."""
    place.file(
        "gates/conftest.py",
        "import pytest\n\n@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem):\n"
        "    pyfuncitem.funcargs['measure'].equals('one', 1, 1)\n    return True\n",
    )
    found = table(f"{REPORT}assert report['samples'] > 7", "artifact, freshness, measure", *words)
    assert "its body was never entered" in found["gates"][0]["why_not"]
    assert not found["proven"]


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("-n2",)], ids=["alone", "workers"])
def test_fields_that_no_gate_reads_are_listed(table, place, words):
    """A proof is taken for one of all evidence, and the field that went wrong is not read."""
    body = (
        f"{REPORT}measure.at_least('samples', report['samples'], 1)\n"
        "measure.at_least('bots', len(report['bots']), 1)\n"
        "for bot in report['bots']:\n    measure.at_least('fills', bot['fills'], 1)"
    )
    bots = [{"fills": 3, "fees": 1}, {"fills": 4, "pnl": {"day": 1}}]
    found = table(body, "artifact, freshness, measure", *words, bots=bots, mode="paper")
    assert found["coverage"] == [
        {"artifact": "evidence/report.json", "fields": 6, "unread": ["bots[].fees", "bots[].pnl.day", "mode"]}
    ]
    assert found["proven"]
    line = "evidence/report.json: 3 of 6 fields are read by no gate: bots[].fees, bots[].pnl.day, mode"
    done = place.run("--promotion-prove", *words)
    done.stdout.fnmatch_lines(
        [line.replace("[", "[[]"), "promotion: every gate can fail by what it reads (*3 of 6 fields*"]
    )
    for suffix in ("md", "html"):
        text = max(place.folder.glob(f"prove_*.{suffix}")).read_text()
        assert "bots[].pnl.day" in text
        assert "no gate reads" in text


def test_containers_that_were_stepped_into_are_known():
    """A list that is asked for its first item, and an object for one field, can both be empty."""
    touches = Touches()
    document = watched({"a": {"b": [1]}, "c": [{"d": 1}], "e": {}}, touches)
    assert (document["a"]["b"][0], document["c"][0]["d"], document.get("e")) == (1, 1, {})
    assert set(touches.stepped_into) == {("a",), ("a", "b"), ("c",), ("c", 0)}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1}, {"a": 2.5}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": None}, False),
        ({"a": []}, {"a": [1]}, False),
        ({"a": [1]}, {"a": [1, 2, 3]}, True),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"c": 1}]}, False),
        ({"2026-11-30": 1}, {"2026-12-01": 2}, True),
        ({"bot1": 1}, {"bot2": 1}, False),
    ],
)
def test_the_shape_is_of_keys_and_types(one, other, same):
    """A proof that values change is made each time; one that types do not is of another document."""
    assert (shape(one) == shape(other)) is same


@pytest.mark.slow
@pytest.mark.parametrize(("said", "survives"), [("", True), (", may_be_empty=True", False)])
def test_a_list_may_be_empty_where_the_gate_says_so(table, said, survives):
    """The best report of a scanner lists nothing, and the gate that said so was told to notice it."""
    body = (
        f"{REPORT}bad = [one for one in report['findings'] if one['severity'] == 'HIGH']\n"
        f"measure.none('high findings', bad, among=len(report['findings']){said})"
    )
    found = table(body, findings=[{"severity": "LOW"}])
    assert ((("emptied", "findings") in tried(found)), survivors(found) & {("emptied", "findings")}) == (
        survives,
        set(),
    )


@pytest.mark.parametrize(
    ("entry", "covers"),
    [
        ({"gate": "window"}, True),
        ({"gate": "window[fr]"}, True),
        ({"gate": "window[de]"}, False),
        ({"gate": "win*"}, True),
        ({"gate": "window", "field": "rows[0].ok"}, True),
        ({"gate": "window", "field": "rows[1].ok"}, False),
        ({"gate": "wind"}, False),
    ],
)
def test_what_is_printed_can_be_excused(entry, covers):
    """The id and the field that the table prints matched nothing: their brackets were a set of letters."""
    rule = Equivalent(because="it makes no difference", **entry)
    [found] = declared([Attempt("null", "a.json", "rows[0].ok", killed=False)], "window[fr]", [rule])
    assert bool(found.because) is covers


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scan.json", "scan.sarif", "scan.cdx", "scan"])
def test_a_document_is_sabotaged_whatever_its_file_is_called(place, name):
    """The same content under another name was proven by its file being there."""
    place.file(f"evidence/{name}", {"runs": [{"results": [{"level": "error"}]}]})
    body = (
        f"    found = artifact('evidence/{name}')['runs'][0]['results']\n"
        "    assert len(found) == 1\n    assert sum(one['level'] == 'critical' for one in found) == 0\n"
    )
    place.write(test_it=f"{HEAD}def test_it(artifact):\n{body}")
    place.run("--promotion-prove")
    [path] = place.folder.glob("prove_*.json")
    found = json.loads(path.read_text())
    assert ("null", "runs[0].results[0].level") in survivors(found)


@pytest.mark.slow
def test_what_the_gate_declares_to_be_ageless_is_not_asked_for_its_age(table):
    """A gate that dates its evidence by another field said so, as the reference tells it to."""
    body = "report = artifact('evidence/report.json', max_age='none', because='its commit is judged here')\n"
    body += "measure.at_least('samples', report['samples'], 1)"
    assert survivors(table(body, "artifact, measure")) == set()


@pytest.mark.slow
def test_a_bad_status_is_tried_with_the_other_bad_ones(table):
    """The proof of a gate that was made on the evidence of a bad candidate found nothing wrong with it."""
    body = f"{REPORT}assert report['status'] != 'failed'\nmeasure.at_least('samples', report['samples'], 1)"
    assert ("status flipped", "status") in survivors(table(body, status="cancelled"))
