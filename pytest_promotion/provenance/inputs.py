"""
Inputs of a command by their digests: files, folders and images.

The digest of a file is its SHA-256. That of a folder is the SHA-256 of one record a file, in the order of their paths:
`PATH NUL KIND NUL SIZE NUL SHA256 NUL`, where the path is relative to the folder, the kind is `file`, `exec` or `link`,
and a link stands for the text of its target. It is the same in a clean tree, a changed one and outside of git.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.gc_pause import Paused
from pytest_promotion.provenance.digest_cache import DigestCache, State, settled, state_of
from pytest_promotion.provenance.listing import files_below

Entry = tuple[str, str, int, str]  # path, kind, size, SHA-256
_IMAGE: Final = re.compile(r"(?:image:|docker-image://)(?P<name>[^\s@]+)@sha256:(?P<hex>[0-9a-f]{64})")
_TYPE: Final = stat.S_IFMT(0o177777)  # of the bits of a mode
_IMAGES: Final = ("image:", "docker-image://")


@dataclass(frozen=True, slots=True)
class Input:
    """One input as it was at one moment."""

    name: str  # a path relative to the promotion root, or an image with its digest
    kind: str  # "file", "folder" or "image"
    sha256: str
    entries: tuple[Entry, ...] = ()  # of a folder, sorted by path
    size_bytes: int = 0
    left_out: tuple[str, ...] = ()  # outputs that lie in the folder

    @property
    def path_of(self) -> str:
        """What the paths of its entries are relative to, with a slash at its end, or ""."""
        return "" if self.name == "." else f"{self.name}/"


_Look = tuple[str, int, State]  # path, mode, and what tells whether it has changed


@dataclass(frozen=True, slots=True)
class _Seen:
    """A folder as it was found, and whether a change of a file in it would show."""

    found: Input
    looks: list[_Look]
    settled: bool


def is_image(name: str) -> bool:
    """Whether *name* is written as that of an image."""
    return name.startswith(_IMAGES)


def image(name: str) -> Input:
    """The image *name*, which has its digest in it. Raises `Unproven`."""
    match = _IMAGE.fullmatch(name)
    if match is None:
        raise Unproven(f"the input {name} names no digest: write image:NAME@sha256:HEX with 64 hex digits")
    return Input(name, "image", match["hex"])


def normal(name: str) -> str:
    """The name of an input as it is recorded. Raises `Unproven` for what is no path below the promotion root."""
    if is_image(name):
        return image(name).name
    path = os.path.normpath(name).replace(os.sep, "/")
    if not name or "\0" in name or os.path.isabs(name) or path == ".." or path.startswith("../"):
        raise Unproven(f"the input {name!r} is not a path below the promotion root")
    return path


def digest_of(entries: Iterable[Entry]) -> str:
    """The digest of a folder with these entries."""
    text = "".join([f"{path}\0{kind}\0{size}\0{digest}\0" for path, kind, size, digest in entries])
    return sha256(text.encode("utf-8")).hexdigest()


class Scanner:
    """
    Looks at the inputs called *names*; a second look is quick where nothing has changed.

    Args:
        root: the promotion root, without links in it.
        left_out: paths of outputs, which are no inputs where they lie in one of the folders.
    """

    __slots__ = ("_cache", "_left_out", "_names", "_root", "_seen")

    def __init__(self, root: str, names: Sequence[str], cache: DigestCache, left_out: Collection[str] = ()) -> None:
        self._root = root
        self._names = names
        self._cache = cache
        self._left_out = frozenset(left_out)
        self._seen: dict[str, _Seen] = {}

    def scan(self) -> list[Input]:
        """
        The inputs as they are now.

        Raises:
            Unproven: for an input that is missing, empty, no file or folder, reached through a link, a submodule, or
                has a link that leads out of the root.
        """
        with Paused():  # what looks at ten thousand files makes many tuples and no cycles
            return list(self._found())

    def _found(self) -> Iterator[Input]:
        facts = {name: _look(self._root, name) for name in self._names if not is_image(name)}
        folders = [name for name, one in facts.items() if stat.S_ISDIR(one.st_mode)]
        listed = files_below(self._root, folders)
        for name in self._names:
            if is_image(name):
                yield image(name)
            elif name in listed:
                yield self._folder(name, listed[name])
            else:
                digest = self._cache.digest(name, state_of(facts[name]))
                yield Input(name, "file", digest, (), facts[name].st_size)

    def _folder(self, name: str, paths: list[str]) -> Input:
        begun, left_out = time.time_ns(), []
        if self._left_out:
            left_out = [path for path in paths if path in self._left_out]
            paths = [path for path in paths if path not in self._left_out] if left_out else paths
        looks = self._looks(paths)
        if not looks:
            raise Unproven(f"the input {name} has no files")
        seen = self._seen.get(name)
        if seen is not None and seen.settled and seen.looks == looks:
            return seen.found
        entries = self._entries(name, looks)
        made = _made(name, tuple(entries), tuple(left_out))
        quiet = all(settled(state, begun) for _, mode, state in looks if stat.S_ISREG(mode))
        self._seen[name] = _Seen(made, looks, settled=quiet)
        return made

    def _looks(self, paths: Iterable[str]) -> list[_Look]:
        lstat, root = os.lstat, self._root
        looks = []
        for path in paths:
            try:
                facts = lstat(f"{root}/{path}")
            except FileNotFoundError:
                continue  # git tracks it, and it was removed
            except OSError as problem:
                raise Unproven(f"the input {path} cannot be read: {(problem.strerror or 'failed').lower()}") from None
            state = facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_dev
            looks.append((path, facts.st_mode, state))
        return looks

    def _entries(self, name: str, looks: Iterable[_Look]) -> Iterator[Entry]:
        digest, cut = self._cache.digest, 0 if name == "." else len(name) + 1
        regular, executable = stat.S_IFREG, stat.S_IXUSR
        for path, mode, state in looks:
            if mode & _TYPE == regular:
                yield path[cut:], "exec" if mode & executable else "file", state[0], digest(path, state)
            else:
                yield path[cut:], *_special(self._root, path, mode)


def scan(root: str, names: Sequence[str], cache: DigestCache, left_out: Collection[str] = ()) -> list[Input]:
    """The inputs called *names* as they are now. Raises `Unproven`, as of `Scanner`."""
    return Scanner(root, names, cache, left_out).scan()


def below(one: Input, name: str) -> Input | None:
    """The part of *one* that is called *name*; None where it has no such part."""
    if one.name == name:
        return one
    prefix = one.path_of
    if one.kind != "folder" or not name.startswith(prefix):
        return None
    path = name[len(prefix) :]
    for entry in one.entries:
        if entry[0] == path and entry[1] != "link":
            return Input(name, "file", entry[3], (), entry[2])
    part = tuple((entry[0][len(path) + 1 :], *entry[1:]) for entry in one.entries if entry[0].startswith(f"{path}/"))
    return _made(name, part, one.left_out) if part else None


def differences(before: Input, after: Input) -> list[str]:
    """What is not the same in *after*, a few words for each file, in the order of their paths."""
    if before.sha256 == after.sha256 and before.kind == after.kind:
        return []
    if before.kind != "folder" or after.kind != "folder":
        return [f"{before.name} changed"]
    old, new = ({entry[0]: entry[1:] for entry in one.entries} for one in (before, after))
    prefix = before.path_of
    found = []
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            found.append(f"{prefix}{path} was removed")
        elif path not in old:
            found.append(f"{prefix}{path} was added")
        elif old[path] != new[path]:
            found.append(f"{prefix}{path} changed")
    return found


def _look(root: str, name: str) -> os.stat_result:
    place = f"{root}/{name}"
    try:
        facts = os.lstat(place)
    except OSError as problem:
        reason = "is missing" if isinstance(problem, FileNotFoundError) else f"cannot be read: {problem.strerror}"
        raise Unproven(f"the input {name} {reason}") from None
    real = os.path.realpath(place)
    if real != os.path.normpath(place):
        raise Unproven(f"the input {name} is a link, or is reached through one: name what it leads to")
    if not stat.S_ISDIR(facts.st_mode) and not stat.S_ISREG(facts.st_mode):
        raise Unproven(f"the input {name} is neither a file nor a folder")
    return facts


def _made(name: str, entries: tuple[Entry, ...], left_out: tuple[str, ...]) -> Input:
    return Input(name, "folder", digest_of(entries), entries, sum([entry[2] for entry in entries]), left_out)


def _special(root: str, path: str, mode: int) -> tuple[str, int, str]:
    if stat.S_ISDIR(mode):
        raise Unproven(f"the input {path} is a git submodule: name the files in it that count")
    if not stat.S_ISLNK(mode):
        raise Unproven(f"the input {path} is neither a file, a folder nor a link")
    try:
        target = os.readlink(f"{root}/{path}")
    except OSError as problem:
        raise Unproven(f"the input {path} cannot be read: {(problem.strerror or 'failed').lower()}") from None
    real = os.path.realpath(f"{root}/{path}")
    if real != root and not real.startswith(f"{root.rstrip('/')}/"):
        raise Unproven(f"the input {path} is a link that leads outside the promotion root, to {target}")
    raw = os.fsencode(target)
    return "link", len(raw), sha256(raw).hexdigest()
