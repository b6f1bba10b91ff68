"""Bundles: one file that verifies anywhere, and nothing but what its decision says."""

from __future__ import annotations

import io
import json
import shutil
import stat
import tarfile
import tempfile
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.trust import bundles
from pytest_promotion.trust.bundles import export, opened
from pytest_promotion.trust.verify import verify
from tests.trust.conftest import decide
from tests.trust.test_verify import promotion
from tests.verifying import LOOSE

zstandard = pytest.importorskip("zstandard")
KINDS = ("zip", "tar.zst")


def packed(kind: str, members: list[tuple[str, bytes]], path):
    """An archive of that kind with exactly these members, as a stranger would write it."""
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members:
                facts = zipfile.ZipInfo(name)
                facts.external_attr = (stat.S_IFREG | 0o644) << 16
                archive.writestr(facts, content)
    else:
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w") as archive:
            for name, content in members:
                facts = tarfile.TarInfo(name)
                facts.size = len(content)
                archive.addfile(facts, io.BytesIO(content))
        path.write_bytes(zstandard.compress(raw.getvalue()))
    return path


def members_of(path) -> list[tuple[str, bytes]]:
    """What an archive holds, as the usual tools see it."""
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            return [(name, archive.read(name)) for name in archive.namelist()]
    with zstandard.open(path) as stream, tarfile.open(fileobj=io.BytesIO(stream.read())) as archive:
        return [(facts.name, archive.extractfile(facts).read()) for facts in archive.getmembers()]


