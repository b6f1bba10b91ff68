"""`verify()` without a session: which sentence each missing or changed part of a decision leads to, and to which list."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from pytest_promotion import policy as policies
from pytest_promotion.clock import iso
from pytest_promotion.decision.assembly import Account, decision_of
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.model import (
    CommandRun,
    Exhibit,
    Freshness,
    Gate,
    GateResult,
    GitState,
    Outcome,
    Record,
    Requested,
    Severity,
    Subject,
)
from pytest_promotion.reporting.json import document
from pytest_promotion.trust import keys, overrides, signing
from pytest_promotion.trust.approvals import approve
from pytest_promotion.trust.stored import parse
from pytest_promotion.trust.verify import Answer, Case, Demands, case_at, damages, kept, overridden, rerun, verify

NOW = datetime(2026, 2, 22, 12, tzinfo=UTC)
DIGEST = "a1" * 32
SUBJECT = f"candidate.whl=sha256:{DIGEST}"
REPORT, OUTPUT, MANIFEST = b'{"score": 0.9}', b"seventeen agree\n", b"{}"
POLICY = "version: 1\nrequired: [score]\n"
QUORUM = "signers: signers.yaml\nexceptions: {override: {max: 24h, approvals: {any: 2}}}\n"
MICROSECOND = timedelta(microseconds=1)


def digest_of(content):
    """SHA-256 in hex."""
    return sha256(content).hexdigest()


@dataclass(frozen=True)
class Taken:
    """A decision, its vault, and who can sign."""

    case: Case
    people: dict[str, keys.PrivateKey]

    @property
    def demands(self):
        """Everything that can be demanded of it, and met."""
        return Demands(at=NOW, subject=SUBJECT, keys=[self.people["ana"].public])

    @property
    def decision(self):
        return parse(self.case.content, "it")

    def answer(self, **changes):
        """The answer to these demands, with some changed."""
        return verify(self.case, replace(self.demands, **changes))

    def changed(self, **fields):
        """The answer about the decision with some fields changed, signed again by the right key."""
        return replace(self, case=self.edited(**fields)).answer()

    def edited(self, **fields):
        """The decision with some fields changed, signed again by the right key."""
        plain = json.loads(self.case.content) | fields
        content = json.dumps(plain).encode()
        envelopes = signing.signed(plain | {"kind": "decision"}, "it", content, [self.people["ana"]])
        return replace(self.case, content=content, envelopes=envelopes)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Three people with keys."""
    folder = tmp_path_factory.mktemp("keys")
    return {name: keys.read_private(keys.generate(folder / name)[0]) for name in ("ana", "ben", "cleo")}, folder


@pytest.fixture
def take(tmp_path, people):
    """`take(outcome, rules, …)`: a decision about one critical gate that read a report and ran a program."""

    def taken(outcome="PASS", rules=POLICY, **changes):
        vault = Vault(tmp_path / "evidence")
        files = {"promotion.yaml": rules.encode(), "signers.yaml": signers_file(people[1]).encode()}
        policy = policies.load(
            Path("promotion.yaml"), None, changes.pop("assignments", ()), lambda path: files[path.name]
        )
        for content in (REPORT, OUTPUT, MANIFEST, *(one.content for one in policy.sources)):
            vault.keep(digest_of(content), content)
        record = Record(
            exhibits=(Exhibit("report.json", digest_of(REPORT), len(REPORT), exists=True),),
            freshness=(Freshness("report.json", iso(NOW - timedelta(minutes=5)), "ts_utc", 300.0, 1200.0),),
            commands=(CommandRun(("count", "all"), 0, 0.1, digest_of(OUTPUT)),),
        )
        gate = Gate("score", Severity(changes.pop("severity", "critical")), "t.py::test_score")
        results = changes.pop("results", (GateResult(gate, Outcome(outcome), "it is low", record=record),))
        fields = {
            "run_id": "run-1", "now": NOW, "rules_as_of": NOW, "as_of": False, "results": results, "problems": (), "requested": Requested.ALL,
            "known": frozenset(one.gate.id for one in results), "policy": policy, "policy_path": "promotion.yaml",
            "policy_files": tuple(Exhibit(one.path, one.sha256, len(one.content), exists=True) for one in policy.sources),
            "subject": Subject("candidate.whl", {"sha256": DIGEST}), "git": GitState(),
            "manifest": Exhibit("release.json", digest_of(MANIFEST), len(MANIFEST), exists=True),
        } | changes  # fmt: skip
        plain = document(decision_of(Account(**fields)))
        content = json.dumps(plain).encode()
        envelopes = signing.signed(plain | {"kind": "decision"}, "it", content, [people[0]["ana"]])
        return Taken(Case("latest.json", content, envelopes, vault), people[0])

    return taken


