"""Keys and envelopes: a signature counts for the bytes it is of, and for nothing else."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promotion.errors import Unproven
from pytest_promotion.trust import dsse, keys

pytestmark = pytest.mark.slow

ALGORITHMS = ("ed25519", "ecdsa-p256")


@pytest.fixture(params=ALGORITHMS)
def pair(request, tmp_path):
    """A new key of each kind."""
    private, _ = keys.generate(tmp_path / "one.key", request.param)
    return keys.read_private(private)


@pytest.fixture
def other(tmp_path):
    """Somebody else's key."""
    return keys.read_private(keys.generate(tmp_path / "other.key")[0])


def line_of(envelope, **changes):
    """The envelope's line with fields of its JSON changed."""
    return json.dumps(json.loads(envelope.line()) | changes).encode()


def test_the_encoding_is_that_of_the_specification():
    """An encoding of our own would be signed, and verified by nobody else."""
    assert dsse.encoding("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_what_was_signed_comes_back(pair):
    """The bytes that are acted on must be those that the signature covers."""
    envelope = dsse.sign(b'{"a": 1}', dsse.IN_TOTO, [pair])
    payload, signers = dsse.verified(dsse.parse(envelope.line(), "it"), [pair.public])
    assert (payload, signers) == (b'{"a": 1}', (pair.public.id,))


@pytest.mark.parametrize("keyid", ["", None, "of somebody else"], ids=["empty", "null", "wrong"])
def test_a_key_id_is_only_a_hint(pair, keyid):
    """The specification allows an absent id and vouches for none; who trusts it can be misled by it."""
    line = json.loads(dsse.sign(b"x", dsse.IN_TOTO, [pair]).line())
    line["signatures"][0]["keyid"] = keyid
    assert dsse.verified(dsse.parse(json.dumps(line).encode(), "it"), [pair.public])[1] == (pair.public.id,)
    del line["signatures"][0]["keyid"]
    assert dsse.verified(dsse.parse(json.dumps(line).encode(), "it"), [pair.public])[1] == (pair.public.id,)


@pytest.mark.parametrize("padded", [True, False], ids=["padded", "bare"])
def test_both_alphabets_of_base64_are_read(pair, padded):
    """The specification lets signers use either, and a decision must not depend on which."""
    envelope = dsse.sign(b"\xfb\xff\xfe" * 5 + b"x", dsse.IN_TOTO, [pair])
    found = json.loads(envelope.line())

    def swapped(text: str) -> str:
        text = base64.urlsafe_b64encode(base64.b64decode(text)).decode()
        return text if padded else text.rstrip("=")

    found["payload"] = swapped(found["payload"])
    found["signatures"][0]["sig"] = swapped(found["signatures"][0]["sig"])
    assert dsse.verified(dsse.parse(json.dumps(found).encode(), "it"), [pair.public])[0] == envelope.payload


@pytest.mark.parametrize(
    "text",
    ["QR==", "Q", "Q Q=", "QQ\n==", "", "äöü=", 5, None],
    ids=["bits", "one", "blank", "line", "empty", "umlaut", "number", "null"],
)
def test_what_is_no_base64_is_refused(pair, text):
    """Two texts for the same bytes, or skipped characters, are a place to hide a change in."""
    with pytest.raises(Unproven):
        dsse.parse(line_of(dsse.sign(b"x", dsse.IN_TOTO, [pair]), payload=text), "it")


def test_one_key_counts_once(pair, other):
    """Two signatures of one person are not the two persons that were asked for."""
    envelope = dsse.sign(b"x", dsse.IN_TOTO, [pair, pair])
    with pytest.raises(Unproven, match="1 of the 2 keys"):
        dsse.verified(envelope, [pair.public, pair.public, other.public], threshold=2)
    both = dsse.cosign(envelope, other)
    assert len(dsse.verified(both, [pair.public, other.public], threshold=2)[1]) == 2
    assert dsse.cosign(both, other) == both


def test_a_stranger_s_signature_is_none(pair, other):
    """Anybody can sign anything."""
    with pytest.raises(Unproven, match="none of the allowed keys"):
        dsse.verified(dsse.sign(b"x", dsse.IN_TOTO, [other]), [pair.public])


def test_no_keys_verify_nothing(pair):
    """An empty list of allowed keys must not mean that everything is allowed."""
    envelope = dsse.sign(b"x", dsse.IN_TOTO, [pair])
    with pytest.raises(Unproven):
        dsse.verified(envelope, [])
    with pytest.raises(Unproven, match="accept everything"):
        dsse.verified(envelope, [pair.public], threshold=0)


def test_another_payload_type_is_refused(pair):
    """A signature under a waiver is none under a decision."""
    envelope = dsse.sign(b"x", "application/other", [pair])
    with pytest.raises(Unproven, match="application/other"):
        dsse.verified(envelope, [pair.public])
    with pytest.raises(Unproven, match="none of the allowed keys"):
        dsse.verified(replace(envelope, payload_type=dsse.IN_TOTO), [pair.public])


@settings(deadline=None)  # the first example makes the key
@given(payload=st.binary(max_size=40), place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_every_bit_of_a_payload_is_signed(payload, place, bit):
    """A bit that is not covered is one that may be changed."""
    key = one_key()
    envelope = dsse.sign(payload + b"!", dsse.IN_TOTO, [key])
    changed = bytearray(envelope.payload)
    changed[place % len(changed)] ^= 1 << bit
    with pytest.raises(Unproven):
        dsse.verified(replace(envelope, payload=bytes(changed)), [key.public])


@cache
def one_key():
    """A key for all examples of a property."""
    with tempfile.TemporaryDirectory() as folder:
        return keys.read_private(keys.generate(Path(folder) / "k")[0])


def test_a_key_is_never_overwritten(tmp_path):
    """The key that signed last year's decisions would be gone, and they with it."""
    private, public = keys.generate(tmp_path / "k")
    before = private.read_bytes(), public.read_bytes()
    with pytest.raises(Unproven, match="never overwritten"):
        keys.generate(tmp_path / "k")
    private.unlink()
    with pytest.raises(Unproven, match="never overwritten"):
        keys.generate(tmp_path / "k")
    assert not private.exists()
    assert public.read_bytes() == before[1]


def test_a_private_key_is_readable_by_its_owner_only(tmp_path):
    """Whoever can read it can promote."""
    private, public = keys.generate(tmp_path / "k")
    assert (private.stat().st_mode & 0o777, public.stat().st_mode & 0o777 & ~0o022) == (0o600, 0o644)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (["genrsa", "-traditional", "2048"], "expected Ed25519 or ECDSA P-256"),
        (["ecparam", "-name", "secp384r1", "-genkey", "-noout"], "curve secp384r1"),
        (["genpkey", "-algorithm", "ed448"], "expected Ed25519 or ECDSA P-256"),
    ],
    ids=["rsa", "p384", "ed448"],
)
def test_other_keys_are_refused_by_name(make, said):
    """A signature by a key that verifiers elsewhere do not know is none to them."""
    pem = subprocess.run(["openssl", *make], capture_output=True, check=True).stdout
    with pytest.raises(Unproven, match=said):
        keys.private_key(pem, "it")


