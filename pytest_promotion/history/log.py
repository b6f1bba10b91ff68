"""
The history: every decision that was published, one line each, in a log that is only ever appended to.

A line is the RFC 8785 form of `{decision, previous, sequence, sha256}`: `sha256` is the digest of the line
without that member, `previous` is that of the line before. Whoever changes, removes, swaps or inserts a
line breaks the chain there. A log cut off at its end is still a whole chain; so every decision names
the head that the log had when it was taken, and stands in the log itself.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from filelock import FileLock, Timeout

from pytest_promotion import atomic
from pytest_promotion.canonical import canonical
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import open_file

NAME: Final = "history.jsonl"
LOCK: Final = ".history.lock"
TORN: Final = ".torn"  # beside the log: what writers that were killed left of a line
LONGEST: Final = 16 * 2**20  # bytes of a line; one of ten thousand gates has half a million
_LOCK_S: Final = 30.0  # how long to wait for other writers; each holds the lock for milliseconds
_POLL_S: Final = 0.0005
_SEAL: Final = len(',"sha256":""}') + 64  # bytes of the last member of a line, with the bracket


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a log: how many there are, and the digest of the last. An empty log has 0 and ""."""

    sequence: int = 0
    sha256: str = ""

    def document(self) -> dict[str, Any]:
        """The head as a decision carries it."""
        return {"sequence": self.sequence, "sha256": self.sha256}


class Subject(msgspec.Struct, frozen=True):
    """What was to be promoted."""

    name: str
    digest: dict[str, str]


class Waived(msgspec.Struct, frozen=True):
    """A failure that was accepted, by whom and until when."""

    gate: str
    reason: str = ""
    owner: str = ""
    requested_by: str = ""
    approvers: list[str] = []
    expires: str = ""


class Logged(msgspec.Struct, frozen=True):
    """What the log says of a decision. `file` lies beside the log, `sha256` is its digest."""

    bundle: str
    critical_failures: list[str]
    file: str
    gates: dict[str, list[str]]  # from each outcome to the gates that had it, sorted
    profile: str
    run_id: str
    scope: str
    sha256: str
    status: str
    subject: Subject | None
    ts_utc: str
    waivers: list[Waived]
    stage: str = ""  # "" for none, as in every entry of version 0.2 and older


class Entry(msgspec.Struct, frozen=True):
    """A line of the log."""

    decision: Logged
    previous: str
    sequence: int
    sha256: str


_ENTRIES: Final = msgspec.json.Decoder(Entry)


def logged(document: dict[str, Any], name: str, content: bytes) -> bytes:
    """
    What the log will say of the finished decision *document*, whose file *name* holds *content*.

    Returns:
        RFC 8785 bytes, for `History.append`. Made outside of the lock, where writers do not wait for it.
    """
    gates: dict[str, list[str]] = {}
    for check in document["checks"]:
        gates.setdefault(check["outcome"], []).append(check["name"])
    subject = document["subject"]
    fields = {
        "bundle": document["evidence_bundle"]["evidence_bundle_id"],
        "critical_failures": document["critical_failures"],
        "file": name,
        "gates": {outcome: sorted(names) for outcome, names in gates.items()},
        "profile": document["profile"],
        "run_id": document["run_id"],
        "scope": document["scope"],
        "sha256": sha256(content).hexdigest(),
        "status": document["status"],
        "subject": {"name": subject["name"], "digest": subject["digest"]} if subject else None,
        "ts_utc": document["ts_utc"],
        "waivers": [_waived(one) for one in document["waivers"]],
    }
    if document.get("stage"):
        fields["stage"] = document["stage"]
    try:
        return canonical(fields)
    except ValueError as problem:
        raise Unproven(f"it cannot be written into the history: {problem}") from None


def _waived(one: dict[str, Any]) -> dict[str, Any]:
    texts = {name: str(one.get(name, "")) for name in ("gate", "reason", "owner", "requested_by", "expires")}
    return {**texts, "approvers": sorted(str(who["name"]) for who in one.get("approvers", ()))}


def line_of(record: bytes, after: Head) -> tuple[bytes, Head]:
    """The line that says *record* after the entry *after*, and the head that the log has then."""
    sequence = after.sequence + 1
    body = b'{"decision":%s,"previous":"%s","sequence":%d' % (record, after.sha256.encode(), sequence)
    seal = sha256(body + b"}").hexdigest()
    return b'%s,"sha256":"%s"}\n' % (body, seal.encode()), Head(sequence, seal)


def entry_of(line: bytes) -> Entry:
    """
    The entry in *line*, which ends with a line feed.

    Raises:
        Unproven: where the line is not exactly one that was written by `line_of`.
    """
    # The digest is that of the bytes, so nothing has to be parsed and written again to check it.
    body, seal = line[: -_SEAL - 1] + b"}", line[-_SEAL - 1 :]
    if seal != b',"sha256":"%s"}\n' % sha256(body).hexdigest().encode():
        raise Unproven("it is not what was written: its bytes do not have the digest that it ends with")
    try:
        return _ENTRIES.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Unproven(f"it is no entry: {problem}") from None