def signers_file(folder):
    """The signers file of all three."""
    entries = [
        {"name": name, "roles": ["qa"], "key": (folder / f"{name}.pub").read_text()} for name in ("ana", "ben", "cleo")
    ]
    return json.dumps({"version": 1, "signers": entries})


# --- yes ---


def test_a_good_decision_is_a_yes(take):
    """A verifier that refuses everything is switched off."""
    taken = take()
    answer = taken.answer()
    assert answer == Answer(taken.decision, signers=(taken.people["ana"].public.id,))
    assert answer.yes
    assert answer.document() == {
        "may_act": True, "overridden": None, "against": [], "unknown": [], "notes": [], "done_without": [],
        "signers": [taken.people["ana"].public.id], "run_id": "run-1", "status": "PASS",
        "subject": {"name": "candidate.whl", "digest": {"sha256": DIGEST}},
        "evidence_bundle_id": taken.decision.evidence_bundle.evidence_bundle_id,
        "valid_until": "2026-02-22T12:15:00.000000+00:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "yes"),
    [
        ({}, True),
        ({"notes": ("a note",)}, True),
        ({"against": ("no",)}, False),
        ({"unknown": ("perhaps",)}, False),
        ({"against": ("no",), "unknown": ("perhaps",)}, False),
        ({"decision": None}, False),
        ({"overridden": "by ana", "against": ("no",)}, False),
    ],
)
def test_yes_needs_every_check(take, changes, yes):
    """What could not be told is no yes, and neither is an answer about nothing."""
    answer = replace(Answer(take().decision), **changes)
    assert answer.yes is yes
    plain = answer.document()
    assert plain["may_act"] is yes
    for name in ("against", "unknown", "notes"):
        assert plain[name] == list(changes.get(name, ()))


def test_an_answer_about_nothing_has_its_fields_all_the_same():
    """Programs read them without asking whether they are there."""
    plain = Answer(None, unknown=("x",)).document()
    assert {name: plain[name] for name in ("run_id", "status", "evidence_bundle_id", "valid_until", "overridden")} == (
        dict.fromkeys(("run_id", "status", "evidence_bundle_id", "valid_until", "overridden"))
    )
    assert Answer(None, overridden="by ana").document()["overridden"] == "by ana"


# --- what the decision says ---


@pytest.mark.parametrize(
    ("content", "against", "unknown"),
    [
        (b'{"finished": false, "reasons": ["killed"]}', ("latest.json is not finished: killed",), 0),
        (b'{"finished": false}', ("latest.json is not finished: no reason is given",), 0),
        (b"{}", (), 1),
        (b"{", (), 1),
        (b"[]", (), 1),
    ],
)
def test_what_is_no_decision(take, content, against, unknown):
    """A session that was killed is a no; a file that cannot be read is no answer."""
    taken = take()
    answer = verify(replace(taken.case, content=content), taken.demands)
    assert (answer.decision, answer.against, len(answer.unknown), answer.yes) == (None, against, unknown, False)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "replay"}, "it is a replay, not a decision"),
        ({"kind": "shard"}, "it is a shard, not a decision"),
        ({"clock": {"now_utc": iso(NOW), "as_of": True}}, "it is a replay, not a decision"),
        ({"status": "FAIL", "passed": False}, "it says FAIL: no reason is given"),
        ({"status": "FAIL", "passed": False, "reasons": ["a", "b"]}, "it says FAIL: a; b"),
        ({"scope": "partial"}, "it is a look at some gates, not at all that are required"),
        ({"passed": False}, "it says status PASS and passed false"),
    ],
)
def test_what_says_no_is_a_no(take, fields, message):
    """Each was signed by the right key."""
    answer = take().changed(**fields)
    assert answer.against[0] == message
    assert not answer.yes


# --- time ---


