"""Accepting a failure: one gate, one failure, one candidate, until a moment; everything else stays refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from itertools import starmap

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion.clock import iso
from pytest_promotion.decision.fingerprint import exceeded, failure_of, masked
from pytest_promotion.decision.waivers import apply
from pytest_promotion.model import Gate, GateResult, Measurement, Outcome, Record, Severity, Subject
from pytest_promotion.trust.waivers import Entry
from tests.trust.firm import DIGEST, NOW, RULES, SUBJECT, Desk, drifted, later, stale, written
from tests.verifying import LOOSE

QUORUM = ("cleo", "ben", "pat")
OTHER = "b2" * 32


@pytest.fixture
def judge(firm):
    """What becomes of results under the waivers in a file: their outcomes, and what is wrong."""

    def judged(*entries, results=(), now=NOW, subject=SUBJECT, **files):
        granted = firm.granted(written(*entries), now, subject, **files)
        seen, used, problems = apply(results or [drifted()], granted.waivers, now)
        assert [one.outcome for one in seen].count(Outcome.WAIVED) == len(used)
        return [one.outcome.value for one in seen], [*granted.problems, *problems]

    return judged


def test_a_good_waiver_is_used(firm, judge):
    """What refuses everything refuses every attack as well."""
    entry = firm.entry(drifted(), *QUORUM)
    assert judge(entry) == (["WAIVED"], [])
    assert judge(entry, results=[drifted(30.5)]) == (["WAIVED"], [])
    assert judge(entry, now=NOW + timedelta(days=3) - timedelta(microseconds=1)) == (["WAIVED"], [])


@pytest.mark.parametrize("value", [31.000001, 900, float("inf"), "31", True, None], ids=repr)
def test_worse_than_accepted_is_not_accepted(firm, judge, value):
    """Whoever accepted 31 has not accepted 900, nor what cannot be compared with it."""
    outcomes, problems = judge(firm.entry(drifted(), *QUORUM), results=[drifted(value)])
    assert outcomes == ["FAIL"]
    [said] = problems
    assert "waivers.yaml line 3" in said


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (timedelta(days=3), "expired at 2026-11-24T12:00:00"),
        (timedelta(days=300), "expired at"),
        (-timedelta(minutes=3), "yet to come"),
        (-timedelta(days=300), "yet to come"),
    ],
    ids=["at-its-end", "long-after", "before", "long-before"],
)
def test_the_clock_moved_either_way_ends_it(firm, judge, now, said):
    """A clock that is set back must not bring an exception back."""
    outcomes, problems = judge(firm.entry(drifted(), *QUORUM), now=NOW + now)
    assert (outcomes, len(problems)) == (["FAIL"], 1)
    assert said in problems[0]
    assert "waivers.yaml line 3" in problems[0]


@pytest.mark.parametrize("subject", [Subject("candidate.whl", {"sha256": OTHER}), None], ids=["other", "none"])
def test_a_waiver_for_another_candidate_is_left_alone(firm, judge, subject):
    """It must neither count nor stop the candidate after it."""
    assert judge(firm.entry(drifted(), *QUORUM), subject=subject) == (["FAIL"], [])


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (replace(drifted(), outcome=Outcome.PASS), "the gate passed; remove it"),
        (replace(drifted(), outcome=Outcome.ERROR), "the gate is ERROR"),
        (replace(drifted(), outcome=Outcome.NOT_RUN), "the gate is NOT_RUN"),
        (replace(drifted(), outcome=Outcome.INCONCLUSIVE), "another failure"),
        (replace(drifted(), reason="drift is 31, expected <= 30; and 3 orphans"), "another failure"),
        (
            replace(drifted(), record=Record(measurements=(Measurement("drift", 31, "<=", 29, False),))),
            "another failure",
        ),
        (
            replace(
                drifted(),
                record=Record(measurements=(*drifted().record.measurements, Measurement("lag", 9, "<=", 5, False))),
            ),
            "another failure",
        ),
        (drifted(gate="drifts"), "no gate 'drift' to waive; did you mean 'drifts'?"),
    ],
    ids=["passes", "error", "not-run", "inconclusive", "more-said", "threshold", "one-more", "no-gate"],
)
def test_a_waiver_that_covers_nothing_is_an_error(firm, judge, result, said):
    """A waiver nobody notices missing is one nobody notices when it hits; what broke has shown nothing to accept."""
    outcomes, problems = judge(firm.entry(drifted(), *QUORUM), results=[result])
    assert outcomes == [result.outcome.value]
    [problem] = problems
    assert said in problem
    assert "waivers.yaml line 3" in problem


def test_of_two_values_of_one_name_neither_is_free(firm, judge):
    """A gate that measures twice under one name could hide the worse value behind the better."""
    twice = Record(measurements=(Measurement("drift", 900, "<=", 30, False), Measurement("drift", 31, "<=", 30, False)))
    result = replace(drifted(), record=twice)
    outcomes, [problem] = judge(firm.entry(result, *QUORUM), results=[result])
    assert outcomes == ["FAIL"]
    assert "drift is 900" in problem


BAD = {
    "one short": (("cleo", "ben"), {}, "lacks the approval of product-owner"),
    "nobody": ((), {}, "lacks the approval of backend, product-owner, qa"),
    "one person, two roles": (("ana", "pat"), {}, "lacks the approval of qa"),
    "the author signs": (("dora", "ben", "pat"), {}, "dora may not approve"),
    "the owner signs": (QUORUM, {"owner": "cleo"}, "cleo may not approve"),
    "an unknown author": (QUORUM, {"requested_by": "mallory"}, "self-approval could not be seen"),
    "an unknown signer": ((*QUORUM, "eve"), {}, "'eve' is nobody who may sign"),
    "too long": (QUORUM, {"expires": (NOW + timedelta(days=14, seconds=1)).isoformat()}, "lasts longer than 14d"),
    "ended before it began": (QUORUM, {"expires": (NOW - timedelta(days=1)).isoformat()}, "not after it was created"),
    "two candidates": (QUORUM, {"subjects": [f"sha256:{DIGEST}", f"sha256:{OTHER}"]}, "over-broad: for 2 candidates"),
    "one candidate twice": (QUORUM, {"subjects": [f"sha256:{DIGEST}"] * 2}, "a subject stands in it twice"),
    "every candidate": (QUORUM, {"subjects": ["*"]}, "over-broad"),
    "part of a digest": (QUORUM, {"subjects": ["sha256:a1a1"]}, "over-broad"),
    "a range of commits": (QUORUM, {"subjects": [f"gitCommit:{'a' * 40}..{'b' * 40}"]}, "over-broad"),
    "every gate": (QUORUM, {"gate": "*"}, "over-broad"),
    "without an offset": (QUORUM, {"expires": "2026-11-24T12:00:00"}, "no offset"),
    "blank reason": (QUORUM, {"reason": " \n"}, "have to say something"),
    "a limit too many": (QUORUM, {"limits": {"drift": 31, "loss": 5}}, "limit for loss, which did not fail"),
    "no limit": (QUORUM, {"limits": {}}, "no limit for 'drift'"),
    "a limit that is a word": (QUORUM, {"limits": {"drift": "31"}}, "'31' was accepted"),
    "a warning's quorum": (("ben",), {"severity": Severity.WARNING}, "approved for a warning gate"),
}  # fmt: skip


@pytest.mark.parametrize(("names", "changed", "said"), BAD.values(), ids=list(BAD))
def test_a_bad_waiver_is_an_error_with_its_line(firm, judge, names, changed, said):
    """Each is a way to accept more than was accepted, or by fewer."""
    outcomes, problems = judge(firm.entry(drifted(), *names, **changed))
    assert outcomes == ["FAIL"]
    [problem] = problems
    assert said in problem
    assert "waivers.yaml line 3" in problem


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "a venue was down"},
        {"limits": {"drift": 900}},
        {"gate": "other"},
        {"subjects": [f"sha256:{OTHER}"]},
        {"expires": (NOW + timedelta(days=4)).isoformat()},
        {"created": (NOW - timedelta(days=1)).isoformat()},
        {"owner": "cleo's team"},
        {"requested_by": "ana"},
        {"fingerprint": "1" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_changed_after_it_was_signed_is_not_signed(firm, judge, change):
    """Three people signed some words, not the file that they stand in."""
    entry = msgspec.structs.replace(firm.entry(drifted(), *QUORUM), **change)
    subject = Subject("candidate.whl", {"sha256": OTHER}) if "subjects" in change else SUBJECT
    outcomes, [problem] = judge(entry, subject=subject)
    assert outcomes == ["FAIL"]
    assert "not good" in problem


def test_signatures_of_another_waiver_are_none_of_this_one(firm, judge):
    """Approvals can be copied from a waiver of last week."""
    older = firm.entry(drifted(), *QUORUM, created=(NOW - timedelta(days=1)).isoformat())
    entry = msgspec.structs.replace(firm.entry(drifted()), approvals=older.approvals)
    outcomes, [problem] = judge(entry)
    assert outcomes == ["FAIL"]
    assert "not good" in problem


def test_a_key_that_ends_ends_what_it_approved(firm, judge):
    """A decision would outlive the right of somebody whom it rests on."""
    soon = NOW + timedelta(hours=1)
    entry, signers = firm.entry(drifted(), *QUORUM), firm.signers(ben={"valid_until": soon.isoformat()})
    [waiver] = firm.granted(written(entry), signers=signers).waivers
    assert waiver.ends.ts_utc == iso(soon)
    assert "key of ben" in waiver.ends.because
    outcomes, [problem] = judge(entry, now=soon, signers=signers)
    assert outcomes == ["FAIL"]
    assert "ben, whose key was valid until" in problem


def test_without_a_rule_nothing_is_waived(firm, judge):
    """A policy that says nothing of exceptions allows none."""
    rules = RULES.replace("    critical: {max: 14d, approvals: {backend: 1, qa: 1, product-owner: 1}}\n", "")
    assert rules != RULES
    outcomes, [problem] = judge(firm.entry(drifted(), *QUORUM), rules=rules)
    assert outcomes == ["FAIL"]
    assert "no exceptions.waiver.critical" in problem


def test_the_same_failure_is_not_waived_twice(firm, judge):
    """Of two waivers nobody could say which one holds."""
    entry = firm.entry(drifted(), *QUORUM)
    outcomes, [problem] = judge(entry, entry)
    assert outcomes == ["WAIVED"]
    assert "waivers.yaml line 4" in problem
    assert "second one" in problem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda line: line.replace('"gate": "drift"', '"gate": 9.10'), "line 3: waivers.0.gate: expected `str`"),
        (lambda line: line.replace('"owner"', '"ownr"'), "line 3: unknown key 'ownr'; did you mean 'owner'"),
        (lambda line: line.replace('"by"', '"buy"', 1), "line 3: unknown key 'buy'"),
        (lambda line: line.replace("{", '{"gate": "other", ', 1), "line 3"),
        (lambda line: line.replace('"drift": 31', '"drift": .inf'), "line 3"),
        (lambda line: line.replace('"drift": 31', '"drift": .nan'), "line 3"),
        (lambda line: "drift", "line 3"),
        (lambda line: "", "line 3"),
    ],
    ids=["9.10", "key", "inner-key", "twice", "inf", "nan", "word", "nothing"],
)
def test_a_file_that_is_misread_names_its_line(firm, judge, change, said):
    """A gate 9.10 is another one than 9.1, and an unknown key may be the one that limits it."""
    line = json.dumps(msgspec.to_builtins(firm.entry(drifted(), *QUORUM)))
    outcomes, problems = judge(change(line))
    assert outcomes == ["FAIL"]
    assert len(problems) == 1
    assert f"waivers.yaml {said}" in problems[0]


@pytest.mark.parametrize(
    "text", ["", "waivers:\n", "version: 2\nwaivers:\n", "version: 1\n", "version: 1\nwaivers: {}\n", "[1]", "\0"]
)
def test_what_is_no_file_of_waivers_is_an_error(firm, text):
    """An empty file may be half of a written one."""
    assert firm.granted(text).problems


# --- fingerprints -----------------------------------------------------------------------------------------

NUMBERS = st.one_of(st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False))


@given(limit=NUMBERS, value=NUMBERS)
def test_a_value_is_accepted_where_it_is_no_worse(limit, value):
    """One comparison the wrong way accepts everything."""
    assert (not list(exceeded(drifted(value), {"drift": limit}))) == (value <= limit)
    least = Measurement("drift", value, ">=", 30, False)
    result = replace(drifted(), record=Record(measurements=(least,)))
    assert (not list(exceeded(result, {"drift": limit}))) == (value >= limit)


@given(low=NUMBERS, high=NUMBERS)
def test_a_better_value_is_the_same_failure(low, high):
    """What gets better must not need a new approval."""
    first, second = failure_of(drifted(low)), failure_of(drifted(high))
    assert first is not None
    assert second is not None
    assert first.fingerprint == second.fingerprint


@given(age=st.floats(1201, 10**7))
def test_a_stale_item_is_the_same_failure_at_any_age(age):
    """Every second would be another failure; the limit beside it says how old is too old."""
    first, later_ = failure_of(stale(1300)), failure_of(stale(age))
    assert first is not None
    assert later_ is not None
    assert first.fingerprint == later_.fingerprint
    assert (not list(exceeded(stale(age), {"age of r.json": 86400}))) == (age <= 86400)


@given(first=st.integers(0, 10**6), second=st.integers(0, 10**6))
def test_other_numbers_are_findings(first, second):
    """Three orphans that were accepted do not accept four."""
    said = "{} orders have no fill, {} were expected".format
    assert (masked(said(first, 7)) == masked(said(second, 7))) == (first == second)


@given(
    moment=st.datetimes(min_value=NOW.replace(tzinfo=None)),
    uuid=st.uuids(),
    content=st.binary(),
    age=st.integers(0, 10**6),
)
def test_what_differs_in_each_run_is_masked(moment, uuid, content, age):
    """A waiver that never matches again is one that nobody can use."""
    from hashlib import sha256

    said = "r.json of {}Z by run {} ({}) is {} min old".format
    assert masked(said(moment.isoformat(), uuid, "f" + sha256(content).hexdigest()[1:], age)) == said(
        "<time>", "<uuid>", "<digest>", 0
    ).replace("<time>Z", "<time>").replace("0 min old", "<age> old")


def test_the_fingerprint_is_that_of_today():
    """Where its formula changes, every waiver that was signed is void: that has to be done on purpose."""
    results = [
        drifted(),
        stale(1300),
        GateResult(Gate("orphans", Severity.WARNING), Outcome.INCONCLUSIVE, "3 orders have no fill"),
    ]
    assert [failure.fingerprint[:12] for failure in map(failure_of, results) if failure] == [
        "b6c555b53e39",
        "b146a67352b9",
        "303ca2d79477",
    ]


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), NUMBERS), max_size=4), st.randoms())
def test_the_order_of_measurements_does_not_matter(values, random):
    """Gates that loop over a set measure in another order each time."""
    made = list(starmap(lambda name, value: Measurement(name, value, "<=", 1, False), values))
    shuffled = random.sample(made, len(made))
    first, second = (
        failure_of(replace(drifted(), record=Record(measurements=tuple(each)))) for each in (made, shuffled)
    )
    assert first is not None
    assert second is not None
    assert first.fingerprint == second.fingerprint


# --- sessions ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _waived(firm, tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("waived") / "desk", firm)
    refused = desk.decide()
    assert (refused["status"], refused["code"]) == ("FAIL", 1)
    desk.waive(*QUORUM)
    return desk


@pytest.fixture
def waived(_waived, tmp_path):
    """A desk whose drift was accepted by the whole quorum, after a decision that says FAIL."""
    return _waived.copy(tmp_path / "desk")


def test_a_waived_gate_lets_a_session_pass_and_says_so(waived):
    """It has to be seen by everyone who reads the decision, in whichever form, and is never called PASS."""
    alone = waived.decide("--junitxml=junit.xml")
    assert (alone["status"], alone["code"]) == ("PASS", 0), alone["said"]
    drift, other = alone["checks"]
    assert (drift["outcome"], drift["pass"]) == ("WAIVED", True)
    assert other["outcome"] == "PASS", other["reason"]
    [waiver] = alone["waivers"]
    assert (waiver["gate"], waiver["outcome"], waiver["where"]) == ("drift", "FAIL", "waivers.yaml line 3")
    assert sorted(one["name"] for one in waiver["approvers"]) == ["ben", "cleo", "pat"]
    assert {one["path"] for one in alone["policy"]["files"]} >= {"waivers.yaml", "signers.yaml"}
    assert "WAIVED drift (critical): drift is 31.5" in alone["said"]
    page = waived.latest.with_suffix(".md").read_text()
    assert "## Waived" in page
    assert "a venue is down" in page
    assert 'value="WAIVED"' in (waived.path / "junit.xml").read_text()


def test_workers_change_nothing(waived):
    """With xdist the signatures are checked elsewhere than the gates run."""
    alone, shared = waived.decide(), waived.decide("-n2")
    assert (shared["status"], shared["code"]) == ("PASS", 0), shared["said"]
    assert [check["outcome"] for check in shared["checks"]] == [check["outcome"] for check in alone["checks"]]
    assert shared["waivers"] == alone["waivers"]
    assert shared["evidence_bundle"]["evidence_bundle_id"] == alone["evidence_bundle"]["evidence_bundle_id"]


@pytest.mark.parametrize("words", [(), ("-n2",)], ids=["alone", "workers"])
def test_what_is_not_covered_fails_with_file_and_line(waived, words):
    """Whoever reads the refusal has to find the waiver that does not hold."""
    waived.report(900)
    refused = waived.decide(*words)
    assert (refused["status"], refused["code"], refused["waivers"]) == ("FAIL", 1, [])
    assert any("waivers.yaml line 3" in said and "900" in said for said in refused["reasons"])
    waived.report(3)
    refused = waived.decide(*words)
    assert (refused["status"], refused["code"]) == ("FAIL", 1)
    assert any("waivers.yaml line 3" in said and "remove it" in said for said in refused["reasons"])


def test_another_candidate_is_judged_without_it(waived):
    """The waiver of one build must not carry the next one, nor stand in its way."""
    subject = f"candidate.whl=sha256:{OTHER}"
    refused = waived.decide(subject=subject)
    assert (refused["status"], refused["waivers"]) == ("FAIL", [])
    assert not any("waivers.yaml" in said for said in refused["reasons"])
    waived.report(3)
    assert waived.decide(subject=subject)["status"] == "PASS"


def test_a_gate_that_broke_or_read_nothing_is_not_waived(waived):
    """What was never measured has no value that could be accepted."""
    (waived.path / "evidence" / "report.json").unlink()
    refused = waived.decide()
    assert (refused["status"], refused["checks"][0]["outcome"]) == ("FAIL", "INCONCLUSIVE")
    waived.file("evidence/report.json", "[]")
    assert waived.decide()["status"] == "FAIL"
    waived.file("gates/test_gates.py", (waived.path / "gates/test_gates.py").read_text().replace('report["', 'rep["'))
    waived.report(31.5)
    refused = waived.decide()
    assert (refused["status"], refused["checks"][0]["outcome"]) == ("FAIL", "ERROR")
    assert any("ERROR" in said and "waivers.yaml line 3" in said for said in refused["reasons"])


def test_a_replay_judges_waivers_by_its_own_clock(waived):
    """A past decision is taken again with what held then, and an exception does not reach back."""
    passed = waived.decide()
    moments = {
        passed["clock"]["now_utc"]: (0, "promotion: PASS"),
        later(hours=-1): (1, "yet to come"),
        later(days=4): (1, "expired at"),
    }
    for moment, (code, said) in moments.items():
        replayed = waived.decide(f"--promotion-as-of={moment}")
        assert (replayed["code"], said in replayed["said"]) == (code, True), replayed["said"]


def test_verify_judges_waivers_again(waived):
    """The right to act ends with the waiver, and a decision's own word for its approvals is none."""
    decision = waived.decide()
    done = waived.promotion("verify", *LOOSE, waived.latest)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "drift is waived until" in done.stdout
    assert "a venue is down" in done.stdout
    done = waived.promotion("verify", *LOOSE, waived.latest, "--rerun")
    assert done.returncode == 0, done.stdout + done.stderr

    over = waived.promotion("verify", *LOOSE, waived.latest, "--at", later(days=4))
    assert over.returncode == 2
    assert "expired" in over.stdout
    left = waived.file("left.yaml", waived.firm.signers(ben=None))
    gone = waived.promotion("verify", *LOOSE, waived.latest, "--signers", left)
    assert gone.returncode == 2
    assert "'ben' is nobody who may sign" in gone.stdout

    document = json.loads(waived.latest.read_bytes())
    for name, change in {
        "value": lambda doc: doc["checks"][0]["measurements"][0].update(value=30.0001e3),
        "none": lambda doc: doc.update(waivers=[]),
        "another": lambda doc: doc["checks"][1].update(outcome="WAIVED"),
    }.items():
        forged = json.loads(json.dumps(document))
        change(forged)
        path = waived.latest.with_name(f"forged_{name}.json")
        path.write_text(json.dumps(forged))
        assert waived.promotion("verify", *LOOSE, path).returncode == 2, name
    assert decision["waivers"]


