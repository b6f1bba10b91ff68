"""
Backing up a SQLite database that is in use, and putting it back.

A copy of the file would lose what lies in its write-ahead log, or tear a transaction. The online backup reads one
consistent state through SQLite itself; nothing that was committed before it is missing. What was written is checked
before it counts as a backup, and again before it is put back.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Final

from pytest_promotion import atomic
from pytest_promotion.errors import Unproven


class InUse(Unproven):
    """A database that another program holds, for longer than was waited for."""


_HEADER: Final = b"SQLite format 3\x00"
_BESIDE: Final = ("-wal", "-shm", "-journal")  # they belong to the bytes that are replaced, and would be replayed
BUSY_S: Final = 30.0


_COMPARED: Final = 1_000_000  # rows of a table that are compared; of a larger one the count alone


@dataclass(frozen=True, slots=True)
class Backup:
    """One database as it was. `rows` counts each table; `mode`, `uid` and `gid` are those of the file."""

    source: str
    path: str
    sha256: str
    size_bytes: int
    rows: dict[str, int]
    mode: int
    uid: int
    gid: int


def look(path: Path) -> None:
    """Raises `Unproven` where there is no SQLite database at *path*. It reads the first bytes only."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_HEADER))
    except OSError as problem:
        raise Unproven(f"the database {path} cannot be read: {(problem.strerror or 'failed').lower()}") from None
    if start != _HEADER:
        raise Unproven(f"{path} is no SQLite database{'' if start else ': it is empty'}")


def back_up(source: Path, target: Path, busy_s: float = BUSY_S) -> Backup:
    """
    Writes the database at *source* to the new file *target*, and checks what was written.

    Raises:
        Unproven: where it is missing, no database, locked for *busy_s* seconds, damaged, or does not fit on the disk;
            then *target* is not there.
    """
    look(source)
    if target.exists():
        raise Unproven(f"{target} is there already: a backup is never overwritten")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        facts = source.stat()
        _copy(source, target, busy_s)
        rows = checked(target)
        os.chmod(target, 0o600)
        atomic.sync_file(target)
        digest = _digest(target)
        size = target.stat().st_size
    except BaseException as problem:
        for path in (target, *(target.with_name(target.name + suffix) for suffix in _BESIDE)):
            with contextlib.suppress(OSError):
                path.unlink()
        if isinstance(problem, (sqlite3.Error, OSError)):
            raise Unproven(f"the database {source} cannot be backed up: {problem}") from None
        raise
    return Backup(str(source), str(target), digest, size, rows, facts.st_mode & 0o777, facts.st_uid, facts.st_gid)


def checked(path: Path) -> dict[str, int]:
    """
    The rows of each table of a database that nobody writes to.

    Raises:
        Unproven: where its integrity check finds something.
    """
    # Immutable: reading it must not make a log beside it.
    try:
        with contextlib.closing(sqlite3.connect(f"{_uri(path)}?immutable=1", uri=True)) as found:
            said = [str(row[0]) for row in found.execute("PRAGMA integrity_check(5)")]
            if said != ["ok"]:
                raise Unproven(f"the integrity check of {path} finds: {'; '.join(said)[:300]}")
            # Virtual tables have no pages of their own; those that they keep their rows in are counted.
            names = [
                str(row[0])
                for row in found.execute(
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name"
                )
            ]
            return {name: _rows(found, name) for name in names}
    except sqlite3.Error as problem:
        raise Unproven(f"{path} cannot be checked: {problem}") from None


def restore(backup: Backup) -> None:
    """
    Puts *backup* in the place of its source, which nobody may have open.

    Raises:
        Unproven: where the backup is not what was written, the source is in use, or it cannot be replaced. Then it
            can be tried again.
    """
    kept, place = Path(backup.path), Path(backup.source)
    try:
        whole(backup)
        refuse_if_open(place)
        with atomic.new_file(place.parent) as fresh:
            new = Path(fresh.name)
            shutil.copyfile(kept, new)
            if checked(new) != backup.rows:
                raise Unproven(f"{kept} does not have the rows that were counted")
            if hasattr(os, "chown") and (new.stat().st_uid, new.stat().st_gid) != (backup.uid, backup.gid):
                os.chown(new, backup.uid, backup.gid)  # or the service could not write to it
            os.fsync(fresh.file.fileno())
            # First what would be replayed into the new bytes. Killed in between, this is done again.
            for suffix in _BESIDE:
                place.with_name(place.name + suffix).unlink(missing_ok=True)
            fresh.put(place, mode=backup.mode)
        if _digest(place) != backup.sha256:
            raise Unproven(f"{place} was written to while it was put back")
    except OSError as problem:
        raise Unproven(f"{place} cannot be put back: {(problem.strerror or 'failed').lower()}") from None