@pytest.mark.parametrize(
    ("at", "against"),
    [
        (NOW - timedelta(minutes=2), ()),
        (NOW - timedelta(minutes=2) - MICROSECOND, ("it was taken 2 min in the future",)),
        (NOW - timedelta(hours=1), ("it was taken 60 min in the future",)),
        (NOW + timedelta(minutes=15), ()),
        (
            NOW + timedelta(minutes=15) + MICROSECOND,
            ("it expired at 2026-02-22T12:15:00.000000+00:00: report.json goes stale at 20 min of age",),
        ),
    ],
)
def test_it_holds_for_a_while(take, at, against):
    """Both ends belong to it; two minutes are tolerated between two clocks."""
    assert take().answer(at=at).against == against


def test_a_decision_without_an_end_says_so(take):
    """Nothing in it goes stale; the reader should know that it is no week old."""
    answer = take().changed(valid_until=None)
    assert (answer.yes, answer.against) == (True, ())
    assert answer.notes == ("it has no expiry: nothing that it rests on goes stale",)
    assert answer.document()["valid_until"] is None


@pytest.mark.parametrize(
    "fields",
    [{"ts_utc": "yesterday"}, {"valid_until": {"ts_utc": "2026-02-22 12:00", "because": "x"}}],
    ids=["taken", "until"],
)
def test_times_that_cannot_be_read_leave_the_question_open(take, fields):
    """No answer is not a no, and still no yes."""
    answer = take().changed(**fields)
    assert (answer.yes, answer.against, len(answer.unknown)) == (False, (), 1)
    assert answer.unknown[0].startswith("its times cannot be read: ")


# --- subject ---


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (SUBJECT, ""),
        (f"sha256:{DIGEST}", ""),
        ("sha256:" + "b2" * 32, f"it is about candidate.whl (sha256:a1a1a1a1a1a1), not about sha256:{'b2' * 32}"),
        (f"gitCommit:{DIGEST}", f"it is about candidate.whl (sha256:a1a1a1a1a1a1), not about gitCommit:{DIGEST}"),
        (f"other.whl=sha256:{DIGEST}", "it is about candidate.whl, not about other.whl"),
    ],
)
def test_it_is_about_one_subject(take, subject, message):
    """The right decision about another file is the wrong one."""
    answer = take().answer(subject=subject)
    assert answer.against == ((message,) if message else ())
    assert answer.notes == ()


@pytest.mark.parametrize(
    "subject", ["candidate.whl", "sha256:", f"sha256:{'a' * 39}", f"=sha256:{DIGEST}", "sha256:" + "G" * 64]
)
def test_a_subject_that_cannot_be_meant_is_wrong_usage(take, subject):
    """A digest that was cut would match nothing, or by chance everything."""
    with pytest.raises(PolicyError) as refused:
        take().answer(subject=subject)
    assert (
        str(refused.value)
        == f"the subject {subject!r} is neither [NAME=]sha256:HEX with 64 hex digits nor gitCommit:HEX with 40"
    )


def test_a_decision_about_nothing_is_not_about_the_subject(take):
    """A decision that says nothing of what it is about is about anything."""
    taken = take()
    nothing = replace(taken, case=taken.edited(subject=None))
    assert nothing.answer(subject="").yes
    assert nothing.answer().against == ("it does not say what it is about",)


# --- policy ---


def test_the_policy_is_the_one_that_is_wanted(take):
    """By the digest of the file, or of the rules."""
    taken = take()
    policy = taken.decision.policy
    assert taken.answer(policy_sha256=policy.sha256).yes
    assert taken.answer(policy_sha256=policy.resolved_sha256).yes
    message = f"it was judged by the policy {policy.sha256[:12]}, not by 000000000000"
    assert taken.answer(policy_sha256="0" * 64).against == (message,)


def test_a_policy_that_was_not_kept_cannot_have_judged(take):
    """The required gates are read from it."""
    taken = take()
    digest = taken.decision.policy.sha256
    taken.case.vault.where(digest).write_bytes(b"version: 1\n")
    assert taken.answer().against == (f"{digest[:12]} was changed in the vault",)
    taken.case.vault.where(digest).unlink()
    assert taken.answer().against == (f"{digest[:12]} cannot be read from the vault: no such file or directory",)


def test_a_required_gate_that_is_not_in_it_is_missed(take):
    """A decision from which a gate was cut out is still signed by the right key."""
    answer = take(rules="version: 1\nrequired: [score, other]\ngates: {score: {severity: warning}}\n").changed(
        status="PASS", passed=True
    )
    assert "the critical gate other is NOT_RUN: is required and was not collected" in answer.against
    assert "score counted as critical, and the policy calls it warning" in answer.against
    cut = take().changed(checks=[])
    assert "the required gate score is not in it" in cut.against


