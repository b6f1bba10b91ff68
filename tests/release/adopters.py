"""Repositories of nobody in particular, as they are before the release suite is adopted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from fixtures.release import KNOWLEDGE, git
from tests.sessions import environment

UNIT = "import { test } from 'node:test';\nimport assert from 'node:assert';\ntest('adds', () => assert.equal(1 + 1, 2));\n"
BUILD = (
    "import fs from 'node:fs';\nfs.mkdirSync('dist', { recursive: true });\nfs.writeFileSync('dist/index.html', 'x');\n"
)
SCRIPTS = {
    "lint": "node --check unit.test.mjs",
    "test": "node --test unit.test.mjs",
    "build": "node build.mjs && vite build",
}
PLAN = Path(__file__).parents[2] / "fixtures/parity.json"
PYTHON = {
    "backend/requirements.txt": "pytest\n",
    "backend/pytest.ini": "[pytest]\ntestpaths = tests\nmarkers =\n    quick: is quick\naddopts = --strict-markers\n",
    "backend/app/__init__.py": "def total(*prices):\n    return sum(prices)\n",
    "backend/tests/test_total.py": (
        "import pytest\nfrom app import total\n\n@pytest.mark.quick\ndef test_total():\n    assert total(1, 2) == 3\n"
    ),
}


def javascript(folder: str, scripts: Mapping[str, str] = SCRIPTS, lock: str = "package-lock.json") -> dict[str, str]:
    """A frontend without dependencies in *folder*; its `vite` is a file of its own."""
    package = {"name": "shop", "version": "1.0.0", "private": True, "scripts": dict(scripts)}
    locked = {**package, "lockfileVersion": 3, "requires": True, "packages": {"": {"name": "shop", "version": "1.0.0"}}}
    del locked["scripts"], locked["private"]
    return {
        f"{folder}/package.json": json.dumps(package),
        f"{folder}/{lock}": json.dumps(locked),
        f"{folder}/unit.test.mjs": UNIT,
        f"{folder}/build.mjs": BUILD,
    }


def repository(root: Path, files: Mapping[str, str]) -> Path:
    """A repository at *root* with *files* in one commit."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "init", "-q", "-b", "main")
    commit(root)
    return root


def commit(root: Path) -> None:
    """Commits whatever there is."""
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "More")


def promotion(root: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`promotion` with *words* in *root*."""
    return subprocess.run(
        [sys.executable, "-m", "pytest_promotion.cli", *words],
        cwd=root,
        env=environment("ALLOW_SIM_BACKTEST", "SECRET_KEY", "APP_ENV", "GITHUB_ACTIONS") | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


def adopt(root: Path, *words: str) -> str:
    """`promotion init --suite release` with *words* in *root*, committed; what it printed."""
    done = promotion(root, "init", "--suite", "release", "--root", ".", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    commit(root)
    return done.stdout


def decide(root: Path, profile: str, *words: str, **variables: str) -> tuple[dict, subprocess.CompletedProcess[str]]:
    """The decision of `promotion gates --profile` in *root*, and the process."""
    done = promotion(root, "gates", "--profile", profile, "-q", "-p", "no:cacheprovider", *words, **variables)
    latest = root / "reports/promotion_gates/latest.json"
    assert latest.exists(), done.stdout + done.stderr
    return json.loads(latest.read_text()), done


PROGRAM = """#!/usr/bin/env python3
import pathlib, sys
what, project, *rest = sys.argv[1:]
place = pathlib.Path(__file__).parent / project
if what == "apply":
    place.write_text(rest[0])
elif what == "back":
    place.write_text(rest[0]) if rest[0] else place.unlink()
elif what == "remove":
    place.unlink(missing_ok=True)
else:
    sys.exit("nothing runs") if not place.is_file() else print(place.read_text())
"""


def deployed_by_a_program(outside: Path) -> dict[str, str]:
    """The file of environments of a place below *outside*, to which a program deploys commits."""
    outside.mkdir(parents=True)
    program = outside / "place.py"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    environments = {
        env: {
            "target": "command",
            "project": f"shop-{env}",
            "apply": [str(program), "apply", "{project}", "{commit}"],
            "status": [str(program), "status", "{project}"],
            "rollback": [str(program), "back", "{project}", "{before}"],
            "remove": [str(program), "remove", "{project}"],
        }
        for env in ("staging", "prod")
    }
    return {"promotion.environments.yaml": json.dumps({"version": 1, "environments": environments})}


def shop(place: Path, ci: str, *more: Mapping[str, str]) -> Path:
    """
    A repository below *place* with Python tests, a knowledge base, a place to deploy to and *more*, adopted for *ci*.

    The key that signs its decisions is `promotion.key` beside it, what is deployed in `outside`.
    """
    files = {
        **PYTHON,
        **knowledge_base(),
        **deployed_by_a_program(place / "outside"),
        "backend/app/settings.py": "ALLOW_SIM_BACKTEST = False\n",
        "config/parity.json": PLAN.read_text(),
    }
    for one in more:
        files |= one
    root = repository(place / "shop", files)
    promotion(root, "keygen", str(place / "promotion.key"))
    (root / "docs/Ops").mkdir(parents=True)
    shutil.copy(place / "promotion.key.pub", root / "docs/Ops/promotion.pub")
    adopt(root, "--ci", ci)
    return root


def knowledge_base() -> dict[str, str]:
    """The small knowledge base of the examples, where the benchmark looks for one."""
    config = "backend/config"
    files = {
        f"{config}/kb_benchmark_corpus/{path.relative_to(KNOWLEDGE / 'corpus').as_posix()}": path.read_text()
        for path in (KNOWLEDGE / "corpus").rglob("*")
        if path.is_file()
    }
    policy = json.loads((KNOWLEDGE / "kb_benchmark_policy.json").read_text())
    for rules in policy.values():
        files[f"{config}/{rules['cases']}"] = (KNOWLEDGE / rules["cases"]).read_text()
        rules["cases"] = f"{config}/{rules['cases']}"
    return files | {f"{config}/kb_benchmark_policy.json": json.dumps(policy, indent=2)}