def whole(backup: Backup) -> None:
    """Raises `Unproven` where *backup* is not what was written, and `OSError` where it cannot be read."""
    if _digest(Path(backup.path)) != backup.sha256:
        raise Unproven(f"{backup.path} was changed since it was written")


def written_since(backup: Backup, newer: Path) -> dict[str, int]:
    """
    How many rows of each table of *newer* are not in *backup*: they were added or changed since.

    In a table with more than a million rows only the number of rows is compared. Raises `Unproven`.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{_uri(newer)}?immutable=1", uri=True)) as found:
            found.execute("ATTACH DATABASE ? AS kept", (f"{_uri(Path(backup.path))}?immutable=1",))
            rows = {table: count for table in checked(newer) if (count := _new_rows(found, table, backup))}
    except sqlite3.Error as problem:
        raise Unproven(f"{newer} cannot be compared with its backup: {problem}") from None
    return rows


def _new_rows(found: sqlite3.Connection, table: str, backup: Backup) -> int:
    count = _rows(found, table)
    if table not in backup.rows:
        return count
    if count > _COMPARED:
        return max(0, count - backup.rows[table])
    kept = {row[1] for row in found.execute(f"PRAGMA kept.table_info({_quoted(table)})")}
    columns = [_quoted(row[1]) for row in found.execute(f"PRAGMA main.table_info({_quoted(table)})") if row[1] in kept]
    if not columns:
        return max(0, count - backup.rows[table])
    chosen = f"SELECT {', '.join(columns)} FROM"
    different = f"{chosen} main.{_quoted(table)} EXCEPT {chosen} kept.{_quoted(table)}"
    changed = int(found.execute(f"SELECT count(*) FROM ({different})").fetchone()[0])  # noqa: S608
    return max(changed, count - backup.rows[table])  # or rows that equal older ones


def _copy(source: Path, target: Path, busy_s: float) -> None:
    until = time.monotonic() + busy_s

    def wait(_status: int, remaining: int, total: int) -> None:
        if time.monotonic() > until and (remaining or not total):
            raise InUse(f"the database {source} was locked for {busy_s:g} s")

    # Not read-only: a log that a crash left has to be played first. Not created: what is missing is not empty.
    with (
        contextlib.closing(sqlite3.connect(f"{_uri(source)}?mode=rw", uri=True, timeout=0.05)) as live,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        # Asked often, because a writer that never rests leaves short gaps; SQLite's own waiting is up to 0.1 s a turn.
        # All pages in one step: between two of them a writer would have the copy start again, for ever.
        live.backup(copy, pages=-1, progress=wait, sleep=0.002)


def refuse_if_open(place: Path) -> None:
    """Raises `InUse` for a connection that is open: it would go on writing to the file that is replaced."""
    if not place.exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(f"{_uri(place)}?mode=rw", uri=True, timeout=1.0)) as found:
            found.execute("PRAGMA locking_mode = EXCLUSIVE")
            found.execute("BEGIN EXCLUSIVE")
            found.execute("ROLLBACK")
    except sqlite3.OperationalError as problem:
        # The low byte is the code, the others say more about it.
        if (problem.sqlite_errorcode & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise InUse(f"{place} is still in use") from None
        # Otherwise it is damaged, which is a reason to replace it.
    except sqlite3.DatabaseError:
        return


def _rows(found: sqlite3.Connection, table: str) -> int:
    return int(found.execute(f"SELECT count(*) FROM main.{_quoted(table)}").fetchone()[0])  # noqa: S608


def _quoted(name: str) -> str:
    """A name of the database's own schema, as SQL writes it."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _uri(path: Path) -> str:
    return path.resolve().as_uri()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
