"""
An index over the history, so that a question of a million entries takes milliseconds.

It says where in the log an answer stands, and the log says what it is: every line that is shown is
checked as it is read. Whenever the index is missing, behind, damaged or of another log it is made again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from pytest_promotion import atomic
from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import open_file
from pytest_promotion.history.log import NAME, Entry, Head, entry_of, lines
from pytest_promotion.model import Outcome

INDEX: Final = "history.sqlite"
_FORM: Final = 2  # of the tables below; another one is not read but made again
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TABLES: Final = """
CREATE TABLE state (end INTEGER, sequence INTEGER, sha256 TEXT);
CREATE TABLE entry (
  sequence INTEGER PRIMARY KEY, start INTEGER, size INTEGER, ts INTEGER,
  status TEXT, profile TEXT, name TEXT, digest TEXT, stage TEXT
);
CREATE TABLE failing (
  gate TEXT, ts INTEGER, sequence INTEGER, status TEXT, profile TEXT, PRIMARY KEY (gate, ts, sequence)
) WITHOUT ROWID;
CREATE TABLE waiver (ts INTEGER, sequence INTEGER);
INSERT INTO state VALUES (0, 0, '');
"""
# Each ends with the time, by which answers are ordered: a filter and an order are one walk.
_INDEXES: Final = """
CREATE INDEX by_ts ON entry (ts);
CREATE INDEX by_status ON entry (status, ts);
CREATE INDEX by_profile ON entry (profile, ts);
CREATE INDEX by_profile_status ON entry (profile, status, ts);
CREATE INDEX by_name ON entry (name, ts);
CREATE INDEX by_digest ON entry (digest, ts);
CREATE INDEX by_stage ON entry (stage, sequence);
CREATE INDEX by_subject_stage ON entry (digest, stage, sequence);
CREATE INDEX by_subject_profile ON entry (digest, profile, sequence);
CREATE INDEX by_waiver ON waiver (ts);
ANALYZE;
"""


@dataclass(frozen=True, slots=True)
class Question:
    """Which decisions are asked for; what is None is not asked about."""

    status: str | None = None
    gate: str | None = None  # that did not simply pass
    profile: str | None = None
    subject: str | None = None  # its name, or a digest of it
    since: datetime | None = None
    until: datetime | None = None
    waived: bool = False
    limit: int = 100
    stage: str | None = None


class Index:
    """The history of a folder, ready to be asked. `with Index(folder) as index:`."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            Unproven: where there is no log, or it is damaged.
            OSError: where it cannot be read.
        """
        self._log = folder / NAME
        if not self._log.exists():
            raise Unproven(f"there is no {self._log}: nothing was decided here yet")
        self._place = folder / INDEX
        self._base = self._caught_up() or self._made()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self._base.close()

    def entries(self, question: Question) -> list[Entry]:
        """The newest entries that answer *question*, newest first. Raises `Unproven` where one was changed."""
        words, values = _where(question)
        table = (
            "failing JOIN entry USING (sequence, ts, status, profile)"
            if question.gate is not None
            else "waiver JOIN entry USING (sequence, ts)"
            if question.waived
            else "entry"
        )
        text = f"SELECT sequence, start, size FROM {table} {words} ORDER BY ts DESC, sequence DESC LIMIT ?"  # noqa: S608 - our own words
        rows = self._base.execute(text, [*values, question.limit]).fetchall()
        return list(self._read(rows))

    def newest(
        self, digest: Mapping[str, str], profile: str, stage: str = "", before: datetime | None = None
    ) -> Entry | None:
        """
        The last entry about what has *digest*, whatever its time says. Raises `Unproven`.

        Args:
            profile: the one that it is of.
            stage: the one that it is of; one of no stage counts too, as it was judged by the same profile. "" for an
                entry of *profile* of any stage or none.
            before: only entries of that moment or earlier, for a replay.
        """
        wanted, until = next(iter(digest.values()), None), "" if before is None else " AND ts <= ?"
        rest = [] if before is None else [_micros(before)]
        conditions = [("stage = ?", stage), ("stage = '' AND profile = ?", profile)] if stage else []
        rows = [
            row
            for condition, value in conditions or [("profile = ?", profile)]
            if (row := self._last(f"digest IS ? AND {condition}{until}", [wanted, value, *rest])) is not None
        ]
        return next(self._read([max(rows)]), None) if rows else None

    def last(self) -> int:
        """The number of the last entry; 0 where there is none."""
        [(sequence,)] = self._base.execute("SELECT sequence FROM state").fetchall()
        return int(sequence)

    def at(self, sequence: int) -> Entry | None:
        """The entry with that number, None where there is none. Raises `Unproven`."""
        words = "SELECT sequence, start, size FROM entry WHERE sequence = ?"
        return next(self._read(self._base.execute(words, [sequence]).fetchall()), None)

    def newest_of(self, stage: str) -> Entry | None:
        """The last entry of *stage*, whatever it is about. Raises `Unproven`."""
        row = self._last("stage = ?", [stage])
        return next(self._read([row]), None) if row else None

    def _last(self, which: str, values: list[Any]) -> tuple[int, int, int] | None:
        words = f"WHERE {which} AND status <> 'PARTIAL' ORDER BY sequence DESC LIMIT 1"
        row = self._base.execute(f"SELECT sequence, start, size FROM entry {words}", values).fetchone()  # noqa: S608 - ours
        return None if row is None else (row[0], row[1], row[2])

    def days(self, since: datetime) -> list[tuple[str, str, int]]:
        """How many decisions of each status each day had, UTC, oldest first: (day, status, count)."""
        text = "SELECT date(ts / 1000000, 'unixepoch') AS day, status, count(*) FROM entry WHERE ts >= ? GROUP BY 1, 2"
        return self._base.execute(text, [_micros(since)]).fetchall()

    def _read(self, rows: list[tuple[int, int, int]]) -> Iterator[Entry]:
        with open_file(self._log) as file:
            for sequence, start, size in rows:
                file.seek(start)
                try:
                    entry = entry_of(file.read(size))
                except Unproven as problem:
                    raise Unproven(f"entry {sequence}: {problem}; see `promotion history verify`") from None
                if entry.sequence != sequence:
                    raise Unproven(f"entry {entry.sequence} stands where entry {sequence} was")
                yield entry

    def _caught_up(self) -> sqlite3.Connection | None:
        """The index that is there, with what the log has gained since; None where it is of no use."""
        if not self._place.exists():
            return None
        with contextlib.suppress(sqlite3.Error):
            base = _connected(str(self._place))
            with contextlib.suppress(sqlite3.Error, Unproven):
                if base.execute("PRAGMA user_version").fetchone() == (_FORM,) and self._agrees(base):
                    base.execute("BEGIN IMMEDIATE")
                    self._fill(base)
                    base.commit()
                    return base
            base.close()
        return None

    def _agrees(self, base: sqlite3.Connection) -> bool:
        """Whether the log still has, where the index ends, the entry that it ends with."""
        end, sequence, seal = base.execute("SELECT end, sequence, sha256 FROM state").fetchone()
        if not end:
            return True
        if self._log.stat().st_size < end:
            return False
        start, size = base.execute("SELECT start, size FROM entry WHERE sequence = ?", [sequence]).fetchone()
        with open_file(self._log) as file:
            file.seek(start)
            entry = entry_of(file.read(size))
        return start + size == end and (entry.sequence, entry.sha256) == (sequence, seal)

    def _made(self) -> sqlite3.Connection:
        """A new index, put in the old one's place whole; kept in memory where nothing can be put there."""
        with contextlib.ExitStack() as stack:
            try:
                new = stack.enter_context(atomic.new_file(self._place.parent))
            except OSError:
                base = _connected(":memory:")
                self._build(base)
                return base
            with contextlib.closing(_connected(new.name)) as base:
                base.execute("PRAGMA journal_mode = OFF")  # not visible before it is complete
                self._build(base)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self._place}-journal")  # of the index that goes; it would be played into this one
            new.put(self._place, durable=False)  # lost in a power cut, it is built again
        return _connected(str(self._place))

    def _build(self, base: sqlite3.Connection) -> None:
        base.executescript(_TABLES)
        base.execute("BEGIN")
        self._fill(base)
        base.commit()
        base.executescript(_INDEXES)
        base.execute(f"PRAGMA user_version = {_FORM}")

    def _fill(self, base: sqlite3.Connection) -> None:
        [(end, sequence, seal)] = base.execute("SELECT end, sequence, sha256 FROM state").fetchall()
        head = Head(sequence, seal)
        for entry, start, size in self._new(end, head):
            moment, decision = _moment(entry), entry.decision
            subject = decision.subject
            digest = next(iter(subject.digest.values()), None) if subject else None
            row = (entry.sequence, start, size, moment, decision.status, decision.profile)
            about = (subject and subject.name, digest, decision.stage)
            base.execute("INSERT INTO entry VALUES (?,?,?,?,?,?,?,?,?)", (*row, *about))
            bad = [name for outcome, names in decision.gates.items() if outcome != Outcome.PASS for name in names]
            if bad:
                values = [(name, moment, entry.sequence, decision.status, decision.profile) for name in bad]
                base.executemany("INSERT OR IGNORE INTO failing VALUES (?,?,?,?,?)", values)
            if decision.waivers:
                base.execute("INSERT INTO waiver VALUES (?,?)", (moment, entry.sequence))
            end, head = start + size, Head(entry.sequence, entry.sha256)
        base.execute("UPDATE state SET end = ?, sequence = ?, sha256 = ?", (end, head.sequence, head.sha256))

    def _new(self, end: int, head: Head) -> Iterator[tuple[Entry, int, int]]:
        """Each entry after *end* with where it starts and its size. What is half written waits for the next time."""
        for line in lines(self._log, end):
            if not line.endswith(b"\n"):
                return
            try:
                entry = entry_of(line)
                if (entry.sequence, entry.previous) != (head.sequence + 1, head.sha256):
                    raise Unproven(f"it does not follow entry {head.sequence}")
            except Unproven as problem:
                said = f"entry {head.sequence + 1} of {self._log}: {problem}; see `promotion history verify`"
                raise Unproven(said) from None
            yield entry, end, len(line)
            end, head = end + len(line), Head(entry.sequence, entry.sha256)


def _connected(name: str) -> sqlite3.Connection:
    return sqlite3.connect(name, timeout=30, isolation_level=None)


def _where(question: Question) -> tuple[str, list[Any]]:
    since, until = question.since, question.until
    terms: list[tuple[str, Any]] = [
        ("gate = ?", question.gate),
        ("status = ?", question.status),
        ("profile = ?", question.profile),
        ("stage = ?", question.stage),
        ("ts >= ?", since and _micros(since)),
        ("ts < ?", until and _micros(until)),
    ]
    if question.subject is not None:
        # A digest has a form that no name has.
        kind, _, text = question.subject.rpartition(":")
        named = len(text) >= 40 and all(sign in "0123456789abcdef" for sign in text) and "/" not in kind
        terms.append(("digest = ?", text) if named else ("name = ?", question.subject))
    asked = [(term, value) for term, value in terms if value is not None]
    words = " AND ".join(term for term, _ in asked)
    return f"WHERE {words}" if words else "", [value for _, value in asked]


def _moment(entry: Entry) -> int:
    try:
        return _micros(parse_moment(entry.decision.ts_utc))
    except BadTimestamp as problem:
        raise Unproven(f"entry {entry.sequence}: {problem}") from None


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
