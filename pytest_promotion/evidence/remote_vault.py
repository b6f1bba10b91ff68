"""
A vault at a URL: the same files under the same names, wherever fsspec writes, such as `s3://bucket/promotions`.

What is kept is put there whole before the gate that asked for it goes on. What is there already is
compared, not trusted. Whatever goes wrong on the way is `Unproven` to whoever keeps and `OSError` to
whoever reads, so that a store that does not answer never becomes a PASS.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.large_files import Hashed
from pytest_promotion.evidence.vault import Kept, Vault

_STEP: Final = 2**20
_HELD: Final = 16 * 2**20  # bytes of a file that is read into memory; what is larger goes to a temporary file
# An object that is older is put again, though it is the same: whoever clears the vault looks at its age, and
# must see that a session has just relied on it.
_YOUNG: Final = timedelta(hours=6)
_SIGN_IN: Final = re.compile(r"(?<=://)[^/@]*@")


def vault_at(place: str | Path) -> Vault:
    """
    The vault at a path or a URL.

    Raises:
        PolicyError: where nothing that is installed can write to such a URL.
    """
    text = str(place)
    if text.startswith("file://"):
        return Vault(Path(text.removeprefix("file://")))
    return RemoteVault(text) if "://" in text else Vault(Path(text))


class RemoteVault(Vault):
    """
    A vault at a URL. Its `path` is a temporary folder, gone with this object.

    A large file is copied there first and goes up from the copy: what is judged is what was hashed.
    """

    __slots__ = ("__weakref__", "_base", "_files", "url")

    def __init__(self, url: str) -> None:
        self.url = without_sign_in(url)  # as it may be shown
        self._files, self._base = files_at(url, f"the evidence vault {self.url}")
        copies = tempfile.mkdtemp(prefix="promotion-vault-")
        weakref.finalize(self, shutil.rmtree, copies, ignore_errors=True)
        super().__init__(Path(copies))

    def open(self, digest: str) -> IO[bytes]:
        """What is kept under *digest*, fetched whole: a connection that breaks does so before anything is judged."""
        found = tempfile.SpooledTemporaryFile(_HELD)  # noqa: SIM115 - closed by who reads it
        try:
            with self._answers(), self._files.open(self._at(digest), "rb") as source:
                while part := source.read(_STEP):
                    found.write(part)
        except BaseException:
            found.close()
            raise
        found.seek(0)
        return found

    def keep(self, digest: str, content: bytes) -> None:
        """Keeps *content*. Raises `Unproven` where it does not get there."""
        if digest in self._known:
            return
        try:
            with self._answers():
                if not (self._is_young(digest, len(content)) and self._files.cat_file(self._at(digest)) == content):
                    self._put(digest, lambda place: self._files.pipe_file(place, content), len(content))
        except OSError as problem:
            raise self._unwritable(problem) from None
        self._known.add(digest)

    def keep_stream(self, source: int, expected: int) -> tuple[Hashed, Path]:
        """As `Vault.keep_stream`; the copy that is returned is the one in the temporary folder."""
        hashed, place = super().keep_stream(source, expected)
        digest, size = hashed.sha256, hashed.size
        try:
            with self._answers():
                if not (self._is_young(digest, size) and self._digest(digest) == digest):
                    self._put(digest, lambda there: self._files.put_file(str(place), there), size)
        except OSError as problem:
            self._known.discard(digest)
            raise self._unwritable(problem) from None
        return hashed, place

    def sync(self, digests: Iterable[str]) -> None:
        """Nothing: what a store has accepted is durable, and each object was seen to have arrived."""

    def kept(self) -> Iterator[Kept]:
        """Everything that is kept. Raises `OSError`."""
        with self._answers():
            self._files.invalidate_cache()
            try:
                found = self._files.find(f"{self._base}/sha256", detail=True)
            except FileNotFoundError:
                found = {}
        for place, facts in sorted(found.items()):
            yield Kept(place.rpartition("/")[2], place, int(facts["size"] or 0), self._modified(place, facts))

    def discard(self, kept: Kept, before: datetime) -> bool:
        """Removes one, unless it is of *before* or later by now. Returns whether it did. Raises `OSError`."""
        with self._answers():
            self._files.invalidate_cache()
            moment = self._modified(kept.place, self._files.info(kept.place))
            if moment is None or moment >= before:
                return False
            self._files.rm_file(kept.place)
        return True

    def _at(self, digest: str) -> str:
        return f"{self._base}/sha256/{digest[:2]}/{digest}"

    def _is_young(self, digest: str, size: int) -> bool:
        place = self._at(digest)
        try:
            self._files.invalidate_cache()
            facts = self._files.info(place)
        except FileNotFoundError:
            return False
        moment = self._modified(place, facts)
        return facts["size"] == size and moment is not None and datetime.now(UTC) - moment < _YOUNG

    def _modified(self, place: str, facts: dict[str, Any]) -> datetime | None:
        """When the object was put there; None where the store does not say, and then nobody may call it old."""
        found: datetime | None = facts.get("LastModified")
        if found is None:
            try:
                found = self._files.modified(place)
            except Exception:  # noqa: BLE001 - not every store knows
                return None
        return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)

    def _digest(self, digest: str) -> str:
        running = sha256()
        with self.open(digest) as file:
            while part := file.read(_STEP):
                running.update(part)
        return running.hexdigest()

    def _put(self, digest: str, write: Callable[[str], object], size: int) -> None:
        try:
            write(self._at(digest))
        except FileNotFoundError:
            # Folders below the vault are made where a store has any. What the URL names is not: a bucket whose
            # name was mistyped would be a new one.
            for folder in ("sha256", f"sha256/{digest[:2]}"):
                with contextlib.suppress(FileExistsError):
                    self._files.mkdir(f"{self._base}/{folder}", create_parents=False)
            write(self._at(digest))
        self._files.invalidate_cache()
        found = self._files.info(self._at(digest))["size"]
        if found != size:
            raise OSError(0, f"{found} of {size} bytes arrived")

    @contextmanager
    def _answers(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            if problem.strerror:
                raise
            raise OSError(problem.errno or 0, sentence_of(problem)) from None
        except Exception as problem:  # noqa: BLE001 - each store has exceptions of its own
            raise OSError(0, sentence_of(problem)) from None

    def _unwritable(self, problem: OSError) -> Unproven:
        return Unproven(f"the evidence vault {self.url} cannot be written: {(problem.strerror or 'failed').lower()}")


def files_at(url: str, name: str) -> tuple[Any, str]:
    """
    The file system of fsspec that *url* names, and the folder in it, without a slash at its end.

    Raises:
        PolicyError: where it cannot be used; *name* is what it is called there.
    """
    try:
        import fsspec  # type: ignore[import-untyped]  # has no types; only for URLs

        files, base = fsspec.core.url_to_fs(url)
    except ImportError as problem:
        raise PolicyError(f"{name} needs a package: {sentence_of(problem)}") from None
    except Exception as problem:  # noqa: BLE001 - each store has exceptions of its own
        raise PolicyError(f"{name} cannot be used: {sentence_of(problem)}") from None
    return files, base.rstrip("/")


def sentence_of(problem: BaseException) -> str:
    """What an exception of a store says, on one line, without the sign-in that some of them repeat."""
    message = " ".join(without_sign_in(str(problem) or type(problem).__name__).split())
    return message if len(message) <= 300 else f"{message[:297]}..."


def without_sign_in(url: str) -> str:
    """*url* as it may be shown."""
    return _SIGN_IN.sub("", url)
