"""Stores on both databases, and a research run to judge."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from pytest_promotion.suites.research.database import connected
from pytest_promotion.suites.research.migrations import run_migrations_phase3
from tests.candidates.run import Run
from tests.postgres import Server, emptied, running_server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server."""
    with running_server() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database is that has no tables yet."""
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    return request.getfixturevalue("server").made()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store of SQLite with its tables, to be copied."""
    where = str(tmp_path_factory.mktemp("store") / "store.db")
    with connected(where, create=True) as connection:
        run_migrations_phase3(connection)
    return where


@pytest.fixture(scope="session")
def kept(server: Server) -> str:
    """A store of PostgreSQL with its tables, to be emptied: a new one for each test is three hundred files."""
    where = server.made()
    with connected(where, create=True) as connection:
        run_migrations_phase3(connection)
    return where


@pytest.fixture(params=["sqlite", "postgresql"])
def store_at(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is that has its tables and nothing in them."""
    if request.param == "sqlite":
        return str(shutil.copy(request.getfixturevalue("made"), tmp_path / "store.db"))
    where: str = request.getfixturevalue("kept")
    emptied(where)
    return where


@pytest.fixture
def conn(store_at: str) -> Iterator[Connection]:
    """A connection to that store."""
    with connected(store_at) as connection:
        yield connection


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """What a research run left: good in every way."""
    return Run(tmp_path / "research")


@pytest.fixture
def candidate(conn: Connection, run: Run) -> Callable[..., str]:
    """Creates a candidate of that run, with what is given changed."""
    return lambda **changes: run.create(conn, **changes)
