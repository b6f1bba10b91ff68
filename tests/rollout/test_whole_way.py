"""The page that goes from a change to production and back, command by command, as a reader who copies it does."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.compose_programs import CURRENT
from tests.console_page import ConsolePage
from tests.engine import BUSYBOX
from tests.rollout.site import free_port
from tests.sessions import environment

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "whole-way.md"
IDENTITY = {
    f"GIT_{who}_{what}": text
    for who in ("AUTHOR", "COMMITTER")
    for what, text in (("NAME", "a reader"), ("EMAIL", "reader@example.org"))
}
DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "/bin"]
ENV PATH=/bin
"""


@pytest.fixture
def reader(docker_engine, compose_programs, tmp_path):
    """The page, and the machine of its reader, with the image `busybox` that he would have pulled."""
    lacking = [name for name in ("curl", "git", "ssh-keygen") if shutil.which(name) is None]
    if CURRENT not in compose_programs:
        lacking.append(f"docker-compose {CURRENT}")
    if lacking:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    image = tmp_path / "image"
    image.mkdir()
    shutil.copy(BUSYBOX, image / "busybox")
    (image / "Dockerfile").write_text(DOCKERFILE)
    docker_engine.docker("build", "-q", "-t", "busybox", str(image))
    paths = [compose_programs[CURRENT], str(Path(sys.executable).parent), os.environ["PATH"]]
    own = {"HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull, "NO_PROXY": "127.0.0.1", **IDENTITY}
    engine = {name: docker_engine.environment[name] for name in ("DOCKER_HOST", "DOCKER_BUILDKIT")}
    around = {**environment(), **engine, **own, "PATH": os.pathsep.join(paths)}
    ports = {port: str(free_port()) for port in ("8080", "8081")}
    folder = tmp_path / "work"
    folder.mkdir()
    yield ConsolePage(PAGE.read_text(), folder, around, ports)
    for project in ("greeter-staging", "greeter-prod"):
        label = f"label=com.docker.compose.project={project}"
        if ids := docker_engine.docker("ps", "-aq", "--filter", label).split():
            docker_engine.docker("rm", "-f", *ids)


@pytest.mark.real
def test_the_whole_way(reader):
    """Each step was tested, and not all in a row: the signature of one was lost in the next."""
    commands = 0
    for title, body in reader.steps():
        if title:
            reader.write(title, body)
        else:
            commands += reader.run(body)
    assert commands > 50


@pytest.mark.parametrize(
    ("console", "passes"),
    [
        ("$ echo one; echo two\none\ntwo\n", True),
        ("$ echo one; echo two\none\n", False),
        ("$ echo one\n", False),
        ("$ echo one; echo two; echo three\n…\nthree\n", True),
        ("$ echo one; echo two; echo three\n…\ntwo\n", False),
        ("$ false\n$ echo $?\n1\n", True),
        ("$ false\n$ echo $?\n0\n", False),
        ("$ echo on 8080, at 2026-01-02T03:04:05Z\non 8080, at 2020-01-01T00:00:00Z\n", True),
        ("$ echo refused: it says FAIL\nrefused: … PASS\n", False),
    ],
)
def test_what_the_page_shows_is_compared(tmp_path, console, passes):
    """A page that is run and not compared shows whatever was printed a year ago."""
    found = ConsolePage("", tmp_path, {"PATH": os.environ["PATH"]}, {"8080": "9090"})
    if passes:
        found.run(console)
    else:
        with pytest.raises(AssertionError, match="the page shows"):
            found.run(console)


def test_a_name_that_was_printed_is_copied_into_the_next_command(tmp_path):
    """The next command would look for the file of the day on which the page was written."""
    found = ConsolePage("", tmp_path, {"PATH": os.environ["PATH"]})
    found.run("$ echo file_20260102T030405Z.json\nfile_20250101T000000Z.json\n")
    found.run("$ echo file_20250101T000000Z.json | tr 0 x\nfile_2x26x1x2Tx3x4x5Z.json\n")
