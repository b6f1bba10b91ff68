"""May this decision be acted on now? Whatever is missing, changed or over makes that a no."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pytest_promotion.clock import parse_moment
from pytest_promotion.errors import PolicyError
from pytest_promotion.trust import keys
from tests.trust.conftest import SUBJECT, decide
from tests.trust.firm import command
from tests.verifying import LOOSE

PROMOTION = [sys.executable, "-c", "from pytest_promotion.cli import main; main()"]
LATEST = "reports/promotion_gates/latest.json"


def promotion(signed, *words):
    """The command, in the project."""
    return command(signed.path, *words)


def test_a_good_decision_may_be_acted_on(signed):
    """A verifier that says no to everything is switched off."""
    answer = signed.verify()
    assert (answer.yes, answer.against, answer.unknown) == (True, (), ())
    assert answer.signers == (signed.key.public.id,)


def test_the_copy_under_its_own_name_is_signed_too(signed):
    """`latest.json` is replaced by the next run; what is archived is the other one."""
    [dated] = signed.latest.parent.glob("promotion_gates_*Z.json")
    done = promotion(signed, "verify", *LOOSE, str(dated), "--key", "keys/release.key.pub", "--json")
    assert (done.returncode, json.loads(done.stdout)["may_act"]) == (0, True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "FAIL", "passed": False, "reasons": ["no"]}, "it says FAIL: no"),
        ({"kind": "replay"}, "it is a replay"),
        ({"clock": {"now_utc": "2026-01-01T00:00:00+00:00", "as_of": True}}, "it is a replay"),
        ({"scope": "partial", "status": "PARTIAL", "passed": False}, "a look at some gates"),
        ({"reasons": ["something broke"]}, "gives reasons against it"),
        ({"passed": False}, "says status PASS and passed false"),
        ({"critical_failures": ["score"]}, "listed among what failed, and did not fail"),
        ({"subject": None}, "does not say what it is about"),
        ({"subject": {"name": "other.whl", "digest": {"sha256": "b2" * 32}}}, "it is about other.whl"),
        ({"subject": {"name": "other.whl", "digest": {"sha256": "a1" * 32}}}, "it is about other.whl"),
        ({"profile": "lenient"}, "its policy cannot be resolved again"),
        ({"overrides": {"required": ["score"]}}, "do not resolve to the rules"),
    ],
    ids=[
        "fail",
        "replay",
        "as-of",
        "partial",
        "reasons",
        "passed",
        "listed",
        "no-subject",
        "digest",
        "name",
        "profile",
        "overrides",
    ],
)
def test_what_is_no_yes_is_a_no(signed, fields, said):
    """Each of these was signed by the right key, and still must not be acted on."""
    answer = signed.verify(signed.changed(**fields))
    assert not answer.yes
    assert said in "; ".join(answer.against)


def without(check_name, document):
    """The checks without one, and the bundle id that belongs to what is left."""
    from pytest_promotion.canonical import digest

    checks = [check for check in document["checks"] if check["name"] != check_name]
    bundle = document["evidence_bundle"]
    rows = sorted([one["path"], one["sha256"], one["size_bytes"]] for one in bundle["artifacts"])
    gates = sorted([check["name"], check["outcome"]] for check in checks)
    judges = document["judges"]
    made = digest(
        {
            "artifacts": rows,
            "gates": gates,
            "judges": sorted([one["path"], one["sha256"]] for one in judges["sources"]),
            "policy": document["policy"]["resolved_sha256"],
            "suites": sorted(judges["suites"].items()),
        }
    )
    return {"checks": checks, "evidence_bundle": bundle | {"evidence_bundle_id": made}}


def test_a_gate_that_was_left_out_is_missed(signed):
    """The policy's roll-call and not the decision says which gates there must be."""
    answer = signed.verify(signed.changed(**without("presence", signed.document())))
    assert answer.against == ("the required gate presence is not in it",)


def test_a_severity_that_was_lowered_is_seen(signed):
    """A critical gate that is called a warning no longer blocks."""
    document = signed.document()
    checks = [check | {"severity": "warning"} if check["name"] == "score" else check for check in document["checks"]]
    answer = signed.verify(signed.changed(checks=checks))
    assert "score counted as warning, and the policy calls it critical" in answer.against


