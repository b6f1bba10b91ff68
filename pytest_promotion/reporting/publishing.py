"""
Writing decisions so that a reader never sees half of one, and never yesterday's for today's.

`latest.json` says FAIL from the moment a session starts and is replaced last of all. It
belongs to the session that started last: one that ends while a later one runs leaves it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from pytest_promotion import atomic
from pytest_promotion.clock import stamp

_AT_ONCE = 100  # items of a list that are encoded in one go
_LOCK_S = 30.0  # how long to wait for another session that writes; it holds the lock for milliseconds
SIGNED = ".intoto.jsonl"  # the envelopes of a decision, beside it

Sign = Callable[[str, bytes], bytes]  # from the name and the bytes of a decision's file to its envelopes
Log = Callable[[str, bytes], object]  # appends the decision with that name and those bytes to the history


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
            _replace(_text(provisional), latest)

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
                _replace([self._before], latest)
                os.utime(latest, ns=self._times)

    def publish(
        self,
        stem: str,
        document: dict[str, Any],
        markdown: str,
        *,
        latest: bool,
        sign: Sign | None = None,
        log: Log | None = None,
    ) -> Path:
        """
        Writes `<stem>.json` and `<stem>.md`, or `<stem>_1` and so on where a run of the same
        second was first; then, with *latest*, `latest.md` and, last of all, `latest.json`.
        With *sign*, the envelopes are there before the decision that they are of. With *log*, it is in
        the history before: what cannot be logged was not decided.

        Returns:
            the path of the JSON file. Raises `OSError`.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._locked():
            place = next(self.path / f"{name}.json" for name in _names(stem) if not self._taken(name))
            places = [place]
            if latest and self._owned(self.path / "latest.json"):
                places.append(self.path / "latest.json")
            try:
                _replace([markdown.encode()], *(path.with_suffix(".md") for path in places))
                if sign is None:
                    for path in places:  # `latest` of a signed decision before this one
                        path.with_suffix(SIGNED).unlink(missing_ok=True)
                if sign is None and log is None:
                    _replace(_text(document), *places)
                else:
                    content = b"".join(_text(document))
                    if sign is not None:
                        _replace([sign(place.name, content)], *(path.with_suffix(SIGNED) for path in places))
                    _replace([content], *places, before=lambda: log and log(place.name, content))
            except BaseException:
                # What could not be written everywhere was not decided: half of it must not say PASS.
                for half in (place, place.with_suffix(".md"), place.with_suffix(SIGNED)):
                    with contextlib.suppress(OSError):
                        half.unlink()
                raise
        return place

    def place(self, stem: str, contents: Mapping[str, bytes]) -> Path:
        """
        Writes `<stem><suffix>` for each suffix of *contents*, or `<stem>_1<suffix>` and so on, and nothing else.

        Returns:
            the path of the JSON file, which is written last. Raises `OSError`.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._locked():
            found = next(self.path / f"{name}.json" for name in _names(stem) if not self._taken(name))
            for suffix in sorted(contents, key=lambda suffix: suffix == ".json"):
                _replace([contents[suffix]], found.with_suffix(suffix))
        return found

    def _taken(self, name: str) -> bool:
        return any((self.path / f"{name}{suffix}").exists() for suffix in (".json", ".md"))

    def _owned(self, latest: Path) -> bool:
        if not self._mine:
            return True  # nothing provisional was written: what looked like a part was the whole
        try:
            return bool(json.loads(latest.read_bytes()).get("run_id") == self._mine)
        except (OSError, ValueError, AttributeError):
            return True  # gone or damaged: what is written now is better

    def _locked(self) -> FileLock:
        return FileLock(self.path / ".lock", timeout=_LOCK_S)


def copies(path: Path, content: bytes, moment: datetime) -> list[Path]:
    """
    *path*, and the files beside it with the same *content*: `latest.json` and the dated file are two of one decision.

    Args:
        moment: when it was decided.
    """
    beside = [path.with_name("latest.json"), *path.parent.glob(f"promotion_gates_{stamp(moment)}*.json")]
    same = [one for one in sorted(beside) if one != path and one.is_file() and one.read_bytes() == content]
    return [path, *same]


def _names(stem: str) -> Iterator[str]:
    yield stem
    number = 1
    while True:
        yield f"{stem}_{number}"
        number += 1


def _text(document: dict[str, Any]) -> Iterator[bytes]:
    """The document as `json.dumps(document, indent=2)` writes it, in pieces: ten thousand checks are megabytes."""
    before = "{"
    for key, value in document.items():
        yield f"{before}\n  {json.dumps(key, ensure_ascii=False)}: ".encode()
        before = ","
        if isinstance(value, list) and value:
            for start in range(0, len(value), _AT_ONCE):
                # Without its own brackets: all pieces stand in one pair.
                yield (b"," if start else b"[") + _laid_out(value[start : start + _AT_ONCE], 2)[1:-4]
            yield b"\n  ]"
        else:
            yield _laid_out(value, 2)
    yield b"\n}\n"


def _laid_out(value: Any, margin: int) -> bytes:
    import msgspec

    # Encoded by `json`, which refuses NaN, and laid out by msgspec, which only moves what is between the
    # tokens: `json` can do both, at a fifth of the speed. A line end inside of a text is escaped by now.
    compact = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return msgspec.json.format(compact).replace(b"\n", b"\n" + b" " * margin)


def _replace(content: Iterable[bytes], *places: Path, before: Callable[[], object] | None = None) -> None:
    """Writes *content* beside each of *places* and renames it into each, in their order, once *before* was called."""
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(atomic.writing(place)) for place in reversed(places)]
        for part in content:
            for file in files:
                file.write(part)
        if before is not None:
            for file in files:  # a full disk has to be met before, not after
                file.flush()
                os.fsync(file.fileno())
            before()
