"""Digests that are kept: never those of a file that could have changed unseen."""

from __future__ import annotations

import os
import time

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.provenance import digest_cache
from pytest_promotion.provenance.digest_cache import DigestCache, cache_at, state_of
from pytest_promotion.provenance.inputs import Scanner, scan


@pytest.fixture
def place(root):
    """The root without links, as callers give it."""
    return os.path.realpath(root)


def settle(monkeypatch):
    """Lets every file look old enough, as it is two seconds later."""
    monkeypatch.setattr(digest_cache, "SETTLED_NS", -(10**18))


def count_reads(monkeypatch):
    """The paths that are read from now on."""
    read, names = digest_cache._read, []
    monkeypatch.setattr(digest_cache, "_read", lambda *given: (names.append(given[1]), read(*given))[1])
    return names


def test_an_unchanged_file_is_read_once(place, monkeypatch):
    """Ten thousand files cannot be read in a tenth of a second."""
    settle(monkeypatch)
    names = count_reads(monkeypatch)
    cache = cache_at(place)
    first = scan(place, ["src"], cache)
    cache.save()
    assert sorted(names) == ["src/app.py", "src/package/part.py"]
    assert scan(place, ["src"], cache_at(place)) == first
    assert len(names) == 2


def test_a_young_file_is_read_again(place, monkeypatch):
    """It can change within the tick of its clock, and keep size and times."""
    names = count_reads(monkeypatch)
    now = time.time_ns()
    os.utime(f"{place}/src/app.py", ns=(now, now))
    cache = DigestCache(place)
    scan(place, ["src"], cache)
    scan(place, ["src"], cache)
    assert names.count("src/app.py") == 2


def test_a_young_file_is_read_again_by_the_same_scanner(place):
    """The quick second look rests on the same rule."""
    scanner = Scanner(place, ["src"], DigestCache(place))
    before = scanner.scan()
    facts = os.stat(f"{place}/src/app.py")
    with open(f"{place}/src/app.py", "r+") as file:
        file.write("VALUE = 2")
    os.utime(f"{place}/src/app.py", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert scanner.scan() != before


def test_same_size_and_time_with_other_bytes_is_noticed(place, monkeypatch):
    """`touch -r` sets the modification time back; the time of the change cannot be set."""
    settle(monkeypatch)
    cache = DigestCache(place)
    [before] = scan(place, ["src"], cache)
    facts = os.stat(f"{place}/src/app.py")
    with open(f"{place}/src/app.py", "r+") as file:
        file.write("VALUE = 2")
    os.utime(f"{place}/src/app.py", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert scan(place, ["src"], cache)[0].sha256 != before.sha256


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1, "files": {}}', b"\xff"])
def test_a_cache_that_cannot_be_read_is_no_cache(place, monkeypatch, content):
    """A torn file must not end a run, and what another version wrote means something else."""
    settle(monkeypatch)
    cache = cache_at(place)
    first = scan(place, ["src"], cache)
    cache.save()
    cache._place.write_bytes(content)
    assert scan(place, ["src"], cache_at(place)) == first


def test_a_cache_that_cannot_be_written_is_no_error(place, monkeypatch, tmp_path):
    """In a container there may be no home."""
    settle(monkeypatch)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PROMOTION_CACHE_DIR", str(tmp_path / "file"))
    cache = cache_at(place)
    assert scan(place, ["src"], cache)
    cache.save()


def test_a_file_that_changes_while_it_is_read_is_refused(place):
    """Half of the old bytes and half of the new ones were never anybody's input."""
    state = state_of(os.lstat(f"{place}/src/app.py"))
    with open(f"{place}/src/app.py", "a") as file:
        file.write("more")
    with pytest.raises(Unproven, match="src/app.py changed while it was read"):
        DigestCache(place).digest("src/app.py", state)
