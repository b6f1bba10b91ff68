"""Where a gate failed: its own line in the terminal and in the debugger, and its reason in one line."""

from __future__ import annotations

import ast
import json
import textwrap

import pytest
from _pytest.assertion.rewrite import rewrite_asserts

from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.plugin.failure_reasons import of_failure

GATES = """
import pytest


@pytest.mark.critical
def test_score(artifact, measure):
    score = artifact("evidence/good.json")["score"]
    measure.at_least("score", score, 0.95)


@pytest.mark.critical
def test_gone(artifact):
    artifact("evidence/gone.json")


@pytest.mark.critical
def test_stale(artifact, freshness):
    freshness(artifact("evidence/old.json"), max_age="1h")


@pytest.mark.critical
def test_command(command):
    command(["no-such-program"])


@pytest.mark.critical
def test_field(artifact):
    artifact("evidence/good.json")["nothing"]
"""
LINES = {
    "score": (8, "score is 0.9, expected >= 0.95"),
    "gone": (13, "evidence/gone.json is missing"),
    "stale": (18, "evidence/old.json is "),
    "command": (23, "no-such-program cannot be run"),
    "field": (28, "evidence/good.json has no field 'nothing'"),
}


@pytest.fixture
def failing(place):
    """A project in which every kind of evidence refuses once."""
    place.file("evidence/old.json", {"ts_utc": "2020-01-01T00:00:00+00:00"})
    return place.write(test_all=GATES)


class TestTerminal:
    """What pytest prints under FAILURES."""

    @pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "workers"])
    def test_the_line_of_the_gate_and_the_sentence(self, failing, workers):
        """A sentence without a place leaves the reader to search for the gate."""
        done = failing.run("--tb=short", *workers)
        lines = [line.rstrip() for line in done.outlines]
        for name, (number, sentence) in LINES.items():
            start = lines.index(f"gates/test_all.py:{number}: in test_{name}")
            assert lines[start + 1].strip() == GATES.splitlines()[number - 1].strip()
            assert lines[start + 2].startswith(f"E   {sentence}")
        assert "pytest_promotion/evidence" not in done.stdout.str()
        assert failing.check("score")["reason"].startswith("score is 0.9, expected >= 0.95")

    @pytest.mark.parametrize(
        ("style", "lines"),
        [
            (
                "auto",
                [">       measure.at_least(*", "E       score is 0.9, expected >= 0.95", "*test_all.py:8: GateFailed"],
            ),
            (
                "long",
                [">       measure.at_least(*", "E       score is 0.9, expected >= 0.95", "*test_all.py:8: GateFailed"],
            ),
            ("line", ["*test_all.py:8: score is 0.9, expected >= 0.95"]),
            ("native", ['*test_all.py", line 8, in test_score', "*measure.at_least(*", "*GateFailed: score is 0.9*"]),
        ],
    )
    def test_every_style_ends_at_the_gate(self, failing, style, lines):
        """`--tb=native` prints hidden frames too."""
        done = failing.run(f"--tb={style}", "-k", "score")
        done.stdout.fnmatch_lines(lines)
        assert "measures.py" not in done.stdout.str()

    def test_all_frames_are_there_where_asked(self, failing):
        """A fault in this package is found by its frames."""
        done = failing.run("--full-trace", "-k", "score")
        assert "measures.py" in done.stdout.str()

    def test_the_caller_of_a_helper_is_shown(self, place):
        """Many gates share a helper: which of them it was for is in its caller."""
        place.file("gates/limits.py", "def check(measure, value):\n    measure.at_most('drift', value, 1)\n")
        place.write(
            test_a="import pytest\nfrom limits import check\n\n@pytest.mark.critical\ndef test_a(measure):\n    check(measure, 2)\n"
        )
        place.run("--tb=short").stdout.fnmatch_lines(
            ["gates/test_a.py:6: in test_a", "*", "gates/limits.py:2: in check", "*", "E   drift is 2, expected <= 1"]
        )

    def test_a_fault_of_this_package_keeps_its_frames(self, place):
        """Where a measure itself breaks, the line of the gate explains nothing."""
        place.write(
            test_a="import pytest\n\nclass Odd(float):\n    def __ge__(self, other):\n        raise KeyError('odd')\n\n"
            "@pytest.mark.critical\ndef test_a(measure):\n    measure.at_least('x', Odd(1), 0)\n"
        )
        assert "measures.py" in place.run("--tb=short").stdout.str()

    def test_what_only_this_package_did_stays_one_sentence(self, place):
        """A fixture of this package that refuses has no line of the project on its way."""
        place.write(
            test_a="import pytest\n\n@pytest.mark.critical\ndef test_a():\n    return False\n",
        )
        done = place.run()
        assert "returned a value" in done.stdout.str()
        assert "python.py" not in done.stdout.str()


