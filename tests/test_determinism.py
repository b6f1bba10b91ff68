"""The same evidence gives the same decision: by any number of workers, in any order, anywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.company_build import build
from tests.sessions import environment

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 5, 20, 14, 30, 11, 250_000, tzinfo=UTC)
SHUFFLE = """
import random
def pytest_collection_modifyitems(items):
    random.Random({seed}).shuffle(items)
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """The company as it stood on an afternoon in May, with one report out of parity."""
    return build(tmp_path_factory.mktemp("demo") / "company", NOW, "drifted_parity")


def decide(root, reports, *args, python=sys.executable, seed="0", path=""):
    """The replayed decision in the parts that may not depend on how it was reached."""
    variables = environment("ML_ENABLED") | {
        "PYTHONHASHSEED": seed,
        "PYTHONPATH": os.pathsep.join(part for part in (path,) if part),
    }
    done = subprocess.run(
        [
            *(python, "-m", "pytest", "gates", "-q", "-p", "no:cacheprovider"),
            f"--promotion-root={root}",
            f"--promotion-reports={reports}",
            f"--promotion-as-of={NOW.isoformat()}",
            *args,
        ],
        cwd=REPOSITORY,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    [file] = (reports / "promotion_gates").glob("replay_*.json")
    decision = json.loads(file.read_text())
    verdicts = [(check["name"], check["outcome"], check["reason"]) for check in decision["checks"]]
    assert len(verdicts) == 23, done.stdout
    return decision["evidence_bundle"]["evidence_bundle_id"], decision["status"], verdicts


@pytest.fixture(scope="module")
def plain(company, tmp_path_factory):
    """The decision of one process, in order."""
    return decide(company, tmp_path_factory.mktemp("plain"))


def test_the_replay_decides_something(plain):
    """Two empty decisions would be equal too."""
    assert plain[1] == "FAIL"
    assert ("parity_thresholds", "FAIL") in [verdict[:2] for verdict in plain[2]]


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_do_not_matter(company, plain, tmp_path, workers):
    """A decision that depends on the number of workers depends on the machine."""
    assert plain == decide(company, tmp_path, f"-n{workers}")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_does_not_matter(company, plain, tmp_path, seed):
    """A gate that only passes after another one has passed is not a gate of its own."""
    (tmp_path / "shuffled.py").write_text(SHUFFLE.format(seed=seed))
    assert plain == decide(company, tmp_path, "-p", "shuffled", path=str(tmp_path))


def test_the_directory_does_not_matter(company, plain, tmp_path):
    """Earlier bundle ids hashed absolute paths, and changed with the check-out."""
    assert plain == decide(shutil.copytree(company, tmp_path / "elsewhere"), tmp_path)


def test_the_hash_seed_does_not_matter(company, plain, tmp_path):
    """Sets have another order in every process unless someone sorts them."""
    assert plain == decide(company, tmp_path, seed="1")


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_the_python_does_not_matter(company, plain, tmp_path, version):
    """An upgrade of the interpreter may not change what was decided."""
    python = os.environ.get(f"PROMOTION_PYTHON_{version.replace('.', '_')}")
    if not python:
        pytest.skip(f"PROMOTION_PYTHON_{version.replace('.', '_')} names no interpreter with the plugin installed")
    assert plain == decide(company, tmp_path, python=python)


def test_the_bundle_id_changes_with_the_evidence(company, plain, tmp_path):
    """An id that ignores content names nothing: 41 earlier decisions had 24 ids between them."""
    changed = shutil.copytree(company, tmp_path / "changed")
    snapshot = changed / "reports" / "exchange_snapshots" / "latest.json"
    snapshot.write_text(snapshot.read_text() + "\n")
    bundle, status, verdicts = decide(changed, tmp_path)
    assert (status, verdicts) == plain[1:]
    assert bundle != plain[0]
    assert Path(changed).exists()
