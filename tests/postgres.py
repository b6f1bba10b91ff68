"""A real PostgreSQL server for tests, in a temporary folder, reached on loopback only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER = "promotion"


class Server:
    """A running server; `made` gives the URL of a new database in it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._made = 0

    def url(self, database: str) -> str:
        """Where that database is."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def made(self) -> str:
        """The URL of a new database."""
        import psycopg

        self._made += 1
        name = f"made_{self._made}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)


def emptied(url: str) -> None:
    """Takes all rows out of a store, as only the owner of the server can: past the triggers that refuse it."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("TRUNCATE promotion_events, promotion_candidates RESTART IDENTITY")


@contextmanager
def running_server() -> Iterator[Server]:
    """Starts a server and stops it; skips where none can be had."""
    found = shutil.which("pg_ctl") or next(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))), None)
    if found is None:
        pytest.skip("not installed: postgresql")
    tools = Path(found).resolve().parent
    user = "postgres" if hasattr(os, "geteuid") and os.geteuid() == 0 else None  # which refuses to run as root
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = Path(tempfile.mkdtemp(prefix="postgres-"))

    def run(*words: str) -> None:
        done = subprocess.run(words, user=user, cwd=place, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            log = place / "log"
            pytest.skip(f"no PostgreSQL starts here: {(log.read_text() if log.exists() else done.stderr)[-300:]}")

    try:
        if user is not None:
            shutil.chown(place, user)
        run(f"{tools}/initdb", "-D", f"{place}/data", "-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8")
        settings = f"-p {port} -k {place} -c listen_addresses=127.0.0.1 -c fsync=off"
        run(f"{tools}/pg_ctl", "-D", f"{place}/data", "-l", f"{place}/log", "-w", "-o", settings, "start")
        yield Server(port)
        run(f"{tools}/pg_ctl", "-D", f"{place}/data", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(place, ignore_errors=True)
