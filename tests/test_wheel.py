"""What is installed is what is here: a wheel that lacks a file works on every machine but the user's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.suites.conftest import FILES, write
from tests.verifying import LOOSE

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = "pytest_promotion"
SUITES = ("trading", "release", "deployment", "research")
MADE = {"__pycache__", "node_modules"}  # by those who ran something here
ACME = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-suite"
version = "1.4.0"

[project.entry-points."pytest_promotion.suites"]
acme = "acme_suite:suite"
"""


def build(folder: Path, out: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return max(out.glob("*.whl"), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(REPOSITORY, tmp_path_factory.mktemp("dist"))


class Installed:
    """A virtual environment with our wheel and another one, and this environment's packages behind them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, symlinks=True)
        site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
        # A path in a .pth file is searched last, and the .pth files in that folder are not read: no editable install.
        (site / "packages.pth").write_text(f"{sysconfig.get_path('purelib')}\n")

    def install(self, wheel: Path) -> None:
        words = ["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--force-reinstall", str(wheel)]
        assert self.run(*words, cwd=self.folder).returncode == 0

    def run(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """`python WORDS…` of the environment."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "PYTHONPATH"))}
        python = str(self.folder / "bin" / "python")
        return subprocess.run([python, *words], cwd=cwd, env=clean, capture_output=True, text=True, check=False)

    def promotion(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "pytest_promotion.cli", *words, cwd=cwd)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    write(folder / "acme" / "acme_suite", FILES)
    (folder / "acme" / "pyproject.toml").write_text(ACME)
    environment = Installed(folder / "venv")
    environment.install(wheel)
    environment.install(build(folder / "acme", folder))
    return environment


@pytest.fixture
def project(tmp_path):
    """A project with evidence for the suite of a third party."""
    (tmp_path / "evidence").mkdir()
    report = {"ts_utc": datetime.now(UTC).isoformat(), "score": 0.9, "signed": "yes"}
    (tmp_path / "evidence" / "good.json").write_text(json.dumps(report))
    return tmp_path


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel):
    """Migrations, schemas, templates and the JavaScript are data to a builder, and easily left out."""
    with zipfile.ZipFile(wheel) as file:
        packed = {name for name in file.namelist() if not name.endswith("/") and ".dist-info/" not in name}
    places = {REPOSITORY / PACKAGE: PACKAGE}
    places |= {REPOSITORY / "gates" / name: f"{PACKAGE}/suites/{name}/gates" for name in SUITES}
    here = {
        f"{inside}/{path.relative_to(folder).as_posix()}"
        for folder, inside in places.items()
        for path in folder.rglob("*")
        if path.is_file() and not MADE.intersection(path.parts)
    }
    assert packed == here
    assert f"{PACKAGE}/suites/research/revisions/env.py" in packed
    assert f"{PACKAGE}/suites/trading/gates/test_books.py" in packed
    assert f"{PACKAGE}/py.typed" in packed


def test_the_installed_package_is_the_wheel(installed, tmp_path):
    """Otherwise everything below would be true of the checkout."""
    done = installed.run("-c", "import pytest_promotion; print(pytest_promotion.__file__)", cwd=tmp_path)
    assert done.stdout.startswith(str(installed.folder)), done.stdout + done.stderr


@pytest.mark.parametrize(("suite", "gates"), [("trading", 22), ("release", 13), ("deployment", 9), ("research", 5)])
def test_a_project_is_judged_by_the_gates_in_the_wheel(installed, tmp_path, suite, gates):
    """Gates that are only in the repository had to be copied, and no copy ever got a fix."""
    assert installed.promotion("init", "--suite", suite, cwd=tmp_path).returncode == 0
    listed = installed.promotion("list-gates", "--json", cwd=tmp_path)
    assert len(json.loads(listed.stdout)) == gates, listed.stderr
    done = installed.run("-m", "pytest", "gates", "-p", "no:cacheprovider", cwd=tmp_path)
    assert done.returncode == 1
    latest = json.loads((tmp_path / "reports/promotion_gates/latest.json").read_text())
    assert (latest["status"], latest["finished"]) == ("FAIL", True)
    assert {check["nodeid"].partition("::")[0] for check in latest["checks"]} == {f"gates/test_{suite}.py"}
    assert {check["outcome"] for check in latest["checks"]} <= {
        "FAIL",
        "INCONCLUSIVE",
        "PASS",
        "NOT_RUN",
        "NOT_APPLICABLE",
    }


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_the_suite_of_a_third_party_works_the_same(installed, project, workers):
    """A seam that only serves its makers is no seam."""
    assert installed.promotion("init", "--suite", "acme", cwd=project).returncode == 0
    assert (project / "evidence" / "README").read_text() == "What is judged is written here.\n"
    done = installed.run("-m", "pytest", "gates", "--promotion-profile=prod", *workers, cwd=project)
    assert (done.returncode, "promotion: PASS (2 of 2 gates passed" in done.stdout) == (0, True), done.stdout
    verified = installed.promotion("verify", *LOOSE, "reports/promotion_gates/latest.json", cwd=project)
    assert verified.returncode == 0, verified.stdout
    assert installed.promotion("acme", "audit", cwd=project).returncode == 2
    assert "acme" in installed.promotion("--help", cwd=project).stdout
    assert "audit" in installed.promotion("acme", "--help", cwd=project).stdout


def test_an_upgrade_upgrades_the_gates(installed, project, tmp_path_factory):
    """With a copy the project would go on with the rule of the year before."""
    assert installed.promotion("init", "--suite", "acme", cwd=project).returncode == 0
    assert installed.run("-m", "pytest", "gates", cwd=project).returncode == 0
    folder = tmp_path_factory.mktemp("newer")
    stricter = FILES["gates/promotion.yaml"].replace("min_score: 0.5", "min_score: 0.99")
    write(folder / "acme_suite", {**FILES, "gates/promotion.yaml": stricter})
    (folder / "pyproject.toml").write_text(ACME.replace("1.4.0", "1.5.0"))
    installed.install(build(folder, folder))
    done = installed.run("-m", "pytest", "gates", cwd=project)
    assert (done.returncode, "score is 0.9, expected >= 0.99" in done.stdout) == (1, True), done.stdout


TYPED = """
from pytest_promotion import Artifact, Decision, Outcome, Suite, Unproven, git_environment, parse_json

def owner(decision: Decision) -> str:
    return decision.verdict.results[0].gate.owner

def refuse(artifact: Artifact, suite: Suite) -> None:
    if artifact.size_bytes == 0:
        raise Unproven(artifact.path + suite.name)

worst: str = Outcome.FAIL.value
path: dict[str, str] = git_environment({})
"""
MISTAKES = """
parse_json(1, "x")
worst = Outcome.FAIL.rank
git_environment(None)
Suite(name="acme")
"""


def test_the_public_names_have_types(installed, tmp_path):
    """`Typing :: Typed` without py.typed gives every user `Any`, and every mistake passes."""
    (tmp_path / "right.py").write_text(TYPED)
    (tmp_path / "wrong.py").write_text(TYPED + MISTAKES)
    cache = f"--cache-dir={tmp_path / 'cache'}"
    right = installed.run("-m", "mypy", "--strict", cache, "right.py", cwd=tmp_path)
    assert right.returncode == 0, right.stdout
    wrong = installed.run("-m", "mypy", "--strict", cache, "wrong.py", cwd=tmp_path)
    lines = {line.split(":")[1] for line in wrong.stdout.splitlines() if ": error:" in line}
    first = TYPED.count("\n") + 2
    assert lines == {str(first + number) for number in range(4)}, wrong.stdout