@pytest.mark.parametrize("name", ["score", "gone", "stale"])
def test_the_debugger_stops_in_the_gate(failing, name):
    """A prompt inside of this package knows none of the gate's variables."""
    failing.file(
        "gates/test_all.py",
        GATES.replace("(artifact, ", "(artifact, request, ").replace("(artifact)", "(artifact, request)"),
    )
    child = failing.pytester.popen(
        [*failing.pytester._getpytestargs(), f"gates/test_all.py::test_{name}", "--pdb", "-p", "no:cacheprovider"],
        stdin=b"p 'stopped in ' + request.node.name\nq\n",
    )
    out, _ = child.communicate(timeout=300)
    assert f"stopped in test_{name}".encode() in out


def compared(left, right, message=None):
    """The failure of an assertion as pytest rewrites it: its layout is what is read here."""
    source = textwrap.dedent("""
        def check(left, right, message):
            if message is None:
                assert left == right
            else:
                assert left == right, message
    """)
    tree = ast.parse(source)
    rewrite_asserts(tree, source.encode())
    space = {}
    exec(compile(tree, "gate", "exec"), space)
    with pytest.raises(AssertionError) as caught:
        space["check"](left, right, message)
    return caught.value


class TestReason:
    """The sentence of the decision."""

    def test_a_comparison_is_whole(self):
        """`assert {` compares nothing."""
        assert of_failure(compared({"a": 1}, {"a": 2})) == ("fail", "assert {'a': 1} == {'a': 2}")

    def test_a_message_of_one_line_is_the_sentence(self):
        """Its author knows better than the comparison what is wrong."""
        assert of_failure(compared(1, 2, "the books differ")) == ("fail", "the books differ")

    def test_a_message_over_lines_has_its_comparison(self):
        """A document laid out over lines starts with a bracket, and that was all the decision gave."""
        message = json.dumps({"a": 1, "b": [1, 2]}, indent=2)
        expected = """assert {'a': 1} == {'a': 2}: { "a": 1, "b": [ 1, 2 ] }"""
        assert of_failure(compared({"a": 1}, {"a": 2}, message)) == ("fail", expected)

    @pytest.mark.parametrize(
        ("problem", "sentence"),
        [
            (AssertionError("\nArrays differ\n\n  at 3\n"), "Arrays differ at 3"),
            (AssertionError("first\n  second\nassert False"), "first second"),
            (AssertionError("{\n  }\nassert False"), "{ }"),
            (AssertionError(), "an assertion failed"),
            (pytest.fail.Exception("one\ntwo"), "one two"),
            (GateFailed("score is 1, expected >= 2"), "score is 1, expected >= 2"),
        ],
    )
    def test_lines_become_one(self, problem, sentence):
        """A decision has one line for each gate."""
        assert of_failure(problem) == ("fail", sentence)

    def test_it_ends_at_five_hundred_characters(self):
        """A frame of data would fill the report."""
        kind, sentence = of_failure(AssertionError("word\n" * 1000))
        assert (kind, len(sentence), sentence[-3:]) == ("fail", 500, "...")

    def test_other_exceptions_keep_their_first_line(self):
        """What a library adds below it is for its own readers."""
        assert of_failure(ValueError("bad value\nsee the manual")) == ("error", "ValueError: bad value")
        assert of_failure(Unproven("x is missing")) == ("inconclusive", "x is missing")
