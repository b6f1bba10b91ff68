"""Files that are too large to be held: whatever is read of them again is what was hashed, or is refused."""

from __future__ import annotations

import io
import os
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import large_files
from pytest_promotion.evidence.bundle import changed_since
from pytest_promotion.evidence.large_files import Hashed, LargeFile
from pytest_promotion.evidence.reading import Root, read
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.model import Exhibit, Gate, GateResult, Outcome, Record, Severity
from tests.event_rows import line, lines


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Files of a few hundred bytes count as large, in blocks of 64 bytes."""
    monkeypatch.setattr("pytest_promotion.evidence.reading.HELD_BYTES", 100)
    monkeypatch.setattr(large_files, "_BLOCK", 64)


@pytest.fixture
def store(tmp_path):
    """A file of ten events."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(*range(10)))
    return path


def hashed(path):
    """The file at *path*, hashed as it is now."""
    with path.open("rb", buffering=0) as file:
        return LargeFile(path, Hashed(file.fileno(), path.stat().st_size), f"{path.name} is another file by now")


def opened(file):
    """*file* to be read line by line."""
    return io.BufferedReader(file.open(), 50)


def drained(file):
    """All bytes of *file*, read again."""
    with file.open() as found:
        return b"".join(iter(lambda: found.read(40), b""))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400), st.integers(0, 400), st.integers(1, 90))
def test_it_gives_back_the_bytes_of_a_file(tmp_path, content, start, step):
    """A reader of its own that loses a byte at the border of two blocks counts another store."""
    path = tmp_path / "file"
    path.write_bytes(content)
    file = hashed(path)
    assert (file.sha256, file.size) == (sha256(content).hexdigest(), len(content))
    assert file.digest_until(min(start, len(content))) == sha256(content[:start]).hexdigest()
    with file.open() as found:
        found.seek(start)
        parts = list(iter(lambda: found.read(step), b""))
    assert b"".join(parts) == content[start:]
    with opened(file) as found:
        assert found.read() == content


def test_more_bytes_than_there_are_have_no_digest(store):
    """A beginning that is longer than the file would be one of another file."""
    file = hashed(store)
    assert file.digest_until(file.size + 1) == ""
    assert file.digest_until(0) == sha256().hexdigest()


