"""
The trial of a change of the database, in a process of its own.

    python -P -m pytest_promotion.suites.deployment.schema_change.trial FOLDER BEFORE AFTER

Alembic itself runs the revisions in FOLDER/versions, in a process of its own: a revision is somebody's program. The
project's `env.py` has no part in it, because that is where a real database is named. Each step goes on with a copy of
the SQLite database of the one before. Exit 0, or 1 with what went wrong.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, Final

STEPS: Final = ("before", "there", "back", "again")  # the databases that are left behind, in their order


def main(folder: str, before: str, after: str) -> None:
    """Goes from *before* to *after*, back, and there again. Raises whatever a revision raises."""
    last = Path(folder) / "empty.sqlite"
    last.touch()
    for name, verb, revision in zip(
        STEPS, ("upgrade", "upgrade", "downgrade", "upgrade"), (before, after, before, after), strict=True
    ):
        database = Path(shutil.copy(last, last.with_name(f"{name}.sqlite")))
        try:
            if (verb, revision) != ("upgrade", "base"):
                _bring(folder, database, verb, revision)
        except Exception as problem:  # noqa: BLE001 - whatever a revision raises is its failure
            said = (str(problem).splitlines() or ["no reason"])[0]
            again = " after the downgrade" if name == STEPS[-1] else ""
            sys.exit(f"{verb} to {revision}{again}: {type(problem).__name__}: {said}")
        last = database


def _bring(folder: str, database: Path, verb: str, revision: str) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory
    from sqlalchemy import create_engine

    scripts = ScriptDirectory(folder)

    def steps(current: Any, _: Any) -> Any:
        return (scripts._upgrade_revs if verb == "upgrade" else scripts._downgrade_revs)(revision, current)  # noqa: SLF001 - as alembic.command does

    with (
        EnvironmentContext(Config(), scripts, fn=steps, destination_rev=revision) as environment,
        create_engine(f"sqlite:///{database}").connect() as connection,
    ):
        environment.configure(connection=connection)
        with environment.begin_transaction():
            environment.run_migrations()


if __name__ == "__main__":
    main(*sys.argv[1:])
