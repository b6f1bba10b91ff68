"""Evidence that is secret by nature: judged, listed by digest, and copied nowhere."""

from __future__ import annotations

import hashlib
import json
import zipfile

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.evidence.secret_files import holds_private_key, is_secret
from tests.test_schema import check
from tests.verifying import LOOSE

ENV = b"DB_PASSWORD=correct-horse-battery\n"
GATES = """
import pytest

@pytest.mark.critical
def test_env(artifact):
    assert "DB_PASSWORD=" in artifact(".env").text

@pytest.mark.critical
def test_pinned(artifact):
    assert artifact("config/settings.json", secret=True)["mode"] == "live"

@pytest.mark.critical
def test_open(artifact):
    assert artifact("evidence/good.json")["score"] > 0
"""


def command(*words: object):
    """A `promotion` command in this process."""
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture
def decided(place):
    """A PASS that rests on two secret files and an open one."""
    place.file(".env", ENV)
    place.file("config/settings.json", {"mode": "live", "pin": "93-11-57-08"})
    place.file("evidence/good.json", {"score": 1})
    place.write(test_all=GATES)
    assert place.run().ret == 0
    return place


def test_the_bytes_are_in_no_file_below_the_reports(decided):
    """A vault is uploaded, kept for years and read by more people than the file ever was."""
    contents = [path.read_bytes() for path in (decided.path / "reports").rglob("*") if path.is_file()]
    assert not any(b"correct-horse-battery" in one or b"93-11-57-08" in one for one in contents)
    assert any(b'"score"' in one for one in contents)  # what is not secret is kept as before


def test_the_decision_lists_them_by_digest(decided):
    """Who has the file can see that it is the one that was judged."""
    document = decided.latest()
    listed = {one["path"]: one for one in document["evidence_bundle"]["artifacts"]}
    assert listed[".env"] == {
        "path": ".env",
        "sha256": hashlib.sha256(ENV).hexdigest(),
        "size_bytes": len(ENV),
        "exists": True,
        "secret": True,
    }
    assert listed["config/settings.json"]["secret"] is True
    assert "secret" not in listed["evidence/good.json"]
    check("decision", document)


def test_it_verifies_and_says_what_is_not_there(decided):
    """A vault that lacks bytes is damaged, unless they were never to be in it."""
    result = command("verify", *LOOSE, decided.folder / "latest.json")
    assert result.exit_code == 0, result.output
    assert "2 secret artifacts are kept by digest only" in result.output


def test_a_bundle_has_none_of_them(decided):
    """A bundle is handed to others."""
    target = decided.path / "release.zip"
    result = command("bundle", "export", decided.folder / "latest.json", target)
    assert result.exit_code == 0, result.output
    assert "2 secret artifacts are kept by digest only" in result.output
    with zipfile.ZipFile(target) as archive:
        assert not any(b"correct-horse" in archive.read(name) for name in archive.namelist())
    assert command("verify", *LOOSE, target).exit_code == 0


def test_a_rerun_says_why_it_cannot_be(decided):
    """What was not kept cannot be judged again, which is not the same as another outcome."""
    result = command("verify", *LOOSE, decided.folder / "latest.json", "--rerun", "--project", decided.path)
    assert result.exit_code == 3, result.output
    assert "kept by digest only" in result.output


def test_an_open_file_cannot_be_passed_off_as_one(decided):
    """The words `secret: true` in a decision take an artifact out of the check of the vault, and are noted."""
    path = decided.folder / "latest.json"
    document = json.loads(path.read_text())
    for one in document["evidence_bundle"]["artifacts"]:
        one["secret"] = True
    path.write_text(json.dumps(document))
    assert "3 secret artifacts are kept by digest only" in command("verify", *LOOSE, path).output


def test_a_file_that_one_gate_calls_secret_is_secret_for_all(place):
    """The bytes are in the vault by the other gate: the owner of the other gate has to know."""
    place.file("evidence/good.json", {"score": 1})
    place.write(
        test_all="""
        import pytest

        @pytest.mark.critical
        def test_one(artifact):
            assert artifact("evidence/good.json")["score"]

        @pytest.mark.critical
        def test_two(artifact):
            assert artifact("evidence/good.json", secret=True)["score"]
        """
    )
    assert place.run().ret == 1
    assert place.latest()["reasons"] == [
        "evidence/good.json is secret for one gate, and was kept for another: all have to say so"
    ]


def test_a_gate_that_read_it_before_is_told(place):
    """The second call cannot take back what the first one kept."""
    place.file("evidence/good.json", {"score": 1})
    place.write(
        test_all="""
        import pytest

        @pytest.mark.critical
        def test_one(artifact):
            artifact("evidence/good.json")
            assert artifact("evidence/good.json", secret=True)["score"]
        """
    )
    assert place.run().ret == 1
    assert "read it before without secret=True" in place.check("one")["reason"]


def test_workers_agree(decided):
    """What a worker must not keep, it does not keep."""
    decided.run("-n", "2")
    first, second = decided.decisions()[-2:]
    assert first["evidence_bundle"] == second["evidence_bundle"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".env", True),
        ("deploy/.env.production", True),
        ("deploy/prod.env", True),
        (".env.example", False),
        ("home/.netrc", True),
        ("ci/.docker/config.json", True),
        ("reports/config.json", False),
        (".ssh/id_ed25519", True),
        (".ssh/id_ed25519.pub", False),
        ("release.key", True),
        ("keys.json", False),
        ("k8s/secrets.yaml", True),
        ("reports/secrets/latest.json", False),
        ("environment.json", False),
    ],
)
def test_what_is_secret_by_its_name(path, expected):
    """A report about secrets is no secret, and an example of a file is none."""
    assert is_secret(path) is expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----\n", True),
        (b"\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nMIIE\n", True),
        (b"PuTTY-User-Key-File-3: ssh-ed25519\n", True),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", False),
        (b'{"text": "a page about -----BEGIN PRIVATE KEY-----"}', False),
    ],
)
def test_what_is_secret_by_what_is_in_it(content, expected):
    """A private key may have any name."""
    assert holds_private_key(content) is expected