class History:
    """The log in a folder of decisions."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._lock = FileLock(folder / LOCK, timeout=_LOCK_S)
        self._seen: tuple[int, int, Head] | None = None  # inode, size and head as this process left them

    def head(self) -> Head:
        """The head of the log as it lies there, also while others append. Raises `Unproven` and `OSError`."""
        try:
            file = open_file(self.path)
        except FileNotFoundError:
            return Head()
        with file:
            return _last(file.fileno(), os.fstat(file.fileno()).st_size, str(self.path))[0]

    def append(self, *records: bytes) -> Head:
        """
        Appends an entry for each of *records*, and returns when all of them are on the disk.

        Returns:
            the head after them.

        Raises:
            Unproven: where the log ends with something that is no entry: nothing is built on that.
            OSError: where it cannot be written; it is then as it was.
        """
        try:
            # Polled often: to whoever waits half a millisecond is long, to the processor it is nothing.
            with self._lock.acquire(poll_interval=_POLL_S):
                return self._append(records)
        except Timeout:
            raise OSError(0, f"{self.path} is locked by another writer") from None

    def _append(self, records: Sequence[bytes]) -> Head:
        handle = _opened(self.path)
        try:
            facts = os.fstat(handle)
            head, end = self._end(handle, facts)
            lines = []
            for record in records:
                line, head = line_of(record, head)
                lines.append(line)
            content = b"".join(lines)
            try:
                _write(handle, content, end)
            except OSError:
                # None of it was promised to anybody: the log is put back to where it ended.
                with contextlib.suppress(OSError):
                    os.ftruncate(handle, end)
                raise
            self._seen = facts.st_ino, end + len(content), head
            return head
        finally:
            os.close(handle)

    def _end(self, handle: int, facts: os.stat_result) -> tuple[Head, int]:
        """The head and where the log ends, once what a killed writer left of a line is set aside."""
        if self._seen is not None and self._seen[:2] == (facts.st_ino, facts.st_size):
            return self._seen[2], facts.st_size
        head, end = _last(handle, facts.st_size, str(self.path))
        if end < facts.st_size:
            _set_aside(self.path, os.pread(handle, facts.st_size - end, end))
            os.ftruncate(handle, end)
        return head, end


def lines(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The lines of the log at *path* from byte *start* to *end*; the last may lack its end. Raises `OSError`."""
    with open_file(path) as file:
        file.seek(start)
        place = start
        while (end is None or place < end) and (line := file.readline(LONGEST)):
            yield line if end is None else line[: end - place]
            place += len(line)


def ends(path: Path) -> int:
    """How long the log is at a moment at which nobody writes to it, in bytes. Raises `OSError`."""
    try:
        with FileLock(path.with_name(LOCK), timeout=_LOCK_S).acquire(poll_interval=_POLL_S):
            return path.stat().st_size
    except Timeout:
        raise OSError(0, f"{path} is locked by a writer") from None
    except PermissionError:
        return path.stat().st_size  # a folder that is only read has no writers that this process could wait for


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        atomic.sync_folder(path.parent)  # else a power cut takes the new file with all that is in it
        return handle


def _write(handle: int, content: bytes, end: int) -> None:
    rest, place = memoryview(content), end
    while rest:
        count = os.pwrite(handle, rest, place)
        rest, place = rest[count:], place + count
    getattr(os, "fdatasync", os.fsync)(handle)


def _last(handle: int, size: int, name: str) -> tuple[Head, int]:
    """The last whole line's head, and where that line ends. What follows it is half a line, or nothing."""
    tail, start = b"", size
    while start and tail.count(b"\n") < 2:
        if size - start > 2 * LONGEST:
            raise Unproven(f"{name} ends with something that is no entry; see `promotion history verify`")
        step = min(start, max(4096, size - start))
        start -= step
        tail = os.pread(handle, step, start) + tail
    whole = tail[: tail.rfind(b"\n") + 1]
    if not whole:
        return Head(), 0
    line = whole[whole.rfind(b"\n", 0, -1) + 1 :]
    try:
        entry = entry_of(line)
    except Unproven as problem:
        raise Unproven(f"the last entry of {name} cannot be built on: {problem}") from None
    return Head(entry.sequence, entry.sha256), start + len(whole)


def _set_aside(path: Path, rest: bytes) -> None:
    """Keeps what a killed writer left of a line: nobody relied on it, and nobody may say that it was not there."""
    with path.with_name(path.name + TORN).open("ab") as file:
        file.write(rest + b"\n")
        file.flush()
        os.fsync(file.fileno())
