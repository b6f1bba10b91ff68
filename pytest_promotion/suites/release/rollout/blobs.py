"""
Are the files that git wrote out those of the commit?

Filters and attributes change files while they are written: those of the repository's own configuration are no part of
the commit, and no decision is about what they make. Each file is compared with its blob. Two changes are
accepted because the commit itself determines them: the content that a pointer of Git LFS has the digest of, and line
ends where an attribute of the commit says `eol=crlf`.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.rollout.programs import Ended

SUBMODULE: Final = "160000"
_LINK: Final = "120000"
_SHA1_DIGITS: Final = 40
_LFS_POINTER: Final = re.compile(
    r"version https://git-lfs\.github\.com/spec/v1\noid sha256:(?P<sha256>[0-9a-f]{64})\nsize (?P<size>\d+)\n"
)
_PATHS_AT_ONCE: Final = 200  # of one command line

Git = Callable[..., Ended]  # runs git in the repository, with the index of the commit


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, link or submodule of a commit: its mode, the id of its object, its path."""

    mode: str
    id: str
    path: str


def entries(git: Git, commit: str) -> list[Entry]:
    """What *commit* has. Raises `Unproven` where that cannot be listed."""
    listed = git("ls-tree", "-r", "-z", commit)
    if listed.exit_code != 0:
        raise Unproven(f"the files of the commit {commit[:12]} cannot be listed: {listed.why}")
    found = []
    for line in filter(None, listed.printed.split("\0")):
        facts, _, path = line.partition("\t")
        mode, _, name = facts.split()
        found.append(Entry(mode, name, path))
    return found


def changed(git: Git, folder: Path, listed: Iterable[Entry]) -> list[str]:
    """
    The paths of those of *listed* that are not in *folder* as the commit has them.

    Raises:
        Unproven: where git does not say what the commit has.
    """
    others = [one for one in listed if one.mode != SUBMODULE and not _as_it_is(folder, one)]
    suspects = [one for one in others if not _is_lfs_content(git, folder, one)]
    line_ends = [one for one in suspects if _differs_in_line_ends(folder, one)]
    accepted = _with_crlf(git, line_ends)
    return [one.path for one in suspects if one.path not in accepted]


def _as_it_is(folder: Path, entry: Entry) -> bool:
    content = _content(folder, entry)
    return content is not None and _id_of(content, entry) == entry.id


def _content(folder: Path, entry: Entry) -> bytes | None:
    """What is in the file, the target of a link; None where it is neither, or the other one of them."""
    place = os.fsencode(folder / entry.path)
    try:
        kind = os.lstat(place).st_mode
        if entry.mode == _LINK:
            return os.readlink(place) if stat.S_ISLNK(kind) else None
        return Path(os.fsdecode(place)).read_bytes() if stat.S_ISREG(kind) else None
    except OSError:
        return None


def _id_of(content: bytes, entry: Entry) -> str:
    """The id that git gives a blob, with the algorithm of the repository."""
    algorithm = "sha1" if len(entry.id) == _SHA1_DIGITS else "sha256"
    return hashlib.new(algorithm, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _is_lfs_content(git: Git, folder: Path, entry: Entry) -> bool:
    content = _content(folder, entry)
    if content is None or entry.mode == _LINK:
        return False
    blob = git("cat-file", "blob", entry.id)
    if blob.exit_code != 0:
        raise Unproven(f"git does not say what {entry.path} is in the commit: {blob.why}")
    pointer = _LFS_POINTER.fullmatch(blob.printed)
    if pointer is None or int(pointer["size"]) != len(content):
        return False
    return hashlib.sha256(content).hexdigest() == pointer["sha256"]


def _differs_in_line_ends(folder: Path, entry: Entry) -> bool:
    content = _content(folder, entry)
    if content is None or entry.mode == _LINK:
        return False
    return _id_of(content.replace(b"\r\n", b"\n"), entry) == entry.id


def _with_crlf(git: Git, listed: list[Entry]) -> set[str]:
    """The paths for which attributes of the commit say `eol=crlf`; none where the repository has others besides."""
    if not listed or _has_attributes_besides(git):
        return set()
    return {path for path, value in _eol(git, [one.path for one in listed]) if value == "crlf"}


def _has_attributes_besides(git: Git) -> bool:
    found = git("rev-parse", "--git-path", "info/attributes")
    place = Path(found.printed.rstrip("\n"))
    if found.exit_code != 0 or not place.is_absolute():
        return True
    try:
        return bool(place.read_bytes().strip())
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _eol(git: Git, paths: list[str]) -> Iterator[tuple[str, str]]:
    for start in range(0, len(paths), _PATHS_AT_ONCE):
        done = git("check-attr", "--cached", "-z", "eol", "--", *paths[start : start + _PATHS_AT_ONCE])
        if done.exit_code != 0:
            raise Unproven(f"git does not say which attributes the commit has: {done.why}")
        words = done.printed.split("\0")
        yield from zip(words[0::3], words[2::3], strict=False)