@pytest.mark.parametrize("harm", ["rewritten", "cut", "replaced", "gone", "a FIFO"])
def test_what_is_not_what_was_hashed_is_refused(store, harm):
    """A gate that judges other bytes than those in the decision has judged nothing."""
    file, content, times = hashed(store), store.read_bytes(), store.stat()
    if harm == "rewritten":
        store.write_bytes(content.replace(b"id-7", b"id-8"))
        os.utime(store, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert (store.stat().st_size, store.stat().st_mtime_ns) == (times.st_size, times.st_mtime_ns)
    elif harm == "cut":
        os.truncate(store, len(content) - 1)
    else:
        store.unlink()
        if harm == "replaced":
            store.write_bytes(content.replace(b"id-7", b"id-8"))
        elif harm == "a FIFO":
            os.mkfifo(store)
    with pytest.raises(Unproven, match="another file by now"):
        drained(file)


def test_a_change_while_it_is_read_is_refused(store):
    """A store that is rewritten behind the reader's back would be counted half as it was and half as it is."""
    file, content = hashed(store), store.read_bytes()
    with file.open() as found:
        assert found.read(10) == content[:10]
        store.write_bytes(content.replace(b"id-8", b"id-9"))
        with pytest.raises(Unproven, match="another file by now"):
            list(iter(lambda: found.read(40), b""))


def test_rows_that_were_appended_are_not_seen(store):
    """A service that writes on must not keep the gate from its end, nor add rows that no digest names."""
    file, content = hashed(store), store.read_bytes()
    with store.open("ab") as more:
        more.write(line(10))
    with opened(file) as found:
        assert found.read() == content


# As it is read for a gate


def result_of(reading, path):
    """A gate that has read *path*."""
    exhibit = Exhibit(path, reading.sha256, reading.size_bytes, exists=True, kept=reading.kept)
    witness = (path, reading.size_bytes, reading.mtime_ns, reading.ctime_ns, reading.inode)
    gate = Gate("one", Severity.CRITICAL)
    return GateResult(gate, Outcome.PASS, "", record=Record(exhibits=(exhibit,), witnesses=(witness,)))


def test_what_is_recorded_by_digest_is_in_no_vault(store, tmp_path):
    """Five gigabytes a session fill the disk of a pipeline that decides each quarter of an hour."""
    root, vault = Root(tmp_path, ["events*"]), Vault(tmp_path / "vault")
    (tmp_path / "events_small.json").write_bytes(b"{}")
    for name in ("events.jsonl", "events_small.json"):
        reading = read(root, name, vault)
        assert (reading.kept, reading.sha256) == (False, sha256((tmp_path / name).read_bytes()).hexdigest())
    assert not (tmp_path / "vault").exists()
    (tmp_path / "other.jsonl").write_bytes(store.read_bytes())
    assert read(root, "other.jsonl", vault).kept
    assert vault.where(reading.sha256).exists() is False
    assert vault.where(read(root, "other.jsonl").sha256).exists()


@pytest.mark.parametrize("held", [100, 10**6], ids=["large", "small"])
def test_all_gates_of_a_session_judge_the_rows_that_were_there_first(store, tmp_path, monkeypatch, held):
    """Two gates that judge two states of one store leave a decision about neither."""
    monkeypatch.setattr("pytest_promotion.evidence.reading.HELD_BYTES", held)
    root = Root(tmp_path, ["*.jsonl"])
    first = read(root, "events.jsonl")
    with store.open("ab") as more:
        more.write(line(10))
    assert read(root, "events.jsonl")[:5] == first[:5]
    assert list(changed_since([result_of(first, "events.jsonl")], root)) == []
    store.write_bytes(store.read_bytes().replace(b"id-1", b"id-2"))
    assert "changed during the run" in next(changed_since([result_of(first, "events.jsonl")], root))


@pytest.mark.parametrize("held", [100, 10**6], ids=["large", "small"])
@pytest.mark.parametrize("harm", ["cut", "replaced", "rewritten and longer"])
def test_another_store_in_its_place_is_noticed_at_the_end(store, tmp_path, monkeypatch, held, harm):
    """The decision would name a digest that no file has."""
    monkeypatch.setattr("pytest_promotion.evidence.reading.HELD_BYTES", held)
    root = Root(tmp_path, ["*.jsonl"])
    first, content = read(root, "events.jsonl"), store.read_bytes()
    if harm == "cut":
        os.truncate(store, len(content) // 2)
    else:
        other = tmp_path / "new"
        other.write_bytes(content.replace(b"id-1", b"id-2") + line(10))
        if harm == "replaced":
            other.replace(store)
        else:
            store.write_bytes(other.read_bytes())
    assert "changed during the run" in next(changed_since([result_of(first, "events.jsonl")], root))


@pytest.mark.parametrize("name", ["model.bin", "report.json"])
def test_only_rows_may_be_appended(tmp_path, name):
    """The beginning of a model that is longer by now is no model."""
    path = tmp_path / name
    path.write_bytes(b"x" * 300)
    root = Root(tmp_path, ["*"])
    first = read(root, name)
    with path.open("ab") as more:
        more.write(b"y")
    assert read(root, name).sha256 != first.sha256
    assert len(list(changed_since([result_of(first, name)], root))) == 1


def test_a_store_that_is_kept_may_not_grow(store, tmp_path):
    """Its copy would be of another moment than the file, which only evidence without a copy has to accept."""
    root, vault = Root(tmp_path), Vault(tmp_path / "vault")
    first = read(root, "events.jsonl", vault)
    with store.open("ab") as more:
        more.write(line(10))
    assert len(list(changed_since([result_of(first, "events.jsonl")], root))) == 1
