"""What a helper's helper looks at counts for the assertion of the gate."""

from __future__ import annotations

import pytest

HELPERS = """
import pytest

def bad_of(rows):
    return [row for row in rows if not row["ok"]]

def all_ok(rows):
    bad = bad_of(rows)
    return not bad

def count_bad(rows):
    bad = bad_of(rows)
    return len(bad)

@pytest.mark.critical
def test_rows(artifact, measure):
    rows = artifact("evidence/rows.json")["rows"]
"""
BODIES = {
    "assigned": "    ok = all_ok(rows)\n    assert ok\n",
    "asserted": "    assert all_ok(rows)\n",
    "guard": "    if not all_ok(rows):\n        pytest.fail('a row is bad')\n",
    "measured": "    measure.at_most('bad rows', count_bad(rows), 0)\n",
}


def outcome(place, body, rows):
    """What comes of the gate with *body* on *rows*."""
    place.file("evidence/rows.json", {"rows": rows, "score": 0.9})
    place.file("gates/test_rows.py", HELPERS + body)
    place.run()
    return place.check("rows")["outcome"]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_nothing_is_judged_through_two_helpers(good_place, body):
    """The inner call once took away what the outer one was to be judged by, and no rows were all good."""
    assert outcome(good_place, body, []) == "INCONCLUSIVE"
    assert outcome(good_place, body, [{"ok": True}]) == "PASS"


def test_an_empty_loop_before_an_assertion_is_not_blamed_on_it(good_place):
    """The assertion calls no function, and what it judges is there."""
    body = "    for row in rows:\n        assert row['ok']\n    assert artifact('evidence/rows.json')['score'] >= 0.5\n"
    assert outcome(good_place, body, []) == "PASS"