def test_shards_are_waived_when_they_are_merged(waived):
    """No shard sees all gates, so none could say that a waiver covers nothing."""
    for number in (1, 2):
        waived.decide(f"--promotion-shard={number}/2", "--promotion-run-id=r1")
    shards = sorted((waived.path / "reports" / "promotion_gates").glob("*shard*.json"))
    assert len(shards) == 2
    done = waived.promotion("merge", *shards, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one["gate"] for one in json.loads(done.stdout)["waivers"]] == ["drift"]


@pytest.mark.parametrize("name", ["waivers.yaml", "signers.yaml"])
def test_a_policy_that_names_what_is_not_there_is_wrong_usage(waived, name):
    """A file that was not checked out must not be taken for an empty one."""
    (waived.path / name).unlink()
    refused = waived.decide()
    assert refused["code"] == 4
    assert f"names {name}, which cannot be read" in refused["said"]
    assert refused["status"] == "FAIL"


# --- the command ------------------------------------------------------------------------------------------


def check(desk, *words):
    """`promotion waiver check`, with its list."""
    done = desk.promotion("waiver", "check", "waivers.yaml", "--policy", "promotion.yaml", "--json", *words)
    return done.returncode, json.loads(done.stdout)["waivers"] if done.stdout else done.stderr


def test_check_tells_what_is_missing_before_anything_runs(desk):
    """A waiver that lacks an approval would be found by the session that needed it."""
    assert check(desk) == (0, [])
    desk.decide()
    desk.waive("cleo", "ben")
    code, [one] = check(desk)
    assert (code, one["ok"], one["where"]) == (2, False, "waivers.yaml line 3")
    assert "lacks the approval of product-owner" in one["problem"]
    assert desk.promotion("waiver", "sign", "waivers.yaml", "1", *desk.firm.flags("pat")).returncode == 0
    assert check(desk)[0] == 0
    assert check(desk, "--at", later(days=4))[0] == 2
    desk.file("waivers.yaml", "version: 1\nwaivers: ]")
    code, said = check(desk)
    assert code == 3
    assert "waivers.yaml line 2" in said
    assert check(desk, "--profile", "nosuch")[0] == 4
    assert check(desk, "--at", "soon")[0] == 4


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("other",), 3, "other only rests on drift"),
        (("nosuch",), 3, "has no gate 'nosuch'"),
        (("drift", "--expires=soon"), 4, "--expires"),
        (("drift", "--expires=2020-01-01T00:00:00Z"), 4, "is over"),
        (("drift", "--limit=loss=3"), 3, "no limit 'loss' (it has: drift)"),
        (("drift", "--limit=drift=Infinity"), 4, "finite"),
        (("drift", "--limit=drift"), 4, "expected NAME=VALUE"),
    ],
    ids=["rests-on", "no-gate", "no-time", "over", "no-such-limit", "infinite", "no-limit"],
)
def test_new_refuses_what_cannot_be_waived(desk, words, code, said):
    """A waiver that could never count costs three people their signature."""
    desk.decide()
    given_ = ["--reason=r", "--owner=o", "--requested-by=dora", f"--expires={later(days=1)}"]
    done = desk.promotion("waiver", "new", desk.latest, *words[:1], *given_, *words[1:])
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert (desk.path / "waivers.yaml").read_text() == "version: 1\nwaivers:\n"


