"""A shop to deploy, and a decision that allows it."""

from __future__ import annotations

import functools
import itertools
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_promotion.readers.compose import engine
from pytest_promotion.readers.compose.engine import Compose
from pytest_promotion.suites.release.rollout import preparing
from pytest_promotion.trust import keys
from tests.compose_programs import programs
from tests.engine import DockerEngine
from tests.rollout.site import SUBJECT, Site, has_compose_program
from tests.trust.conftest import GATES, POLICY, Signed, decide

_STILL_GOOD_S = 120.0  # of the twenty minutes after which its evidence goes stale


@functools.cache
def _found(path: str) -> Compose:
    return engine.find(Path(), {**os.environ, "PATH": path})


@pytest.fixture(autouse=True)
def _compose_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The older Compose takes a third of a second to say its version; it is the same in every test with this PATH."""
    monkeypatch.setattr(preparing, "find", lambda _, environment: _found(environment.get("PATH", "")))


@pytest.fixture(scope="session")
def compose_programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The folders of the two versions of Compose that are supported."""
    return programs(tmp_path_factory.mktemp("programs"))


@pytest.fixture
def compose_path(compose_programs: dict[str, str], request: pytest.FixtureRequest) -> str:
    """
    The folder of the Compose that a test uses: the one that its parameter names, else the one that people find.
    """
    wanted = getattr(request, "param", "")
    if wanted and wanted not in compose_programs:
        pytest.skip(f"not installed: docker-compose {wanted}")
    return compose_programs.get(wanted, "")


@pytest.fixture
def site(docker_engine: DockerEngine, tmp_path: Path, compose_path: str) -> Iterator[Site]:
    """The shop, version 1, on a real engine; nothing runs of it."""
    if not has_compose_program:
        pytest.skip("not installed: docker-compose, and the compose plugin of docker")
    found = Site(tmp_path / "shop", docker_engine, compose_path)
    yield found
    found.down()


@pytest.fixture(scope="module")
def _decided(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Signed]:
    """The decision, taken again where it was taken so long ago that it might expire in a test."""
    taken: list[tuple[float, Signed]] = []

    def latest() -> Signed:
        if not taken or time.monotonic() - taken[-1][0] > _STILL_GOOD_S:
            taken.append((time.monotonic(), _decide(tmp_path_factory.mktemp("decided"))))
        return taken[-1][1]

    return latest


@pytest.fixture
def decision(_decided: Callable[[], Signed], tmp_path: Path) -> Signed:
    """A signed decision about the candidate, in a folder of its own, so that a test may damage it."""
    found = _decided()
    return Signed(Path(shutil.copytree(found.path, tmp_path / "decided")), found.key)


@pytest.fixture
def decide_about(decision: Signed) -> Callable[[str], Path]:
    """
    `decide_about(subject)`: the decision, about another subject.

    To decide takes a second. What verifies a decision is tested elsewhere; without a demand for a signature it
    takes this one.
    """
    count = itertools.count()

    def about(subject: str, **fields: Any) -> Path:
        name, _, rest = subject.partition("=")
        kind, _, text = rest.partition(":")
        document = (
            json.loads(decision.latest.read_text()) | {"subject": {"name": name, "digest": {kind: text}}} | fields
        )
        path = decision.latest.with_name(f"about-{next(count)}.json")
        path.write_text(json.dumps(document))
        return path

    return about


def _decide(path: Path) -> Signed:
    for name, text in {
        "gates/test_gates.py": GATES,
        "promotion.yaml": POLICY,
        "pytest.ini": "[pytest]\n",
        "evidence/notes.txt": "all is well\n",
        "evidence/score.json": json.dumps({"ts_utc": datetime.now(UTC).isoformat(), "score": 0.9}),
    }.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    private, _ = keys.generate(path / "keys" / "release.key")
    done = decide(path, f"--promotion-sign={private}", f"--promotion-subject={SUBJECT}")
    assert done.returncode == 0, done.stdout + done.stderr
    return Signed(path, keys.read_private(private))
