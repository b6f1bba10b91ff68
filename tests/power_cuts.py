"""
A file system that forgets: what may be on the disk when the power fails at any moment.

POSIX promises of a file what was in it at its last fsync, and of a folder the names that it had at its last fsync.
Everything later may be there or not, each name and each file by itself. `recorded` follows what a process really does
below a folder and yields such states.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Names = dict[str, int]  # of the files and folders in one folder: to their inodes
Choice = Callable[[object, object], object]  # between what is durable and what is newer


class Disk:
    """The folder *root* as it is, and as far as it was flushed."""

    def __init__(self, root: Path, links: Path) -> None:
        self.root, self.links = root, links
        self.names: dict[int, Names] = {}  # of each folder, as they are
        self.durable_names: dict[int, Names] = {}
        self.durable_content: dict[int, bytes] = {}
        self.folders: set[int] = set()
        self.look()
        self.durable_names = {inode: dict(names) for inode, names in self.names.items()}

    def look(self) -> None:
        """Takes in what is there now."""
        self.names = {}
        for folder, folders, files in os.walk(self.root):
            number = os.stat(folder).st_ino
            self.folders.add(number)
            self.names[number] = {}
            for name in (*folders, *files):
                inode = os.stat(f"{folder}/{name}").st_ino
                self.names[number][name] = inode
                if name in files and not (self.links / str(inode)).exists():
                    REAL["link"](f"{folder}/{name}", self.links / str(inode))  # its inode is not given to another file

    def flushed(self, handle: int) -> None:
        """An fsync of *handle* has returned."""
        facts = os.fstat(handle)
        if stat.S_ISDIR(facts.st_mode):
            self.durable_names[facts.st_ino] = dict(self.names.get(facts.st_ino, {}))
        else:
            self.durable_content[facts.st_ino] = os.pread(handle, facts.st_size, 0)

    def survive(self, place: Path, choose: Choice) -> None:
        """Writes to *place* what a power cut leaves."""
        self._survive(os.stat(self.root).st_ino, place, choose)

    def _survive(self, folder: int, place: Path, choose: Choice) -> None:
        place.mkdir()
        old, new = self.durable_names.get(folder, {}), self.names.get(folder, {})
        for name in sorted(old.keys() | new.keys()):
            inode = choose(old.get(name), new.get(name))
            if inode in self.folders:
                self._survive(inode, place / name, choose)
            elif inode is not None:
                newer = (self.links / str(inode)).read_bytes()
                (place / name).write_bytes(choose(self.durable_content.get(inode, b""), newer))


REAL = {name: getattr(os, name) for name in ("open", "replace", "link", "unlink", "mkdir", "fsync", "fdatasync")}


def choices(seed: int) -> Iterator[Choice]:
    """Nothing that was not flushed; all names and no bytes; and a few draws."""
    yield lambda old, new: old
    yield lambda old, new: old if isinstance(old, bytes) else new
    draw = random.Random(seed)
    for _ in range(3):
        yield lambda old, new: draw.choice((old, new))


@contextmanager
def recorded(root: Path, scratch: Path, judge: Callable[[Path], None]) -> Iterator[list[str]]:
    """
    Calls *judge* with every state of *root* in which a power cut may leave it while the block runs.

    Yields:
        the operations that were seen, in their order.
    """
    (scratch / "links").mkdir(parents=True)
    disk, done, turn = Disk(root, scratch / "links"), [], threading.Lock()  # files are flushed by threads

    judging = threading.local()  # not by patching back: other threads would go unseen meanwhile

    def step(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object, **more: object) -> object:
            if getattr(judging, "now", False):
                return real(*given, **more)
            with turn:
                judging.now = True
                try:
                    return seen(*given, **more)
                finally:
                    judging.now = False

        def seen(*given: object, **more: object) -> object:
            found = real(*given, **more)
            if name == "open" and not int(given[1]) & os.O_CREAT:
                return found
            disk.look()
            if name in ("fsync", "fdatasync"):
                disk.flushed(given[0])
            done.append(name)
            for choose in choices(len(done)):
                place = scratch / "survived"
                disk.survive(place, choose)
                judge(place)
                shutil.rmtree(place)
            return found

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name, real in REAL.items():
            patch.setattr(os, name, step(name, real))
        yield done
