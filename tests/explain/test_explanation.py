"""`promotion explain`: root causes before consequences, and the fewest mends, proven."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promotion.errors import Unproven
from pytest_promotion.explain.explanation import explain, lines
from pytest_promotion.explain.simulation import case_of
from pytest_promotion.model import Absence, Outcome, Severity, Status
from pytest_promotion.trust.stored import parse
from tests.cli.test_commands import promotion
from tests.decisions import NOW, decided, gate, seen


def stored(*results, **more):
    """The decision on some results, read back."""
    return parse(json.dumps(decided(*results, **more)).encode(), "it")


def explained(*results, at=NOW, asked="", **more):
    return explain(stored(*results, **more), at, asked)


@st.composite
def promotions(draw, most=9):
    """Gates of all outcomes and severities that require each other in any way, circles among them."""
    names = [f"g{number}" for number in range(draw(st.integers(1, most)))]
    return [
        gate(
            name,
            draw(st.sampled_from(["PASS", "PASS", "FAIL", "INCONCLUSIVE", "NOT_RUN", "WAIVED", "ERROR"])),
            severity=draw(st.sampled_from(list(Severity))),
            requires=tuple(draw(st.lists(st.sampled_from(names), max_size=2, unique=True))),
        )
        for name in names
    ]


def fewest(case):
    """Every smallest set of mends that gives PASS, found by trying all of them."""
    bad = [one.gate.id for one in case.own if not one.passed]
    for size in range(len(bad) + 1):
        found = [set(names) for names in itertools.combinations(bad, size) if case.verdict(names).passed]
        if found:
            return found
    return []


class TestSmallest:
    """The set of mends."""

    @settings(max_examples=150, deadline=None)
    @given(results=promotions())
    def test_it_is_the_only_smallest_one(self, results):
        """A mend too many is an evening wasted; one too few is a promise that is not kept."""
        case = case_of(stored(*results))
        found = fewest(case)
        if found:
            assert found == [set(case.smallest())]
        else:  # nothing is critical
            assert not case.verdict(case.smallest()).passed

    def test_it_is_the_only_smallest_one_of_twelve(self):
        """What holds for three gates and not for twelve holds on no roll-call."""
        results = [
            gate(
                f"g{n}",
                "FAIL",
                severity="critical" if n % 3 == 0 else "warning",
                requires=(f"g{n - 5}",) if n > 4 else (),
            )
            for n in range(12)
        ]
        case = case_of(stored(*results))
        assert fewest(case) == [set(case.smallest())]
        assert 4 < len(case.smallest()) < 12

    @settings(max_examples=60, deadline=None)
    @given(results=promotions(most=40))
    def test_of_many_gates_none_can_be_left_out(self, results):
        """Beyond what can be tried out, each mend is taken away once."""
        case = case_of(stored(*results))
        mends = set(case.smallest())
        if case.verdict(mends).passed:
            assert not any(case.verdict(mends - {name}).passed for name in mends)

    @settings(max_examples=60, deadline=None)
    @given(results=promotions())
    def test_it_is_in_the_order_of_the_work(self, results):
        """Whoever mends a consequence first runs it twice."""
        order = case_of(stored(*results)).smallest()
        requires = {one.gate.id: one.gate.requires for one in results}

        def reaches(start, goal, seen=()):
            return any(one == goal or (one not in seen and reaches(one, goal, (*seen, one))) for one in requires[start])

        if not any(reaches(name, name) for name in requires):  # in a circle, nobody can say what is first
            assert not any(reaches(early, late) for early, late in itertools.combinations(order, 2))

    @pytest.mark.slow
    def test_ten_thousand_gates_in_a_chain(self):
        """An explanation of a large suite that overflows the stack explains nothing."""
        results = [gate("g0", "FAIL")] + [gate(f"g{n}", "FAIL", requires=(f"g{n - 1}",)) for n in range(1, 10_000)]
        assert case_of(stored(*results)).smallest()[:3] == ("g0", "g1", "g2")


def test_a_consequence_is_told_under_its_cause():
    """Twenty red gates of one cause are twenty calls to twenty owners."""
    found = explained(
        gate("late", requires=("middle",)),
        gate("middle", requires=("root",)),
        gate("root", "FAIL", owner="ops", fix="make root", record=seen("data/root.json", age_s=2000)),
        gate("apart", "FAIL", severity="warning"),
    )
    assert [(cause.result.gate.id, cause.needed) for cause in found.causes] == [("root", True), ("apart", False)]
    assert set(found.causes[0].consequences) == {"late", "middle"}
    assert found.mends == ("root",)
    text = "\n".join(lines(found))
    for said in ("owner: ops", "fix: make root", "stale: 33 min old", "consequences: ", "at gates/test_all.py:7"):
        assert said in text


def test_a_warning_that_a_critical_gate_rests_on_has_to_be_mended():
    """A warning blocks nothing by itself, and everything that stands on it."""
    assert explained(gate("a", requires=("w",)), gate("w", "FAIL", severity="warning")).mends == ("w",)


def test_what_a_waiver_accepts_needs_no_mend():
    """Whoever mends under a waiver mends what was accepted."""
    found = explained(gate("a", "WAIVED", requires=("w",)), gate("b", "FAIL"), gate("w", "FAIL", severity="warning"))
    assert found.mends == ("b",)


def test_a_problem_of_the_run_is_turned_by_no_mend():
    """An operator who mends all gates and is still refused stops believing the list."""
    found = explained(gate("a", "FAIL"), problems=["data/x.json changed during the run"])
    assert found.mends == ("a",)
    assert found.unmendable == ("data/x.json changed during the run",)
    assert "no mend of a gate turns this: data/x.json" in "\n".join(lines(found))


def test_a_requirement_that_does_not_exist_is_turned_by_no_mend():
    """A misspelt `requires` is mended in the source and nowhere else."""
    assert explained(gate("a", requires=("gone",))).unmendable


def test_without_a_critical_gate_nothing_turns_it():
    """An empty proof stays empty, however green its warnings."""
    assert "no critical gate ran" in explained(gate("w", "FAIL", severity="warning")).unmendable[0]


def test_a_look_at_some_gates_names_those_that_are_missing():
    """PARTIAL is mended by running the rest."""
    found = explained(gate("a"), gate("b", "NOT_RUN", absent=Absence.DESELECTED))
    assert (found.status, found.mends, found.unmendable) == ("PARTIAL", ("b",), ())
    assert "b: run it too" in "\n".join(lines(found))


def test_a_pass_says_what_turns_first():
    """A PASS is read at nine and acted on at noon."""
    found = explained(gate("a", record=seen("data/a.json")), gate("b", record=seen("data/b.json", max_age_s=600)))
    assert found.passed
    assert found.until.because == "data/b.json goes stale at 10 min of age"
    assert "first to turn: " in "\n".join(lines(found))


def test_an_expired_pass_is_none():
    """Yesterday's PASS answers yesterday's question."""
    found = explained(gate("a", record=seen("data/a.json")), at=NOW + timedelta(hours=1))
    assert found.expired
    assert not found.passed


def test_one_gate_is_explained_by_its_own_causes():
    """A question about one gate that is answered with all of them is not answered."""
    results = [gate("a", requires=("b",)), gate("b", "FAIL"), gate("c", "FAIL")]
    found = explained(*results, asked="a")
    assert [cause.result.gate.id for cause in found.causes] == ["b"]
    assert (found.mends, found.unmendable) == (("b",), ())
    assert explained(gate("x"), *results, asked="x").mends == ()


@pytest.mark.parametrize(
    "change",
    [
        {"status": "PASS", "passed": True, "reasons": [], "critical_failures": []},
        {"scope": "full", "status": "PARTIAL"},
    ],
    ids=["pass", "partial"],
)
def test_a_status_that_does_not_follow_is_not_explained(change):
    """Explaining a forged decision lends it reasons."""
    decision = parse(json.dumps(decided(gate("a", "FAIL")) | change).encode(), "it")
    with pytest.raises(Unproven, match="follows from its checks"):
        case_of(decision)


@settings(max_examples=100, deadline=None)
@given(results=promotions(), problems=st.lists(st.sampled_from(["a broke", "b broke"]), unique=True, max_size=2))
def test_every_decision_is_decided_again_from_its_file(results, problems):
    """A simulation that does not reproduce what was decided foretells nothing."""
    decision = stored(*results, problems=problems)
    case = case_of(decision)
    unmet = [reason for reason in case.problems if "there is no such gate" not in reason]
    assert unmet == problems
    found = explain(decision, NOW)
    assert found.passed == (decision.status == "PASS")
    assert case.verdict(found.mends).passed == (not found.unmendable)
    assert {cause.result.gate.id for cause in found.causes} == {
        one.gate.id for one in results if one.outcome not in (Outcome.PASS, Outcome.WAIVED)
    }
    assert list(lines(found))
    assert json.dumps(found.document())
    assert case.verdict().status is Status(decision.status)


class TestCommand:
    """`promotion explain`."""

    BAD = (
        "import pytest\n\n@pytest.mark.critical(owner='ops', fix='mend it')\ndef test_bad(measure):\n"
        "    measure.at_least('x', 1, 2)\n\n@pytest.mark.critical(requires=['bad'])\ndef test_after(measure):\n"
        "    measure.at_least('x', 3, 2)\n"
    )

    def test_the_latest_decision_is_explained(self, good_place):
        """The first question after a red run needs no file name."""
        good_place.write(test_bad=self.BAD).run()
        done = promotion("explain", "--json", cwd=good_place.path)
        assert done.returncode == 2, done.stderr
        said = json.loads(done.stdout)
        assert said["mends"] == [{"gate": "bad", "owner": "ops", "fix": "mend it"}]
        assert said["causes"][0]["consequences"] == ["after"]
        assert "bad (ops): mend it" in promotion("explain", cwd=good_place.path).stdout
        after = promotion("explain", "--gate", "good", cwd=good_place.path)
        assert (after.returncode, "good is PASS" in after.stdout) == (2, True)

    def test_what_it_promises_comes_true(self, good_place):
        """The set of mends, carried out in a real session."""
        good_place.write(test_bad=self.BAD).run()
        good_place.write(test_bad=self.BAD.replace("'x', 1, 2", "'x', 2, 2")).run()
        done = promotion("explain", cwd=good_place.path)
        assert (done.returncode, done.stdout.splitlines()[0]) == (0, "PASS")

    def test_a_pass_is_0_until_it_expires(self, good_place, ago):
        """An exit code that stays 0 for ever is read for ever."""
        good_place.run()
        assert promotion("explain", cwd=good_place.path).returncode == 0
        assert promotion("explain", "--at", ago(timedelta(days=-2)), cwd=good_place.path).returncode == 2

    @pytest.mark.slow
    @pytest.mark.parametrize("content", ["", "{}", '{"finished": false, "reasons": ["killed"]}', "[]"])
    def test_what_cannot_be_read_is_3(self, tmp_path, content):
        """A file that says nothing explains nothing."""
        (tmp_path / "a.json").write_text(content)
        done = promotion("explain", "a.json", cwd=tmp_path)
        assert (done.returncode, "Traceback" in done.stderr) == (3, False)

    @pytest.mark.parametrize("words", [("--gate", "goood"), ("--at", "noon")])
    def test_wrong_words_are_4(self, good_place, words):
        """A gate that does not exist is not explained by silence."""
        good_place.run()
        assert promotion("explain", *words, cwd=good_place.path).returncode == 4