def test_new_and_sign_leave_what_others_wrote(desk):
    """Comments and the words of others are part of the file; what is signed must not be written anew."""
    desk.decide()
    desk.waive("cleo")
    first = (desk.path / "waivers.yaml").read_text()
    desk.file("waivers.yaml", f"# Ours.\n{first}# The last one.\n")
    desk.waive(gate="drift", limit="drift=40.5")
    done = desk.promotion("waiver", "sign", "waivers.yaml", "2", *desk.firm.flags("ben"))
    assert done.returncode == 0, done.stderr
    done = desk.promotion("waiver", "sign", "waivers.yaml", "1", *desk.firm.flags("pat"))
    assert done.returncode == 0, done.stderr
    text = (desk.path / "waivers.yaml").read_text()
    assert text.startswith(f"# Ours.\n{first}")
    assert "# The last one.\n" in text
    _, found = check(desk)
    assert [(one["approvals"], one["limits"]["drift"]) for one in found] == [(["cleo", "pat"], 31.5), (["ben"], 40.5)]
    done = desk.promotion("waiver", "sign", "waivers.yaml", "1", *desk.firm.flags("pat"))
    assert done.returncode == 3
    assert "pat has approved it already" in done.stderr
    done = desk.promotion("waiver", "sign", "waivers.yaml", "drift", *desk.firm.flags("ben"))
    assert done.returncode == 3
    assert "give the number" in done.stderr
    assert desk.promotion("waiver", "sign", "waivers.yaml", "1", "--as=ben").returncode == 4


