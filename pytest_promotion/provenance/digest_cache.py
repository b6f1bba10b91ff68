"""
Digests of files that have not changed since they were read, by what `lstat` says of them.

A file that changed within its clock's tick keeps its times. As git does with its index, a digest is not kept where the
file was changed less than two seconds before it was read.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from pytest_promotion import atomic
from pytest_promotion.errors import Unproven

SETTLED_NS: Final = 2 * 10**9
_VERSION: Final = 2
_LARGEST: Final = 256 * 2**20  # bytes of a cache file; a hundred thousand files have about 20 million
_STEP: Final = 2**20
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
State = tuple[int, int, int, int, int]  # size, mtime, ctime, inode, device


class _File(msgspec.Struct, frozen=True):
    version: int
    files: dict[str, tuple[State, str]]


class DigestCache:
    """
    The digests of the files below one folder.

    Args:
        root: the folder that paths are relative to.
        place: the file that keeps them between two processes; None keeps them in this process only.
    """

    __slots__ = ("_files", "_new", "_place", "_root")

    def __init__(self, root: str, place: Path | None = None) -> None:
        self._root = root
        self._place = place
        self._files: dict[str, tuple[State, str]] | None = None
        self._new = False

    @property
    def files(self) -> dict[str, tuple[State, str]]:
        """What is known, by path."""
        if self._files is None:
            self._files = self._load()
        return self._files

    def digest(self, path: str, state: State) -> str:
        """
        The SHA-256 of the file at *path*, of which `lstat` says *state*.

        Raises:
            Unproven: where it cannot be read, or changes while it is read.
        """
        known = self.files.get(path)
        if known is not None and known[0] == state:
            return known[1]
        begun = time.time_ns()
        found = _read(f"{self._root}/{path}", path, state)
        if settled(state, begun):
            self.files[path] = (state, found)
            self._new = True
        elif known is not None:
            del self.files[path]
            self._new = True
        return found

    def save(self) -> None:
        """Keeps what is new. A cache that cannot be written is no error: the next process reads the files."""
        if not self._new or self._place is None:
            return
        self._new = False
        with contextlib.suppress(OSError):
            atomic.make_folder(self._place.parent, durable=False)
            atomic.write(self._place, msgspec.json.encode(_File(_VERSION, self.files)), mode=0o600, durable=False)

    def _load(self) -> dict[str, tuple[State, str]]:
        if self._place is None:
            return {}
        try:
            facts = os.lstat(self._place)
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGEST or _of_another_user(facts):
                return {}
            found = msgspec.json.decode(self._place.read_bytes(), type=_File)
        except (OSError, msgspec.DecodeError):
            return {}
        return found.files if found.version == _VERSION else {}


def cache_at(root: str) -> DigestCache:
    """The cache of the folder *root* in the user's cache folder (`PROMOTION_CACHE_DIR`, `XDG_CACHE_HOME`)."""
    named = os.environ.get("PROMOTION_CACHE_DIR")
    base = named or os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not os.path.isabs(base):  # there is no home
        return DigestCache(root)
    folder = Path(base) if named else Path(base, "pytest-promotion")
    return DigestCache(root, folder / "inputs" / f"{sha256(os.fsencode(root)).hexdigest()[:32]}.json")


def _of_another_user(facts: os.stat_result) -> bool:
    return hasattr(os, "getuid") and facts.st_uid != os.getuid()


def state_of(facts: os.stat_result) -> State:
    """What tells whether a file has changed."""
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_dev


def settled(state: State, moment_ns: int) -> bool:
    """Whether a file that is read at that moment cannot change later and keep its times."""
    return moment_ns - max(state[1], state[2]) > SETTLED_NS


def _read(path: str, name: str, expected: State) -> str:
    try:
        handle = os.open(path, _FLAGS)
    except OSError as problem:
        raise Unproven(f"the input {name} cannot be read: {(problem.strerror or 'failed').lower()}") from None
    running = sha256()
    try:
        before = os.fstat(handle)
        while part := os.read(handle, _STEP):
            running.update(part)
        after = os.fstat(handle)
    except OSError as problem:
        raise Unproven(f"the input {name} cannot be read: {(problem.strerror or 'failed').lower()}") from None
    finally:
        os.close(handle)
    if not expected == state_of(before) == state_of(after):
        raise Unproven(f"the input {name} changed while it was read")
    return running.hexdigest()
