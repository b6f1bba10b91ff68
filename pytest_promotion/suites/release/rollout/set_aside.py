"""What a rollback of data replaces: it is kept beside the backups, and the report says how much is lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.rollout import database
from pytest_promotion.suites.release.rollout.database import Backup
from pytest_promotion.suites.release.rollout.run import Run

PREFIX: Final = "failed-"  # of the files that are never deleted
_BESIDE: Final = ("-wal", "-shm", "-journal")


def keep(run: Run, backup: Backup) -> str:
    """
    Copies the database that *backup* will replace, and says what is in it that the backup does not have.

    Raises:
        Unproven, OSError: where it cannot be copied. Then it must not be replaced.
    """
    folder, source = Path(run.journal.folder), Path(backup.source)
    number = len(list(folder.glob(f"{PREFIX}*")))
    place = folder / f"{PREFIX}{number}-{source.name}"
    record: dict[str, Any] = {"database": backup.source, "kept": str(place), "rows": None, "bytes": None}
    try:
        made = database.back_up(source, place, run.plan.limits.busy_s)
        record |= {"rows": database.written_since(backup, place), "bytes": made.size_bytes - backup.size_bytes}
    except Unproven as problem:
        record |= _as_it_is(source, place, str(problem))
    run.lost.append(record)
    if record["rows"] is None:
        reported = f"what it replaced cannot be read, and is in {place} as it was: {record.get('problem')}"
    else:
        count = sum(record["rows"].values())
        reported = f"{count} rows and {record['bytes']:+d} bytes were written since, which are in {place}"
        if count:
            tables = ", ".join(f"{table} {rows}" for table, rows in record["rows"].items())
            run.notes.append(f"lost by the rollback of {source}: {count} rows ({tables}); they are in {place}")
    return reported


def _as_it_is(source: Path, place: Path, problem: str) -> dict[str, Any]:
    """A copy of the file and of what SQLite keeps beside it, where it is no database any more."""
    if not source.exists():
        return {"kept": None, "problem": problem}
    if not place.exists():
        for suffix in ("", *_BESIDE):
            beside = source.with_name(source.name + suffix)
            if beside.exists():
                shutil.copyfile(beside, place.with_name(place.name + suffix))
    return {"problem": problem}