def test_a_policy_without_required_gates_cannot_be_answered(take):
    """A note for who only looks; an open question for who names the policy."""
    taken = take(rules="version: 1\n")
    message = "its policy has no roll-call: nobody can tell whether a gate is missing"
    assert (taken.answer().yes, taken.answer().notes) == (True, (message,))
    named = taken.answer(policy_sha256=taken.decision.policy.sha256)
    assert (named.yes, named.unknown, named.notes) == (False, (message,), ())


def test_what_weakened_it_is_a_note_or_a_no(take):
    """A window that a flag made wider is not the one that was agreed on."""
    taken = take(assignments=["max_report_age_min=60"])
    message = "it was weakened: timestamps.max_report_age_min: 20.0 to 60.0"
    assert (taken.answer().yes, taken.answer().notes) == (True, (message,))
    strict = taken.answer(refuse_weakened=True)
    assert (strict.yes, strict.against, strict.notes) == (False, (message,), ())
    assert take().answer(refuse_weakened=True).yes


def test_what_weakened_it_is_named_in_full(take):
    """Two flags are two things that are less."""
    weakened = take().changed(weakened=["a: 1 to 2", "b: 3 to 4"])
    assert "it was weakened: a: 1 to 2; b: 3 to 4" in weakened.notes


def test_a_waiver_is_told_and_judged_again(take):
    """A waiver that no kept file grants is a line that was written into the decision."""
    waiver = {
        "gate": "score",
        "outcome": "FAIL",
        "fingerprint": "0" * 64,
        "expires": "tomorrow",
        "reason": "calm",
        "approvers": [{"name": "ana"}, {}],
    }
    answer = take().changed(waivers=[waiver])
    assert "score is waived until tomorrow by ana, ?: calm" in answer.notes
    assert "nothing that was kept waives score" in answer.against
    refused = take("FAIL").changed(waivers=[waiver])
    assert "nothing that was kept waives score" not in refused.against


# --- evidence ---


@pytest.mark.parametrize(
    ("content", "name"), [(REPORT, "report.json"), (OUTPUT, "the output of count all"), (MANIFEST, "release.json")]
)
def test_every_kept_byte_is_looked_at(take, content, name):
    """A decision whose evidence is not there is a claim."""
    taken = take()
    place = taken.case.vault.where(digest_of(content))
    place.write_bytes(content + b" ")
    assert taken.answer().against == (f"{name} was changed in the vault",)
    place.unlink()
    assert taken.answer().against == (f"{name} cannot be read from the vault: no such file or directory",)
    place.mkdir()
    assert taken.answer().against == (f"{name} cannot be read from the vault: is a directory",)


def test_evidence_larger_than_one_read_is_hashed_whole(take):
    """A change behind the first megabyte is a change."""
    taken = take()
    large = b"x" * (2**20 + 1)
    taken.case.vault.keep(digest_of(large), large)
    manifest = {"path": "release.json", "sha256": digest_of(large), "size_bytes": len(large), "exists": True}
    changed = replace(taken, case=taken.edited(release_manifest_ref=manifest))
    assert changed.answer().yes
    taken.case.vault.where(digest_of(large)).write_bytes(large[:-1] + b"y")
    assert changed.answer().against == ("release.json was changed in the vault",)


def test_a_size_that_is_not_that_of_the_bytes_is_a_change(take):
    """The digest is right, and the decision lies about the size."""
    manifest = {"path": "release.json", "sha256": digest_of(MANIFEST), "size_bytes": 3, "exists": True}
    assert take().changed(release_manifest_ref=manifest).against == ("release.json was changed in the vault",)


def test_what_is_read_from_the_vault_is_what_was_kept(take):
    """A reader of a policy file must not read another one."""
    vault = take().case.vault
    assert kept(vault)(digest_of(REPORT)) == REPORT
    with pytest.raises(Unproven, match=r"^000000000000 cannot be read from the vault: no such file or directory$"):
        kept(vault)("0" * 64)


# --- signatures ---


def test_signatures_are_checked_where_a_key_is_given(take):
    """Leaving them away must not be a way around them."""
    taken = take()
    unsigned = replace(taken, case=replace(taken.case, envelopes=None))
    assert unsigned.answer().against == ("it is not signed",)
    assert unsigned.answer(keys=()).yes
    assert taken.answer(keys=()).signers == ()
    empty = replace(taken, case=replace(taken.case, envelopes=b""))
    assert empty.answer().against == ("the envelopes of latest.json holds no gate decision",)