@pytest.fixture(autouse=True)
def _temporary_folder(tmp_path, monkeypatch):
    """A folder for temporary files that no other test uses."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def bundle(signed, kind, tmp_path):
    """The bundle of the signed decision."""
    return export(signed.latest, tmp_path / f"release.{kind}").path


def refused(path, said: str, signed) -> None:
    """Refused when it is opened, with nothing of it left."""
    before = set(_temporary())
    with pytest.raises(Unproven, match=said), opened(path):
        pass
    assert set(_temporary()) == before
    done = promotion(signed, "verify", *LOOSE, str(path))
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)


def _temporary():
    return Path(tempfile.gettempdir()).glob("promotion-bundle-*")


def test_a_bundle_verifies_where_nothing_else_is(signed, bundle, tmp_path):
    """Whoever has to decide years later has a file, and neither the machine nor its vault."""
    moved = tmp_path / "elsewhere" / bundle.name
    moved.parent.mkdir()
    shutil.move(bundle, moved)
    key = shutil.copy(signed.path / "keys" / "release.key.pub", tmp_path / "release.key.pub")
    shutil.rmtree(signed.path / "reports")
    with opened(moved) as case:
        answer = verify(case, signed.demands())
    assert (answer.yes, answer.signers) == (True, (signed.key.public.id,))
    done = promotion(signed, "verify", *LOOSE, str(moved), "--key", str(key), "--rerun", "--json")
    assert (done.returncode, json.loads(done.stdout)["may_act"]) == (0, True), done.stderr


def test_a_bundle_holds_the_decision_first_and_all_that_it_names(signed, bundle):
    """What is missing cannot be asked for later; what was not judged does not belong there."""
    names = [name for name, _ in members_of(bundle)]
    assert names[:3] == ["decision.json", "decision.md", "decision.intoto.jsonl"]
    for name, content in members_of(bundle)[3:]:
        digest = sha256(content).hexdigest()
        assert name == f"evidence/sha256/{digest[:2]}/{digest}"
    document = signed.document()
    named = {one["sha256"] for one in (*document["evidence_bundle"]["artifacts"], *document["policy"]["files"])}
    named |= {run["output_sha256"] for check in document["checks"] for run in check["commands"]}
    assert {name.rpartition("/")[2] for name in names[3:]} == named


def test_the_same_decision_gives_the_same_bytes(signed, bundle, kind, tmp_path):
    """Two who pack the same decision must be able to see that it is the same."""
    other = tmp_path / "other" / f"b.{kind}"
    done = promotion(signed, "bundle", "export", str(signed.latest), str(other), "--json")
    assert done.returncode == 0, done.stderr
    assert other.read_bytes() == bundle.read_bytes()
    assert json.loads(done.stdout)["sha256"] == sha256(bundle.read_bytes()).hexdigest()


def test_a_fail_is_packed_and_stays_a_fail(signed, kind, tmp_path):
    """A post-mortem needs the decisions that said no."""
    (signed.path / "evidence" / "notes.txt").unlink()
    (signed.path / "evidence" / "score.json").write_text("{")
    assert decide(signed.path).returncode == 1
    path = export(signed.latest, tmp_path / f"no.{kind}").path
    done = promotion(signed, "verify", *LOOSE, str(path))
    assert (done.returncode, "it says FAIL" in done.stdout) == (2, True)


@pytest.mark.parametrize("damage", ["artifact", "policy", "envelopes", "lost", "unfinished"])
def test_what_is_damaged_is_not_packed(signed, damage, tmp_path):
    """A bundle of damaged evidence is found out on the day on which it is needed."""
    document = signed.document()
    kept = signed.case.vault
    if damage in ("artifact", "lost"):
        place = kept.where(document["evidence_bundle"]["artifacts"][0]["sha256"])
        place.write_bytes(b"other") if damage == "artifact" else place.unlink()
    elif damage == "policy":
        kept.where(document["policy"]["files"][0]["sha256"]).write_bytes(b"version: 1\n")
    elif damage == "envelopes":
        signed.latest.write_text(json.dumps(document, indent=1))
    else:
        signed.latest.write_text(json.dumps(document | {"finished": False}))
    target = tmp_path / "release.zip"
    done = promotion(signed, "bundle", "export", str(signed.latest), str(target))
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert list(tmp_path.glob("*.zip")) == []
    assert list(tmp_path.glob(".new-*")) == []


def test_an_export_keeps_what_was_there_where_it_fails(signed, tmp_path):
    """Half a bundle in the place of a whole one is a loss."""
    target = tmp_path / "release.zip"
    target.write_bytes(b"before")
    signed.latest.write_text("{}")
    with pytest.raises(Unproven):
        export(signed.latest, target)
    assert target.read_bytes() == b"before"
    assert promotion(signed, "bundle", "export", str(signed.latest), str(tmp_path / "b.rar")).returncode == 3


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/tmp/evil",
        "evidence/../../evil",
        "evidence\\..\\evil",
        "evidence/sha256/aa/" + "aa" * 32,
        "README",
        "decision.json/x",
        "evidence/sha256/",
    ],
    ids=["up", "absolute", "through", "backslash", "unnamed", "other", "below", "folder"],
)
def test_a_name_that_is_in_no_bundle_is_refused(signed, bundle, kind, name, attacks):
    """A name is where something would be written: beside the folder lie the keys of whoever verifies."""
    refused(packed(kind, [*members_of(bundle), (name, b"evil")], bundle), "no bundle|no plain file", signed)
    attacks()


def test_a_name_that_comes_twice_is_refused(signed, bundle, kind, attacks):
    """Two tools that take the first and the last of two members see two decisions."""
    members = members_of(bundle)
    for again in (members[0], members[-1]):
        with pytest.warns(UserWarning, match="Duplicate") if kind == "zip" else _nothing():
            packed(kind, [*members, again], bundle)
        refused(bundle, "wrong place", signed)
        attacks()


def _nothing():
    from contextlib import nullcontext

    return nullcontext()


@pytest.mark.parametrize("change", ["late", "none", "empty"])
def test_the_decision_comes_first(signed, bundle, kind, change, attacks):
    """Until the decision was read nobody knows what may follow."""
    first, *others = members_of(bundle)
    members = {"late": [*others, first], "none": others, "empty": []}[change]
    refused(packed(kind, members, bundle), "wrong place|holds no decision", signed)
    attacks()


@pytest.mark.parametrize("size", [0, 10**8], ids=["nothing", "bomb"])
def test_a_member_has_the_size_that_the_decision_names(signed, bundle, kind, size, attacks):
    """A hundred kilobytes that unpack to a hundred gigabytes end the machine that verifies."""
    members = members_of(bundle)
    digest = signed.document()["evidence_bundle"]["artifacts"][0]["sha256"]
    members = [(name, bytes(size) if name.endswith(digest) else content) for name, content in members]
    refused(packed(kind, members, bundle), f"is {size} bytes long, expected", signed)
    attacks()


def test_evidence_of_another_content_is_a_no(signed, bundle, kind, attacks):
    """The right name and the right size do not make it what was judged."""
    digests = [one["sha256"] for one in signed.document()["evidence_bundle"]["artifacts"]]
    assert len(digests) == 2
    for digest in digests:
        members = [
            (name, content[:-1] + b"!" if name.endswith(digest) else content) for name, content in members_of(bundle)
        ]
        path = packed(kind, members, bundle.with_name(f"changed.{kind}"))
        assert promotion(signed, "verify", *LOOSE, str(path)).returncode == 2
        without = [one for one in members_of(bundle) if not one[0].endswith(digest)]
        assert promotion(signed, "verify", *LOOSE, str(packed(kind, without, path))).returncode == 2
        attacks(2)


def test_a_changed_decision_in_a_bundle_is_a_no(signed, bundle, kind, attacks):
    """Whoever can pack a bundle cannot sign it."""
    document = signed.document() | {"valid_until": None, "ts_utc": datetime.now(UTC).isoformat()}
    members = [("decision.json", json.dumps(document).encode()), *members_of(bundle)[1:]]
    packed(kind, members, bundle)
    done = promotion(signed, "verify", *LOOSE, str(bundle), "--key", "keys/release.key.pub")
    assert done.returncode == 2
    attacks()


@pytest.mark.parametrize(
    "what",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME],
)
def test_a_tar_holds_plain_files_only(signed, tmp_path, what, attacks):
    """A link is written through; a header that says how long it is fills the memory."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        facts = tarfile.TarInfo("decision.json")
        facts.type, facts.linkname = what, "/etc/passwd"
        archive.addfile(facts)
    path = tmp_path / "link.tar.zst"
    path.write_bytes(zstandard.compress(raw.getvalue()))
    refused(path, "no plain file", signed)
    attacks()


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR], ids=["link", "fifo", "folder"])
def test_a_zip_holds_plain_files_only(signed, tmp_path, mode, attacks):
    """The same in the other form."""
    path = tmp_path / "link.zip"
    with zipfile.ZipFile(path, "w") as archive:
        facts = zipfile.ZipInfo("decision.json")
        facts.external_attr = (mode | 0o777) << 16
        archive.writestr(facts, "/etc/passwd")
    refused(path, "no plain file", signed)
    attacks()


