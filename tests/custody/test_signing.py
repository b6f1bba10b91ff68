"""Signing by a process that ran no gate: only what may be acted on is signed, and only what is about it."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.trust import dsse, keys
from tests.trust.conftest import decide

pytestmark = pytest.mark.slow


@pytest.fixture
def unsigned(decided):
    """A PASS that nobody has signed."""
    for path in decided.latest.parent.glob("*.intoto.jsonl"):
        path.unlink()
    return decided


def sign(repository, *words, profile="prod", file=None, key=None):
    """`promotion sign` with everything that is demanded, as far as *words* do not say otherwise."""
    given = ["--profile", profile] if profile else []
    where = ["--key", str(key or repository.key.with_suffix("")), "--project", str(repository.path)]
    return CliRunner().invoke(main, ["sign", str(file or repository.latest), *given, *where, *map(str, words)])


def envelopes(repository):
    """The file of signatures."""
    return repository.latest.with_suffix(".intoto.jsonl")


def at_start(folder, monkeypatch, line):
    """Runs *line* in each process of Python that is started from now on, as code that gates import could."""
    (folder / "sitecustomize.py").write_text(f"import os\n{line}\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))


def refused(repository, code, *words, **more):
    """What is printed where nothing may be signed."""
    before = envelopes(repository).read_bytes() if envelopes(repository).exists() else None
    done = sign(repository, *words, **more)
    assert done.exit_code == code, done.output
    assert (envelopes(repository).read_bytes() if envelopes(repository).exists() else None) == before
    return done.output


def test_what_may_be_acted_on_is_signed_and_verifies(unsigned):
    """The signature of another process is as good as that of the session."""
    assert unsigned.verify().exit_code == 2
    done = sign(unsigned)
    assert (done.exit_code, done.output) == (0, f"signed by {keys.read_public(unsigned.key).id}\n")
    assert unsigned.verify().output == "may be acted on: yes\n"
    again = json.loads(sign(unsigned, "--json").output)
    assert (again["signed"], again["signers"], again["done_without"]) == (True, [keys.read_public(unsigned.key).id], [])


def test_a_fail_a_replay_and_a_look_at_some_gates_are_not_signed(unsigned):
    """A signature under a FAIL is one that an edited reader takes for a yes."""
    assert unsigned.decide(0.1)["status"] == "FAIL"
    for path in unsigned.latest.parent.glob("*.intoto.jsonl"):
        path.unlink()
    assert "it says FAIL" in refused(unsigned, 2)
    moment = unsigned.document()["ts_utc"]
    decide(unsigned.path, "--promotion-profile=prod", f"--promotion-as-of={moment}")
    [replay] = unsigned.latest.parent.glob("replay_*.json")
    assert "replay, not a decision" in refused(unsigned, 2, file=replay)
    unfinished = unsigned.document() | {"finished": False}
    unsigned.latest.write_text(json.dumps(unfinished))
    assert refused(unsigned, 2).startswith("not signed: no")


def test_an_expired_decision_is_not_signed(unsigned):
    """Whoever signs it makes last year's evidence look like that of today."""
    document = unsigned.document()
    document["valid_until"]["ts_utc"] = document["ts_utc"]
    unsigned.latest.write_text(json.dumps(document))
    assert "it expired at" in refused(unsigned, 2)


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--any-profile", "it is of the profile prod"),
        ("--allow-superseded", "whether it is the newest decision about its subject is not known"),
        ("--allow-dirty", "files here differ from the commit"),
    ],
)
def test_a_demand_is_done_without_by_its_own_flag_alone(unsigned, flag, said):
    """What was not looked at must be readable in the log of the job that signed."""
    profile = "" if flag == "--any-profile" else "prod"
    if flag == "--allow-superseded":
        (unsigned.latest.parent / "history.jsonl").unlink()
    if flag == "--allow-dirty":
        (unsigned.path / "src/app.py").write_text("ANSWER = 43\n")
    code = 2 if flag == "--allow-dirty" else 3
    assert said in refused(unsigned, code, profile=profile)
    done = sign(unsigned, flag, profile=profile)
    assert done.exit_code == 0, done.output
    assert f"  by {flag}: {said}" in done.output


def test_there_is_no_flag_to_sign_without_a_signature(unsigned):
    """A flag without a meaning is given by those who copy a command, and trusted by those who read it."""
    assert refused(unsigned, 4, "--allow-unsigned")


def test_another_subject_and_weakened_rules_are_not_signed(unsigned):
    """The checkout of the second job says what is promoted, not the first job."""
    assert "not about" in refused(unsigned, 2, "--subject", "gitCommit:" + "0" * 40)
    (unsigned.path / "src/app.py").write_text("ANSWER = 43\n")
    unsigned.git("commit", "-qam", "two")
    assert "it is about the commit" in refused(unsigned, 2)


def test_the_gates_judge_again_before_the_key_is_read(unsigned, tmp_path):
    """A first job that wrote its own PASS is found out by gates that it did not touch."""
    done = sign(unsigned, "--rerun")
    assert done.exit_code == 0, done.output
    assert "judged again from its vault" in done.output
    envelopes(unsigned).unlink()
    gates = unsigned.path / "gates/test_gates.py"
    gates.write_text(gates.read_text().replace('policy["least"]', "0.99"))
    said = refused(unsigned, 2, "--rerun", "--allow-dirty", key=tmp_path / "none")
    assert "judged again, score was PASS, and is FAIL" in said


