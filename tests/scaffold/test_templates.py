"""Each template is a project that works, and whose gates fail for the one thing that is wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from tests.sessions import environment

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "harbour"
version = "2.1.0"

[tool.pytest.ini_options]
testpaths = ["tests"]

[tool.coverage.run]
source = ["harbour"]
"""
CHANGELOG = "# Changelog\n\n## 2.1.0 (2026-11-01)\n\n- Adds the tide table.\n\n## 2.0.0\n\n- First release.\n"
BENCHMARK = {"datetime": NOW.isoformat(), "benchmarks": [{"name": "tide", "stats": {"median": 0.01}}]}
PLAN = {
    "format_version": "1.2",
    "timestamp": NOW.isoformat(),
    "complete": True,
    "errored": False,
    "resource_changes": [
        {"address": "aws_instance.a", "type": "aws_instance", "change": {"actions": ["create"]}},
        {"address": "aws_db_instance.b", "type": "aws_db_instance", "change": {"actions": ["no-op"]}},
    ],
}
SARIF = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {"name": "Checkov", "rules": [{"id": "CKV_1", "properties": {"security-severity": "3.0"}}]}
            },
            "invocations": [{"executionSuccessful": True, "endTimeUtc": NOW.isoformat()}],
            "results": [{"ruleId": "CKV_1", "message": {"text": "tag it"}}],
        }
    ],
}
HIGH = {
    **SARIF["runs"][0],
    "tool": {"driver": {"name": "Checkov", "rules": [{"id": "CKV_1", "properties": {"security-severity": "8.0"}}]}},
}
# The proof of a template takes most of a session, and is of the gates and not of what is wrong: each template's project
# that is in order is decided with it.
UNPROVEN = ("--promotion-set=prove=off",)


def put(folder: Path, name: str, content: object) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


def decided(folder: Path, *words: str) -> tuple[int, set[str], str]:
    """The exit code, the gates that did not pass, and what was printed."""
    done = run(folder, "-m", "pytest", "gates", "-p", "no:cacheprovider", *words)
    latest = json.loads((folder / "reports" / "promotion_gates" / "latest.json").read_text())
    bad = {check["name"] for check in latest["checks"] if not check["pass"] and check["outcome"] != "NOT_APPLICABLE"}
    return done.returncode, bad, done.stdout + done.stderr


def start(folder: Path, template: str) -> None:
    done = CliRunner().invoke(main, ["init", str(folder), "--template", template])
    assert done.exit_code == 0, done.output


# --- library ---


@pytest.fixture
def library(tmp_path):
    start(tmp_path, "library")
    put(tmp_path, "pyproject.toml", PROJECT)
    put(tmp_path, "harbour/__init__.py", "def tide(hour):\n    return 2 * hour\n")
    put(tmp_path, "tests/test_tide.py", "from harbour import tide\n\ndef test_tide():\n    assert tide(2) == 4\n")
    put(tmp_path, "CHANGELOG.md", CHANGELOG)
    # Without it the backend would be fetched, which a test must not need.
    policy = tmp_path / "gates" / "build_wheel.py"
    policy.write_text(policy.read_text().replace('"--no-deps"', '"--no-deps", "--no-build-isolation"'))
    return tmp_path


def test_a_library_that_is_ready(library):
    """A template that does not work as it is written is worse than an empty folder."""
    code, bad, output = decided(library)
    assert (code, bad) == (0, set()), output
    assert "NOT_APPLICABLE benchmarks: does not apply: no benchmark of the last release is kept here" in output


