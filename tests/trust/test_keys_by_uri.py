"""Keys by URI, each with the real part behind it: a file, and a PKCS#11 token in SoftHSM."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.trust import dsse, keys
from pytest_promotion.trust.signers_by_uri import is_uri

pytestmark = pytest.mark.slow
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "4711"


@pytest.fixture(autouse=True)
def _library():
    pytest.importorskip("securesystemslib", reason="the extra `kms` is not installed: securesystemslib")


@pytest.fixture(params=["ed25519", "ecdsa-p256"])
def pair(request, tmp_path):
    """A new key pair in files."""
    return keys.generate(tmp_path / "release.key", request.param)


@pytest.fixture
def token(tmp_path, monkeypatch):
    """A PKCS#11 token of SoftHSM with a P-256 key, number 2, and the public half of that in a file."""
    pytest.importorskip("pkcs11", reason="the extra `kms` is not installed: python-pkcs11")
    if shutil.which("softhsm2-util") is None or not MODULE.exists():
        pytest.skip("not installed: softhsm2")
    import pkcs11
    from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm.conf"))
    monkeypatch.setenv("PYKCS11LIB", str(MODULE))
    words = ["--init-token", "--free", "--label", "release", "--pin", PIN, "--so-pin", "1234"]
    subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)
    library = pkcs11.lib(str(MODULE))
    library.reinitialize()  # the library is loaded once in a process, and has read another configuration before
    with library.get_token(token_label="release").open(user_pin=PIN, rw=True) as session:
        parameters = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        domain = session.create_domain_parameters(pkcs11.KeyType.EC, parameters, local=True)
        made, _ = domain.generate_keypair(store=True, id=b"\x02", label="release")
        der = encode_ec_public_key(made)
    public = tmp_path / "token.pub"
    convert = ["openssl", "pkey", "-pubin", "-inform", "DER", "-out", str(public)]
    subprocess.run(convert, input=der, check=True, capture_output=True)
    return public


def verified(private, public):
    """Whether what *private* signs is good by the public key in the file, which is all that verifiers have."""
    envelope = dsse.parse(dsse.sign(b'{"a": 1}', dsse.IN_TOTO, [private]).line(), "it")
    return dsse.verified(envelope, [keys.read_public(public)])[1] == (private.public.id,)


def test_a_file_by_uri_signs_as_the_file_does(pair):
    """The key that is known by one id to those who verify has no other to those who sign."""
    private, public = pair
    by_uri = keys.private_key_of(f"file2:{private}", public)
    assert verified(by_uri, public)
    assert by_uri.public.id == keys.private_key_of(str(private)).public.id


def test_a_pkcs11_token_signs(token, monkeypatch):
    """The private key never leaves the token, and needs its PIN."""
    private = keys.private_key_of("hsm:2?label=release", token)
    monkeypatch.delenv("PROMOTION_KEY_PIN", raising=False)
    with pytest.raises(Unproven, match="asks for a pin: set PROMOTION_KEY_PIN"):
        private.sign(b"x")
    monkeypatch.setenv("PROMOTION_KEY_PIN", PIN)
    assert verified(private, token)
    with pytest.raises(Unproven, match="hsm:7.label=release does not sign: ValueError: could not find"):
        keys.private_key_of("hsm:7?label=release", token).sign(b"x")
    monkeypatch.setenv("PROMOTION_KEY_PIN", "wrong")
    with pytest.raises(Unproven, match="does not sign: PinIncorrect"):
        private.sign(b"x")


def test_other_algorithms_are_refused_by_name_before_anything_is_opened(tmp_path):
    """RSA in a key store signs, and nobody who verifies here could read it."""
    pem, public = tmp_path / "rsa", tmp_path / "rsa.pub"
    subprocess.run(["openssl", "genrsa", "-out", str(pem), "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", str(pem), "-pubout", "-out", str(public)], check=True, capture_output=True)
    with pytest.raises(Unproven, match="RSAPublicKey: expected Ed25519 or ECDSA P-256"):
        keys.private_key_of(f"file2:{pem}", public)


def test_what_is_no_key_store_is_refused_by_name(pair, tmp_path, monkeypatch):
    """A scheme that was misspelt must not be looked for as a file."""
    private, public = pair
    with pytest.raises(Unproven, match="gnupg: is not supported"):
        keys.private_key_of("gnupg:ABC", public)
    for text, half in (("hsm:2", None), (str(private), public)):
        with pytest.raises(PolicyError, match="--public-key"):
            keys.private_key_of(text, half)
    monkeypatch.chdir(tmp_path)
    shutil.copy(private, "file2:k")
    assert (is_uri("file2:k"), is_uri("file2:j"), is_uri("./file2:j"), is_uri("k")) == (False, True, False, False)