def test_two_who_sign_at_once_both_have_signed(desk):
    """One approval that overwrites another is one that has to be asked for again."""
    from concurrent.futures import ThreadPoolExecutor

    desk.decide()
    desk.waive()
    sign = [sys.executable, "-m", "pytest_promotion.cli", "waiver", "sign", "waivers.yaml", "1"]
    with ThreadPoolExecutor() as pool:
        done = pool.map(
            lambda name: subprocess.run(
                [*sign, *map(str, desk.firm.flags(name))], cwd=desk.path, capture_output=True, check=False
            ),
            QUORUM,
        )
        assert [one.returncode for one in done] == [0, 0, 0]
    code, [one] = check(desk)
    assert (code, sorted(one["approvals"])) == (0, ["ben", "cleo", "pat"])


def test_an_entry_reads_back_as_it_was_written(firm):
    """Whoever signs sees the file; what is signed is what was read from it."""
    from pytest_promotion.trust.waiver_file import EMPTY, with_entry

    for text in ("9.10", "yes", "a: b", "#", "2026-01-01", "é\u2028\x85😀", '"', "null", "a\nb"):
        for number in (1e-05, 1e22, 10**15, 0.1, -0.0, "9.10", True):
            entry = msgspec.structs.replace(firm.entry(drifted()), reason=text, limits={text: number})
            _, found = with_entry(EMPTY.encode(), "waivers.yaml", entry)
            assert isinstance(found.entry, Entry)
            assert found.entry == entry
