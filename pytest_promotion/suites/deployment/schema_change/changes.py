"""
What a branch changes, by git's own objects: two trees, and the commits between them.

Trees are compared without looking for renames, so that a file that moved is seen at both places, and without settings
of anybody's: no external diff, no ignored submodule, no replaced commit. A clone that ends early proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha1, sha256
from typing import Final

from pytest_promotion.errors import PolicyError, Unproven

_GIT: Final = (
    "git",
    "--no-pager",
    "--no-replace-objects",
    "-c",
    "core.commitGraph=false",
    "-c",
    "core.fsmonitor=false",
)
_OID: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DIFF: Final = (
    *(*_GIT, "diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--relative"),
    *("--ignore-submodules=none", "--no-ext-diff", "--no-textconv"),
)
_LOG: Final = (
    *(*_GIT, "-c", "log.showSignature=false", "log", "--no-mailmap", "--no-color"),
    "--format=%H%x00%an%x00%ae%x00%cn%x00%ce",
)
_REF: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/@{}^~-]*")
_WILD: Final = re.compile(r"[*?\[]")
_SUBMODULE: Final = "160000"
_FILES: Final = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs. `status` is git's letter; `modes` are those before and after, "000000" for no file."""

    path: str
    status: str
    modes: tuple[str, str]

    @property
    def added(self) -> bool:
        """Whether there was no such file."""
        return self.status == "A"

    @property
    def there(self) -> bool:
        """Whether there is such a file now."""
        return self.status != "D"


@dataclass(frozen=True, slots=True)
class File:
    """An entry of a tree."""

    mode: str
    oid: str

    def holds(self, content: bytes) -> bool:
        """Whether *content* is what git has under this name."""
        blob = b"blob %d\0%b" % (len(content), content)
        return (sha1 if len(self.oid) == 40 else sha256)(blob).hexdigest() == self.oid  # git's names, no secret


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, and the names and addresses that it says it is by."""

    sha: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """What lies between a base and the head: from the commit `fork`, where they part, to the commit `head`."""

    fork: str
    head: str
    changes: tuple[Change, ...]
    before: Mapping[str, File]  # the tree of `fork`, by paths below the folder that is judged
    now: Mapping[str, File]
    commits: tuple[Commit, ...]


Git = Callable[[list[str]], str]  # runs a command and gives what it prints; raises `Unproven` where git says no


def branch(git: Git, base: str) -> Branch:
    """
    What HEAD changes since it left *base*.

    Raises:
        PolicyError: where *base* is no name of a commit.
        Unproven: where it cannot be told, as in a clone that ends early, and where there is nothing between them.
    """
    head, other = _ends(git, base)
    fork = _fork(git, head, other)
    return Branch(
        fork,
        head,
        tuple(_changes(git([*_DIFF, fork, head]))),
        _tree(git, fork),
        _tree(git, head),
        tuple(_commits(git([*_LOG, f"{fork}..{head}"]))),
    )


def content(git: Git, file: File) -> str:
    """What is in *file*."""
    return git([*_GIT, "cat-file", "blob", file.oid])


def _ends(git: Git, base: str) -> tuple[str, str]:
    if not isinstance(base, str) or not _REF.fullmatch(base):
        raise PolicyError(f"the base {base!r} is no name of a branch, a tag or a commit")
    output = git([*_GIT, "rev-parse", "--is-shallow-repository", "HEAD^{commit}", f"{base}^{{commit}}"])
    shallow, *commits = output.splitlines() or [""]
    if shallow != "false":
        raise Unproven("the clone is shallow: what lies between base and head cannot be told; fetch all of it")
    if len(commits) != 2 or not all(map(_OID.fullmatch, commits)):
        raise Unproven("git does not say which commits head and base are")
    return commits[0], commits[1]


def _fork(git: Git, head: str, base: str) -> str:
    commits = git([*_GIT, "merge-base", "--all", head, base]).split()
    if len(commits) != 1 or not _OID.fullmatch(commits[0]):
        raise Unproven(f"head and base meet at {len(commits)} commits, expected one: merge the base into the branch")
    if commits[0] == head:
        raise Unproven("the head is part of the base: nothing is proposed; name as `base` what is deployed now")
    return commits[0]


def _changes(output: str) -> Iterator[Change]:
    parts = output.split("\0")[:-1]
    if len(parts) % 2:
        raise Unproven("git answers with half a comparison")
    for head, path in zip(parts[::2], parts[1::2], strict=True):
        words = head.removeprefix(":").split(" ")
        if len(words) != 5 or not path:
            raise Unproven("git answers with something else than a comparison")
        yield Change(path, words[4], (words[0], words[1]))


def _tree(git: Git, commit: str) -> dict[str, File]:
    found = {}
    for line in git([*_GIT, "ls-tree", "-r", "-z", commit]).split("\0")[:-1]:
        facts, tab, path = line.partition("\t")
        words = facts.split(" ")
        if not tab or len(words) != 3:
            raise Unproven("git answers with something else than a tree")
        found[path] = File(words[0], words[2])
    return found


def _commits(output: str) -> Iterator[Commit]:
    for line in output.split("\n")[:-1]:
        sha, *people = line.split("\0")
        if not _OID.fullmatch(sha) or len(people) != 4:
            raise Unproven("git answers with something else than commits")
        yield Commit(sha, tuple(dict.fromkeys(people)))


def touched(patterns: Sequence[str], found: Sequence[Change]) -> list[Change]:
    """
    The changes that *patterns* speak of. `*` stands for any number of letters, those between folders too.

    A submodule that may hold such files counts as one of them: git does not say what changed inside.
    """
    return [one for one in found if _speaks_of(patterns, one)]


def _speaks_of(patterns: Sequence[str], change: Change) -> bool:
    if any(fnmatchcase(change.path, pattern) for pattern in patterns):
        return True
    below = f"{change.path}/"
    starts = [_WILD.split(pattern)[0] for pattern in patterns]
    return _SUBMODULE in change.modes and any(below.startswith(start) or start.startswith(below) for start in starts)


def demand_files(patterns: Sequence[str], trees: Collection[Mapping[str, File]]) -> None:
    """
    Demands that each of *patterns* means files in one of *trees*, and that these are files.

    Raises:
        Unproven: otherwise. A pattern that means nothing would never ask anybody; behind a symbolic link, files
            change unseen.
    """
    for pattern in patterns:
        found = {path: file for tree in trees for path, file in tree.items() if fnmatchcase(path, pattern)}
        if not found:
            raise Unproven(f"no file is called {pattern!r}, neither before nor now: its change would never be seen")
        for path, file in sorted(found.items()):
            if file.mode not in _FILES:
                raise Unproven(f"{path} is no file of the repository itself: what is behind it is not looked at")
