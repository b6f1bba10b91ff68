"""
What earlier sessions made of the rows of a store that is recorded by its digest, in files beside the decisions.

Each holds for the bytes that it was made of, and is checked for damage, not for forgery. One that is missing, damaged,
of another version of this package or of other bytes is as none: then all rows are read again.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import IO, Final, TypeVar, cast

import msgspec

from pytest_promotion import atomic
from pytest_promotion.evidence.large_files import LargeFile
from pytest_promotion.version import VERSION

T = TypeVar("T")
_UNUSED_S: Final = 30 * 86_400  # of a file that nothing was added to: the day that it is of is over
# What is remembered depends on these beside the bytes.
_MADE_BY: Final = f"1 {VERSION} {sys.hash_info.modulus}"
_BUFFER: Final = 2**18


class _Remembered(msgspec.Struct):
    """A value made of the first `offset` bytes, which end with a line."""

    made_by: str
    offset: int
    sha256: str  # of those bytes
    value: msgspec.Raw


_DECODER: Final = msgspec.msgpack.Decoder(_Remembered)


def place_of(folder: Path, *names: str) -> Path:
    """Where it is remembered what belongs to *names*."""
    return folder / sha256("\0".join(names).encode()).hexdigest()[:24]


def recalled(place: Path, file: LargeFile, kind: type[T]) -> tuple[int, T] | None:
    """The value at *place* and of how many bytes of *file* it was made; None where none holds. Raises `Unproven`."""
    try:
        content = place.read_bytes()
        if sha256(content[32:]).digest() != content[:32]:
            return None
        found = _DECODER.decode(content[32:])
        value = msgspec.msgpack.decode(found.value, type=kind)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if found.made_by != _MADE_BY or file.digest_until(found.offset) != found.sha256:
        return None
    return found.offset, value


def remember(place: Path, file: LargeFile, value: object) -> None:
    """Puts *value*, made of all of *file*, at *place*; removes what is older than 30 days. Raises `OSError`."""
    made = _Remembered(_MADE_BY, file.size, file.sha256, msgspec.Raw(msgspec.msgpack.encode(value)))
    content = msgspec.msgpack.encode(made)
    # Lost in a power cut, it is made again.
    atomic.write(place, sha256(content).digest() + content, mode=0o600, durable=False)
    for other in place.parent.iterdir():
        if time.time() - other.stat().st_mtime > _UNUSED_S:
            other.unlink(missing_ok=True)


def ends_with_a_line(file: IO[bytes], size: int) -> bool:
    """Whether the last byte of *file* ends a line: a row without its line end may still grow."""
    file.seek(max(0, size - 1))
    return file.read(1) == b"\n"


def carried(
    file: LargeFile, name: str, rule: str, folder: Path | None, kind: type[T], add: Callable[[T | None, IO[bytes]], T]
) -> tuple[T, int]:
    """
    What *add* makes of the rows of *file*, given what it made of those before and the lines behind them.

    Args:
        name: of the store.
        rule: what the value is, in words that change with the rule that makes it.
        folder: where it is remembered, if anywhere.
        kind: the type of the value, which msgspec can write and read.

    Returns:
        the value, and of how many bytes it was known before.

    Raises:
        Unproven: where the file is not what was hashed; and whatever *add* raises.
    """
    place = place_of(folder, name, rule) if folder is not None else None
    known = recalled(place, file, kind) if place is not None else None
    start, before = known or (0, None)
    with file.open() as source:
        source.seek(start)
        lines = io.BufferedReader(cast("io.RawIOBase", source), _BUFFER)
        value = add(before, cast("IO[bytes]", lines))
        lines.detach()  # it would close the file with itself
        if place is not None and start < file.size and ends_with_a_line(source, file.size):
            with contextlib.suppress(OSError):
                remember(place, file, value)
    return value, start
