"""Names in a policy that match nothing are shown, each with the name that is near."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pytest_promotion import policy as policies
from pytest_promotion.errors import PolicyError

PROMOTION = [sys.executable, "-c", "from pytest_promotion.cli import main; main()"]
WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
GATES = '''
import pytest

@pytest.mark.critical
@pytest.mark.parametrize("name", ["a", "b"])
def test_score(artifact, measure, policy, name):
    """It is good enough."""
    score = artifact("evidence/good.json")["score"]
    measure.at_least("score", score, policy["base"])
    if "min_score" in policy:
        measure.at_least("score", score, policy["min_score"])
    if name == "b":
        assert policy["only_b"]
'''


def policy_of(place, thresholds, more=""):
    """A project with one gate in two parameters, and a policy with *thresholds* for it."""
    place.write(test_gates=GATES)
    place.file("promotion.yaml", f"version: 1\ngates: {{score: {{thresholds: {{{thresholds}}}}}}}\n{more}")
    return place


def promotion(place, *words):
    """A command in a process of its own."""
    return subprocess.run([*PROMOTION, *words], cwd=place.path, check=False, capture_output=True, text=True)


@WORKERS
def test_a_threshold_that_no_gate_reads_is_named(place, workers):
    """A limit that is misspelt limits nothing, and the gate passes."""
    policy_of(place, "base: 0.5, only_b: true, min_scroe: 0.99, other: 1")
    done = place.run(*workers)
    assert done.ret == 0
    assert place.latest()["policy_unused"] == ["score.min_scroe (nearest: min_score)", "score.other"]
    done.stdout.fnmatch_lines(["*the policy sets what no gate reads: score.min_scroe (nearest: min_score)"])


@pytest.mark.parametrize(
    "reading",
    ['policy["x"]', 'policy.get("x")', '"x" in policy', "dict(policy)", "list(policy)", "list(policy.items())"],
)
def test_every_way_to_read_counts(place, reading):
    """A setting that a gate reads is no warning."""
    place.write(
        test_gates=f"import pytest\n@pytest.mark.critical\ndef test_a(policy):\n    assert policy['y'] and {reading}\n"
    )
    place.file("promotion.yaml", "version: 1\ngates: {a: {thresholds: {x: 1, y: 1}}}\n")
    assert place.run().ret == 0
    assert place.latest()["policy_unused"] == []


def test_a_gate_that_failed_may_have_ended_before_it_read(place):
    """Only what passed has read all that it reads."""
    policy_of(place, "base: 0.95, only_b: true, min_score: 0.5").run()
    assert (place.latest()["status"], place.latest()["policy_unused"]) == ("FAIL", [])


def test_a_partial_run_names_nothing(place):
    """Another parameter may read it."""
    policy_of(place, "base: 0.5, only_b: true").run("gates/test_gates.py::test_score[a]")
    assert place.decisions()[-1]["policy_unused"] == []


def test_a_threshold_that_is_missed_names_the_near_one(place):
    """The gate fails; the reason says which key was meant."""
    policy_of(place, "bsae: 0.5, only_b: true").run()
    assert "no threshold 'base' for score[a]; did you mean 'bsae'?" in place.check("score[a]")["reason"]


@pytest.mark.parametrize(("pattern", "status"), [("score", "PASS"), ("sco*", "PASS"), ("scroe", "FAIL")])
def test_an_excuse_for_a_gate_that_does_not_exist_fails(place, pattern, status):
    """It excuses nothing, and its author believes that it does."""
    excuse = f"prove:\n  equivalent:\n    - {{gate: '{pattern}', because: has no effect on it}}\n"
    policy_of(place, "base: 0.5, only_b: true, min_score: 0.5", excuse).run()
    message = "promotion.yaml line 5: no gate is called 'scroe'; did you mean 'score'?"
    assert (place.latest()["status"], place.latest()["reasons"]) == (status, [message] if status == "FAIL" else [])


def test_a_merge_names_them_too(place):
    """No shard has all gates, and none of them can say that a name matches nothing."""
    policy_of(place, "base: 0.5, only_b: true, min_scroe: 1", "profiles: {default: {gates: {scroe: {}}}}\n")
    for index in (1, 2):
        place.run("--promotion-run-id=r", f"--promotion-shard={index}/2", "--promotion-reports=out")
    files = sorted(map(str, (place.path / "out" / "promotion_gates").glob("shard_*.json")))
    assert promotion(place, "merge", *files).returncode == 2
    latest = place.latest()
    assert latest["policy_unused"] == ["score.min_scroe (nearest: min_score)"]
    assert latest["reasons"] == ["promotion.yaml line 3: no gate is called 'scroe'; did you mean 'score'?"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profiles: {ci: {}, b: {extends: cii}}", "line 2: no profile 'cii'; did you mean 'ci'?"),
        (
            "profiles: {prod: {}}\ngates: {a: {not_applicable: {because: not deployed there, when: {profiles: [prd]}}}}",
            "line 3: no profile 'prd'; did you mean 'prod'?",
        ),
        (
            "profiles: {p: {gates: {a: {not_applicable: {because: not deployed there, when: {profiles: [q]}}}}}}",
            "line 2: no profile 'q'; known: default, p",
        ),
    ],
)
def test_a_profile_that_does_not_exist_is_refused(tmp_path, text, message):
    """Also where the profile in use does not need it: a condition that is never met is never noticed."""
    path = tmp_path / "promotion.yaml"
    path.write_text(f"version: 1\n{text}\n")
    with pytest.raises(PolicyError) as refused:
        policies.load(path, None)
    assert message in str(refused.value)


def test_a_session_refuses_it(good_place):
    """Exit code 4, before anything runs."""
    good_place.file("promotion.yaml", "version: 1\nprofiles: {ci: {}, b: {extends: cii}}\n")
    assert good_place.run().ret == 4
    assert "no profile 'cii'" in good_place.latest()["reasons"][0]


class TestCheck:
    """`promotion policy check` compares the names with the sources of the gates."""

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("gates: {scroe: {}}", "promotion.yaml line 2: no gate is called 'scroe'; did you mean 'score'?"),
            ("gates: {'scroe[a]': {}}", "line 2: no gate is called 'scroe[a]'; did you mean 'score'?"),
            ("required: [score, scoer]", "required in the profile default: no gate is called 'scoer'"),
            ("profiles: {ci: {required: [{gate: gone, parameters: 2}]}}", "required in the profile ci: no gate is"),
            ("prove: {equivalent: [{gate: zzz, because: has no effect}]}", "line 2: no gate is called 'zzz'"),
        ],
    )
    def test_a_gate_that_no_source_defines_is_a_no(self, place, text, message):
        """It was exit code 0: the check that a pipeline relies on has to say no."""
        place.write(test_gates=GATES)
        place.file("promotion.yaml", f"version: 1\n{text}\n")
        done = promotion(place, "policy", "check")
        assert done.returncode == 2
        assert message in done.stderr
        assert json.loads(promotion(place, "policy", "check", "--json").stdout)["unknown"]

    @pytest.mark.parametrize("gates", ["gates", "release_gates"])
    def test_what_the_sources_define_is_a_yes(self, place, gates):
        """Parameters are not known to the sources; the gate is."""
        place.file(f"{gates}/test_gates.py", GATES)
        place.file(
            "promotion.yaml",
            "version: 1\nrequired: [{gate: score, parameters: [a]}]\ngates: {'score[b]': {}}\n"
            "prove: {equivalent: [{gate: 'sc*', because: has no effect}]}\n",
        )
        words = [] if gates == "gates" else ["--gates", gates]
        done = promotion(place, "policy", "check", *words)
        assert (done.returncode, done.stderr) == (0, "")

    def test_without_sources_it_says_so(self, place):
        """A check that was not made is not taken for one."""
        place.file("promotion.yaml", "version: 1\ngates: {anything: {}}\n")
        done = promotion(place, "policy", "check")
        assert done.returncode == 0
        assert "were not checked" in done.stderr

    def test_a_profile_that_does_not_exist_is_wrong_usage(self, place):
        """As every mistake that has a line."""
        place.file("promotion.yaml", "version: 1\nprofiles: {b: {extends: cii}}\n")
        assert promotion(place, "policy", "check").returncode == 4
