"""Shards of a run: each decides nothing, all of them together decide as one session would."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promotion import policy as policies
from pytest_promotion.decision import shards
from pytest_promotion.decision.assembly import decision_of
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.model import Exhibit, Gate, GateResult, GitState, Outcome, Record, Requested, Severity
from pytest_promotion.reporting import json as as_json
from tests.conftest import now_iso
from tests.verifying import LOOSE

PROMOTION = [sys.executable, "-c", "from pytest_promotion.cli import main; main()"]
RUN = ("--promotion-run-id", "ci-7")
GATES = '''
import pytest

@pytest.mark.critical
@pytest.mark.parametrize("name", ["a", "b", "c", "d"])
def test_score(artifact, freshness, measure, name):
    """It is good enough."""
    report = artifact("evidence/good.json")
    freshness(report)
    measure.at_least("score", report["score"], 0.5)

@pytest.mark.critical(requires=["score[a]", "score[d]"])
def test_rests_on_others(artifact):
    """It rests on gates of other shards."""
    assert artifact("evidence/good.json")["score"]

@pytest.mark.warning
def test_aside(command):
    """A program agrees."""
    assert command(["true"]).exit_code == 0
'''


@pytest.fixture
def sharded(place):
    """A project with six gates, and a policy that calls for all of them."""
    place.file("promotion.yaml", "version: 1\nrequired: [score, rests_on_others, aside]\n")
    return place.write(test_gates=GATES)


def run_shard(place, index, count=3, *more, reports=None):
    """One shard, into a report folder of its own as on a machine of its own."""
    folder = place.path / (reports or f"shard{index}")
    done = place.run(*RUN, f"--promotion-shard={index}/{count}", f"--promotion-reports={folder}", *more)
    return done, sorted((folder / "promotion_gates").glob("shard_*.json"))


def merge(place, *files, more=()):
    """`promotion merge`, and the decision it wrote."""
    done = subprocess.run(
        [*PROMOTION, "merge", *map(str, files), "--reports", "merged", *more],
        cwd=place.path,
        capture_output=True,
        text=True,
        check=False,
    )
    latest = place.path / "merged" / "promotion_gates" / "latest.json"
    return done, json.loads(latest.read_bytes()) if latest.exists() else None


def all_shards(place, count=3, *more):
    """Every shard of a run."""
    return [file for index in range(1, count + 1) for file in run_shard(place, index, count, *more)[1]]


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "xdist"])
def test_all_shards_together_decide_as_one_session(sharded, workers):
    """A verdict that depends on how many machines took it is not a verdict about the candidate."""
    whole = sharded.run()
    assert whole.ret == 0
    done, decision = merge(sharded, *all_shards(sharded, 3, *workers))
    assert (done.returncode, decision["status"], decision["run_id"]) == (0, "PASS", "ci-7")
    alone = sharded.latest()
    outcomes = [[(one["name"], one["outcome"]) for one in each["checks"]] for each in (alone, decision)]
    assert outcomes[0] == outcomes[1]
    ids = [one["evidence_bundle"]["evidence_bundle_id"] for one in (alone, decision)]
    assert ids[0] == ids[1]


@pytest.fixture
def key(sharded):
    """A key pair: the paths of its two files."""
    from pytest_promotion.trust.keys import generate

    return generate(sharded.path / "keys" / "k")


def test_a_merged_decision_can_be_verified_and_signed(sharded, key):
    """The deployment asks the same question of it as of any other."""
    private, public = map(str, key)
    merge(sharded, *all_shards(sharded, 3, "--promotion-sign", private), more=("--key", private))
    words = ["verify", *LOOSE, "merged/promotion_gates/latest.json", "--key", public, "--rerun"]
    done = subprocess.run([*PROMOTION, *words], cwd=sharded.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_decision_is_signed_only_where_its_shards_are(sharded, key):
    """A signature on what anybody may have written says that it was seen, and by nobody."""
    private, public = map(str, key)
    files = all_shards(sharded, 2)
    done, decision = merge(sharded, *files, more=("--key", private))
    assert (done.returncode, decision) == (3, None)
    assert "is not signed" in done.stderr
    assert merge(sharded, *files, more=("--shard-key", public))[0].returncode == 3
    done, decision = merge(sharded, *files, more=("--key", private, "--allow-unsigned-shards"))
    assert (done.returncode, decision["status"]) == (0, "PASS")
    assert merge(sharded, *files, more=("--allow-unsigned-shards",))[0].returncode == 4


def test_a_shard_that_was_edited_after_it_was_signed_is_refused(sharded, key):
    """Its text is a file like any other."""
    private, public = map(str, key)
    files = all_shards(sharded, 2, "--promotion-sign", private)
    assert merge(sharded, *files, more=("--shard-key", public))[0].returncode == 0
    files[0].write_bytes(files[0].read_bytes() + b" ")
    done, _ = merge(sharded, *files, more=("--shard-key", public))
    assert done.returncode == 3
    assert "what was signed" in done.stderr


def test_an_outcome_that_was_edited_is_belied_by_its_measurements(sharded):
    """`"FAIL"` is one word in a file, and the value and the threshold still stand beside it."""
    sharded.file("evidence/good.json", {"ts_utc": now_iso(), "score": 0.1})
    files = all_shards(sharded, 2)
    for file in files:
        text = file.read_text().replace('"FAIL"', '"PASS"').replace('"INCONCLUSIVE"', '"PASS"')
        file.write_text(text)
    done, decision = merge(sharded, *files)
    assert (done.returncode, decision["status"]) == (2, "FAIL")
    assert any("it passed, and score is 0.1, >= 0.5 does not hold" in reason for reason in decision["reasons"])
    for file in files:
        file.write_text(file.read_text().replace('"ok":false', '"ok":true'))
    done, decision = merge(sharded, *files)
    assert (done.returncode, decision["status"]) == (2, "FAIL")
    assert any("score is 0.1, >= 0.5 is said to hold" in reason for reason in decision["reasons"])


def test_a_shard_decides_nothing(sharded):
    """A pipeline that forgets to merge must not have a green job that says PASS."""
    done, files = run_shard(sharded, 1, 1)
    assert done.ret == 1
    done.stdout.fnmatch_lines(["*PARTIAL*"])
    assert len(files) == 1
    assert not (files[0].parent / "latest.json").exists()
    assert merge(sharded, *files)[1]["status"] == "PASS"


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_missing_shard_fails(sharded, missing):
    """A machine that never answered is what a pipeline loses most easily."""
    files = all_shards(sharded)
    del files[missing - 1]
    done, decision = merge(sharded, *files)
    assert (done.returncode, decision["status"]) == (2, "FAIL")
    assert f"shard {missing} of 3 is missing" in decision["reasons"]
    assert any(check["outcome"] == "NOT_RUN" for check in decision["checks"])


def test_a_shard_that_was_run_again_fails(sharded):
    """Running a red shard until it is green is flakiness with a vote."""
    files = all_shards(sharded) + run_shard(sharded, 2, reports="again")[1]
    done, decision = merge(sharded, *files)
    assert done.returncode == 2
    assert "shard 2 of 3 was run 2 times: nobody can tell which one counts" in decision["reasons"]


def test_the_same_file_twice_counts_once(sharded):
    """A glob that matches a download twice is no second run."""
    files = all_shards(sharded)
    assert merge(sharded, *files, *files)[1]["status"] == "PASS"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--promotion-run-id=ci-8",), "run id"),
        (("--promotion-subject=other=sha256:" + "0" * 64,), "subject"),
        (("--promotion-set=max_report_age_min=19",), "profile"),
    ],
    ids=["run", "subject", "override"],
)
def test_shards_of_different_runs_do_not_mix(sharded, words, said):
    """Half of yesterday's PASS and half of today's is a PASS that nobody gave."""
    files = [*run_shard(sharded, 1, 2)[1], *run_shard(sharded, 2, 2, *words)[1]]
    done, decision = merge(sharded, *files)
    assert done.returncode == 2
    assert any(f"have not the same {said}" in reason for reason in decision["reasons"])


def test_shards_under_different_policies_do_not_mix(sharded):
    """One machine with an older checkout judges by an older rule."""
    [first] = run_shard(sharded, 1, 2)[1]
    sharded.file("promotion.yaml", "version: 1\nrequired: [score, rests_on_others, aside]\npartial: allow\n")
    [second] = run_shard(sharded, 2, 2)[1]
    assert any("have not the same policy" in reason for reason in merge(sharded, first, second)[1]["reasons"])


def test_shards_that_saw_different_gates_do_not_mix(sharded):
    """A gate that one machine does not have may fall to nobody."""
    [first] = run_shard(sharded, 1, 2)[1]
    sharded.write(
        test_more="import pytest\n@pytest.mark.warning\ndef test_more(artifact):\n    assert artifact('evidence/good.json').text\n"
    )
    [second] = run_shard(sharded, 2, 2)[1]
    assert any("list of gates" in reason for reason in merge(sharded, first, second)[1]["reasons"])


def test_evidence_that_changes_between_shards_is_seen(sharded, ago):
    """Two machines that judged different bytes did not judge the same candidate."""
    from datetime import timedelta

    [first] = run_shard(sharded, 1, 2)[1]
    sharded.file("evidence/good.json", {"ts_utc": ago(timedelta()), "score": 0.8})
    [second] = run_shard(sharded, 2, 2)[1]
    assert any("changed during the run" in reason for reason in merge(sharded, first, second)[1]["reasons"])


def test_a_gate_that_rests_on_a_failed_one_of_another_shard_is_inconclusive(sharded):
    """`requires` holds across machines."""
    gates = (sharded.path / "gates" / "test_gates.py").read_text()
    sharded.write(test_gates=gates.replace("0.5)", "0.5 if name != 'd' else 0.95)"))
    decision = merge(sharded, *all_shards(sharded))[1]
    outcomes = {check["name"]: check["outcome"] for check in decision["checks"]}
    assert (outcomes["score[d]"], outcomes["rests_on_others"]) == ("FAIL", "INCONCLUSIVE")


def test_more_shards_than_gates_leave_some_empty(sharded):
    """An empty share is no failure, and no gate falls between two."""
    assert merge(sharded, *all_shards(sharded, 8))[1]["status"] == "PASS"


def test_evidence_missing_from_a_shard_s_vault_fails(sharded):
    """A decision whose evidence was left on a machine that is gone rests on nothing."""
    files = all_shards(sharded)
    for file in files:
        for kept in (file.parent / "evidence").rglob("*"):
            if kept.is_file() and b"score" in kept.read_bytes() and b"version" not in kept.read_bytes():
                kept.write_bytes(b"{}")
    decision = merge(sharded, *files)[1]
    assert decision["status"] == "FAIL"
    assert any("in none of the shards' vaults" in reason for reason in decision["reasons"])


@pytest.mark.parametrize(
    "words",
    [
        ("--promotion-shard=1/3",),
        (*RUN, "--promotion-shard=0/3"),
        (*RUN, "--promotion-shard=4/3"),
        (*RUN, "--promotion-shard=1"),
        ("--promotion-run-id=a b", "--promotion-shard=1/3"),
        (*RUN, "--promotion-shard=1/3", "--promotion-as-of=2026-01-01T00:00:00Z"),
        ("--promotion-run-id=../x",),
    ],
    ids=["no-run-id", "zero", "beyond", "no-count", "blank", "replay", "path"],
)
def test_a_share_that_cannot_be_meant_is_refused(sharded, words):
    """A share that is misread leaves gates to nobody."""
    assert sharded.run(*words).ret == 4


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"kind": "shard"}', '{"kind": "decision", "schema_version": 1}'])
def test_what_is_no_shard_is_not_merged(sharded, content):
    """A file that was cut on its way is no answer of its machine."""
    done, decision = merge(sharded, sharded.file("shard.json", content))
    assert (done.returncode, decision) == (3, None)
    assert "Traceback" not in done.stderr


# --- merging is a union ---


@cache
def parts():
    """Four shards of one run, and a second run of the third; made once."""
    gates = [Gate(f"g{number}", Severity.CRITICAL if number % 3 else Severity.WARNING) for number in range(9)]
    policy = policies.Policy(policies.Rules(required=[gate.id for gate in gates]))
    exhibit = Exhibit("a.json", "0" * 64, 1, exists=True)

    def one(index, outcome):
        results = [
            GateResult(gate, outcome, "said", record=Record(exhibits=(exhibit,)))
            for gate in gates
            if gate.id in shards.Share(index, 4).takes([gate.id for gate in gates])
        ]
        return shards.Shard(
            index=index, count=4, run_id="r", ts_utc=f"2026-01-01T00:00:0{index}+00:00", profile="default",
            overrides={}, policy_path=None, policy_sha256=policy.resolved_sha256,
            policy_resolved_sha256=policy.resolved_sha256, policy_files=(), subject=None, manifest=None,
            git=GitState(), plan=tuple(gates), known=tuple(gate.id for gate in gates),
            results=tuple(results), problems=(), requested=Requested.ALL,
        )  # fmt: skip

    made = [one(index, Outcome.PASS) for index in (1, 2, 3, 4)] + [one(3, Outcome.FAIL)]
    return policy, [shards.written(each) for each in made]


def decided(contents):
    """The document of the decision on a set of shards."""
    policy, _ = parts()
    return as_json.document(decision_of(shards.account_of(frozenset(contents), lambda _: policy)))


@given(order=st.permutations(range(5)), cuts=st.lists(st.integers(0, 5), max_size=4), twice=st.lists(st.integers(0, 4)))
@settings(deadline=None)
def test_merging_does_not_depend_on_order_grouping_or_repetition(order, cuts, twice):
    """Files arrive as the network likes; commutative, associative and idempotent."""
    _, contents = parts()
    given_order = [contents[number] for number in (*order, *twice)]
    edges = [0, *sorted(cuts), len(given_order)]
    groups = [frozenset(given_order[start:end]) for start, end in itertools.pairwise(edges)]
    assert decided(frozenset().union(*groups)) == decided(contents)


@given(chosen=st.sets(st.integers(0, 4), min_size=1))
def test_only_the_whole_set_passes(chosen):
    """Any missing or duplicated shard is a FAIL."""
    _, contents = parts()
    passed = decided([contents[number] for number in chosen])["passed"]
    assert passed == (chosen == {0, 1, 2, 3})


@given(names=st.sets(st.text(min_size=1), min_size=1), count=st.integers(1, 12))
def test_every_gate_falls_to_exactly_one_share(names, count):
    """A gate that falls to nobody is never run; one that falls to two is run twice."""
    shares = [shards.Share(index, count).takes(names) for index in range(1, count + 1)]
    assert sorted(name for share in shares for name in share) == sorted(names)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_result_of_a_foreign_gate_is_an_error():
    """A shard that answers for another one could outvote it."""
    policy, contents = parts()
    first, second = (shards.parse(contents[number], "it") for number in (0, 1))
    forged = replace(first, results=(*first.results, *second.results))
    found = as_json.document(
        decision_of(shards.account_of(frozenset([shards.written(forged), *contents[1:4]]), lambda _: policy))
    )
    assert found["status"] == "FAIL"
    assert any("does not belong to" in check["reason"] for check in found["checks"])


def test_nothing_merges_to_nothing():
    """No shard at all is the purest form of no data."""
    with pytest.raises(Unproven):
        decided([])
    with pytest.raises(PolicyError):
        shards.parse_share("1/1", "")
