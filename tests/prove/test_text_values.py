"""Sabotage of evidence that a gate takes apart by itself: JSON, CSV, XML and YAML as text, logs, what a program printed."""

from __future__ import annotations

import copy
import json
import math

import pytest

from pytest_promotion.plugin.gate_words import words_of
from pytest_promotion.prove import text_values
from pytest_promotion.prove.forms import form_of, number_of
from pytest_promotion.prove.text_values import ANOTHER, NO_VALUE
from pytest_promotion.prove.values import changed

HEAD = """\
import csv, io, json, re, pytest
import xml.etree.ElementTree as ET

BAD = re.compile(r"\\bFATAL\\b|\\bERROR\\b")


@pytest.mark.critical
"""
FILES = {
    "a.json": {"score": 0.95, "rows": [{"ok": True}, {"ok": True}], "passed": True, "a": 3, "b": 3, "other": 5},
    "a.jsonl": '{"score": 0.95, "n": 1}\n{"score": 0.97, "n": 2}\n',
    "a.yaml": "score: 0.95\nname: x\n",
    "t.csv": "x,y\n1,2\n3,4\n",
    "j.xml": '<testsuites><testsuite tests="3" failures="0"><testcase name="a" time="0.1"/></testsuite></testsuites>',
    "l.log": "2026-11-30T10:00:00Z all done, coverage: 93% in 3 files\n",
}
JSON = "r = json.loads(artifact('a.json').text)\n    "
CSV = "rows = list(csv.DictReader(io.StringIO(artifact('t.csv').text)))\n    "
LINES = "rows = [json.loads(line) for line in artifact('a.jsonl').text.splitlines()]\n    "
XML = "root = ET.fromstring(artifact('j.xml').text)\n    "


@pytest.fixture
def table(place):
    """What proving finds of a gate with that body: what it noticed and what it did not, as (kind, field)."""

    def prove(body, fixtures="artifact, measure"):
        for name, content in FILES.items():
            place.file(name, content)
        place.write(test_it=f"{HEAD}def test_it({fixtures}):\n    {body}\n")
        place.run("--promotion-prove")
        [path] = place.folder.glob("prove_*.json")
        [gate] = json.loads(path.read_text())["gates"]
        path.unlink()
        assert not gate["why_not"].startswith("its honest run"), gate["why_not"]
        return tuple(
            {(one["sabotage"], one["field"]) for one in gate["attempts"] if one["killed"] is yes}
            for yes in (True, False)
        )

    return prove


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "survivor"),
    [
        (JSON + "assert r['passed']", ("boolean as text", "passed")),
        (JSON + "assert all(x['ok'] for x in r['rows'])", ("boolean as text", "rows[0].ok")),
        ("r = json.load(artifact('a.json').open())\n    assert r['passed']", ("boolean as text", "passed")),
        (JSON + "assert r['a'] >= r['b'] or r['b'] is not None", (NO_VALUE, "")),
        ("assert 'ERROR' not in artifact('l.log').text", (NO_VALUE, "")),
        ("text = artifact('l.log').text\n    assert BAD.search(text) is None", (NO_VALUE, "")),
        ("assert 'score' in artifact('a.yaml').text", (NO_VALUE, "")),
    ],
)  # fmt: skip
def test_a_careless_reader_is_found(table, body, survivor):
    """A gate that parses its evidence by itself was proven by the file being there."""
    _, missed = table(body)
    assert survivor in missed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "noticed"),
    [
        (JSON + "measure.at_least('score', r['score'], 0.9)", {("NaN", "score")}),
        (JSON + "assert r['passed'] is True", {("boolean as text", "passed"), (ANOTHER, "passed")}),
        (JSON + "measure.equals('same', r['a'], r['b'])", {(ANOTHER, "a"), (ANOTHER, "b")}),
        (
            LINES + "assert len(rows) >= 2\n    for row in rows:\n        measure.at_least('score', row['score'], 0.9)",
            {("NaN", "[0].score")},
        ),
        (CSV + "for row in rows:\n        measure.at_most('x', float(row['x']), 5)", {("NaN", "x")}),
        (
            XML + "suite = root.find('testsuite')\n    measure.at_least('tests', int(suite.get('tests')), 1)\n"
            "    measure.equals('failures', int(suite.get('failures')), 0)",
            {(ANOTHER, "testsuites.inside[0].testsuite.@failures")},
        ),
        (
            "found = re.search(r'coverage: (\\d+)%', artifact('l.log').text)\n    measure.at_least('it', int(found[1]), 80)",
            {(ANOTHER, "number 1")},
        ),
        ("assert artifact('l.log').text", {("empty", ""), ("missing", "")}),  # it asks no more than that it is there
    ],
)  # fmt: skip
def test_a_careful_reader_is_proven(table, body, noticed):
    """A gate that judges what it parses would have to be rewritten for us."""
    killed, missed = table(body)
    assert missed == set()
    assert noticed <= killed


