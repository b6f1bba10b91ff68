"""
Where heads of the log are anchored: a file, notes or tags of a git repository, or an object store.

Each target adds and never replaces. Who may remove what is in it is decided by the permissions of the target, which
should not be those of the jobs that write the log.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.files import read_file
from pytest_promotion.evidence.provenance import for_git
from pytest_promotion.evidence.remote_vault import files_at, sentence_of, without_sign_in
from pytest_promotion.history.anchors import Anchored, Target, line_of, parse

_REF: Final = "refs/notes/promotion"
_TIMEOUT_S: Final = 60


def target_at(text: str, *, sign: bool = False) -> Target:
    """
    The target that *text* names: `git-note:REPO[:REF]`, `git-tag:REPO:NAME`, a URL that fsspec knows, or a file.

    Args:
        sign: sign what is added, which only tags of git can be.

    Raises:
        PolicyError: where it cannot be used.
    """
    kind, _, rest = text.partition(":")
    if sign and kind != "git-tag":
        raise PolicyError(f"{text}: only git-tag:REPO:NAME can be signed")
    if kind == "git-note":
        repository, _, ref = rest.partition(":")
        return GitNotes(_repository(repository, text), ref or _REF)
    if kind == "git-tag":
        repository, _, name = rest.partition(":")
        if not name:
            raise PolicyError(f"{text}: expected git-tag:REPO:NAME")
        return GitTags(_repository(repository, text), name, sign=sign)
    if "://" in text and not text.startswith("file://"):
        return ObjectStore(text)
    return AnchorFile(Path(text.removeprefix("file://")))


class AnchorFile:
    """A file, best in another repository, to which a line is added."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)

    def add(self, head: Anchored) -> None:
        with self.path.open("ab") as file:
            file.write(line_of(head))  # in one write, which two writers do not mix
            file.flush()
            os.fsync(file.fileno())

    def heads(self) -> list[Anchored]:
        try:
            return list(parse(read_file(self.path), self.name))
        except FileNotFoundError:
            return []


class _Git:
    """Commands of git in one repository."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository

    def git(self, *words: str) -> str:
        """What it prints. Raises `Unproven` where it fails."""
        try:
            done = subprocess.run(
                ["git", "-C", str(self.repository), *words],  # noqa: S607 - the user's git
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
                stdin=subprocess.DEVNULL,
                env=for_git(os.environ),
            )
        except subprocess.TimeoutExpired:
            raise Unproven(f"git {words[0]} did not end within {_TIMEOUT_S} s in {self.repository}") from None
        except OSError as problem:
            raise Unproven(f"git cannot be run: {(problem.strerror or 'failed').lower()}") from None
        if done.returncode:
            error = " ".join(done.stderr.decode("utf-8", "replace").split())[:300] or f"exit code {done.returncode}"
            raise Unproven(f"git {words[0]} failed in {self.repository}: {error}")
        return done.stdout.decode("utf-8", "replace")


class GitNotes(_Git):
    """Notes under one ref; a head is added to the note of the commit that the repository is at."""

    def __init__(self, repository: Path, ref: str) -> None:
        super().__init__(repository)
        self.ref = ref if ref.startswith("refs/") else f"refs/notes/{ref}"
        self.name = f"git-note:{repository}:{self.ref}"

    def add(self, head: Anchored) -> None:
        self.git("notes", f"--ref={self.ref}", "append", "-m", line_of(head).decode().rstrip(), "HEAD")

    def heads(self) -> list[Anchored]:
        listed = self.git("notes", f"--ref={self.ref}", "list").split()
        contents = (self.git("cat-file", "blob", blob) for blob in dict.fromkeys(listed[::2]))
        return [head for content in contents for head in parse(content.encode(), self.name)]


class GitTags(_Git):
    """Annotated tags `NAME/SEQUENCE`, one a head: a tag is not replaced without force."""

    def __init__(self, repository: Path, name: str, *, sign: bool) -> None:
        super().__init__(repository)
        self._tag, self._sign = name, sign
        self.name = f"git-tag:{repository}:{name}"

    def add(self, head: Anchored) -> None:
        kind = "--sign" if self._sign else "--annotate"
        message = line_of(head).decode().rstrip()
        self.git("tag", kind, "-m", message, f"{self._tag}/{head.sequence}", "HEAD")

    def heads(self) -> list[Anchored]:
        pattern = f"refs/tags/{self._tag}/*"
        form = "%(refname)%00%(contents)%00%(contents:signature)%01"
        found: list[Anchored] = []
        for row in self.git("for-each-ref", f"--format={form}", pattern).split("\x01"):
            if row.strip():
                ref, text, signature = row.strip("\n").split("\x00")
                if signature.strip():
                    self.git("verify-tag", ref.removeprefix("refs/tags/"))
                found += parse(text.partition("\n")[0].encode(), f"{self.name}, {ref}")
        return found


class ObjectStore:
    """Objects below a URL, one a head, each created only where none is: `URL/000000000042.json`."""

    def __init__(self, url: str) -> None:
        self.name = without_sign_in(url)
        self._files, self._base = files_at(url, self.name)

    def add(self, head: Anchored) -> None:
        place = f"{self._base}/{head.sequence:012d}.json"
        try:
            self._files.pipe_file(place, line_of(head), mode="create")
        except Exception as problem:  # noqa: BLE001 - each store has exceptions of its own; what it refuses has no class
            self._files.invalidate_cache()
            if not self._exists(place):
                raise OSError(0, f"{self.name} cannot be written: {sentence_of(problem)}") from None
            [there] = parse(self._read(place), f"{self.name}, {place.rpartition('/')[2]}")
            if there.same != head.same:
                raise Unproven(f"{self.name} has another entry {head.sequence}: nothing was anchored") from None

    def heads(self) -> list[Anchored]:
        try:
            self._files.invalidate_cache()
            places = sorted(self._files.find(self._base))
        except FileNotFoundError:
            return []
        except Exception as problem:  # noqa: BLE001 - as above
            raise OSError(0, f"{self.name} cannot be read: {sentence_of(problem)}") from None
        # The newest is enough, and a store of years has many.
        return [head for place in places[-1:] for head in parse(self._read(place), f"{self.name}, {place}")]

    def _exists(self, place: str) -> bool:
        try:
            return bool(self._files.exists(place))
        except Exception:  # noqa: BLE001 - as above
            return False

    def _read(self, place: str) -> bytes:
        try:
            content: Any = self._files.cat_file(place)
        except Exception as problem:  # noqa: BLE001 - as above
            raise OSError(0, f"{self.name} cannot be read: {sentence_of(problem)}") from None
        return bytes(content)


def _repository(text: str, whole: str) -> Path:
    path = Path(text or ".")
    if not path.is_dir():
        raise PolicyError(f"{whole}: there is no repository {path}")
    return path
