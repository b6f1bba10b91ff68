"""Reading a file that a user gives, with bounds: a FIFO or a device would hang a command, or never end."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Final

from pytest_promotion.errors import PolicyError, Unproven

LARGEST: Final = 256 * 2**20  # bytes; reports, policies and plans are far smaller
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_file(path: str | Path, largest: int = LARGEST) -> bytes:
    """
    The bytes of the regular file at *path*; links are followed.

    Raises:
        OSError: where it cannot be read, is no regular file, or has more than *largest* bytes. `strerror` says which.
    """
    with open_file(path) as file:
        content = file.read(largest + 1)  # not by its size: it may grow while it is read
    if len(content) > largest:
        raise OSError(errno.EFBIG, f"larger than {_printed(largest)}", os.fspath(path))
    return content


def open_file(path: str | Path) -> BufferedReader:
    """The regular file at *path*, opened for its bytes. Raises `OSError`, also for a FIFO, and waits for none."""
    handle = os.open(path, _FLAGS)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return os.fdopen(handle, "rb")


def _printed(size: int) -> str:
    return f"{size >> 20} megabytes" if size >= 2**20 else f"{size >> 10} kilobytes"


def read_given(
    path: str | Path,
    name: object = None,
    *,
    refusal: type[PolicyError | Unproven] = Unproven,
    largest: int = LARGEST,
) -> bytes:
    """
    As `read_file`, for callers that end with a sentence: `<name> cannot be read: <reason>`.

    Args:
        name: what the message calls the file, its path unless given.
        refusal: what is raised: `Unproven` for evidence, `PolicyError` for rules.
    """
    try:
        return read_file(path, largest)
    except OSError as problem:
        reason = (problem.strerror or "failed").lower()
        raise refusal(f"{path if name is None else name} cannot be read: {reason}") from None
