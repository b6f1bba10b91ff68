"""A root that services write below, a Redis that really runs, and things that listen in its place."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

NOW = datetime(2026, 5, 20, 14, 30, 11, 250_000, tzinfo=UTC)
DECIDED_BY = {
    ".json": '{{"status": "ok", "ts_utc": "{0}"}}\n',
    ".jsonl": '{{"event_id": "e1", "stream": "hb.fill.v1", "ingest_ts_utc": "{0}", "payload": {{}}}}\n',
    ".md": "# The day\n\nNothing happened.\n\nGenerated at: `{0}`\n",
}


class Lane:
    """A folder with what a service wrote."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def text(self, name: str, content: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def wrote(self, pattern: str, ago: timedelta, part: str = "20260520") -> Path:
        """A file as its service writes it, of that long before `NOW`."""
        name = pattern.replace("*", part)
        return self.text(name, DECIDED_BY[Path(name).suffix].format((NOW - ago).isoformat()))


@pytest.fixture
def lane(tmp_path: Path) -> Lane:
    """An empty root."""
    return Lane(tmp_path)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def running(folder: Path, *words: str) -> Iterator[int]:
    """A redis-server on a port of its own, until the block ends."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("there is no redis-server on this machine")
    port = free_port()
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *words],
            stdout=log,
            stderr=log,
        )
    try:
        for _ in range(6000):
            if process.poll() is not None:
                pytest.fail(f"redis-server ended: {(folder / 'redis.log').read_text()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
                break
            threading.Event().wait(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(120)


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis that lets anybody in."""
    with running(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture(scope="session")
def locked_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis that wants the password `northsea`."""
    with running(tmp_path_factory.mktemp("locked"), "--requirepass", "northsea") as port:
        yield port


@pytest.fixture
def listener() -> Iterator[Callable[[bytes], int]]:
    """`listener(answer)`: the port of something that says *answer* to whatever it hears, and nothing where that is empty."""
    with contextlib.ExitStack() as stack:

        def listen(answer: bytes) -> int:
            ear = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def serve() -> None:
                held = []
                with contextlib.suppress(OSError):
                    while True:
                        caller, _ = ear.accept()
                        held.append(caller)
                        if answer:
                            caller.recv(4096)
                            caller.sendall(answer)
                for caller in held:
                    caller.close()

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            # Closing a socket does not wake the thread that waits on it, shutting it down does.
            stack.callback(thread.join, 5)
            stack.callback(ear.shutdown, socket.SHUT_RDWR)
            return int(ear.getsockname()[1])

        yield listen
