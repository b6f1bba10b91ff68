"""What the project's own tests share: a place with gates in it, and a way to run them and read what was decided."""

from __future__ import annotations

import atexit
import functools
import importlib
import importlib.metadata
import json
import os
import shutil
import signal
import sys
import tempfile
import textwrap
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.engine import DockerEngine, running_engine

# Hundreds of processes are started here, each of which would compile the same modules: the first one keeps them for
# the others, outside of the trees that tests compare.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
if "PYTHONPYCACHEPREFIX" not in os.environ:
    os.environ["PYTHONPYCACHEPREFIX"] = tempfile.mkdtemp(prefix="compiled-")
    atexit.register(shutil.rmtree, os.environ["PYTHONPYCACHEPREFIX"], ignore_errors=True)

# A shell that starts the tests in the background makes them ignore an interrupt, and so would what they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Loaded before any session under test, because pytester unloads what such a session loaded,
# and half a package loaded twice has two of every key.
LOADED = (
    "concurrent.futures.thread",
    "configparser",
    "pytest_promotion.plugin.distributed",
    "pytest_promotion.plugin.early_fail",
    "pytest_promotion.plugin.gates_elsewhere",
    "pytest_promotion.plugin.session",
    "pytest_promotion.plugin.suite_selection",
    "pytest_promotion.secrets.masking",
    "yaml",
    "msgspec",
    "rfc8785",
    "cryptography.hazmat.primitives.serialization",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
)
for room in LOADED:
    importlib.import_module(room)

pytest_plugins = ["pytester"]

# A machine that does something else meanwhile is no failure.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

_distributions = importlib.metadata.distributions


@functools.cache
def _with_plugins(path: tuple[str, ...]) -> tuple[importlib.metadata.Distribution, ...]:
    """The distributions on *path* that have plugins of pytest, or suites of gates."""
    groups = {"pytest11", "pytest_promotion.suites"}
    return tuple(one for one in _distributions() if groups & {entry.group for entry in one.entry_points})


def distributions(**context: Any) -> Iterable[importlib.metadata.Distribution]:
    """As that of `importlib.metadata`, which reads two hundred files for each `-p` of a session: a third of its time."""
    return _distributions(**context) if context else _with_plugins(tuple(sys.path))


GOOD = '''
import pytest

@pytest.mark.critical(owner="ops", fix="make it good")
def test_good(artifact, freshness, measure):
    """It is good."""
    report = artifact("evidence/good.json")
    freshness(report)
    measure.at_least("score", report["score"], 0.5)
'''


class Place:
    """A project with gates, run in a process of its own or in this one."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path

    def write(self, **files: str) -> Place:
        """Writes `gates/<name>.py` for each keyword."""
        for name, text in files.items():
            self.file(f"gates/{name}.py", text)
        return self

    def file(self, name: str, content: str | bytes | dict[str, Any]) -> Path:
        """Writes a file below the place: text, bytes, or JSON."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
        return path

    def run(self, *args: str, apart: bool = False, paths: Sequence[str] = ("gates",)) -> pytest.RunResult:
        """`pytest gates …`, with *apart* in a process of its own."""
        # The project's own tests turn warnings into errors; the session under test shall not inherit that.
        words = (*paths, "-p", "no:cacheprovider", "-W", "default", *args)
        return self.pytester.runpytest_subprocess(*words) if apart else self.pytester.runpytest_inprocess(*words)

    @property
    def folder(self) -> Path:
        return self.path / "reports" / "promotion_gates"

    def decisions(self) -> list[dict[str, Any]]:
        """Every finished decision, oldest first."""
        found = [json.loads(path.read_text()) for path in sorted(self.folder.glob("*_2*.json"))]
        return sorted((one for one in found if one["finished"]), key=lambda one: one["ts_utc"])

    def latest(self) -> dict[str, Any]:
        return json.loads((self.folder / "latest.json").read_text())

    def check(self, name: str) -> dict[str, Any]:
        """What the latest decision says of one gate."""
        return next(check for check in self.decisions()[-1]["checks"] if check["name"] == name)


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """That of pytest, whose sessions in this process find plugins at once."""
    monkeypatch.setattr(importlib.metadata, "distributions", distributions)
    return pytester


@pytest.fixture
def place(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty project with one good gate's evidence, fresh."""
    for name in ("PYTEST_ADDOPTS", "ML_ENABLED", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyprojecttoml(
        """
        [tool.pytest.ini_options]
        addopts = ["-p", "pytest_promotion.plugin", "-p", "xdist", "-p", "pytest_timeout"]
        """
    )
    where = Place(pytester)
    where.file("evidence/good.json", {"ts_utc": now_iso(), "score": 0.9})
    return where


def now_iso(ago: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) - ago).isoformat()


@pytest.fixture
def good_place(place: Place) -> Place:
    """A project whose one gate passes."""
    return place.write(test_good=GOOD)


@pytest.fixture
def ago() -> Callable[[timedelta], str]:
    """The moment that long ago, as a service would write it."""
    return now_iso


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """A real Docker engine of this session's own."""
    with running_engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    """An S3 server of our own with one bucket, which s3fs finds by the environment, as it would find the real one."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # What an earlier server of this process held is still in its memory.
    urllib.request.urlopen(urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("NO_PROXY", "127.0.0.1")
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()
        filesystem = s3fs.S3FileSystem()
        filesystem.mkdir("s3://events")
        yield filesystem
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture
def attacks(record_property: Callable[[str, object], None]) -> Iterator[Callable[..., None]]:
    """Counts what a test tried in order to get something past a verifier."""
    tried = 0

    def count(number: int = 1) -> None:
        nonlocal tried
        tried += number

    yield count
    record_property("attacks", tried)


# What a test that asks for one of these needs: a service or a program outside of the package, or a process.
REAL_FIXTURES = frozenset(
    {"browser", "docker_engine", "installed", "kept", "locked_port", "prometheus", "redis_port", "server"}
)
SLOW_FIXTURES = frozenset(
    {"bucket", "decide", "firm", "pytester", "served", "signed", "standing", "tidebook", "without"}
)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks tests by the fixtures that they ask for, and those with the parameter "postgresql"."""
    fixtures = {*getattr(item, "fixturenames", ())}
    parameters = getattr(item, "callspec", None)
    if fixtures & REAL_FIXTURES or (parameters is not None and "postgresql" in parameters.params.values()):
        item.add_marker("real")
    if fixtures & SLOW_FIXTURES:
        item.add_marker("slow")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says how many attacks were tried and refused: a suite that stopped trying would pass as well."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    tried = [value for report in reports for name, value in getattr(report, "user_properties", ()) if name == "attacks"]
    if tried:
        terminalreporter.write_line(f"attacks on decisions: {sum(tried)} tried in {len(tried)} tests")