@pytest.mark.parametrize(
    ("name", "content", "bad"),
    [
        ("tests/test_tide.py", "from harbour import tide\n\ndef test_tide():\n    assert tide(2) == 5\n", {"tests"}),
        (
            "harbour/__init__.py",
            "def tide(h):\n    return 2 * h\n\ndef ebb(h):\n    a = 1\n    b = 2\n    return a + b\n",
            {"coverage"},
        ),
        ("CHANGELOG.md", CHANGELOG.replace("2.1.0", "2.1.01"), {"changelog"}),
        ("CHANGELOG.md", CHANGELOG.replace("- Adds the tide table.\n", ""), {"changelog"}),
        ("harbour/broken.txt/__init__.py", "", set()),
        ("config/settings.env", 'AWS_KEY = "AKIAQYLPMN5HFIQR7XYA"\n', {"secrets"}),
        (
            "pyproject.toml",
            PROJECT + "\n[tool.hatch.build.targets.wheel]\nonly-include = ['CHANGELOG.md']\n",
            {"wheel"},
        ),
    ],
    ids=[
        "a test fails",
        "coverage",
        "another version",
        "an empty entry",
        "nothing wrong",
        "a secret",
        "an empty wheel",
    ],
)
def test_a_library_that_is_not(library, name, content, bad):
    """One thing that is wrong, and the gate that is for it."""
    put(library, name, content)
    code, found, output = decided(library, *UNPROVEN)
    assert (code, found) == (1 if bad else 0, bad), output


def test_tests_of_an_installed_copy_do_not_count(library):
    """A broken source tree passed, because the tests imported what was in site-packages."""
    (library / "site-packages").mkdir()
    (library / "harbour").rename(library / "site-packages" / "harbour")
    (library / "conftest.py").write_text("import sys\nsys.path.insert(0, 'site-packages')\n")
    put(library, "harbour/__init__.py", "def tide(hour):\n    return 'broken'\n")
    (library / "harbour").rename(library / "src_harbour")
    put(library, "pyproject.toml", PROJECT.replace('source = ["harbour"]', 'source_pkgs = ["harbour"]'))
    code, found, output = decided(library, *UNPROVEN)
    assert code == 1
    assert "coverage" in found, output
    assert "an installed copy" in output


def test_options_of_the_session_do_not_reach_the_tests(library):
    """A deselected test that fails is a failing test."""
    put(library, "tests/test_more.py", "def test_more():\n    assert 0\n")
    clean = environment()
    clean["PYTEST_ADDOPTS"] += " --deselect=tests/test_more.py"
    words = [sys.executable, "-m", "pytest", "gates", "-p", "no:cacheprovider", *UNPROVEN]
    done = subprocess.run(words, cwd=library, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "FAIL tests (critical): failed tests is 1" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("now", "bad"),
    [
        (BENCHMARK, set()),
        ({**BENCHMARK, "benchmarks": [{"name": "tide", "stats": {"median": 0.012}}]}, {"benchmarks"}),
        ({**BENCHMARK, "benchmarks": []}, {"benchmarks"}),
        ({**BENCHMARK, "datetime": (NOW - timedelta(days=3)).isoformat()}, {"benchmarks"}),
    ],
    ids=["as fast", "slower", "missing", "old"],
)
def test_benchmarks_are_compared_where_there_are_some(library, now, bad):
    """A gate that never applies is no gate."""
    put(library, "benchmarks/last_release.json", BENCHMARK)
    put(library, "reports/release/benchmark.json", now)
    code, found, output = decided(library, *(UNPROVEN if bad else ()))
    assert (code, found) == (1 if bad else 0, bad), output


# --- model ---


@pytest.fixture
def model(tmp_path):
    start(tmp_path, "model")
    assert run(tmp_path, "gates/evaluate.py").returncode == 0
    return tmp_path


@pytest.mark.parametrize(
    ("change", "bad"),
    [
        (lambda candidate, champion: None, set()),
        (lambda candidate, champion: candidate.update(score=0.7), {"evaluation", "champion"}),
        (lambda candidate, champion: candidate.update(samples=20), {"evaluation", "champion"}),
        (lambda candidate, champion: champion.update(score=0.99), {"champion"}),
        (lambda candidate, champion: champion.update(dataset_sha256="0" * 64), {"champion"}),
        (lambda candidate, champion: champion.update(model_sha256=candidate["model_sha256"]), {"champion"}),
        (lambda candidate, champion: candidate["slices"].pop("de"), {"slices"}),
        (lambda candidate, champion: candidate["slices"]["de"].update(score=0.5), {"slices"}),
        (lambda candidate, champion: candidate["slices"]["de"].update(samples=3), {"slices"}),
        (lambda candidate, champion: candidate.update(score=float("nan")), {"evaluation", "champion", "slices"}),
    ],
    ids=["ready", "bad", "few", "worse", "other data", "itself", "no slice", "bad slice", "small slice", "nan"],
)
def test_a_model(model, change, bad):
    """One thing that is wrong, and the gates that are for it."""
    places = [model / "reports" / "evaluation" / f"{name}.json" for name in ("candidate", "champion")]
    reports = [json.loads(place.read_text()) for place in places]
    change(*reports)
    for place, report in zip(places, reports, strict=True):
        place.write_text(json.dumps(report))
    code, found, output = decided(model, *(UNPROVEN if bad else ()))
    assert (code, found) == (1 if bad else 0, bad), output