def test_it_takes_as_many_signers_as_were_agreed_on(take):
    """One stolen key must not be enough where two are needed."""
    taken = take()
    both = [taken.people[name].public for name in ("ana", "ben")]
    assert taken.answer(keys=both).yes
    assert len(taken.answer(keys=both, threshold=2).against) == 1
    case = taken.case
    document = json.loads(case.content)
    cosigned = signing.cosigned(case.envelopes, "it", taken.people["ben"], document, case.name, case.content)
    signed = replace(taken, case=replace(taken.case, envelopes=cosigned)).answer(keys=both, threshold=2)
    assert (signed.yes, set(signed.signers)) == (True, {key.id for key in both})
    assert not taken.answer(keys=both[1:]).yes


# --- files ---


def test_a_case_is_a_file_with_what_lies_beside_it(take, tmp_path):
    """Envelopes and vault are found by the name of the decision."""
    taken = take()
    path = tmp_path / "latest.json"
    path.write_bytes(taken.case.content)
    case = case_at(path)
    assert (case.name, case.content, case.envelopes) == ("latest.json", taken.case.content, None)
    assert case.vault.path == tmp_path / "evidence"
    (tmp_path / "latest.intoto.jsonl").write_bytes(taken.case.envelopes)
    assert verify(case_at(path), taken.demands).yes
    other = Vault(tmp_path / "other")
    assert case_at(path, other).vault is other
    with pytest.raises(Unproven, match=r"gone\.json cannot be read"):
        case_at(tmp_path / "gone.json")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda taken: taken.case, None),
        (lambda taken: replace(taken.case, envelopes=None), None),
        (lambda taken: taken.edited(passed=False), "it says status PASS and passed false"),
        (lambda taken: taken.edited(profile="ci"), "its policy cannot be resolved again: promotion.yaml has no profile 'ci'; known: none"),
        (lambda taken: replace(taken.case, content=taken.case.content + b" "), "the envelopes of latest.json are about another decision"),
    ],
    ids=["whole", "unsigned", "contradicts", "policy", "envelopes"],
)  # fmt: skip
def test_what_is_damaged_is_named_whatever_is_wanted(take, damage, message):
    """For the history: an entry is whole or it is not, also when it says FAIL."""
    taken = take()
    case = damage(taken)
    assert damages(case, parse(case.content, "it")) == (() if message is None else (message,))
    taken.case.vault.where(digest_of(REPORT)).unlink()
    assert "report.json cannot be read from the vault: no such file or directory" in damages(
        case, parse(case.content, "it")
    )


# --- overrides ---


def override_of(taken, people, *names, **changes):
    """The file of an override of that decision."""
    fields = {
        "reason": "the shop is down",
        "incident": "INC-7",
        "requested_by": "ana",
        "now": NOW,
        "expires": NOW + timedelta(hours=2),
    }
    bare = overrides.override_of(taken.decision, taken.case.content, **(fields | changes))
    approvals = [approve(bare.matter, name, people[1] / name, None) for name in names]
    return json.dumps(msgspec.to_builtins(bare) | {"approvals": msgspec.to_builtins(approvals)}).encode()


def test_an_override_of_a_fail_is_told_and_makes_no_yes(take, people):
    """Who deploys acts on it in the open; nothing becomes PASS."""
    taken = take("FAIL", POLICY + QUORUM)
    content = override_of(taken, people, "ben", "cleo")
    answer = overridden(taken.answer(), taken.case, taken.demands, content, "o.json")
    assert answer == replace(
        taken.answer(),
        overridden="by ben, cleo until 2026-02-22T14:00:00.000000+00:00 for incident INC-7: the shop is down",
    )
    assert not answer.yes


