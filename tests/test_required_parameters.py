"""A policy that says with which parameters, or with how many, a gate must run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_promotion import policy as policies
from pytest_promotion.decision.verdict import decide
from pytest_promotion.errors import PolicyError
from pytest_promotion.model import Absence, Gate, GateResult, Outcome, Requested, Scope, Severity, Status
from pytest_promotion.policy import RequiredGate, Rules
from pytest_promotion.policy.comparing import changes
from pytest_promotion.policy.strictness import Strictness

PROMOTION = [sys.executable, "-c", "from pytest_promotion.cli import main; main()"]
GATES = '''
from pathlib import Path
import pytest

FILES = sorted(Path(__file__).parent.parent.glob("replays/*.json"))

@pytest.mark.{severity}
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_replay(artifact, path):
    """The replay agrees."""
    assert artifact(f"replays/{{path.name}}")["agrees"] is True

@pytest.mark.critical
def test_other(artifact):
    """Another gate."""
    assert artifact("evidence/good.json")["score"]
'''


def standing(place, required, names, severity="critical"):
    """A project with a replay for each of *names*, and a policy that requires *required* of the gate."""
    place.write(test_replays=GATES.format(severity=severity))
    for name in names:
        place.file(f"replays/{name}.json", {"agrees": True})
    place.file("promotion.yaml", f"version: 1\nrequired: [other, {{gate: replay, parameters: {required}}}]\n")
    return place


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize(
    ("required", "reason"),
    [
        ("5", "replay has 3 of 5 required parameters"),
        ("[a, b, c, d]", "1 of 5 critical gates did not pass: replay[d]"),
    ],
)
def test_files_that_are_missing_are_missed(place, required, reason, workers):
    """Parameters from a glob: a gate with none of its files would pass by the few that are there."""
    done = standing(place, required, "abc").run(*workers)
    assert done.ret == 1
    assert place.latest()["reasons"] == [reason]


@pytest.mark.parametrize("required", ["3", "2", "[a, b]", "[c, b, a]"])
def test_more_parameters_than_required_pass(place, required):
    """The number is a minimum, and the names are not all there may be."""
    assert standing(place, required, "abc").run().ret == 0
    assert place.latest()["status"] == "PASS"


def test_a_missing_parameter_is_named_in_the_checks(place):
    """The reader of the decision has to know which file to look for."""
    standing(place, "[a, z]", "abc").run()
    assert (place.check("replay[z]")["outcome"], place.check("replay[z]")["reason"]) == (
        "NOT_RUN",
        "is required and was not collected",
    )


@pytest.mark.parametrize("required", ["4", "[a, z]"])
def test_a_parameter_of_a_warning_gate_is_required_too(place, required):
    """A list of required gates does not ask how severe they are: what is not there has no severity."""
    assert standing(place, required, "abc", "warning").run().ret == 1
    assert place.latest()["status"] == "FAIL"


def test_one_parameter_by_itself_is_a_look(place):
    """A partial session says nothing about the others."""
    standing(place, "5", "abc").run("gates/test_replays.py::test_replay[a]")
    assert place.decisions()[-1]["status"] == "PARTIAL"


@pytest.mark.parametrize(("count", "status"), [(3, "PASS"), (4, "FAIL")])
def test_shards_are_counted_together(place, count, status):
    """No shard has all of them; the merge has."""
    standing(place, count, "abc")
    for index in (1, 2):
        place.run("--promotion-run-id=ci-7", f"--promotion-shard={index}/2", "--promotion-reports=out")
    files = sorted((place.path / "out" / "promotion_gates").glob("shard_*.json"))
    done = subprocess.run([*PROMOTION, "merge", *map(str, files)], cwd=place.path, check=False, capture_output=True)
    assert done.returncode == (0 if status == "PASS" else 2), done.stderr
    assert place.latest()["status"] == status
    assert place.latest()["reasons"] == ([] if status == "PASS" else ["replay has 3 of 4 required parameters"])


def test_a_gate_that_does_not_apply_needs_no_parameters(place):
    """The policy says of the whole gate that it does not apply."""
    for required in ("9", "[x, y]"):
        standing(place, required, "a")
        policy = place.path / "promotion.yaml"
        rule = "gates: {replay: {not_applicable: {because: no replays here, when: {profiles: [default]}}}}\n"
        policy.write_text(policy.read_text() + rule)
        assert place.run().ret == 0
        assert place.latest()["status"] == "PASS"


def test_a_decision_is_asked_for_its_parameters_again(place):
    """`verify` reads the list of the policy that was kept: a decision with fewer checks is refused."""
    from pytest_promotion.trust import required_gates
    from pytest_promotion.trust.stored import parse

    standing(place, "3", "abc").run()
    latest = place.folder / "latest.json"
    policy = policies.load(place.path / "promotion.yaml", None)
    decision = parse(latest.read_bytes(), "latest.json")
    assert list(required_gates.unanswered(decision, policy)) == []
    place.file(
        "promotion.yaml", "version: 1\nrequired: [{gate: replay, parameters: 4}, {gate: other, parameters: [q]}]\n"
    )
    more = policies.load(place.path / "promotion.yaml", None)
    assert list(required_gates.unanswered(decision, more)) == [
        "the required gate other[q] is not in it",
        "replay has 3 of 4 required parameters",
    ]


def result(name, outcome=Outcome.PASS, absent=None):
    return GateResult(Gate(name, Severity.CRITICAL), outcome, "", absent=absent)


@pytest.mark.parametrize(
    ("requested", "absent", "status", "scope"),
    [
        (Requested.ALL, None, Status.FAIL, Scope.FULL),
        (Requested.PLACES, None, Status.PARTIAL, Scope.PARTIAL),
        (Requested.CHOSEN, Absence.DESELECTED, Status.PARTIAL, Scope.PARTIAL),
    ],
)
def test_too_few_is_a_fail_where_all_were_requested(requested, absent, status, scope):
    """A session that was requested to run less may have left the others out; it never is a PASS."""
    results = [result("g[a]"), result("g[b]", Outcome.NOT_RUN, absent)]
    verdict = decide(results, ["g"], requested=requested, counts={"g": 2})
    assert (verdict.status, verdict.scope) == (status, scope)
    short = "g has 1 of 2 required parameters"
    assert (short in verdict.reasons) is (absent is None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{gate: g, parameters: 0}", "line 2: required.0.parameters: expected `int` >= 1"),
        ("{gate: g, parameters: []}", "line 2: required.0.parameters"),
        ("{gate: g, parameters: true}", "line 2: required.0.parameters"),
        ("{gate: g}", "line 2: required.0: object missing required field `parameters`"),
        ("{gate: g, paramters: 3}", "line 2: unknown key 'paramters'; did you mean 'parameters'?"),
        ("{gate: 'g[a]', parameters: 3}", "line 2: required: g[a] is one parameter of a gate"),
        ("3", "line 2: required.0: expected a gate id, or a mapping of `gate` and `parameters`, got `int`"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, text, message):
    """A number of parameters that is misspelt is none."""
    path = tmp_path / "promotion.yaml"
    path.write_text(f"version: 1\nrequired: [{text}]\n")
    with pytest.raises(PolicyError) as refused:
        policies.load(path, None)
    assert message in str(refused.value)


def test_included_lists_add_up(tmp_path):
    """Of two numbers for one gate the greater holds, and names of both are required."""
    (tmp_path / "base.yaml").write_text(
        "version: 1\nrequired: [{gate: g, parameters: 3}, {gate: h, parameters: [a]}]\n"
    )
    own = "version: 1\ninclude: [base.yaml]\nrequired: [{gate: g, parameters: 2}, {gate: h, parameters: [b]}, g]\n"
    (tmp_path / "promotion.yaml").write_text(own)
    rules = policies.load(tmp_path / "promotion.yaml", None).rules
    assert rules.required_counts == {"g": 3}
    assert rules.required_ids == ["g", "h", "h[a]", "h[b]"]


def needing(parameters):
    return Rules(required=["g" if parameters is None else RequiredGate(gate="g", parameters=parameters)])


@pytest.mark.parametrize(
    ("weaker", "stronger"), [(None, 3), (2, 3), (None, ["a"]), (["a"], ["a", "b"]), (2, ["a", "b"]), (1, ["a", "b"])]
)
def test_fewer_parameters_are_weaker(weaker, stronger):
    """`promotion policy diff` has to say no to a number that shrinks."""
    one, other = needing(weaker), needing(stronger)
    assert {change.strictness for change in changes(one, other)} == {Strictness.STRONGER}
    assert {change.strictness for change in changes(other, one)} == {Strictness.WEAKER}


def test_names_for_a_greater_number_are_weaker_in_one_way():
    """Ten of any against two by name: each asks for something that the other does not."""
    found = {change.strictness for change in changes(needing(10), needing(["a", "b"]))}
    assert found == {Strictness.WEAKER, Strictness.STRONGER}
