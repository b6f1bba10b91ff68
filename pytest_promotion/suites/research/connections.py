"""The connection of a caller, whichever library it is of: SQLAlchemy's, or one of `sqlite3`."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import StaticPool

from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.research.database import answering, begin

_P = ParamSpec("_P")
_R = TypeVar("_R")


def taking(
    function: Callable[Concatenate[Connection, _P], _R],
) -> Callable[Concatenate[Connection | sqlite3.Connection, _P], _R]:
    """Lets *function*, whose first argument is a connection of SQLAlchemy, take one of `sqlite3` too."""

    @functools.wraps(function)
    def either(conn: Connection | sqlite3.Connection, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        if isinstance(conn, sqlite3.Connection):
            with adapted(conn) as connection:
                return function(connection, *args, **kwargs)
        if not isinstance(conn, Connection):
            raise PolicyError(f"{type(conn).__name__} is no connection: expected one of SQLAlchemy or of sqlite3")
        return function(conn, *args, **kwargs)

    return either


@contextmanager
def adapted(raw: sqlite3.Connection) -> Iterator[Connection]:
    """
    A connection of SQLAlchemy over *raw*, which stays open and keeps its settings.

    What is written is committed before a function returns. So *raw* may have no transaction open: what it wrote and did
    not commit would be committed along with it, or rolled back.

    Raises:
        PolicyError: where *raw* has a transaction open.
        Unproven: for what the database refuses.
    """
    if raw.in_transaction:
        raise PolicyError("the connection has a transaction open: commit or roll it back first")
    kept = raw.isolation_level, raw.row_factory, raw.text_factory
    keys = raw.execute("PRAGMA foreign_keys").fetchone()[0]
    raw.isolation_level, raw.row_factory, raw.text_factory = None, None, str
    raw.execute("PRAGMA foreign_keys=ON")
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    event.listen(engine, "begin", begin)
    try:
        with answering(), engine.connect() as connection:
            yield connection
    finally:
        raw.isolation_level, raw.row_factory, raw.text_factory = kept
        raw.execute(f"PRAGMA foreign_keys={int(keys)}")
