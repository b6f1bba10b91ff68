"""
Whether a change of the database can be undone, shown by doing it on an empty one.

Alembic runs in a process of its own: see `trial`. What it left behind is read here, from the databases: what the
process says of itself counts only where it says no.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.commands import Completed
from pytest_promotion.suites.deployment.schema_change.migration import BASE, Step
from pytest_promotion.suites.deployment.schema_change.trial import STEPS

_VERSIONS: Final = "alembic_version"
_NAMED: Final = 3

Run = Callable[[list[str]], Completed]  # raises `Unproven` for a program that does not end in time


def lacking(run: Run, revisions: Mapping[str, bytes], step: Step, place: Path) -> list[str]:
    """
    Why *step* cannot be undone: it goes up, down, and up again in an empty SQLite database.

    Args:
        revisions: the files by their names.
        place: an empty folder for them and the database.

    Raises:
        Unproven: where Alembic is not installed, and where a revision does not end in time.
    """
    if find_spec("alembic") is None:
        raise Unproven("Alembic is not installed: pip install 'pytest-promotion[migrations]'")
    (place / "versions").mkdir(parents=True)
    for name, content in revisions.items():
        (place / "versions" / name).write_bytes(content)
    words = ["-m", "pytest_promotion.suites.deployment.schema_change.trial", str(place), step.before, step.after]
    done = run([sys.executable, "-P", *words])
    if done.exit_code != 0:
        said = (done.output.strip().splitlines() or [f"exit code {done.exit_code}"])[-1]
        return [f"the migration does not work: {said[:200]}"]
    seen = []
    for name, revision in zip(STEPS, (step.before, step.after, step.before, step.after), strict=True):
        database = place / f"{name}.sqlite"
        if revision_of(database) != revision:
            return [f"the migration leaves the database at {revision_of(database)}, expected {revision}"]
        seen.append(tables(database))
    start, there, back, again = seen
    if there == start:
        return [f"upgrade to {step.after} changes no table: nothing was tried"]
    if back != start:
        return [f"downgrade to {step.before} does not bring back {_told(start, back)}"]
    return [f"upgrade after a downgrade makes another {_told(there, again)}"] if again != there else []


def tables(path: Path) -> dict[str, Any]:
    """
    Everything that is laid down in the SQLite database *path*, by kind and name, but for Alembic's own table.

    Columns, constraints and indexes are without an order: what was dropped and added again stands last. Views and
    triggers are as they were written.
    """
    from sqlalchemy import create_engine, inspect, pool

    engine = create_engine(f"sqlite:///{path}", poolclass=pool.NullPool)
    found: dict[str, Any] = {}
    try:
        seen = inspect(engine)
        for asked in ("columns", "pk_constraint", "foreign_keys", "unique_constraints", "check_constraints", "indexes"):
            for (_, table), facts in getattr(seen, f"get_multi_{asked}")().items():
                if table != _VERSIONS:
                    listed = facts if isinstance(facts, list) else [facts]
                    found[f"{asked} of {table}"] = sorted(repr(sorted(one.items(), key=str)) for one in listed)
    finally:
        engine.dispose()
    for kind, name, text in _rows(path, "SELECT type, name, sql FROM sqlite_master WHERE type IN ('view', 'trigger')"):
        found[f"{kind} {name}"] = " ".join(text.split())
    return found


def revision_of(path: Path) -> str:
    """The revision that the SQLite database *path* is at, `BASE` for none. Raises `Unproven` where it is at several."""
    if not _rows(path, f"SELECT 1 FROM sqlite_master WHERE name = '{_VERSIONS}'"):  # noqa: S608 - no input in it
        return BASE
    rows = _rows(path, f"SELECT version_num FROM {_VERSIONS}")  # noqa: S608 - no input in it
    if len(rows) > 1:
        raise Unproven(f"the database is at {len(rows)} revisions")
    return str(rows[0][0]) if rows else BASE


def _rows(path: Path, question: str) -> list[tuple[Any, ...]]:
    import sqlite3

    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute(question).fetchall()
    except sqlite3.Error as problem:
        raise Unproven(f"the database that the migration left cannot be read: {problem}") from None


def _told(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What is laid down in one of them and not in the same way in the other."""
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
