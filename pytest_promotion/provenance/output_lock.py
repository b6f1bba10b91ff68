"""One producer of an output at a time: the second is refused and does not wait."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pytest_promotion import atomic
from pytest_promotion.errors import Unproven

SUFFIX = ".run.lock"


@contextmanager
def locked(root: str, outputs: Iterable[str]) -> Iterator[None]:
    """
    Keeps other producers from *outputs*, paths below *root*, until the block ends.

    Raises:
        Unproven: where one is being produced already, or cannot be locked.
    """
    with ExitStack() as stack:
        for output in sorted(set(outputs)):
            stack.enter_context(_locked(Path(root, output), output))
        yield


@contextmanager
def _locked(path: Path, output: str) -> Iterator[None]:
    place = path.with_name(f".{path.name}{SUFFIX}")
    try:
        atomic.make_folder(path.parent, durable=False)
        handle = _take(place, output)
    except OSError as problem:
        raise Unproven(f"{output} cannot be locked: {(problem.strerror or 'failed').lower()}") from None
    try:
        yield
    finally:
        # While it is locked: a process that opened it before sees that it has gone, and opens it again.
        with suppress(OSError):
            os.unlink(place)
        os.close(handle)


def _take(place: Path, output: str) -> int:
    while True:
        handle = os.open(
            place, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0), 0o644
        )
        try:
            _lock(handle)
        except OSError:
            os.close(handle)
            raise Unproven(f"another command is producing {output} at this moment") from None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(place)):
                return handle
        os.close(handle)


def _lock(handle: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
