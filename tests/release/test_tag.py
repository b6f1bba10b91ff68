"""Signed tags, by real git, OpenSSH and GnuPG: who signed, which tag, of which commit."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fixtures import release
from tests.release.conftest import check_of

GATE = "release_tag_signature"


@pytest.fixture
def key(target):
    """The key that the release is signed with."""
    return target / ".runtime/release_key"


@pytest.fixture
def judge(decide):
    """`judge(root, *words)`: what the gate says of the tag at *root*."""

    def of(root, *words):
        # A warning gate by itself decides nothing; a critical one beside it makes a session.
        decision, _ = decide(root, f"--promotion-set=required=required_files,{GATE}", *words)
        found = check_of(decision, GATE)
        return found["outcome"], found["reason"]

    return of


def test_the_tag_of_the_release_is_good(target, judge):
    """A gate that refuses what is signed is switched off."""
    outcome, reason = judge(target)
    assert outcome == "PASS", reason
    assert "v1.0.0" in reason
    assert "(ssh)" in reason


def retag(root, *words, name=release.TAG):
    release.git(root, "tag", "-d", name)
    release.git(root, "tag", *words, name)


def _none(root, _key):
    release.git(root, "tag", "-d", release.TAG)


def _lightweight(root, _key):
    retag(root)


def _unsigned(root, _key):
    retag(root, "-a", "-m", "Tidebook")


def _says_it_is_signed(root, _key):
    retag(root, "-a", "-m", "Tidebook\n\n-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----")


def _unknown_key(root, key):
    stranger = key.with_name("stranger")
    release.keypair(stranger)
    release.git(root, "tag", "-d", release.TAG)
    release.sign(root, stranger, release.TAG)


def _other_namespace(root, key):
    allowed = root / "docs/Ops/allowed_signers"
    allowed.write_text(allowed.read_text().replace('"git"', '"file"'))


def _left_behind(root, _key):
    (root / "docs/later.md").write_text("later\n")
    release.git(root, "add", "-A")
    release.git(root, "commit", "-q", "-m", "later")


def _moved_and_lightweight(root, key):
    _left_behind(root, key)
    release.git(root, "tag", "-f", release.TAG)


def _of_another_release(root, key):
    """The reference of this release leads to the signed tag of another."""
    release.sign(root, key, "v0.9.0")
    other = release.git(root, "rev-parse", "v0.9.0").strip()
    release.git(root, "update-ref", f"refs/tags/{release.TAG}", other)
    release.git(root, "update-ref", "-d", "refs/tags/v0.9.0")


def _of_a_tag(root, key):
    release.sign(root, key, "v2.0.0", release.TAG)
    release.git(root, "update-ref", "-d", f"refs/tags/{release.TAG}")


def _changed_afterwards(root, _key):
    body = release.git(root, "cat-file", "tag", release.TAG).replace("Tidebook v1.0.0", "Tidebook v1.0.1")
    made = subprocess.run(
        ["git", "hash-object", "-t", "tag", "-w", "--stdin"],
        cwd=root,
        input=body,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    release.git(root, "update-ref", f"refs/tags/{release.TAG}", made)


def _verified_by_a_program_of_the_repository(root, key):
    _unknown_key(root, key)
    yes = root / ".runtime/yes"
    yes.write_text('#!/bin/sh\necho "Good \\"git\\" signature for me"\nexit 0\n')
    yes.chmod(0o755)
    for name in ("gpg.program", "gpg.ssh.program", "gpg.openpgp.program"):
        release.git(root, "config", name, str(yes))


def _allowed_by_the_repository(root, key):
    _unknown_key(root, key)
    own = root / ".runtime/mine"
    own.write_text(f"* {(root / '.runtime/stranger.pub').read_text()}")
    release.git(root, "config", "gpg.ssh.allowedSignersFile", str(own))


def _two_of_them(root, key):
    release.sign(root, key, "v1.0.1")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_none, "there is none at all"),
        (_lightweight, "is a lightweight tag"),
        (_unsigned, "is not signed"),
        (_says_it_is_signed, "git ended with exit code"),
        (_unknown_key, "git ended with exit code"),
        (_other_namespace, "git ended with exit code"),
        (_left_behind, "v1.0.0 is on"),
        (_moved_and_lightweight, "is a lightweight tag"),
        (_of_another_release, "leads to the tag 'v0.9.0': it was moved"),
        (_of_a_tag, "v2.0.0 is "),
        (_changed_afterwards, "git ended with exit code"),
        (_verified_by_a_program_of_the_repository, "git ended with exit code"),
        (_allowed_by_the_repository, "git ended with exit code"),
        (_two_of_them, "v1.0.0, v1.0.1 are all on the commit"),
    ],
    ids=lambda value: value.__name__.strip("_").replace("_", " ") if callable(value) else "",
)
def test_a_tag_that_proves_nothing_is_refused_with_the_reason(target, key, judge, spoil, said):
    """Whoever can push a tag can otherwise promote a commit that nobody released."""
    spoil(target, key)
    outcome, reason = judge(target)
    assert outcome == "FAIL"
    assert said in reason


def test_of_two_tags_the_policy_says_which(target, key, judge):
    """A candidate and a release on one commit are two tags."""
    release.sign(target, key, "v1.0.1")
    named = f"--promotion-set=gates.{GATE}.thresholds.tag=v1.0.1"
    assert judge(target, named)[0] == "PASS"
    release.git(target, "tag", "-d", "v1.0.1")
    assert "no tag v1.0.1 is on the commit" in judge(target, named)[1]


def test_a_tag_signed_with_a_kind_of_key_that_nobody_named_is_not_judged(target, judge):
    """Without a list of keys, git's own answer is about whatever this machine trusts."""
    outcome, reason = judge(target, f"--promotion-set=gates.{GATE}.thresholds.allowed_signers=")
    assert outcome == "INCONCLUSIVE"
    assert "the policy names no keys of that kind" in reason


