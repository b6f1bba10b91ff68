"""Folders with inputs in them, and the commands that are recorded there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_promotion.provenance.digest_cache import DigestCache
from pytest_promotion.provenance.inputs import Input, scan
from pytest_promotion.provenance.producing import Order, Recording, recording

WRITE = (sys.executable, "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])")


def git(folder: Path, *words: str) -> None:
    """Runs git, with a fixed user."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *identity, "-C", str(folder), *words], check=True, capture_output=True)


def digests(root: Path, *names: str) -> list[Input]:
    """The inputs as they are, read without any cache."""
    return scan(os.path.realpath(root), names, DigestCache(os.path.realpath(root)))


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may rest on what another one has read."""
    monkeypatch.setenv("PROMOTION_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A promotion root with the inputs `src` and `tests`, outside of git."""
    folder = tmp_path / "root"
    (folder / "src/package").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "src/app.py").write_text("VALUE = 1\n")
    (folder / "src/package/part.py").write_text("PART = 1\n")
    (folder / "tests/test_app.py").write_text("def test_app(): pass\n")
    return folder


@pytest.fixture
def repository(root: Path) -> Path:
    """The same in git, committed."""
    (root / ".gitignore").write_text("*.log\nreports/\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "all")
    return root


@pytest.fixture
def produced(root: Path) -> Callable[..., Recording]:
    """Records a function that writes `reports/out.json` from `src`, and returns the recording."""

    def produce(
        text: str = "{}", code: int = 0, during: Callable[[], object] = lambda: None, inputs: tuple[str, ...] = ("src",)
    ) -> Recording:
        order = Order.of("out", WRITE, inputs, ("reports/out.json",))
        with recording(order, root) as recorded:
            during()
            (root / "reports/out.json").write_text(text)
            recorded.finish(code)
        return recorded

    return produce
