"""A small shop that is deployed: an image of busybox that serves its version, and a SQLite database beside it."""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_promotion.suites.release.rollout.deploy import deploy
from pytest_promotion.suites.release.rollout.health import Probe
from pytest_promotion.suites.release.rollout.plan import Limits, Plan
from tests.engine import BUSYBOX, DockerEngine
from tests.verifying import LOOSE

# A deployment that succeeds ends at once; only one that is meant to fail waits for its whole limit.
PATIENT = Limits(health_s=120.0, interval_s=0.2, up_s=300.0, busy_s=60.0)
QUICK = Limits(health_s=4.0, interval_s=0.2, up_s=300.0, busy_s=2.0)
CANDIDATE = b"what is released\n"  # the file that the decision of these tests is about
SUBJECT = f"candidate.whl=sha256:{sha256(CANDIDATE).hexdigest()}"
ENGINE_VARIABLES = ("DOCKER_HOST", "DOCKER_BUILDKIT", "PATH", "HOME", "PYTHONPATH")


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def make_database(path: Path, rows: int = 100) -> Path:
    """A database in WAL mode whose rows are in the log still, as a service that runs leaves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as found, found:
        found.execute("PRAGMA journal_mode = WAL")
        found.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT)")
        found.executemany("INSERT INTO orders (what) VALUES (?)", [("tea",)] * rows)
    return path


def rows_of(path: Path) -> int:
    """How many orders a database has."""
    with closing(sqlite3.connect(path)) as found:
        return int(found.execute("SELECT count(*) FROM orders").fetchone()[0])


@functools.cache
def shop_image(engine: DockerEngine, version: str) -> str:
    """The image `shop:<version>`, made once an engine."""
    context = engine.place / f"shop-{version}"
    context.mkdir()
    shutil.copy(BUSYBOX, context / "busybox")
    (context / "version").write_text(f"version {version}\n")
    (context / "Dockerfile").write_text(
        "FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nENV PATH=/bin\nCOPY version /www/version\n"
    )
    return engine.docker("build", "-q", "-t", f"shop:{version}", str(context))


class Site:
    """A checkout of the shop, and what runs of it."""

    def __init__(self, path: Path, engine: DockerEngine, compose_path: str = "") -> None:
        self.path = path
        self.engine = engine
        self.compose_path = compose_path
        self.port = free_port()
        self.project = f"shop{self.port}"
        self.database = make_database(path / "data" / "shop.db")
        (path / "candidate.whl").write_bytes(CANDIDATE)
        self.write("1")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/version"

    @property
    def runtime(self) -> Path:
        return self.path / ".runtime"

    @property
    def environment(self) -> dict[str, str]:
        found = {name: value for name, value in self.engine.environment.items() if name in ENGINE_VARIABLES}
        return found | {"PATH": os.pathsep.join(filter(None, (self.compose_path, found["PATH"])))}

    def write(self, version: str, run: str = "", *, build: bool = False, **service: Any) -> Site:
        """Checks out a version, whose image is there or is to be built; *run* is what it does instead of serving."""
        command = run or f"exec /bin/busybox httpd -f -p 127.0.0.1:{self.port} -h /www"
        shop_image(self.engine, version)
        image: dict[str, Any] = {"image": f"shop:{version}"}
        if build:
            context = self.path / "app"
            context.mkdir(exist_ok=True)
            (context / "Dockerfile").write_text(f"FROM shop:{version}\nLABEL built=here\n")
            image = {"build": "./app"}
        web = {"command": ["/bin/sh", "-c", command], "network_mode": "host", "stop_signal": "SIGKILL"}
        document = {"version": "3.8", "services": {"web": {**image, **web, **service}}}
        (self.path / "compose.yaml").write_text(json.dumps(document))
        return self

    def services(self, **services: dict[str, Any]) -> None:
        """Adds services beside the web."""
        path = self.path / "compose.yaml"
        found = json.loads(path.read_text())
        found["services"] |= {name: {"stop_signal": "SIGKILL", **body} for name, body in services.items()}
        path.write_text(json.dumps(found))

    def plan(self, **more: Any) -> Plan:
        given: dict[str, Any] = {
            "env": "staging",
            "project": self.project,
            "root": self.path,
            "runtime": self.runtime,
            "environment": self.environment,
            "databases": (self.database,),
            "probes": (Probe(self.url),),
            "limits": PATIENT,
            "roll_back": True,
            "allow_unjudged_configuration": True,
        }
        return Plan(**(given | more))

    def deploy(self, way: str = "new", **more: Any) -> dict[str, Any]:
        """What the report says."""
        return deploy(self.plan(**more), way).document

    def promotion(self, *words: str, health_s: float = 120, **more: Any) -> subprocess.CompletedProcess[str]:
        """The command, as people call it."""
        return subprocess.run(
            self.command(*words, health_s=health_s),
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            **more,
        )

    def command(self, *words: str, health_s: float = 120) -> list[str]:
        """The command's words, with those that every deployment of this shop has."""
        code = "from pytest_promotion.cli import main; main()"
        common = ["--env", "staging", "--project-name", self.project, "--health-interval-seconds", "0.2"]
        common += ["--health-timeout-seconds", str(health_s)]
        common += ["--allow-unjudged-configuration", *LOOSE] if words[0] == "deploy" else []
        return [sys.executable, "-c", code, words[0], *common, *words[1:]]

    def answer(self) -> str:
        """What the shop says over HTTP; empty where it does not."""
        try:
            with closing(
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url, timeout=60)
            ) as found:
                return str(found.read().decode().strip())
        except OSError:
            return ""

    def running(self) -> dict[str, str]:
        """The image of each service that runs."""
        label = f"label=com.docker.compose.project={self.project}"
        ids = self.engine.docker("ps", "-q", "--filter", label).split()
        form = '{{index .Config.Labels "com.docker.compose.service"}} {{.Image}}'
        return dict(self.engine.docker("inspect", "-f", form, one).split() for one in ids)

    def order(self, count: int = 1) -> None:
        """Somebody orders."""
        with closing(sqlite3.connect(self.database)) as found, found:
            found.executemany("INSERT INTO orders (what) VALUES (?)", [("more",)] * count)

    def steps(self, document: dict[str, Any]) -> list[str]:
        """The steps of a report that were done."""
        return [step["step"] for step in document["steps"] if step["status"] == "done"]

    def journal(self) -> dict[str, Any]:
        return json.loads((self.runtime / f"deploy_journal_{self.project}.json").read_text())

    def down(self) -> None:
        """Removes what runs of it."""
        label = f"label=com.docker.compose.project={self.project}"
        if ids := self.engine.docker("ps", "-aq", "--filter", label).split():
            self.engine.docker("rm", "-f", *ids)


has_compose_program = shutil.which("docker-compose") is not None or (
    shutil.which("docker") is not None
    and subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
)
is_root = hasattr(os, "geteuid") and os.geteuid() == 0