def test_an_encrypted_or_damaged_key_is_refused(tmp_path):
    """A signer that asks for a passphrase hangs in CI; half a key signs nothing."""
    private, _ = keys.generate(tmp_path / "k")
    locked = subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", private, "-passout", "pass:x"], capture_output=True, check=True
    ).stdout
    with pytest.raises(Unproven, match="encrypted"):
        keys.private_key(locked, "it")
    for half in (b"", private.read_bytes()[:60], private.read_bytes().replace(b"PRIVATE", b"PUBLIC")):
        with pytest.raises(Unproven):
            keys.private_key(half, "it")


def test_openssl_verifies_without_us(pair, tmp_path):
    """Who has to trust our verifier to check our signature has gained nothing."""
    envelope = dsse.sign(b'{"a": 1}', dsse.IN_TOTO, [pair])
    (tmp_path / "message").write_bytes(dsse.encoding(envelope.payload_type, envelope.payload))
    (tmp_path / "signature").write_bytes(envelope.signatures[0].sig)
    # ECDSA signs a digest, Ed25519 the message itself: openssl has one word for both.
    command = f"openssl pkeyutl -verify -pubin -inkey {tmp_path}/one.key.pub -rawin -in {tmp_path}/message -sigfile {tmp_path}/signature"
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in done.stdout, done.stderr
