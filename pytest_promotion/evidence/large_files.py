"""
A file that is too large to be held: hashed as it is read once, and read again only as the bytes that were hashed.

At the end of each block the state of the hash is kept. A block that is read again is hashed from there before any of
it is handed out, so a file that was changed in the meantime is refused, and no copy of it is needed. Bytes that were
appended to it lie behind the last block and are not looked at.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final, cast

from pytest_promotion.errors import Unproven

_BLOCK: Final = 2**20  # bytes; with some 400 bytes of state for each, 2 MB for a file of 5 GB
_PART: Final = 2**18


class Hashed:
    """What was hashed of a file, with the state of the hash at the end of each block."""

    __slots__ = ("sha256", "size", "states")

    def __init__(self, handle: int, expected: int, each: Callable[[memoryview], object] | None = None) -> None:
        """
        Reads the open file *handle* from where it stands, at most *expected* bytes; *each* is given what was read.

        Raises:
            OSError: where it cannot be read, and whatever *each* raises.
        """
        running, self.size = sha256(), 0
        self.states = [running.copy()]
        buffer = memoryview(bytearray(_PART))
        while left := min(_PART, expected - self.size, _BLOCK - self.size % _BLOCK):
            count = os.readv(handle, [buffer[:left]])
            if not count:
                break
            running.update(buffer[:count])
            if each is not None:
                each(buffer[:count])
            self.size += count
            if not self.size % _BLOCK:
                self.states.append(running.copy())
        if self.size % _BLOCK:
            self.states.append(running)
        self.sha256 = running.hexdigest()


class LargeFile:
    """A file that was hashed. `sha256` and `size` are of what was read then, whatever the file is by now."""

    __slots__ = ("_hashed", "_path", "_refusal")

    def __init__(self, path: Path, hashed: Hashed, refusal: str) -> None:
        """
        Args:
            path: where the bytes can be read again: the file itself, or a copy of it.
            refusal: the sentence for the case that they cannot be, or are others by then.
        """
        self._path = path
        self._hashed = hashed
        self._refusal = refusal

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes that were hashed, in hex."""
        return self._hashed.sha256

    @property
    def size(self) -> int:
        """How many bytes were hashed."""
        return self._hashed.size

    def open(self) -> IO[bytes]:
        """The bytes that were hashed, from the beginning. Raises `Unproven` where the file is gone."""
        return cast("IO[bytes]", self._reader())

    def _reader(self) -> Reader:
        return Reader(self._path, self._hashed, self._refusal)

    def digest_until(self, end: int) -> str:
        """
        SHA-256 of the first *end* bytes, for which no more than one block is read; "" where there are not so many.

        Raises:
            Unproven: where that block is not what was hashed.
        """
        if end >= self.size:
            return self.sha256 if end == self.size else ""
        number, rest = divmod(end, _BLOCK)
        running = self._hashed.states[number].copy()
        with self._reader() as file:
            running.update(file.block(number)[:rest])
        return str(running.hexdigest())


class Reader(io.RawIOBase):
    """Reads a large file again, and hands out nothing that is not what was hashed. `read` raises `Unproven`."""

    def __init__(self, path: Path, hashed: Hashed, refusal: str) -> None:
        super().__init__()
        self._hashed, self._refusal = hashed, refusal
        self._at = 0
        self._number = -1  # of the block that is held
        self._held = b""
        self._next: tuple[int, Future[bytes]] | None = None
        try:
            # Without O_NONBLOCK a FIFO in its place would hang the reader.
            self._handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            raise Unproven(refusal) from None
        # The next block is read and hashed while the one before it is being counted.
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="large-file")

    def block(self, number: int) -> bytes:
        """Block *number*, from 0. Raises `Unproven` where it is not what was hashed."""
        if number != self._number:
            ahead, self._next = self._next, None
            self._held = ahead[1].result() if ahead and ahead[0] == number else self._load(number)
            if number == self._number + 1 and number + 2 < len(self._hashed.states):
                self._next = number + 1, self._ahead.submit(self._load, number + 1)
            self._number = number
        return self._held

    def _load(self, number: int) -> bytes:
        start = number * _BLOCK
        size = min(_BLOCK, self._hashed.size - start)
        try:
            content = os.pread(self._handle, size, start)
            while len(content) < size and (part := os.pread(self._handle, size - len(content), start + len(content))):
                content += part
        except OSError:
            raise Unproven(self._refusal) from None
        before, after = self._hashed.states[number : number + 2]
        running = before.copy()
        running.update(content)
        if len(content) != size or running.digest() != after.digest():
            raise Unproven(self._refusal)
        return content

    def read(self, size: int = -1, /) -> bytes:
        """At most *size* bytes, of one block; all that are left where it is negative."""
        if size < 0:
            return self.readall()
        if self._at >= self._hashed.size or not size:
            return b""
        number, start = divmod(self._at, _BLOCK)
        found = self.block(number)[start : start + size]
        self._at += len(found)
        return found

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        found = self.read(len(view))
        view[: len(found)] = found
        return len(found)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._hashed.size}[whence]
        if start + offset < 0:
            raise ValueError(f"negative seek position {start + offset}")
        self._at = start + offset
        return self._at

    def close(self) -> None:
        if not self.closed:
            self._ahead.shutdown()
            os.close(self._handle)
        super().close()