# --- data ---


def table(
    rows: int = 200, *, age: timedelta = timedelta(), empty: int = 0, extra: str = "", double: bool = False
) -> str:
    moments = [(NOW - age - timedelta(minutes=rows - n)).isoformat() for n in range(rows)]
    lines = [
        f"{0 if double else n},{'' if n < empty else 'Kiel'},{moments[n]}{',x' if extra else ''}" for n in range(rows)
    ]
    return "\n".join([f"id,port,updated_at{extra}", *lines]) + "\n"


@pytest.fixture
def data(tmp_path):
    start(tmp_path, "data")
    put(tmp_path, "data/orders.csv", table())
    assert run(tmp_path, "gates/accept.py").returncode == 0
    return tmp_path


@pytest.mark.parametrize(
    ("content", "bad"),
    [
        (table(), set()),
        (table(210, empty=1), set()),
        (table(age=timedelta(days=2)), {"freshness"}),
        (table(150), {"rows"}),
        (table(50), {"rows"}),
        (table(400), {"rows"}),
        (table(double=True), {"rows"}),
        (table(empty=20), {"columns"}),
        (table(extra=",more"), {"columns"}),
        ("id,port,updated_at\n", {"rows", "columns", "freshness"}),
    ],
    ids=["same", "grown", "stale", "shrunk", "few", "doubled", "duplicate key", "empty cells", "new column", "no rows"],
)
def test_a_table(data, content, bad):
    """One thing that is wrong, and the gates that are for it."""
    put(data, "data/orders.csv", content)
    code, found, output = decided(data, *(UNPROVEN if bad else ()))
    assert (code, found) == (1 if bad else 0, bad), output


# --- infra ---


@pytest.fixture
def infra(tmp_path):
    start(tmp_path, "infra")
    put(tmp_path, "reports/plan.json", PLAN)
    put(tmp_path, "reports/scan.sarif", SARIF)
    return tmp_path


def lost(kind: str) -> dict[str, object]:
    change = {"address": f"{kind}.x", "type": kind, "change": {"actions": ["delete"]}}
    return {**PLAN, "resource_changes": [change]}


@pytest.mark.parametrize(
    ("name", "content", "bad"),
    [
        ("reports/plan.json", PLAN, set()),
        ("reports/plan.json", lost("aws_db_instance"), {"plan"}),
        ("reports/plan.json", lost("aws_instance"), {"plan"}),
        ("reports/plan.json", {**PLAN, "errored": True}, {"plan"}),
        ("reports/plan.json", {**PLAN, "timestamp": (NOW - timedelta(days=2)).isoformat()}, {"plan"}),
        ("reports/plan.json", {key: value for key, value in PLAN.items() if key != "timestamp"}, {"plan"}),
        ("reports/scan.sarif", {**SARIF, "runs": [HIGH]}, {"scan"}),
        ("reports/scan.sarif", {**SARIF, "runs": []}, {"scan"}),
        ("reports/scan.sarif", "{}", {"scan"}),
    ],
    ids=["ready", "protected", "lost", "errored", "old", "undated", "high", "no runs", "no scan"],
)
def test_infrastructure(infra, name, content, bad):
    """One thing that is wrong, and the gate that is for it."""
    put(infra, name, content)
    code, found, output = decided(infra, *(UNPROVEN if bad else ()))
    assert (code, found) == (1 if bad else 0, bad), output


@pytest.mark.parametrize("template", ["model", "data", "infra"])
def test_the_gates_of_a_template_can_fail(template, request):
    """What a newcomer copies is how a gate is written from then on."""
    folder = request.getfixturevalue(template)
    done = run(folder, "-m", "pytest", "gates", "-p", "no:cacheprovider", "--promotion-prove")
    assert re.search(r"every gate can fail", done.stdout), done.stdout
