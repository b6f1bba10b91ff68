"""A repository in which decisions are taken, as CI does: a policy with two profiles, one gate, a key."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pytest_promotion.cli import main
from pytest_promotion.evidence.provenance import for_git
from pytest_promotion.trust import keys
from tests.conftest import now_iso
from tests.trust.conftest import decide

POLICY = """\
version: 1
required: [score]
gates: {score: {thresholds: {least: 0.9}}}
profiles:
  dev: {gates: {score: {severity: warning}, runs: {severity: critical}}, required: [score, runs]}
  prod: {required: [score, runs]}
"""
GATES = """\
import pytest


@pytest.mark.critical
def test_score(artifact, freshness, measure, policy):
    report = artifact("reports/score.json")
    freshness(report)
    measure.at_least("score", report["score"], policy["least"])


@pytest.mark.critical
def test_runs(artifact, freshness):
    report = artifact("reports/score.json")
    freshness(report)
    assert report["commit"]
"""


@dataclass(frozen=True)
class Repository:
    """A checkout with its decisions."""

    path: Path

    @property
    def latest(self) -> Path:
        return self.path / "reports/promotion_gates/latest.json"

    @property
    def key(self) -> Path:
        return self.path.parent / "keys" / "release.key.pub"

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        environment = for_git(os.environ)
        done = subprocess.run(
            ["git", *who, *words], cwd=self.path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def decide(self, score: float = 0.95, *words: str, profile: str = "prod", stage: str = "") -> dict[str, Any]:
        """The decision on a candidate with that score, signed."""
        report = {"ts_utc": now_iso(), "score": score, "commit": self.git("rev-parse", "HEAD")}
        (self.path / "reports").mkdir(exist_ok=True)
        (self.path / "reports/score.json").write_text(json.dumps(report))
        signing = ["--promotion-sign", str(self.key.with_suffix(""))]
        rules = ["--promotion-stage", stage] if stage else ["--promotion-profile", profile]
        done = decide(self.path, *rules, *signing, *words)
        assert self.latest.exists(), done.stdout + done.stderr
        return self.document()

    def document(self) -> dict[str, Any]:
        return json.loads(self.latest.read_text())

    def verify(self, *words: str | Path, profile: str = "prod", file: Path | None = None) -> Result:
        """`promotion verify` with everything that is demanded, as far as *words* do not say otherwise."""
        given = ["--profile", profile] if profile else []
        where = ["--key", str(self.key), "--project", str(self.path)]
        return CliRunner().invoke(main, ["verify", str(file or self.latest), *given, *where, *map(str, words)])


@pytest.fixture(scope="session")
def _decided(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("custody")
    (folder / "keys").mkdir()
    keys.generate(folder / "keys" / "release.key")
    path = folder / "project"
    files = {
        "promotion.yaml": POLICY,
        "gates/test_gates.py": GATES,
        "pytest.ini": "[pytest]\n",
        ".gitignore": "reports/\n__pycache__/\n",
        "src/app.py": "ANSWER = 42\n",
    }
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    found = Repository(path)
    found.git("init", "-q")
    found.git("add", ".")
    found.git("commit", "-q", "-m", "one")
    assert found.decide()["status"] == "PASS"
    return found


@pytest.fixture
def decided(_decided: Repository, tmp_path: Path) -> Repository:
    """A PASS of the profile prod about a clean checkout, signed."""
    shutil.copytree(_decided.path.parent, tmp_path / "place", symlinks=True)
    return Repository(tmp_path / "place" / "project")


@pytest.fixture
def saying(decided: Repository) -> Callable[..., str]:
    """`saying(code, …)`: what `promotion verify …` prints, which ends with that code."""

    def output(code: int, *words: str | Path, **more: Any) -> str:
        done = decided.verify(*words, **more)
        assert done.exit_code == code, done.output
        return done.output

    return output
