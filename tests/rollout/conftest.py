"""A shop to deploy, and a decision that allows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_promotion.trust import keys
from tests.engine import DockerEngine
from tests.rollout.site import Site, has_compose_program
from tests.trust.conftest import GATES, POLICY, SUBJECT, Signed, decide


@pytest.fixture
def site(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[Site]:
    """The shop, version 1, on a real engine; nothing runs of it."""
    if not has_compose_program:
        pytest.skip("not installed: docker-compose, and the compose plugin of docker")
    found = Site(tmp_path / "shop", docker_engine)
    yield found
    found.down()


@pytest.fixture
def decision(tmp_path: Path) -> Signed:
    """A signed decision about the candidate, in a folder of its own, so that a test may damage it."""
    path = tmp_path / "decided"
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
