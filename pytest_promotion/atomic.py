"""
The one way in which files are put in place: written beside it and renamed, so that a reader finds all or nothing.

A rename alone orders nothing on the disk: after a power cut the new name may be there with none of its bytes. A
*durable* write flushes the file before the rename and the folder after it. Many files that need not be durable one by
one are made so together by `sync`, before something is written that names them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import IO, Final

PREFIX: Final = ".new-"  # of what a killed writer leaves behind; readers ignore it
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_POSIX: Final = os.name == "posix"  # elsewhere a folder cannot be flushed
_THREADS: Final = 16  # files that are flushed at once: file systems write them in one transaction
_FEW: Final = 4


class NewFile:
    """A file that has its content and not yet its name."""

    __slots__ = ("file", "name", "placed")

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name, self.file, self.placed = name, file, False

    def put(self, path: str | Path, *, mode: int = 0o644, durable: bool = True, overwrite: bool = True) -> None:
        """
        Gives it the name *path*, in the same file system.

        Raises:
            FileExistsError: where something is at *path* and may not be overwritten.
            OSError: where it cannot be put there.
        """
        if not self.file.closed:  # else *path* was taken, and this is another one
            self.file.flush()
            _finish(self.name, self.file.fileno(), mode, durable=durable)
            self.file.close()
        _rename(self.name, os.fspath(path), durable=durable, overwrite=overwrite)
        self.placed = True


@contextlib.contextmanager
def new_file(folder: str | Path) -> Iterator[NewFile]:
    """A file in *folder*, which only its owner may read; it is removed unless it was put in place. Raises `OSError`."""
    name, handle = _created(os.fspath(folder), durable=True)
    new = None
    try:
        with os.fdopen(handle, "w+b") as file:
            new = NewFile(name, file)
            yield new
    finally:
        if new is None or not new.placed:
            with contextlib.suppress(OSError):
                os.unlink(name)


@contextlib.contextmanager
def writing(
    path: str | Path, *, mode: int = 0o644, durable: bool = True, overwrite: bool = True
) -> Iterator[IO[bytes]]:
    """
    A file to write to, which is put at *path* when the block ends without an exception.

    Args:
        mode: its permissions, whatever the umask.
        durable: whether it has to be there after a power cut.
        overwrite: whether it may take the place of another file.

    Raises:
        FileExistsError: at the end, where something is at *path* and may not be overwritten.
        OSError: where it cannot be written.
    """
    with new_file(os.path.dirname(path) or ".") as new:
        yield new.file
        new.put(path, mode=mode, durable=durable, overwrite=overwrite)


def write(path: str | Path, content: bytes, *, mode: int = 0o644, durable: bool = True, overwrite: bool = True) -> None:
    """Puts *content* at *path*, as `writing` does."""
    path = os.fspath(path)  # texts and bare handles: a session keeps ten thousand files
    name, handle = _created(os.path.dirname(path) or ".", durable=durable)
    try:
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(handle, rest) :]
            _finish(name, handle, mode, durable=durable)
        finally:
            os.close(handle)
        _rename(name, path, durable=durable, overwrite=overwrite)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def make_folder(path: str | Path, *, durable: bool = True) -> None:
    """Makes the folder *path* and those above it. Raises `OSError`."""
    path = os.fspath(path)
    if os.path.isdir(path):
        return
    above = os.path.dirname(path.rstrip("/")) or "."
    make_folder(above, durable=durable)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path)
    if durable:
        sync_folder(above)


def sync(files: Collection[str], root: str | Path) -> None:
    """
    Makes *files* durable, which are below the folder *root*, with the folders that they are in.

    Files that are not there are passed over. Raises `OSError`.
    """
    root = os.path.abspath(root)
    folders = set()
    for folder in {os.path.dirname(os.path.abspath(path)) for path in files} | {root}:
        while len(folder) > len(root):
            folders.add(folder)
            folder = os.path.dirname(folder)  # noqa: PLW2901 - upwards
    # Any of the folders above may be as new as the files.
    above = [root]
    while os.path.dirname(above[-1]) != above[-1]:
        above.append(os.path.dirname(above[-1]))
    _each(sync_file, files)
    _each(sync_folder, [*folders, *above])


def sync_folder(path: str | Path) -> None:
    """Makes the names in the folder *path* durable, if it is there and may be opened. Raises `OSError`."""
    if not _POSIX:
        return
    try:
        handle = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, PermissionError):
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: str | Path) -> None:
    """Makes the content of the file at *path* durable, if it is there. Raises `OSError`."""
    try:
        handle = os.open(path, os.O_RDONLY if _POSIX else os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _each(sync_one: Callable[[str], None], paths: Collection[str]) -> None:
    if len(paths) <= _FEW:
        for path in paths:
            sync_one(path)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(sync_one, paths):
            pass


def _created(folder: str, *, durable: bool) -> tuple[str, int]:
    name = f"{folder}/{PREFIX}{os.urandom(8).hex()}"
    try:
        return name, os.open(name, _FLAGS, 0o600)
    except FileNotFoundError:
        make_folder(folder, durable=durable)
        return name, os.open(name, _FLAGS, 0o600)


def _finish(name: str, handle: int, mode: int, *, durable: bool) -> None:
    if mode != 0o600:
        os.chmod(handle if os.chmod in os.supports_fd else name, mode)
    if durable:
        os.fsync(handle)


def _rename(name: str, path: str, *, durable: bool, overwrite: bool) -> None:
    if overwrite:
        os.replace(name, path)
    else:
        _link(name, path)
    if durable:
        sync_folder(os.path.dirname(path) or ".")


def _link(name: str, path: str) -> None:
    """As a rename, which fails where *path* is there."""
    try:
        os.link(name, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links: the empty file keeps other writers away until the rename.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.replace(name, path)
    else:
        os.unlink(name)
