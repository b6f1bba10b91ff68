"""Secrets in compressed files and archives: what is in them is found, and what could not be looked at is named."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import random
import string
import subprocess
import sys
import tarfile
import zipfile

import pytest

from pytest_promotion.secrets import archives
from tests.test_secrets import fake, look, own_key, put, rules_of  # noqa: F401 - own_key applies to every test here

pytestmark = pytest.mark.slow

LEAK = f"nothing\napi_key={fake()}\n".encode()


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip file of *members*."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w") -> bytes:
    """A tar file of *members*."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def places(document) -> list[tuple[str, int]]:
    return [(one["path"], one["line"]) for one in document["findings"]]


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("app.log.2.gz", gzip.compress(LEAK), "app.log.2.gz"),
        ("app.log-20260519.bz2", bz2.compress(LEAK), "app.log-20260519.bz2"),
        ("app.log.xz", lzma.compress(LEAK), "app.log.xz"),
        ("app.log.1", LEAK, "app.log.1"),
        ("two.gz", gzip.compress(b"first\n") + gzip.compress(LEAK), "two.gz"),
        ("day.zip", zipped({"a/b.env": LEAK}), "day.zip!a/b.env"),
        ("day.tar", tarred({"a/b.env": LEAK}), "day.tar!a/b.env"),
        ("day.tar.gz", tarred({"a/b.env": LEAK}, "w:gz"), "day.tar.gz!a/b.env"),
        ("day.tar.xz", tarred({"a/b.env": LEAK}, "w:xz"), "day.tar.xz!a/b.env"),
        ("named-otherwise.dat", gzip.compress(LEAK), "named-otherwise.dat"),
        ("report.docx", zipped({"word/document.xml": LEAK}), "report.docx!word/document.xml"),
        ("in.zip", zipped({"logs.tar.gz": tarred({"x.log": LEAK}, "w:gz")}), "in.zip!logs.tar.gz!x.log"),
    ],
    ids=lambda value: value if isinstance(value, str) and "!" not in value else "",
)
def test_what_is_compressed_is_looked_into(tmp_path, name, content, place):
    """A log is compressed when it is rotated: yesterday's token was out of sight by the morning."""
    put(tmp_path, name, content)
    document, code = look(tmp_path)
    assert (places(document)[0][0], code, document["unreadable_files"]) == (place, 2, [])
    assert rules_of(document) == ["keyword"]


def test_a_clean_archive_is_clean(tmp_path):
    """An archive that can never be clean is left out by those who are in a hurry."""
    put(tmp_path, "logs.tar.gz", tarred({"a.log": b"tick 1\n", "b.log": b"tick 2\n"}, "w:gz"))
    document, code = look(tmp_path)
    assert (document["status"], document["scanned_files"], code) == ("pass", 2, 0)


def nested(depth: int) -> bytes:
    content = LEAK
    for _ in range(depth):
        content = gzip.compress(content)
    return content


