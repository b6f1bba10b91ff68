"""One deployment of a project at a time, counting the programs that a killed one left running."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_promotion.errors import Unproven


@contextmanager
def owned(path: Path, what: str) -> Iterator[tuple[int, ...]]:
    """
    Holds the lock at *path*; gives the file descriptors that programs have to inherit to hold it, too.

    Raises:
        Unproven: where another holds it, with *what* it is that goes on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    refusal = f"{what} is going on already, or a program that it started has not ended: {path} is held"
    try:
        import fcntl
    except ImportError:
        from filelock import FileLock, Timeout

        try:
            with FileLock(path, timeout=0):
                yield ()
        except Timeout:
            raise Unproven(refusal) from None
        return
    # flock(2) belongs to the open file, which children share: it ends when the last of them has ended.
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Unproven(refusal) from None
        yield (handle,)
    finally:
        os.close(handle)
