"""
The vault: what was judged, kept byte for byte under its own digest.

`<vault>/sha256/<aa>/<hex>`. A file appears there by rename only, so it is whole or absent,
and two runs that keep the same bytes at once agree about them.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from hashlib import sha256
from pathlib import Path

from pytest_promotion.errors import Unproven


class Vault:
    """A folder of files named by their SHA-256."""

    __slots__ = ("_known", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: set[str] = set()  # digests this process has seen to be kept

    def where(self, digest: str) -> Path:
        """Where the bytes with that digest are, if they are kept."""
        return self.path / "sha256" / digest[:2] / digest

    def keep(self, digest: str, content: bytes) -> Path:
        """Keeps *content*. Raises `Unproven` where the vault cannot be written."""
        place = self.where(digest)
        if digest in self._known or self._same(place, content):
            self._known.add(digest)
            return place
        name = ""
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=place.parent, prefix=".new-")
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(name, place)
        except OSError as problem:
            _discard(name)
            raise self._unwritable(problem) from None
        self._known.add(digest)
        return place

    def keep_stream(self, source: int, expected: int) -> tuple[str, int, Path]:
        """
        Copies the open file *source* and hashes it on the way, no further than it is *expected* to go.

        Returns:
            its digest, its size in bytes, and the copy: later reads go there, so that what
            is judged is what was hashed.

        Raises:
            Unproven: where the vault cannot be written.
        """
        running, size = sha256(), 0
        buffer = bytearray(2**18)
        view = memoryview(buffer)
        name = ""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.path, prefix=".new-")
            with os.fdopen(handle, "wb") as file:
                while size <= expected and (count := os.readv(source, [buffer])):
                    running.update(view[:count])
                    file.write(view[:count])
                    size += count
            digest = running.hexdigest()
            place = self.where(digest)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(name, place)
        except OSError as problem:
            _discard(name)
            raise self._unwritable(problem) from None
        self._known.add(digest)
        return digest, size, place

    def _unwritable(self, problem: OSError) -> Unproven:
        return Unproven(f"the evidence vault {self.path} cannot be written: {(problem.strerror or 'failed').lower()}")

    @staticmethod
    def _same(place: Path, content: bytes) -> bool:
        # Compared, not trusted: a damaged copy from an earlier run is replaced.
        try:
            return place.read_bytes() == content
        except OSError:
            return False


def _discard(name: str) -> None:
    # A left-over is ignored by readers, so failing to remove it harms nobody.
    with contextlib.suppress(OSError):
        os.unlink(name)