def test_a_decision_expires(signed):
    """Yesterday's PASS rests on yesterday's evidence."""
    ends = parse_moment(signed.document()["valid_until"]["ts_utc"])
    moment = timedelta(microseconds=1)
    assert signed.verify(at=ends - moment).yes
    assert signed.verify(at=ends).yes
    answer = signed.verify(at=ends + moment)
    assert "it expired at" in answer.against[0]
    assert "evidence/score.json goes stale" in answer.against[0]


def test_a_decision_from_the_future_is_none(signed):
    """A clock that was set back would make every expired decision good again."""
    taken = parse_moment(signed.document()["ts_utc"])
    assert signed.verify(at=taken - timedelta(seconds=110)).yes
    assert "in the future" in signed.verify(at=taken - timedelta(minutes=3)).against[0]


@pytest.mark.parametrize("subject", ["candidate.whl", "sha256:xyz", "sha256:" + "A1" * 32, "md5:" + "a1" * 16])
def test_a_subject_that_names_no_digest_is_wrong_usage(signed, subject):
    """A name alone is a label that can be put on anything."""
    with pytest.raises(PolicyError):
        signed.verify(subject=subject)


def test_the_policy_can_be_demanded_by_digest(signed):
    """A decision under a weaker policy is a decision about something else."""
    document = signed.document()
    for digest in (document["policy"]["sha256"], document["policy"]["resolved_sha256"]):
        assert signed.verify(policy_sha256=digest).yes
    assert "it was judged by the policy" in signed.verify(policy_sha256="0" * 64).against[0]


def test_a_policy_without_a_roll_call_cannot_answer_one(tmp_path, signed):
    """Who demands a policy expects it to say which gates there are."""
    (signed.path / "promotion.yaml").write_text("version: 1\n")
    assert decide(signed.path, f"--promotion-subject={SUBJECT}").returncode == 0
    digest = signed.document()["policy"]["sha256"]
    assert signed.verify(keys=()).yes
    assert "no roll-call" in signed.verify(keys=(), policy_sha256=digest).unknown[0]


def test_evidence_that_is_gone_or_changed_is_seen(signed, vault):
    """A decision whose evidence nobody can look at is a claim."""
    for one in signed.document()["evidence_bundle"]["artifacts"]:
        place = vault.where(one["sha256"])
        content = place.read_bytes()
        place.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert f"{one['path']} was changed in the vault" in signed.verify().against
        place.unlink()
        assert f"{one['path']} cannot be read from the vault" in signed.verify().against[0]
        place.write_bytes(content)
    assert signed.verify().yes


def test_the_output_of_programs_is_evidence_too(signed, vault):
    """What a gate was told by a program is as good as what it read."""
    [digest] = [run["output_sha256"] for check in signed.document()["checks"] for run in check["commands"]]
    vault.where(digest).write_bytes(b"other words")
    assert "the output of true was changed in the vault" in signed.verify().against


def test_a_policy_file_that_was_changed_is_seen(signed, vault):
    """The roll-call is read from it."""
    vault.where(signed.document()["policy"]["sha256"]).write_text("version: 1\nrequired: [score]\n")
    assert "was changed in the vault" in signed.verify().against[0]


def test_an_unsigned_decision_is_none_where_a_key_is_given(signed):
    """Leaving the signature away must not be a way around it."""
    unsigned = replace(signed.case, envelopes=None)
    assert signed.verify(unsigned).against == ("it is not signed",)
    assert signed.verify(replace(signed.case, envelopes=b"")).against[0].endswith("holds no gate decision")
    assert signed.verify(unsigned, keys=()).yes


def test_the_envelope_of_another_decision_is_not_this_one_s(signed):
    """A good signature is good for its own decision only."""
    envelopes = signed.case.envelopes
    assert (
        decide(
            signed.path, f"--promotion-subject={SUBJECT}", f"--promotion-sign={signed.path}/keys/release.key"
        ).returncode
        == 0
    )
    assert signed.verify().yes
    swapped = replace(signed.case, envelopes=envelopes)
    assert "is another decision" in signed.verify(swapped).against[0]