@pytest.mark.slow
def test_what_a_program_printed(table):
    """The output of a program is evidence, and a number in it may be read and not judged."""
    run = "done = command(['cat', 'a.json'])\n    assert done.exit_code == 0\n    r = json.loads(done.output)\n    "
    _, missed = table(run + "assert r['passed']", "command")
    assert missed == {("boolean as text", "passed")}
    killed, missed = table(run + "measure.at_least('score', r['score'], 0.9)", "command, measure")
    assert missed == set()
    assert ("NaN", "score") in killed
    # Of a program of which only the exit code counts, nothing that it prints has to.
    assert table("assert command(['echo', '3']).exit_code == 0", "command")[1] == set()


def noticing(name, content, notices, words=()):
    """What `tried` finds where *notices* says of other content whether the gate notices it."""
    form = form_of(name, content.encode())
    return [(one.kind, one.field, bool(one.message)) for one in text_values.tried(form, {}, notices, words)]


def test_a_value_among_thousands_is_found():
    """A document of a thousand values would cost thousands of runs, or one of them is never tried."""
    document = {f"field_{number}": number for number in range(1000)}
    runs = []

    def notices(content):
        runs.append(content)
        return "" if json.loads(content).get("field_700") == 700 else "it says so"

    found = noticing("a.json", json.dumps(document), notices)
    assert {field for kind, field, _ in found if kind == ANOTHER} == {"field_700"}
    assert len(runs) < 80


@pytest.mark.parametrize(
    ("name", "text", "place", "value", "written"),
    [
        ("a.json", '{"a": [1, 2]}', ("a", 1), math.nan, '{"a": [1, NaN]}'),
        ("a.txt", '{"a": 1}', ("a",), 2, '{"a": 2}'),
        ("a.yaml", "a: 1\n", ("a",), 2, '{"a": 2}'),
        ("a.jsonl", '{"a": 1}\n{"a": 2}\n', (1, "a"), 5, '{"a": 1}\n{"a": 5}\n'),
        ("a.csv", "x,y\n1,2\n3,4\n", ("x",), "9", "x,y\n9,2\n9,4\n"),
        ("a.csv", "x,y\n1,2,3\n4\n", ("x",), "9", "x,y\n9,2,3\n9\n"),
        ("a.tsv", "x\ty\n1\t2\n", ("y",), "", "x\ty\n1\t\n"),
        ("a.xml", '<a b="1"><c>2</c></a>', ("a", "@b"), "7", '<a b="7"><c>2</c></a>'),
        ("a.xml", '<a b="1"><c>2</c></a>', ("a", "inside", 0, "c", "text"), "7", '<a b="1"><c>7</c></a>'),
        ("a.log", "took 5 s, v1.2.3 at 2026-11-30\n", ("number 1",), "7", "took 7 s, v1.2.3 at 2026-11-30\n"),
        ("a.log", "took 5 s\n", ("its words",), "not so", "not so\n"),
    ],
)
def test_one_value_is_changed_and_the_rest_is_as_it_was(name, text, place, value, written):
    """A sabotage that changes more than it says would be noticed for another reason."""
    form = form_of(name, text.encode())
    assert form.write(changed(copy.deepcopy(form.document), place, value)).decode() == written


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe\x00", b"x" * (2**20 + 1)])
def test_what_is_not_taken_apart(content):
    """A large file would be tried for hours, and an empty one has no values."""
    assert form_of("a.json", content) is None


def test_entities_are_not_expanded():
    """A document type is how a small XML file becomes one of gigabytes."""
    form = form_of("a.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    assert form.prose


@pytest.mark.parametrize(("text", "number"), [("3", 3), ("-0.5", -0.5), ("1e3", 1000.0), ("1.2.3", None), ("x", None), ("", None), ("nan", None)])  # fmt: skip
def test_a_text_that_is_a_number(text, number):
    """A version that is taken for a number is sabotaged in a way that shows nothing."""
    assert number_of(text) == number


WORD = "SEVERE"


def looking_for(text):
    """What a gate's module may have."""
    return WORD in text


def test_the_words_of_a_gate_are_those_that_it_looks_for():
    """Of a pattern that is kept elsewhere in the module the gate itself says nothing."""

    class Item:
        @staticmethod
        def function(text):
            return "FATAL" in text or looking_for(text)

    assert {"FATAL", "SEVERE"} <= set(words_of(Item))
