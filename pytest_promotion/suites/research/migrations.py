"""
The tables of the store come into being here, and only where somebody asks for them.

Versions 4 and 5 of `schema_migrations_phase3` make the two tables, as other tools know them. What makes them hold, and
whatever comes after, are revisions of Alembic in `revisions/`. Each step is one transaction: a process that is killed
leaves it done or not begun, and of two that run at once the second finds the work done.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Table, insert, inspect, select

from pytest_promotion.clock import iso
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.provenance import git_state
from pytest_promotion.suites.research import triggers
from pytest_promotion.suites.research.connections import taking
from pytest_promotion.suites.research.database import reading, writing
from pytest_promotion.suites.research.tables import CANDIDATES, EVENTS, METADATA, VERSIONS

STEPS: Final[tuple[tuple[int, str, Table], ...]] = (
    (4, "2026_02_promotion_candidates", CANDIDATES),
    (5, "2026_02_promotion_events", EVENTS),
)
REVISION_TABLE: Final = "promotion_alembic_version"


@taking
def run_migrations_phase3(conn: Connection, db_path: str | None = None) -> tuple[str, ...]:
    """
    Brings the tables of the store up to date; what is up to date stays as it is.

    Returns:
        the names of the steps that were taken, and what was repaired: a trigger that was dropped, disabled or changed
        is put back, and `chain.check` says what happened meanwhile. *db_path* is not needed: a step that fails is
        rolled back by the database, where the runner that this one follows copied files.
    """
    del db_path
    if conn.dialect.name == "sqlite":
        _write_ahead(conn)
    taken = []
    with writing(conn):
        VERSIONS.create(conn, checkfirst=True)
    for version, name, table in STEPS:
        with writing(conn):
            if conn.execute(select(VERSIONS.c.version).where(VERSIONS.c.version == version)).first() is None:
                _make(conn, table)
                commit = git_state(Path.cwd()).commit
                row = {"version": version, "name": name, "applied_at_utc": iso(datetime.now(UTC))}
                conn.execute(insert(VERSIONS), row | {"git_commit": commit})
                taken.append(name)
    with writing(conn):
        taken += _revise(conn)
    return (*taken, *triggers.repair(conn))


@taking
def require_promotion_tables(conn: Connection) -> None:
    """Raises `Unproven` where the store has no tables, or older ones than this version works on."""
    with reading(conn):
        made = {table.name for table in METADATA.tables.values()} <= set(inspect(conn).get_table_names())
        found = _revision(conn) if made else None
    if not made:
        raise Unproven("the promotion tables are not there: run_migrations_phase3, or `promotion migrate`, makes them")
    if found != _head():
        raise Unproven(
            f"the store is at revision {found}, expected {_head()}: `promotion migrate` brings it up to date"
        )


def _write_ahead(conn: Connection) -> None:
    """Readers and a writer do not wait for one another; the file remembers it."""
    driver: Any = conn.connection.driver_connection  # SQLAlchemy itself begins a transaction, in which this is refused
    driver.execute("PRAGMA journal_mode=WAL")


def _make(conn: Connection, table: Table) -> None:
    table.create(conn, checkfirst=True)
    for index in table.indexes:
        index.create(conn, checkfirst=True)


def _configured() -> Any:
    from alembic.config import Config

    found = Config()
    found.set_main_option("script_location", os.path.join(os.path.dirname(__file__), "revisions").replace("%", "%%"))
    found.set_main_option("path_separator", "os")
    return found


@cache
def _head() -> str | None:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_configured()).get_current_head()


def _revise(conn: Connection) -> list[str]:
    """Applies what is not applied yet, within the transaction of *conn*; where that led to, if anywhere."""
    from alembic import command

    before = _revision(conn)
    configured = _configured()
    configured.attributes["connection"] = conn
    command.upgrade(configured, "head")
    after = _revision(conn)
    return [after] if after is not None and after != before else []


def _revision(conn: Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(conn, opts={"version_table": REVISION_TABLE}).get_current_revision()