def test_two_signers_can_be_demanded(signed, tmp_path):
    """One compromised key must not be enough where two were agreed on."""
    second = keys.generate(tmp_path / "second.key")[0]
    words = ("verify", *LOOSE, LATEST, "--key", "keys/release.key.pub", "--key", f"{second}.pub", "--threshold", "2")
    assert promotion(signed, *words).returncode == 2
    done = promotion(signed, "sign", LATEST, "--any-profile", "--any-subject", "--key", str(second))
    assert done.returncode == 0, done.stderr
    assert promotion(signed, *words).returncode == 0
    assert (
        promotion(signed, "verify", *LOOSE, LATEST, "--key", "keys/release.key.pub", "--threshold", "2").returncode == 4
    )


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"schema_version": 2}', b"\xff\xfe"], ids=repr)
def test_what_is_no_decision_cannot_be_judged(signed, content):
    """Exit 3 sends someone to look; exit 0 would deploy a broken file."""
    signed.latest.write_bytes(content)
    assert promotion(signed, "verify", *LOOSE, LATEST).returncode == 3


def test_an_unfinished_session_is_a_no(signed):
    """The provisional FAIL is what a killed session leaves."""
    signed.latest.write_text(json.dumps({"finished": False, "reasons": ["it was killed"]}))
    done = promotion(signed, "verify", *LOOSE, LATEST)
    assert (done.returncode, "it was killed" in done.stdout) == (2, True)


def test_a_weakened_profile_is_told_and_may_be_refused(signed):
    """A window that a flag made wider is not the one that was agreed on."""
    done = decide(signed.path, f"--promotion-subject={SUBJECT}", "--promotion-set", "max_report_age_min=60")
    assert done.returncode == 0, done.stdout
    assert "it was weakened" in " ".join(signed.verify(keys=()).notes)
    assert "it was weakened" in signed.verify(keys=(), refuse_weakened=True).against[0]


def test_the_same_evidence_is_judged_again_from_its_vault(signed):
    """A decision that cannot be taken again from its evidence did not rest on it."""
    for path in (signed.path / "evidence").iterdir():
        path.unlink()
    done = promotion(signed, "verify", *LOOSE, LATEST, "--rerun", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "same bundle id" in " ".join(json.loads(done.stdout)["notes"])


def test_gates_that_judge_otherwise_now_are_named(signed):
    """The evidence is the same; then the rule is not."""
    gates = signed.path / "gates" / "test_gates.py"
    gates.write_text(gates.read_text().replace("0.5", "0.95"))
    done = promotion(signed, "verify", *LOOSE, LATEST, "--rerun")
    assert done.returncode == 2
    assert "judged again, score was PASS, and is FAIL" in done.stdout


def test_gates_that_cannot_be_run_leave_the_question_open(signed):
    """No answer is not the answer of the first time."""
    shutil.rmtree(signed.path / "gates")
    done = promotion(signed, "verify", *LOOSE, LATEST, "--rerun")
    assert (done.returncode, "cannot be told" in done.stdout) == (3, True)


@pytest.mark.parametrize("path", ["../outside.json", "/tmp/outside.json", "a/../../outside.json"])
def test_a_rerun_writes_nothing_outside_of_its_workspace(signed, path, tmp_path):
    """The decision names the paths, and whoever wrote it may not be a friend."""
    from pytest_promotion.errors import Unproven
    from pytest_promotion.trust import rerun, stored

    document = signed.document()
    document["evidence_bundle"]["artifacts"][0]["path"] = path
    decision = stored.parse(json.dumps(document).encode(), "it")
    root = tmp_path / "workspace"
    root.mkdir()
    with pytest.raises(Unproven, match="leads out"):
        rerun.rebuild(decision, signed.case.vault, root, root)
    assert list(root.iterdir()) == []


def test_a_replay_is_never_signed(signed):
    """A signature under what was decided for another moment is what an attacker would want."""
    done = decide(
        signed.path,
        "--promotion-as-of",
        datetime.now(UTC).isoformat(),
        f"--promotion-sign={signed.path}/keys/release.key",
    )
    assert (done.returncode, "never signed" in done.stderr) == (4, True)


def test_a_key_that_cannot_sign_is_refused_before_anything_runs(signed):
    """A decision that cannot be signed in the end was hours for nothing, and must not stand there unsigned."""
    done = decide(signed.path, f"--promotion-sign={signed.path}/keys/release.key.pub")
    assert (done.returncode, "no private key" in done.stderr) == (4, True)
    assert signed.document()["finished"] is False
