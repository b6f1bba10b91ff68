"""Ending what was begun: a long-running command at SIGINT or SIGTERM, and a process with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import subprocess
    from types import FrameType


@contextmanager
def stop_event() -> Iterator[threading.Event]:
    """Yields an event that SIGTERM or SIGINT sets, instead of ending the process."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped  # signals belong to the main thread
        return
    earlier = {name: signal.signal(name, lambda *_: stopped.set()) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for name, handler in earlier.items():
            signal.signal(name, handler)


@contextmanager
def raising_at_sigterm(kind: type[BaseException]) -> Iterator[None]:
    """Lets SIGTERM raise *kind* in the main thread, so that what the block began is ended as by any other exception."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread
        return

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise kind

    earlier = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that leads its own group, with all that it started, and lets go of its output."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):  # it ended just now
            os.killpg(process.pid, 9)
    else:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what was not written yet cannot be written any more
                pipe.close()  # not read to its end: a grandchild that got away may hold it open