def test_a_zip_bomb_is_not_even_opened(signed, tmp_path, attacks):
    """What is not compressed cannot be larger than the file that it came in."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("decision.json", bytes(10**7))
    refused(path, "is compressed", signed)
    attacks()


def test_a_decision_as_large_as_none_is_refused(signed, tmp_path, monkeypatch, attacks):
    """The first member is read before anybody has said how large it may be."""
    refused(packed("tar.zst", [("decision.json", bytes(70 * 2**20))], tmp_path / "large.tar.zst"), "bytes long", signed)
    attacks()


def test_all_members_together_have_a_limit(signed, bundle, monkeypatch):
    """Each of a hundred thousand members may be small."""
    monkeypatch.setattr(bundles, "TOTAL", bundle.stat().st_size // 4)
    with pytest.raises(Unproven, match="bytes long, expected"), opened(bundle):
        pass


def test_a_bundle_that_was_cut_off_is_refused(signed, bundle, kind, attacks):
    """A download that broke off must not be taken for the whole."""
    content = bundle.read_bytes()
    for kept in (0, 10, len(content) // 3, len(content) // 2, len(content) - 30):
        bundle.write_bytes(content[:kept])
        done = promotion(signed, "verify", *LOOSE, str(bundle))
        assert (done.returncode in (2, 3), "Traceback" in done.stderr) == (True, False)
        attacks()
