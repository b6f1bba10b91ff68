"""Documents that remember what was looked at: they behave as the ones they stand for."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion.errors import Unproven
from pytest_promotion.prove.observations import Touches, watched

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
DOCUMENT = {"a": {"b": 1, "c": [{"d": 2}, {"d": 3}]}, "e": "x", "f": []}


@given(VALUES)
def test_a_watched_value_is_equal_to_what_it_stands_for(value):
    """A gate that passes on its evidence must pass on the watched evidence, or nothing could be proven."""
    seen = watched(copy.deepcopy(value), Touches())
    assert seen == value
    assert not seen != value  # noqa: SIM202 - the operator itself
    assert json.dumps(seen, sort_keys=True) == json.dumps(value, sort_keys=True)
    assert bool(seen) == bool(value)


@pytest.mark.parametrize(
    ("look", "places"),
    [
        (lambda d: d["e"], {("e",)}),
        (lambda d: d["a"]["b"], {("a", "b")}),
        (lambda d: d.get("e"), {("e",)}),
        (lambda d: d.get("absent"), set()),
        (lambda d: "e" in d, {("e",)}),
        (lambda d: [item["d"] for item in d["a"]["c"]], {("a", "c"), ("a", "c", 0, "d"), ("a", "c", 1, "d")}),
        (lambda d: d["a"]["c"][-1]["d"], {("a", "c", 1, "d")}),
        (lambda d: len(d["f"]), {("f",)}),
        (lambda d: bool(d["f"]), {("f",)}),
        (lambda d: sorted(d["a"]), {("a",)}),
        (lambda d: dict(d["a"])["b"], {("a",), ("a", "b")}),
        (lambda d: d["a"]["c"][0] == {"d": 2}, {("a", "c", 0), ("a", "c", 0, "d")}),
        (lambda d: [key for key, value in d["a"].items() if value == 1], {("a", "b"), ("a", "c"), ("a", "c", 0), ("a", "c", 0, "d")}),
    ],
    ids=["key", "nested", "get", "absent", "in", "loop", "last", "len", "bool", "names", "dict", "equal", "items"],
)  # fmt: skip
def test_what_was_looked_at_is_known(look, places):
    """A value that a gate used and that nobody noticed would never be sabotaged."""
    touches = Touches()
    look(watched(copy.deepcopy(DOCUMENT), touches))
    assert places <= set(touches.seen)
    assert (("e",) in touches.seen) == (("e",) in places)


def test_a_missing_field_is_refused_as_ever():
    """A lens that is kinder than the evidence would prove a gate that does not exist."""
    with pytest.raises(Unproven, match="no field 'z'"):
        watched({"a": 1}, Touches())["z"]
