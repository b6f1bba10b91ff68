"""
The vault: what was judged, kept byte for byte under its own digest.

`<vault>/sha256/<aa>/<hex>`. A file appears there by rename only, so it is whole or absent,
and two runs that keep the same bytes at once agree about them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from pytest_promotion import atomic
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.large_files import Hashed

_ASIDE: Final = ".old-"  # before the name of what is about to be removed


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that lies in a vault. `modified` is None where nobody knows."""

    digest: str  # what it is called by; else a left-over of a writer
    place: str
    size_bytes: int
    modified: datetime | None


class Vault:
    """A folder of files named by their SHA-256."""

    __slots__ = ("_known", "path", "streamed")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: set[str] = set()  # digests this process has seen to be kept
        self.streamed: dict[tuple[int, ...], tuple[Hashed, Path]] = {}  # large files it has kept, by their state

    def where(self, digest: str) -> Path:
        """Where the bytes with that digest are, if they are kept."""
        return self.path / "sha256" / digest[:2] / digest

    def open(self, digest: str) -> IO[bytes]:
        """What is kept under *digest*; whether it still has that digest is for the reader to see. Raises `OSError`."""
        return self.where(digest).open("rb")

    def keep(self, digest: str, content: bytes) -> None:
        """Keeps *content*. Raises `Unproven` where the vault cannot be written."""
        if digest in self._known:
            return
        # Texts, not paths: a session keeps every file that its gates ask for.
        folder = f"{self.path}/sha256/{digest[:2]}"
        if not _holds(f"{folder}/{digest}", content):
            try:
                # Not durable yet: see `sync`.
                atomic.write(f"{folder}/{digest}", content, mode=0o600, durable=False)
            except OSError as problem:
                raise self._unwritable(problem) from None
        self._known.add(digest)

    def keep_stream(self, source: int, expected: int) -> tuple[Hashed, Path]:
        """
        Copies the open file *source* and hashes it on the way, no further than it is *expected* to go.

        Returns:
            what was hashed, and the copy: later reads go there.

        Raises:
            Unproven: where the vault cannot be written.
        """
        try:
            with atomic.new_file(self.path) as new:
                hashed = Hashed(source, expected, new.file.write)
                place = self.where(hashed.sha256)
                place.parent.mkdir(parents=True, exist_ok=True)
                new.put(place, mode=0o600, durable=False)
        except OSError as problem:
            raise self._unwritable(problem) from None
        self._known.add(hashed.sha256)
        return hashed, place

    def sync(self, digests: Iterable[str]) -> None:
        """
        Makes what is kept under *digests* survive a power cut. What is not kept is passed over.

        Once for all of them, before a decision that names them is put in place: a flush of each file when it is
        kept would cost a session of ten thousand files half a minute.

        Raises:
            Unproven: where the vault cannot be written.
        """
        try:
            atomic.sync([f"{self.path}/sha256/{digest[:2]}/{digest}" for digest in sorted(set(digests))], self.path)
        except OSError as problem:
            raise self._unwritable(problem) from None

    def kept(self) -> Iterator[Kept]:
        """Everything that is kept. Raises `OSError`."""
        for aside in (self.path / "sha256").glob(f"*/{_ASIDE}*"):
            # Whoever moved it there was killed before it was looked at.
            with contextlib.suppress(FileNotFoundError):
                os.rename(aside, aside.with_name(aside.name.removeprefix(_ASIDE)))
        for place in sorted([*self.path.glob(f"{atomic.PREFIX}*"), *(self.path / "sha256").glob("*/*")]):
            try:
                facts = place.stat()
            except FileNotFoundError:
                continue
            yield Kept(place.name, str(place), facts.st_size, _moment(facts))

    def discard(self, kept: Kept, before: datetime) -> bool:
        """
        Removes one, unless it is of *before* or later by now.

        Returns:
            whether it did. Raises `OSError`.
        """
        place = Path(kept.place)
        aside = place.with_name(_ASIDE + place.name)
        # Moved away before it is looked at: a session that relies on it from now on finds nothing and
        # keeps it again, and one that did so a moment ago has left its time on it.
        with contextlib.suppress(FileNotFoundError):  # somebody else clears the same vault
            os.rename(place, aside)
            if _moment(aside.stat()) < before:
                os.unlink(aside)
                return True
            os.rename(aside, place)
        return False

    def _unwritable(self, problem: OSError) -> Unproven:
        return Unproven(f"the evidence vault {self.path} cannot be written: {(problem.strerror or 'failed').lower()}")


def _holds(place: str, content: bytes) -> bool:
    # Compared, not trusted: a damaged copy from an earlier run is replaced.
    try:
        with open(place, "rb", buffering=0) as file:
            if file.read() != content:
                return False
        os.utime(place)  # a session relies on it: whoever clears the vault of what is old sees that
    except OSError:
        return False
    return True


def _moment(facts: os.stat_result) -> datetime:
    return datetime.fromtimestamp(facts.st_mtime, UTC)