@pytest.fixture
def gpg():
    """`gpg(home, *words)`: GnuPG in a folder of its own; skips where it is not installed."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    homes = []

    def run(home: Path, *words: str) -> str:
        home.mkdir(mode=0o700, exist_ok=True)
        homes.append(home)
        words = ("--batch", "--pinentry-mode", "loopback", "--passphrase", "", *words)
        done = subprocess.run(
            ["gpg", *words], env={**os.environ, "GNUPGHOME": str(home)}, capture_output=True, text=True, check=True
        )
        return done.stdout

    yield run
    for home in set(homes):
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)


def test_a_tag_signed_with_gnupg_is_held_against_the_keys_of_the_policy(target, judge, gpg, tmp_path_factory):
    """A keyring of the machine that runs the gate trusts whomever its owner once wrote to."""
    homes = [tmp_path_factory.mktemp("g") / name for name in ("ours", "stranger")]  # sockets have short paths
    for home in homes:
        gpg(home, "--quick-generate-key", f"{home.name}@tidebook.example", "ed25519", "sign", "1d")
    (target / "docs/Ops/release_keys.asc").write_text(gpg(homes[0], "--armor", "--export"))
    release.git(target, "add", "-A")
    release.git(target, "commit", "-q", "-m", "the keys of the release")
    named = f"--promotion-set=gates.{GATE}.thresholds.openpgp_keys=docs/Ops/release_keys.asc"
    for home, wanted in zip(homes, ("PASS", "FAIL"), strict=True):
        words = ["-c", "gpg.format=openpgp", "-c", f"user.signingkey={home.name}@tidebook.example"]
        environment = {**os.environ, "GNUPGHOME": str(home)}
        tag = ["git", "-c", "user.name=x", "-c", "user.email=x@y", *words, "tag", "-f", "-s", "-m", "x", "v2.0.0"]
        subprocess.run(tag, cwd=target, env=environment, check=True, capture_output=True)
        outcome, reason = judge(target, named)
        assert (outcome, "openpgp" in reason) == (wanted, wanted == "PASS"), reason


@pytest.mark.parametrize("missing", ["git", "ssh-keygen"])
def test_a_missing_program_is_told_with_how_to_get_it(target, decide, tmp_path, missing):
    """A check that cannot run has not been passed."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in {"git", "ssh-keygen"} - {missing}:
        (tools / name).symlink_to(shutil.which(name))
    words = f"--promotion-set=required=required_files,{GATE}"
    decision, _ = decide(target, words, variables={"PATH": str(tools)})
    found = check_of(decision, GATE)
    assert found["outcome"] == "FAIL"
    assert f"{missing} is not installed: install" in found["reason"]
