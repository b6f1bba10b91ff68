"""
`python -P -m pytest_promotion.schema_change.trial FOLDER DATABASE upgrade|downgrade REVISION`: one step of a trial.

Alembic itself runs the revisions in FOLDER/versions, in a process of its own: a revision is somebody's program. The
project's `env.py` has no part in it, because that is where a real database is named. Exit 0, or 1 with what went wrong.
"""

from __future__ import annotations

import sys
from typing import Any


def main(folder: str, database: str, verb: str, revision: str) -> None:
    """Brings the SQLite *database* to *revision* by *verb*. Raises whatever a revision raises."""
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
    try:
        main(*sys.argv[1:])
    except Exception as problem:  # noqa: BLE001 - whatever a revision raises is its failure
        said = (str(problem).splitlines() or ["no reason"])[0]
        sys.exit(f"{type(problem).__name__}: {said}")
