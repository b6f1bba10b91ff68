"""A real Docker engine for tests, in a temporary folder, with images that are made from nothing but busybox."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BUSYBOX = Path("/bin/busybox")
_START_S = 120.0


class DockerEngine:
    """A running engine: `environment` leads every client to it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{place}/sock", "DOCKER_BUILDKIT": "0"}

    def docker(self, *words: str) -> str:
        """What `docker` prints."""
        done = subprocess.run(
            ["docker", *words], env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def answers(self) -> bool:
        """Whether it is there."""
        words = ["docker", "version", "--format", "{{.Server.Version}}"]
        return subprocess.run(words, env=self.environment, capture_output=True, check=False).returncode == 0

    def build(self, tag: str, label: str) -> str:
        """Makes an image of busybox with *label* in it; its id."""
        folder = self.place / "build"
        folder.mkdir(exist_ok=True)
        if not (folder / "busybox").exists():
            shutil.copy(BUSYBOX, folder / "busybox")
        (folder / "Dockerfile").write_text(
            "FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nENV PATH=/bin\n"
            f'LABEL made={label}\nCMD ["/bin/busybox", "sleep", "600"]\n'
        )
        return self.docker("build", "-q", "-t", tag, str(folder))


@contextmanager
def running_engine() -> Iterator[DockerEngine]:
    """Starts an engine and ends it with all its containers; skips where none can be had."""
    lacking = [name for name in ("dockerd", "docker") if shutil.which(name) is None]
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("a Docker engine of one's own needs root")
    if not BUSYBOX.exists() or b"/ld-" in BUSYBOX.read_bytes()[:4096]:
        lacking.append(f"a static {BUSYBOX}")  # one with an interpreter does not run in an empty image
    if lacking:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    place = Path(tempfile.mkdtemp(prefix="engine-"))  # the socket's path may have 107 characters
    words = [
        "dockerd",
        "--iptables=false",
        "--ip6tables=false",
        "--bridge=none",
        "-s",
        "vfs",
        "-H",
        f"unix://{place}/sock",
    ]
    words += ["--data-root", f"{place}/root", "--exec-root", f"{place}/exec", "--pidfile", f"{place}/pid"]
    with (place / "log").open("wb") as log:
        daemon = subprocess.Popen(words, stdout=log, stderr=log)
    engine = DockerEngine(place)
    try:
        until = time.monotonic() + _START_S
        while not engine.answers():
            if daemon.poll() is not None or time.monotonic() > until:
                pytest.skip(f"no Docker engine starts here: {(place / 'log').read_text()[-300:]}")
            time.sleep(0.1)
        yield engine
        if running := engine.docker("ps", "-aq"):
            engine.docker("rm", "-f", *running.split())
    finally:
        daemon.terminate()
        try:
            daemon.wait(60)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
        shutil.rmtree(place, ignore_errors=True)
