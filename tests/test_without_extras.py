"""What was not asked for is neither imported nor needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sessions import environment

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[1]
# Packages of extras that no gate of the demo, and no command by being there, has any business with.
HEAVY = ["alembic", "numpy", "pandas", "psycopg", "pyarrow", "sqlalchemy", "streamlit", "threadpoolctl"]
REFUSING = f"""
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ImportError(name + " is not installed here")

sys.meta_path.insert(0, Refusing())
"""


@pytest.fixture
def without(tmp_path):
    """Runs Python where the extras are not installed."""
    (tmp_path / "sitecustomize.py").write_text(REFUSING)
    variables = environment() | {"PYTHONPATH": str(tmp_path)}

    def run(*words, at=REPOSITORY):
        return subprocess.run(
            [sys.executable, *map(str, words)], cwd=at, env=variables, capture_output=True, text=True, check=False
        )

    assert run("-c", "import sqlalchemy").returncode == 1
    return run


def test_gates_need_no_extra_of_research(without, tmp_path):
    """Somebody who never heard of research candidates must not need their database."""
    done = without(
        "-m", "pytest", "gates", "-m", "critical", "-q", "-p", "no:cacheprovider", f"--promotion-reports={tmp_path}/r"
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-500:]


def test_the_pages_say_which_extra_they_need(without, tmp_path):
    """A command whose package is not there must not look as if its server had been stopped."""
    done = without("-m", "pytest_promotion.cli", "ui", "--headless", at=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "pytest-promotion[ui]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["show", "x"],
        ["events", "--verify"],
        ["migrate"],
        ["evaluate", "--id", "x"],
        ["set-status", "x", "candidate", "--reason", "x"],
        ["create", "--from-run", "r", "--signal", "s", "--horizon", "1", "--bundle-path", "b"],
    ],
    ids=lambda words: words[0],
)
def test_commands_say_which_extra_they_need(without, words, tmp_path):
    """A traceback of an import tells nobody what to install."""
    done = without("-m", "pytest_promotion.cli", *words, at=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "pytest-promotion[research]" in done.stderr
    assert "Traceback" not in done.stderr
