"""The envelope between worker and controller: it always arrives, and says so where it cannot be read."""

from __future__ import annotations

import enum
import json
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion.decision.wire import Envelope, legible, pack, safe, unpack
from pytest_promotion.model import CommandRun, Exhibit, Freshness, Gate, Measurement, Record, Severity

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NUMBERS | TEXT | st.lists(TEXT, max_size=2)
RECORDS = st.builds(
    Record,
    st.lists(st.builds(Exhibit, TEXT, TEXT, st.integers(0, 2**40), st.booleans()), max_size=2).map(tuple),
    st.lists(st.builds(Measurement, TEXT, JSON, TEXT, JSON, st.none() | st.booleans()), max_size=2).map(tuple),
    st.lists(st.builds(Freshness, TEXT, TEXT, TEXT, NUMBERS, NUMBERS), max_size=2).map(tuple),
    st.lists(st.builds(CommandRun, st.lists(TEXT, max_size=2).map(tuple), st.none() | st.integers(-9, 255), NUMBERS), max_size=2).map(tuple),
    st.lists(TEXT, max_size=2).map(tuple),
)  # fmt: skip
GATES = st.builds(Gate, TEXT, st.sampled_from(Severity), TEXT, requires=st.lists(TEXT, max_size=2).map(tuple))
ENVELOPES = st.builds(Envelope, st.none() | GATES, st.none() | RECORDS, st.sampled_from(["", "fail"]), TEXT)


class Colour(enum.IntEnum):
    """An integer that is more than one."""

    RED = 1


class Loud(str):
    """A text whose text is another."""

    __slots__ = ()

    def __str__(self):
        return f"{super().__str__()}!"


@given(ENVELOPES)
def test_what_is_packed_is_unpacked(envelope):
    """A field that is lost on the way is a failure that the controller never sees."""
    packed = pack(envelope)
    assert unpack(packed) == envelope
    assert packed.isascii()


@pytest.mark.parametrize("text", ["ü", "\x7f", "€", "😀", "\u2028"])
def test_letters_beyond_ascii_arrive(text):
    """The backslash form of `ü` is no escape of JSON: the record of a gate that mentioned it was lost."""
    envelope = Envelope(Gate("a", Severity.CRITICAL, owner=text), Record(refusals=(text,)), "fail", text)
    assert pack(envelope).isascii()
    assert unpack(pack(envelope)) == envelope
    assert unpack(json.dumps({"sentence": text}, ensure_ascii=False)) == Envelope(sentence=text)


def envelope_of(value):
    """An envelope with that value in a measurement."""
    return Envelope(
        Gate("a", Severity.CRITICAL), Record(measurements=(Measurement("x", value, "==", 1, ok=False),)), "fail", "no"
    )


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (object, "<class 'object'>"),
        (1j, "1j"),
        ("a\ud800b", "a\\ud800b"),
        ({"k\ud800": (1, "\ud800", None, 2.5)}, {"k\\ud800": [1, "\\ud800", None, 2.5]}),
        ([math.inf, "\ud800"], ["inf", "\\ud800"]),
        ([2**100, object], [2**100, "<class 'object'>"]),
    ],
    ids=["object", "complex", "surrogate", "nested", "infinity", "large"],
)
def test_what_cannot_be_carried_arrives_as_text(value, arrives):
    """xdist drops a whole report with one such value in it, and the gate with it."""
    found = unpack(pack(envelope_of(value)))
    assert (found.gate, found.kind, found.sentence) == (Gate("a", Severity.CRITICAL), "fail", "no")
    assert found.record.measurements[0] == Measurement("x", arrives, "==", 1, ok=False)


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "7", '{"gate": 1}', '{"kind": []}', "\ud800", b"{}", "é"], ids=repr
)
def test_an_unreadable_envelope_is_an_error_of_its_gate(text):
    """An exception in the controller would end the session; nothing at all would be no failure."""
    found = unpack(text)
    assert (found.gate, found.record, found.kind) == (None, None, "error")
    assert found.sentence.startswith("its envelope could not be read: ")
    assert len(found.sentence) > len("its envelope could not be read: ")


def test_an_envelope_of_a_newer_version_is_read():
    """Unknown fields are ignored, and what is absent has its default."""
    assert unpack('{"sentence": "x", "more": 1}') == Envelope(None, None, "", "x")
    assert unpack("{}") == Envelope()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (False, False),
        (7, 7),
        (0.5, 0.5),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        ("text", "text"),
        (Colour.RED, "1"),
        (Decimal("1.50"), "1.50"),
        ([1, "\x1b"], "[1, '\\x1b']"),
        ("a\x1b[31m", "a\\x1b[31m"),
        (Loud("x"), "x!"),
    ],
    ids=repr,
)
def test_a_property_is_a_plain_scalar_or_a_text(value, expected):
    """A subclass of int or str may do anything in a reporter that writes it."""
    found = safe(value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("größer ≥ 1", "größer ≥ 1"),
        ("two\nlines\tand a tab", "two\\nlines\\tand a tab"),
        ("red\x1b[31m\r", "red\\x1b[31m\\r"),
        ("\x00\x7f", "\\x00\\x7f"),
        ("\ud800", "\\ud800"),
        ("right\u202eleft", "right\\u202eleft"),
        (None, "None"),
        (7, "7"),
        ("", ""),
    ],
    ids=repr,
)
def test_what_steers_a_terminal_is_spelled_out(text, expected):
    """A report with an escape sequence in it can paint a FAIL green."""
    assert legible(text) == expected


@given(st.text())
def test_what_is_legible_can_be_written_and_shown(text):
    """The property that the table above samples; a text that is legible stays as it is."""
    found = legible(text)
    found.encode()
    assert found.isprintable()
    assert legible(found) == found
    json.dumps(safe(text)).encode()
