"""One way of putting files in place: whole or absent, durable or exclusive where the caller says so."""

from __future__ import annotations

import ast
import os
import stat
from pathlib import Path

import pytest

import pytest_promotion
from pytest_promotion import atomic

PACKAGE = Path(pytest_promotion.__file__).parent


def left_over(folder):
    """The names of files that a writer did not remove."""
    return [name for name in os.listdir(folder) if name.startswith(atomic.PREFIX)]


@pytest.fixture
def operations(monkeypatch):
    """What is done to files, in its order."""
    done = []
    for name in ("replace", "link", "fsync"):
        real = getattr(os, name)

        def recorded(*given, _name=name, _real=real):
            what = "folder" if _name == "fsync" and stat.S_ISDIR(os.fstat(given[0]).st_mode) else "file"
            done.append(f"{_name} {what}" if _name == "fsync" else _name)
            return _real(*given)

        monkeypatch.setattr(os, name, recorded)
    return done


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640])
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_mode_is_the_one_that_is_asked_for(tmp_path, mode, umask):
    """A key that others can read is no key, and a decision that the deploying service cannot read is none."""
    before = os.umask(umask)
    try:
        atomic.write(tmp_path / "a", b"x", mode=mode)
        with atomic.writing(tmp_path / "b", mode=mode) as file:
            assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077 == 0
            file.write(b"x")
    finally:
        os.umask(before)
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"} == {mode}


def test_a_durable_write_flushes_the_file_before_and_the_folder_after_the_rename(tmp_path, operations):
    """In any other order a power cut leaves the new name with no bytes, or neither file."""
    atomic.write(tmp_path / "a", b"x")
    with atomic.writing(tmp_path / "b") as file:
        file.write(b"x")
    assert operations == ["fsync file", "replace", "fsync folder"] * 2


def test_a_write_that_need_not_be_durable_flushes_nothing(tmp_path, operations):
    """Ten thousand pieces of evidence cost half a minute when each is flushed by itself."""
    atomic.write(tmp_path / "new" / "a", b"x", durable=False)
    assert operations == ["replace"]


def test_many_files_are_flushed_with_each_folder_once(tmp_path, operations):
    """A flush of the folder for each file is what makes ten thousand files slow."""
    files = [str(tmp_path / "vault" / f"{number % 4}" / f"{number}") for number in range(100)]
    for path in files:
        atomic.write(path, b"x", durable=False)
    operations.clear()
    atomic.sync([*files, str(tmp_path / "vault" / "0" / "gone")], tmp_path / "vault")
    assert operations.count("fsync file") == 100
    assert operations.count("fsync folder") == 4 + 1 + len(tmp_path.parts)  # theirs, the vault's, and all above it


def test_files_and_folders_that_are_missing_are_passed_over(tmp_path):
    """A merge decides FAIL where evidence is in no vault: it must not end without a decision instead."""
    atomic.write(tmp_path / "vault" / "aa" / "x", b"x", durable=False)
    atomic.sync([str(tmp_path / "vault" / name) for name in ("aa/x", "aa/gone", "bb/gone")], tmp_path / "vault")
    atomic.sync([], tmp_path / "no-vault")


def test_what_is_there_is_not_overwritten_unless_that_is_asked_for(tmp_path):
    """A key pair or an override that is replaced in passing is gone for good."""
    atomic.write(tmp_path / "a", b"old", overwrite=False)
    with pytest.raises(FileExistsError):
        atomic.write(tmp_path / "a", b"new", overwrite=False)
    with pytest.raises(FileExistsError), atomic.writing(tmp_path / "a", overwrite=False) as file:
        file.write(b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert left_over(tmp_path) == []


def test_a_file_system_without_links_is_exclusive_too(tmp_path, monkeypatch):
    """Keys are made on USB sticks, whose file systems have no hard links."""

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    atomic.write(tmp_path / "a", b"old", overwrite=False)
    with pytest.raises(FileExistsError):
        atomic.write(tmp_path / "a", b"new", overwrite=False)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert left_over(tmp_path) == []


def test_a_new_file_takes_the_next_name_where_one_is_taken(tmp_path):
    """Two runs of the same second each have a report."""
    (tmp_path / "a").write_bytes(b"old")
    with atomic.new_file(tmp_path) as new:
        new.file.write(b"new")
        with pytest.raises(FileExistsError):
            new.put(tmp_path / "a", overwrite=False)
        new.put(tmp_path / "b", overwrite=False)
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (b"old", b"new")
    assert left_over(tmp_path) == []


def test_an_interrupted_write_leaves_what_was_there(tmp_path):
    """Half a decision must never be found under the name of a whole one."""
    (tmp_path / "a").write_bytes(b"old")

    def interrupted():
        with atomic.writing(tmp_path / "a") as file:
            file.write(b"ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "a").read_bytes() == b"old"
    assert left_over(tmp_path) == []


def test_a_failed_rename_leaves_nothing_behind(tmp_path):
    """A disk that fills up is not helped by left-overs."""
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        atomic.write(tmp_path / "a", b"x")
    assert left_over(tmp_path) == []


def test_no_other_module_puts_files_in_place():
    """Eleven copies of write-then-rename had five opinions about modes, flushing and left-overs."""
    names = {"os.replace", "os.link", "os.rename", "tempfile.mkstemp", "tempfile.NamedTemporaryFile"}
    users = {
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in names
    }
    # The vault moves a file aside to see whether it may be removed.
    assert users == {("atomic.py", "os.replace"), ("atomic.py", "os.link"), ("evidence/vault.py", "os.rename")}