def encrypted() -> bytes:
    """A zip file whose one member says that it is encrypted, in both of its headers."""
    content = bytearray(zipped({"a.env": LEAK}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    return bytes(content)


def damaged() -> bytes:
    """A zip file with one byte of its member's content changed."""
    text = "".join(random.Random(1).choices(string.ascii_letters, k=4000)).encode()
    content = bytearray(zipped({"a.txt": text}))
    content[1000] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (nested(archives.MOST_DEPTH + 1), "nested deeper"),
        (encrypted(), "encrypted"),
        (damaged(), "damaged"),
        (gzip.compress(os.urandom(5000))[:-900], "cut"),
        (tarred({"a.txt": os.urandom(50_000)}, "w:gz")[:-9000], "cut"),
        (zipped({"a.txt": LEAK})[:-30], "cut"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04" + os.urandom(90), "7z archive"),
        (b"\x28\xb5\x2f\xfd\x04\x00" + os.urandom(90), "zstandard"),
        (b"Rar!\x1a\x07\x01\x00" + os.urandom(90), "rar"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + os.urandom(900), "PDF"),
        (zipped({"a.7z": b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(90)}), "7z archive"),
    ],
    ids=[
        *("deep", "encrypted", "damaged", "cut-gzip", "cut-tar", "cut-zip"),
        *("7z", "zstandard", "rar", "pdf", "7z-in-zip"),
    ],
)
def test_what_could_not_be_looked_at_is_named_and_nothing_is_clean(tmp_path, content, reason):
    """What nobody could open was said to be clean: `pass, 0 findings in 1 files`."""
    put(tmp_path, "in/old.bin", content)
    put(tmp_path, "in/a.txt", "text")
    document, code = look(tmp_path / "in")
    assert (document["status"], document["finding_count"], code) == ("fail", 0, 3)
    [unread] = document["unreadable_files"]
    assert unread["path"].startswith("old.bin")
    assert reason in unread["reason"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest_promotion.cli", "secrets", "scan", "in"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "old.bin" in done.stdout
    assert reason in done.stdout


def test_a_finding_before_the_damage_is_kept(tmp_path):
    """A log that was cut while it was copied has a whole beginning, and the leak is in it."""
    put(tmp_path, "a.log.gz", gzip.compress(LEAK + os.urandom(300_000).hex().encode())[:-2000])
    document, code = look(tmp_path)
    assert (document["finding_count"], document["unreadable_count"], code) == (1, 1, 2)


@pytest.mark.parametrize(
    ("bound", "value", "content"),
    [
        ("MOST_BYTES", 1 << 20, gzip.compress(bytes(3 << 20))),
        ("MOST_BYTES", 1 << 20, zipped({f"{n}.txt": b"tick\n" * 60_000 for n in range(9)})),
        ("MOST_RATIO", 50, gzip.compress(b"a" * (70 << 20))),
        ("MOST_MEMBERS", 5, zipped({f"{n}.txt": b"x" for n in range(9)})),
        ("MOST_MEMBERS", 5, tarred({f"{n}.txt": b"x" for n in range(9)})),
    ],
    ids=["bytes", "bytes-of-many", "ratio", "members-zip", "members-tar"],
)
def test_a_bomb_ends_the_unfolding_and_not_the_machine(tmp_path, monkeypatch, bound, value, content):
    """A file of forty kilobytes that unfolds to a terabyte is a way to stop the scan before it comes to the leak."""
    monkeypatch.setattr(archives, bound, value)
    put(tmp_path, "bomb.gz", content)
    put(tmp_path, "leak.txt", LEAK)
    document, code = look(tmp_path)
    assert (document["finding_count"], code) == (1, 2)
    [unread] = document["unreadable_files"]
    assert "more than" in unread["reason"]


def test_a_bomb_needs_no_memory(tmp_path):
    """The limits in bytes are limits on disk and memory, too."""
    put(tmp_path, "bomb.gz", gzip.compress(bytes(300 << 20)))
    code = (
        "import resource, pathlib; from pytest_promotion.suites.trading.secrets_report import check;"
        # What the test process has used counts for its children, too.
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        f"found = check(pathlib.Path({str(tmp_path)!r}), key=b'k' * 16)[0];"
        "print(found['unreadable_files'][0]['reason']);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    reason, kilobytes = done.stdout.splitlines()
    assert "250 times its size" in reason
    assert int(kilobytes) < 150_000


def test_what_cannot_be_read_can_be_answered_for(tmp_path):
    """A published PDF would keep every scan incomplete; an entry with a reason and an end says who looked."""
    put(tmp_path, "in/a.txt", "text")
    put(tmp_path, "in/paper.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(900))
    entry = {"path": "paper.pdf", "rule": "not-scanned", "reason": "published as it is", "expires": "2026-06-01"}
    allow = put(tmp_path, "allow.yaml", json.dumps({"version": 1, "allow": [entry]}))
    document, code = look(tmp_path / "in", allow=allow)
    assert (document["status"], code, document["allowed"][0]["path"]) == ("pass", 0, "paper.pdf")
    put(tmp_path, "in/other.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(900))
    assert look(tmp_path / "in", allow=allow)[1] == 3
    (tmp_path / "in/paper.pdf").unlink()
    (tmp_path / "in/other.pdf").unlink()
    assert look(tmp_path / "in", allow=allow)[1] == 2  # an entry that matches nothing


def test_a_folder_that_is_elsewhere_is_not_clean(tmp_path):
    """The logs are a link to another disk, and were passed over in silence."""
    put(tmp_path, "disk/a.log", LEAK)
    put(tmp_path, "in/a.txt", "text")
    (tmp_path / "in/logs").symlink_to(tmp_path / "disk")
    document, code = look(tmp_path / "in")
    assert (document["status"], code) == ("fail", 3)
    assert document["unreadable_files"][0]["path"] == "logs"


def test_what_is_printable_in_a_database_is_read(tmp_path):
    """A SQLite file keeps its texts as they are, and so the token."""
    import sqlite3

    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("create table t (x)")
        database.execute("insert into t values (?)", (f"login with ghp_{fake(36)}",))
    database.close()
    document, code = look(tmp_path)
    assert (document["binary_files"], places(document), code) == (["a.db"], [("a.db", 0)], 2)


def test_a_secret_in_a_members_name_is_found_and_not_shown(tmp_path):
    """The list of what is in an archive is printed with every finding in it."""
    put(tmp_path, "a.zip", zipped({f"ghp_{fake(36)}.txt": b"text"}))
    document, _ = look(tmp_path)
    assert document["finding_count"] == 1
    assert fake(36) not in json.dumps(document)