def test_gates_that_judge_again_see_no_pin(unsigned, tmp_path, monkeypatch):
    """The child runs code of the candidate: what opens the key is no business of its."""
    monkeypatch.setenv("PROMOTION_KEY_PIN", "1234")
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    seen = tmp_path / "seen"
    at_start(tmp_path, monkeypatch, f"open({str(seen)!r}, 'w').write(' '.join(os.environ))")
    done = sign(unsigned, "--rerun")
    assert done.exit_code == 0, done.output
    names = seen.read_text().split()
    assert ("SOMETHING_ELSE" in names, "PROMOTION_KEY_PIN" in names) == (True, False)


def test_a_second_signer_signs_the_same_statements(unsigned, tmp_path):
    """Two persons who signed two statements agreed on nothing."""
    second, public = keys.generate(tmp_path / "second.key")
    assert sign(unsigned).exit_code == 0
    assert sign(unsigned, key=second).exit_code == 0
    assert unsigned.verify("--key", public, "--threshold", "2").exit_code == 0
    before = envelopes(unsigned).read_bytes()
    assert sign(unsigned, key=second).exit_code == 0
    assert envelopes(unsigned).read_bytes() == before


def test_the_dated_file_and_the_latest_one_are_signed_together(unsigned, tmp_path):
    """The next session replaces `latest.json` with its signature: the decision would then be an unsigned one."""
    [dated] = unsigned.latest.parent.glob("promotion_gates_*.json")
    other = dated.with_name(f"{dated.stem}_1.json")
    other.write_bytes(dated.read_bytes() + b"\n")
    assert sign(unsigned).exit_code == 0
    assert not other.with_suffix(".intoto.jsonl").exists(), "that file has other bytes"
    assert unsigned.verify(file=dated).output == "may be acted on: yes\n"
    second, public = keys.generate(tmp_path / "second.key")
    envelopes(unsigned).unlink()
    assert sign(unsigned, key=second, file=dated).exit_code == 0
    assert unsigned.verify("--key", public, "--threshold", "2", file=dated).exit_code == 0
    assert unsigned.verify("--key", public).exit_code == 0, "one of the keys that are named is enough"


def test_a_copy_with_another_statement_beside_it_is_not_signed(unsigned):
    """The signature on one file is no reason to sign what somebody else has written beside the other."""
    [dated] = unsigned.latest.parent.glob("promotion_gates_*.json")
    dated.with_suffix(".intoto.jsonl").write_text("{}\n")
    assert "promotion_gates_" in refused(unsigned, 3)


def test_a_second_signer_signs_what_a_session_signed(decided, tmp_path):
    """A session calls the decision by its dated name, and not by `latest.json`."""
    second, public = keys.generate(tmp_path / "second.key")
    assert sign(decided, key=second).exit_code == 0
    assert decided.verify("--key", public, "--threshold", "2").exit_code == 0


def test_a_statement_that_was_added_to_the_file_is_not_signed(unsigned, tmp_path):
    """The first job writes that file: whatever it adds would be signed along, about any decision it likes."""
    stranger = keys.read_private(keys.generate(tmp_path / "stranger.key")[0])
    assert sign(unsigned).exit_code == 0
    good = envelopes(unsigned).read_bytes()
    other = json.loads(dsse.parse(good.split(b"\n")[0], "it").payload)
    other["predicate"]["decision"]["digest"]["sha256"] = "0" * 64
    line = dsse.sign(json.dumps(other).encode(), dsse.IN_TOTO, [stranger]).line()
    for content, said in (
        (good + line, "line 5 is no statement on this decision"),
        (line + good, "line 1 is no statement on this decision"),
        (b"\n".join(good.split(b"\n")[:2]) + b"\n", "2 envelopes: expected the 4 statements"),
        (good.replace(dsse.IN_TOTO.encode(), b"text/plain", 1), "line 1 is no statement"),
    ):
        envelopes(unsigned).write_bytes(content)
        assert said in refused(unsigned, 3)


def test_the_bytes_that_were_judged_are_signed(unsigned, tmp_path, monkeypatch):
    """Gates that judge again may write a PASS of their own over the decision, and wait for the signature."""
    content = unsigned.latest.read_bytes()
    at_start(tmp_path, monkeypatch, f"open({str(unsigned.latest)!r}, 'w').write('other')")
    done = sign(unsigned, "--rerun")
    assert done.exit_code == 0, done.output
    assert unsigned.latest.read_bytes() == b"other"
    unsigned.latest.write_bytes(content)
    assert unsigned.verify().exit_code == 0


def test_without_a_usable_key_nothing_is_signed(unsigned, tmp_path):
    """A message that names no file sends people looking for it in the wrong secret store."""
    assert "none.key" in refused(unsigned, 3, key=tmp_path / "none.key")
    assert "expected Ed25519 or ECDSA P-256" in refused(unsigned, 3, key=openssl(tmp_path, "secp384r1", "curve"))


def openssl(folder, curve, name):
    """A private key on another curve."""
    place = folder / name
    words = ["openssl", "ecparam", "-name", curve, "-genkey", "-noout", "-out", str(place)]
    subprocess.run(words, capture_output=True, check=True)
    return place
