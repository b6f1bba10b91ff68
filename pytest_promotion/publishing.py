"""
Writing decisions so that a reader never sees half of one, and never yesterday's for today's.

`latest.json` says FAIL from the moment a session starts and is replaced last of all. It
belongs to the session that started last: one that ends while a later one runs leaves it.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

_LOCK_S = 30.0  # how long to wait for another session that writes; it holds the lock for milliseconds


class ReportFolder:
    """`<reports>/promotion_gates`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._before: bytes | None = None
        self._times: tuple[int, int] = (0, 0)
        self._mine = ""

    def begin(self, provisional: dict[str, Any]) -> None:
        """Puts the provisional FAIL in place, or another one of the same session. Raises `OSError`."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self._locked():
            latest = self.path / "latest.json"
            if not self._mine:
                with contextlib.suppress(FileNotFoundError):
                    facts = latest.stat()
                    self._before, self._times = latest.read_bytes(), (facts.st_atime_ns, facts.st_mtime_ns)
            self._mine = provisional["run_id"]
            _replace(latest, _text(provisional))

    def withdraw(self) -> None:
        """Puts back what was there: this session was a look at some gates, and decided nothing."""
        if not self._mine:
            return
        with self._locked():
            latest = self.path / "latest.json"
            if not self._owned(latest):
                return
            if self._before is None:
                latest.unlink()
            else:
                _replace(latest, self._before)
                os.utime(latest, ns=self._times)

    def publish(self, stem: str, document: dict[str, Any], markdown: str, *, latest: bool) -> Path:
        """
        Writes `<stem>.json` and `<stem>.md`, or `<stem>_1` and so on where a run of the same
        second was first; then, with *latest*, `latest.md` and, last of all, `latest.json`.

        Returns:
            the path of the JSON file. Raises `OSError`.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._locked():
            text = _text(document)
            place = next(self.path / f"{name}.json" for name in _names(stem) if not self._taken(name))
            _replace(place.with_suffix(".md"), markdown.encode())
            _replace(place, text)
            if latest and self._owned(self.path / "latest.json"):
                _replace(self.path / "latest.md", markdown.encode())
                _replace(self.path / "latest.json", text)
        return place

    def _taken(self, name: str) -> bool:
        return (self.path / f"{name}.json").exists() or (self.path / f"{name}.md").exists()

    def _owned(self, latest: Path) -> bool:
        if not self._mine:
            return True  # nothing provisional was written: what looked like a part was the whole
        try:
            return bool(json.loads(latest.read_bytes()).get("run_id") == self._mine)
        except (OSError, ValueError, AttributeError):
            return True  # gone or damaged: what is written now is better

    def _locked(self) -> FileLock:
        return FileLock(self.path / ".lock", timeout=_LOCK_S)


def _names(stem: str) -> Iterator[str]:
    yield stem
    number = 1
    while True:
        yield f"{stem}_{number}"
        number += 1


def _text(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _replace(place: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # mkstemp's 0600 would hide the decision from the service that acts on it
        os.replace(name, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
