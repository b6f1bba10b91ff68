"""Connections to the store, and transactions in which nobody else writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from pytest_promotion.errors import PolicyError, Unproven

WAIT_S: Final = 30.0  # for other writers, each of which writes for milliseconds
_WRITES: Final = "promotion_writes"  # the option of a connection whose next transaction writes
_LOCK: Final = 0x70726F6D6F74696F  # "promotio": the one lock that writers of a PostgreSQL store take


def engine_of(where: str | os.PathLike[str], *, create: bool = False) -> Engine:
    """
    The store at *where*: a path of an SQLite file, or a URL that SQLAlchemy knows.

    Raises:
        PolicyError: for a URL that is none, and for databases that the store has no rules for.
        Unproven: for a file that is not there, unless *create* says that it may begin here. Nothing is
            made by looking.
    """
    where = os.fspath(where)
    try:
        url = make_url(where if "://" in where else f"sqlite:///{where}")
        if url.get_backend_name() not in {"sqlite", "postgresql"}:
            raise PolicyError(f"{url.get_backend_name()}: the store is kept by SQLite or by PostgreSQL")
        if url.get_backend_name() == "postgresql":
            return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError) as problem:
        raise PolicyError(f"{problem}") from None
    except ImportError:
        raise PolicyError("PostgreSQL needs a driver: pip install 'pytest-promotion[postgres]'") from None
    file = url.database or ""
    if not create and not os.path.isfile(file):
        raise Unproven(f"{file or 'a database in memory'} is no file: `promotion migrate --db {where}` makes the store")
    engine = create_engine(url, connect_args={"timeout": WAIT_S})
    event.listen(engine, "connect", _as_the_store_needs)
    event.listen(engine, "begin", begin)
    return engine


def _as_the_store_needs(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # or the driver begins transactions of its own, and only before some statements
    connection.execute("PRAGMA foreign_keys=ON")


def begin(connection: Connection) -> None:
    """Begins a transaction of SQLite, one that writes at once where the connection is about to write."""
    # A transaction that reads first and writes then fails where another one wrote meanwhile: take the lock at once.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def answering() -> Iterator[None]:
    """Gives what the database says in place of its exception, as `Unproven`."""
    try:
        yield
    except DBAPIError as problem:
        raise Unproven(f"the store answers: {str(problem.orig).splitlines()[0]}") from None


@contextmanager
def connected(where: str | os.PathLike[str], *, create: bool = False) -> Iterator[Connection]:
    """A connection to the store at *where*. Raises as `engine_of` does, and `Unproven` for what the database says."""
    engine = engine_of(where, create=create)
    try:
        with answering(), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def writing(connection: Connection) -> Iterator[None]:
    """
    A transaction in which nobody else writes, committed at the end and rolled back on the way out of an error.

    Within another one of these it is a part of that.

    Raises:
        PolicyError: within any other transaction: a caller who closes its connection without a commit would have an id
            of what is not there. `writing` itself is how several changes are made one.
    """
    if connection.in_transaction():
        if not connection.get_execution_options().get(_WRITES, False):
            raise PolicyError(
                "the connection is in a transaction of its own, which may end without a commit: commit it first, or "
                "use `database.writing(connection)` around what belongs together"
            )
        with connection.begin_nested():
            yield
        return
    connection.execution_options(**{_WRITES: True})
    try:
        with connection.begin():
            _alone(connection)
            yield
    finally:
        connection.execution_options(**{_WRITES: False})


@contextmanager
def reading(connection: Connection) -> Iterator[None]:
    """A transaction that sees one state of the store, and leaves none open."""
    if connection.in_transaction():
        yield
        return
    with connection.begin():
        yield


def _alone(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
