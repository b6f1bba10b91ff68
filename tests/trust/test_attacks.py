"""
Attacks on a decision after it was taken: what was changed is not acted on.

Each test counts what it tried; the sum stands at the end of the test run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from pytest_promotion.clock import parse_moment
from pytest_promotion.trust import dsse, keys, signing
from tests.sessions import environment
from tests.trust.conftest import SUBJECT, decide


def flipped(content):
    """*content* with one bit of one byte changed, for every byte; which bit changes with the place."""
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        yield place, bytes(changed)


def test_every_flip_in_a_signed_decision_is_found(signed, attacks):
    """A decision in which any byte can be changed says what its last reader wanted."""
    case, demands = signed.case, signed.demands()
    from pytest_promotion.trust.verify import verify

    survivors = []
    for place, content in flipped(case.content):
        attacks()
        if verify(replace(case, content=content), demands).yes:
            survivors.append(place)
    assert survivors == []


def test_a_flip_in_an_envelope_is_found_or_changes_nothing(signed, attacks):
    """What the envelopes still prove after a change must be exactly what was signed: about this very decision."""
    case, demands = signed.case, signed.demands()
    own = [(key.public.id,) for key in [signed.key]]
    from pytest_promotion.trust.verify import verify

    gate_decision, _, rest = case.envelopes.partition(b"\n")
    payload = dsse.parse(gate_decision, "it").payload
    for _, line in flipped(gate_decision):
        attacks()
        answer = verify(replace(case, envelopes=line + b"\n" + rest), demands)
        if answer.yes:
            # A key id is a hint, and an unknown field nobody reads: the bytes under the signature are the same.
            assert dsse.parse(line, "it").payload == payload
            assert [answer.signers] == own


def test_every_flip_in_what_was_judged_is_found(signed, vault, attacks):
    """Evidence that can be changed afterwards proves whatever one likes."""
    document = signed.document()
    named = [one["sha256"] for one in document["evidence_bundle"]["artifacts"]]
    assert len(named) == 2
    named += [document["policy"]["sha256"]]
    for digest in named:
        place = vault.where(digest)
        content = place.read_bytes()
        for _, changed in flipped(content):
            place.write_bytes(changed)
            attacks()
            assert not signed.verify().yes
        for changed in (b"", content[:-1], content + b"\n", content * 2):
            place.write_bytes(changed)
            attacks()
            assert not signed.verify().yes
        place.write_bytes(content)
    assert signed.verify().yes


def test_every_cut_of_a_decision_is_found(signed, attacks):
    """A file that arrived half must not say more than the whole."""
    case, demands = signed.case, signed.demands(keys=())
    from pytest_promotion.trust.verify import verify

    whole = json.loads(case.content)
    for length in range(len(case.content) - 1):
        attacks()
        answer = verify(replace(case, content=case.content[:length]), demands)
        # Without its last line end it is the same document.
        assert not answer.yes or json.loads(case.content[:length]) == whole


def test_an_old_pass_cannot_be_played_again(signed, attacks):
    """The envelopes and the file of last week are as good as ever; the candidate is not the same."""
    old = signed.case
    other = "candidate.whl=sha256:" + "b2" * 32
    assert (
        decide(
            signed.path, f"--promotion-subject={other}", f"--promotion-sign={signed.path}/keys/release.key"
        ).returncode
        == 0
    )
    assert signed.verify(subject=other).yes
    attacks(3)
    assert not signed.verify(old, subject=other).yes
    assert not signed.verify(replace(old, content=signed.case.content)).yes
    assert not signed.verify(replace(signed.case, envelopes=old.envelopes), subject=other).yes


def test_a_clock_that_was_moved_helps_nobody(signed, attacks):
    """Set back before the decision or forward beyond its end, the answer is no; between them it is the same."""
    document = signed.document()
    taken, ends = (parse_moment(text) for text in (document["ts_utc"], document["valid_until"]["ts_utc"]))
    for moved in (timedelta(minutes=3), timedelta(days=400), timedelta(days=40_000)):
        attacks(2)
        assert not signed.verify(at=taken - moved).yes
        assert not signed.verify(at=ends + moved).yes


def test_statements_of_another_kind_are_no_decision(signed, attacks):
    """A signed test result, or a signed list of properties, is not the decision itself."""
    lines = signed.case.envelopes.splitlines(keepends=True)
    assert len(lines) == 4
    for line in lines[1:]:
        attacks()
        assert not signed.verify(replace(signed.case, envelopes=line)).yes
    for order in (lines[::-1], lines[2:] + lines[:2], [lines[0]]):
        assert signed.verify(replace(signed.case, envelopes=b"".join(order))).yes


def test_signatures_cannot_be_moved_between_envelopes(signed, attacks):
    """A signature is good for the payload that it is under."""
    found = [dsse.parse(line, "it") for line in signed.case.envelopes.splitlines()]
    assert len(found) == 4
    for one in found[1:]:
        attacks()
        forged = replace(found[0], signatures=one.signatures)
        assert not signed.verify(replace(signed.case, envelopes=forged.line())).yes


def test_another_key_with_the_right_name_is_another_key(signed, tmp_path, attacks):
    """The file name and the key id are labels; anybody can write them."""
    stranger = keys.read_private(keys.generate(tmp_path / "release.key")[0])
    envelopes = signing.signed(signed.document(), "latest.json", signed.case.content, [stranger])
    forged = envelopes.replace(stranger.public.id.encode(), signed.key.public.id.encode())
    attacks(2)
    assert not signed.verify(replace(signed.case, envelopes=envelopes)).yes
    assert not signed.verify(replace(signed.case, envelopes=forged)).yes


BOMBS = {
    "deep": b"[" * 1_000_000,
    "deep objects": b'{"a":' * 200_000,
    "long number": b'{"schema_version": ' + b"9" * 100_000 + b"}",
    "many envelopes": b'{"payload":"QQ==","payloadType":"x","signatures":[{"sig":"QQ=="}]}\n' * 1_000,
    "many signatures": b'{"payload":"QQ==","payloadType":"x","signatures":['
    + b'{"sig":"QQ=="},' * 50_000
    + b'{"sig":"QQ=="}]}',
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_quickly(signed, bomb, attacks):
    """Who can stop the verifier can stop every deployment."""
    started = time.monotonic()
    attacks(2)
    assert not signed.verify(replace(signed.case, content=bomb)).yes
    assert not signed.verify(replace(signed.case, envelopes=bomb)).yes
    assert time.monotonic() - started < 60


def test_a_link_in_the_vault_is_judged_by_what_it_leads_to(signed, vault, tmp_path, attacks):
    """A name that leads elsewhere shows today's file for yesterday's evidence."""
    [digest, *_] = [one["sha256"] for one in signed.document()["evidence_bundle"]["artifacts"]]
    place = vault.where(digest)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"something else")
    place.unlink()
    place.symlink_to(elsewhere)
    attacks()
    assert not signed.verify().yes


SLOW = '''
import time
import pytest

@pytest.mark.critical
@pytest.mark.parametrize("number", range(40))
def test_slow(artifact, number):
    """It takes a while."""
    time.sleep(0.005)
    assert artifact("evidence/notes.txt").text
'''


@pytest.mark.parametrize("after_s", [0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.3])
def test_a_killed_session_leaves_no_pass_and_no_broken_file(signed, after_s, attacks):
    """kill -9 comes between any two writes; what it leaves must be the old FAIL, or whole."""
    (signed.path / "promotion.yaml").write_text("version: 1\n")
    (signed.path / "gates" / "test_gates.py").write_text(SLOW)
    before = {path.name for path in signed.latest.parent.glob("*.json*")}
    command = [sys.executable, "-m", "pytest", "gates", "-q", "-p", "no:cacheprovider"]
    command += [f"--promotion-sign={signed.path}/keys/release.key", f"--promotion-subject={SUBJECT}"]
    began = signed.document()["run_id"]
    process = subprocess.Popen(
        command, cwd=signed.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env=environment(),
    )  # fmt: skip
    time.sleep(after_s)
    os.killpg(process.pid, signal.SIGKILL)
    finished = process.wait() == 0
    attacks()
    document = signed.document()  # whole, or this raises
    if document["run_id"] != began and document["finished"]:
        # It got to its end: then everything that belongs to it is there, and verifies.
        assert signed.verify().yes
    elif document["run_id"] != began:
        assert (document["status"], finished) == ("FAIL", False)
        assert not signed.verify().yes
    for path in signed.latest.parent.glob("promotion_gates_*.json"):
        if path.name not in before:
            assert json.loads(path.read_bytes())["finished"] is True
            assert path.with_suffix(".intoto.jsonl").exists()