@pytest.mark.parametrize(
    ("rules", "names", "message"),
    [
        (POLICY, ("ben", "cleo"), "o.json: the policy has no exceptions.override: nothing can be overridden"),
        (POLICY + QUORUM, ("ben",), "o.json: it lacks the approval of any"),
        (POLICY + QUORUM, ("ana", "ben"), "o.json: ana may not approve what he asked for or answers for"),
    ],
)
def test_an_override_without_its_quorum_changes_nothing(take, people, rules, names, message):
    """The sentence is added to what is against it already."""
    taken = take("FAIL", rules)
    answer = overridden(taken.answer(), taken.case, taken.demands, override_of(taken, people, *names), "o.json")
    assert answer == replace(taken.answer(), against=(*taken.answer().against, message))
    assert answer.overridden == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda taken: {"subject": "sha256:" + "b2" * 32},
        lambda taken: {"keys": [taken.people["ben"].public]},
        lambda taken: {"policy_sha256": "0" * 64},
    ],
    ids=["subject", "signature", "policy"],
)
def test_an_override_covers_the_fail_and_nothing_else(take, people, change):
    """What is unsigned, or about something else, stays a no."""
    taken = take("FAIL", POLICY + QUORUM)
    demands = replace(taken.demands, **change(taken))
    before = verify(taken.case, demands)
    after = overridden(before, taken.case, demands, override_of(taken, people, "ben", "cleo"), "o.json")
    message = "o.json overrides its FAIL, and not what else is against it"
    assert after == replace(before, against=(*before.against, message))


def test_an_override_does_not_cover_what_could_not_be_told(take, people):
    """The policy that was named has no required gates: that is no part of the FAIL."""
    taken = take("FAIL", "version: 1\n" + QUORUM)
    demands = replace(taken.demands, policy_sha256=taken.decision.policy.sha256)
    before = verify(taken.case, demands)
    assert len(before.unknown) == 1
    after = overridden(before, taken.case, demands, override_of(taken, people, "ben", "cleo"), "o.json")
    assert after.overridden == ""
    assert after.against[-1] == "o.json overrides its FAIL, and not what else is against it"


def test_there_is_nothing_to_override_in_what_is_no_decision(take):
    """The answer stays the one that it was."""
    answer = Answer(None, unknown=("x",))
    taken = take()
    assert overridden(answer, taken.case, taken.demands, b"{}", "o.json") is answer


def test_signers_that_are_named_now_count(take, people):
    """A key that was stolen since is not in the newer file, whatever was kept with the decision."""
    taken = take("FAIL", POLICY + QUORUM)
    content = override_of(taken, people, "ben", "cleo")
    only_ana = json.loads(signers_file(people[1]))
    del only_ana["signers"][1:]
    source = policies.PolicySource("signers.yaml", json.dumps(only_ana).encode())
    demands = replace(taken.demands, signers=source)
    note = "its waivers were judged by other signers than those that were named now"
    answer = verify(taken.case, demands)
    assert note in answer.notes
    assert (
        overridden(answer, taken.case, demands, content, "o.json").against[-1] == "o.json: 'ben' is nobody who may sign"
    )
    same = replace(taken.demands, signers=policies.PolicySource("other.yaml", signers_file(people[1]).encode()))
    assert note not in verify(taken.case, same).notes
    bare = take("FAIL")
    assert note not in verify(bare.case, demands).notes


def test_an_override_that_cannot_be_read_is_named(take):
    """The decision is a no as before, and the file is what has to be looked at."""
    taken = take("FAIL", POLICY + QUORUM)
    answer = overridden(taken.answer(), taken.case, taken.demands, b"{}", "o.json")
    assert answer.overridden == ""
    assert answer.against[-1].startswith("o.json: o.json ")


def test_what_is_no_decision_is_not_judged_again(take, tmp_path):
    """There is no evidence to judge."""
    answer = Answer(None, unknown=("x",))
    assert rerun(answer, take().case.vault, tmp_path, "gates") is answer


def test_every_artifact_that_is_missing_is_named(take):
    """The one who restores the first has to know of the second."""
    taken = take()
    for content in (REPORT, OUTPUT):
        taken.case.vault.where(digest_of(content)).unlink()
    assert set(taken.answer().against) == {
        "report.json cannot be read from the vault: no such file or directory",
        "the output of count all cannot be read from the vault: no such file or directory",
    }


def test_a_waiver_does_not_hide_what_else_is_against_it(take):
    """What is found about waivers is added to the rest."""
    waiver = {
        "gate": "score",
        "outcome": "FAIL",
        "fingerprint": "0" * 64,
        "expires": "x",
        "reason": "y",
        "approvers": [],
    }
    answer = take().changed(waivers=[waiver], kind="replay")
    assert "it is a replay, not a decision" in answer.against
    assert "nothing that was kept waives score" in answer.against
