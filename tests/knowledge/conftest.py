"""A small knowledge base of the demo company, laid out as the mission lays one out, to be broken."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_promotion.suites.release.knowledge import benchmark, policy

HANDBOOK = Path(__file__).parents[2] / "fixtures" / "knowledge"
FOLDER = Path("backend/config")
NOW = datetime(2026, 5, 20, 14, 30, tzinfo=UTC)

# Words of other trades, and words that the questions use too: noise that shares nothing is no noise.
OTHER = [
    "soil", "river", "harvest", "school", "teacher", "music", "song", "garden", "sail", "paper", "engine",
    "wheel", "flour", "oven", "bread", "wool", "thread",
]  # fmt: skip
SHARED = [
    "market", "data", "quality", "model", "cost", "risk", "report", "trading", "position", "strategy",
    "portfolio", "review", "order", "limit", "venue",
]  # fmt: skip


class KnowledgeBase:
    """A root with a policy, cases and a corpus; what is there already stays as it is."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.corpus, self.policy = root / policy.CORPUS, root / policy.POLICY
        self.cases = root / FOLDER / "kb_benchmark_cases.held_out.json"
        if self.policy.exists():
            return
        shutil.copytree(HANDBOOK / "corpus", self.corpus)
        profiles = json.loads((HANDBOOK / "kb_benchmark_policy.json").read_text())
        for rules in profiles.values():
            rules["cases"] = str(FOLDER / rules["cases"])
        self.write_policy(profiles)
        for path in HANDBOOK.glob("kb_benchmark_cases.*.json"):
            shutil.copy(path, root / FOLDER)

    def write_policy(self, content: Any) -> None:
        self.policy.write_text(json.dumps(content))

    def write_cases(self, *cases: Any) -> None:
        self.cases.write_text(json.dumps(list(cases)))

    def settings(self, profile: str = "prod", **given: Any) -> policy.Settings:
        return policy.resolve(self.root, profile, **given)

    def measure(self, profile: str = "prod", **given: Any) -> dict[str, Any]:
        return benchmark.run(self.settings(profile, **given), NOW)

    def run(self, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """`promotion kb …` in a process of its own."""
        code = "from pytest_promotion.cli import main; main()"
        command = [sys.executable, "-c", code, "kb", *words]
        return subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True, check=False, timeout=300)


def noise(count: int, seed: int = 7) -> list[str]:
    """Texts about other things, with a word of the questions now and then."""
    chance = random.Random(seed)
    vocabulary = [*OTHER, *SHARED, *(f"word{number}" for number in range(2000))]
    return [" ".join(chance.choices(vocabulary, k=60)) for _ in range(count)]


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    """The knowledge base, whole."""
    return KnowledgeBase(tmp_path)
