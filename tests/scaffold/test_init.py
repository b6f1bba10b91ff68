"""`promotion init`: gates for a project whose own tests go on as before."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib

import pytest
import yaml
from click.testing import CliRunner

from pytest_promotion.cli import main
from tests.sessions import environment

pytestmark = pytest.mark.slow

STARTER = ["gates/evaluate.py", "gates/test_evaluation.py", "promotion.yaml"]
INI = "\n{}\nmarkers =\n    slow: takes long\nfilterwarnings = error\naddopts = --strict-markers\n"
CONFIGURATIONS = {
    "none": {},
    "pytest.ini": {"pytest.ini": INI.format("[pytest]")},
    "pytest.ini with testpaths": {"pytest.ini": INI.format("[pytest]\ntestpaths = tests")},
    "testpaths that has the gates below it": {"pytest.ini": INI.format("[pytest]\ntestpaths = .")},
    "tox.ini": {"tox.ini": "[tox]\nenvlist = py3\n" + INI.format("[pytest]")},
    "setup.cfg": {"setup.cfg": "[metadata]\nname = x\n" + INI.format("[tool:pytest]")},
    "ini_options": {
        "pyproject.toml": '[project]\nname = "x"\n\n[tool.pytest.ini_options]\nfilterwarnings = ["error"]\nmarkers = ["slow: takes long"]\n'
    },
    "a comment and a group": {
        "pyproject.toml": '# ours\n[dependency-groups] # of tools\ndev = ["ruff"]\n\n[tool.pytest.ini_options]\nxfail_strict = true\nmarkers = ["slow: takes long"]\n'
    },
}
TESTS = (
    "import pytest\n\n@pytest.mark.slow\n@pytest.mark.parametrize('n', range(3))\ndef test_one(n):\n    assert n < 3\n"
)


def run(folder, *argv):
    return subprocess.run(argv, cwd=folder, env=environment(), capture_output=True, text=True, check=False)


def init(*words):
    return CliRunner().invoke(main, ["init", *map(str, words)])


def collected(folder, *words):
    done = run(folder, sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *words)
    return [line for line in done.stdout.splitlines() if "::" in line]


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and ".git" not in path.parts
    }


@pytest.fixture(params=CONFIGURATIONS)
def project(tmp_path, request):
    """A project with tests of its own, configured as projects are."""
    for name, text in {**CONFIGURATIONS[request.param], "tests/test_own.py": TESTS, "check_own.py": "x = 1\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_tests_of_a_project_run_as_before(project):
    """A `pytest.toml` that outranked the project's own file once left 1 test of 1,418."""
    before, tests = contents(project), collected(project)
    assert len(tests) == 3
    done = init(project)
    assert done.exit_code == 0, done.output
    assert collected(project) == tests
    assert collected(project, "-n1") == collected(project, "-n1")
    after = contents(project)
    assert {name: after[name] for name in before} == before
    assert sorted(after.keys() - before.keys()) == STARTER
    ran = run(project, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert (ran.returncode, "3 passed" in ran.stdout) == (0, True), ran.stdout
    assert not (project / "reports").exists()


def test_gates_run_where_they_are_asked_for(project):
    """Gates that only run by accident are not run by the one who waits for them."""
    assert init(project).exit_code == 0
    assert run(project, sys.executable, "gates/evaluate.py").returncode == 0
    done = run(project, sys.executable, "-m", "pytest", "gates", "-p", "no:cacheprovider")
    assert (done.returncode, "promotion: PASS (1 of 1 gates passed" in done.stdout) == (0, True), done.stdout


def test_lines_for_other_files_are_printed_or_put_in(project):
    """A tool that rewrites a project's configuration unasked is not tried a second time."""
    path = project / "pyproject.toml"
    before = path.read_text() if path.exists() else None
    done = init(project, "--write")
    assert done.exit_code == 0
    if before is None:
        assert not path.exists()
        return
    old, new = tomllib.loads(before), tomllib.loads(path.read_text())
    assert new.setdefault("dependency-groups", {}).pop("gates") == ["pytest-promotion"]
    assert {key: value for key, value in new.items() if value} == old
    assert all(line in path.read_text() for line in before.splitlines())


def test_a_folder_of_another_name(project):
    """`gates` may be somebody's package; the setting is then put where the project configures pytest."""
    done = init(project, "--gates", "checks/release", "--write", "--json")
    said = json.loads(done.stdout)
    assert (done.exit_code, said["to_add"], said["next"][-21:]) == (0, [], "pytest checks/release")
    assert collected(project) == [f"tests/test_own.py::test_one[{n}]" for n in range(3)]
    assert run(project, sys.executable, "checks/release/evaluate.py").returncode == 0
    gates = run(project, sys.executable, "-m", "pytest", "checks/release", "-p", "no:cacheprovider")
    assert (gates.returncode, "promotion: PASS" in gates.stdout) == (0, True), gates.stdout


def test_the_starter_refuses_then_passes_and_can_fail(tmp_path):
    """A starter that passes before there is anything to look at teaches the wrong thing first."""
    started = init(tmp_path / "start", "--json")
    assert (started.exit_code, json.loads(started.stdout)["files"]) == (0, STARTER)
    gates = (sys.executable, "-m", "pytest", "gates")
    refused = run(tmp_path / "start", *gates)
    assert refused.returncode == 1
    assert "INCONCLUSIVE evaluation (critical): reports/evaluation.json is missing" in refused.stdout
    assert "fix:   python gates/evaluate.py" in refused.stdout
    assert run(tmp_path / "start", sys.executable, "gates/evaluate.py").returncode == 0
    passed = run(tmp_path / "start", *gates, "--promotion-profile", "prod")
    assert (passed.returncode, "promotion: PASS (1 of 1 gates passed; profile prod)" in passed.stdout) == (0, True)
    proven = run(tmp_path / "start", *gates, "--promotion-prove")
    assert (proven.returncode, "every gate can fail by what it reads" in proven.stdout) == (0, True), proven.stdout


@pytest.mark.parametrize("name", STARTER)
def test_nothing_is_overwritten(tmp_path, name):
    """A user in the wrong folder has to find it as it was."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    done = init(tmp_path)
    assert (done.exit_code, f"{name} exists already" in done.stderr) == (2, True)
    assert [path.read_text() for path in tmp_path.rglob("*") if path.is_file()] == ["mine"]


@pytest.mark.parametrize("suite", ["trading", "release", "deployment", "research"])
def test_a_suite_is_two_files(tmp_path, suite):
    """Gates that are copied never get a fix: what is written only names them."""
    done = init(tmp_path, "--suite", suite)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, f"next: cd {tmp_path} && pytest gates")
    assert sorted(contents(tmp_path)) == [f"gates/test_{suite}.py", "promotion.yaml"]
    policy = yaml.safe_load((tmp_path / "promotion.yaml").read_text())
    assert policy == {"version": 1, "suites": [suite], "prove": "advise" if suite == "release" else "required"}
    ran = run(tmp_path, sys.executable, "-m", "pytest", "gates", "-p", "no:cacheprovider", "-q")
    assert (ran.returncode, "promotion: FAIL" in ran.stdout, "Traceback" in ran.stdout) == (1, True, False), ran.stdout


def test_a_second_suite_is_added_to_the_policy(tmp_path):
    """A policy that names one suite and a file that imports another are required gates that nothing asks for."""
    assert init(tmp_path, "--suite", "trading").exit_code == 0
    policy = tmp_path / "promotion.yaml"
    before = policy.read_text()
    printed = init(tmp_path, "--suite", "research")
    assert (printed.exit_code, policy.read_text()) == (0, before)
    assert "    suites: [trading, research]" in printed.stdout.splitlines()
    assert init(tmp_path, "--suite", "release", "--write").exit_code == 0
    assert yaml.safe_load(policy.read_text())["suites"] == ["trading", "release"]
    assert policy.read_text().count("\n") == before.count("\n")


def test_a_suite_beside_the_starter(tmp_path):
    """The common way in: the gates of a suite, and one of your own."""
    assert init(tmp_path, "--suite", "trading", "--template", "starter").exit_code == 0
    policy = yaml.safe_load((tmp_path / "promotion.yaml").read_text())
    assert (policy["suites"], policy["required"]) == (["trading"], ["evaluation"])


@pytest.mark.parametrize(("word", "option"), [("release", "--suite"), ("starter", "--template")])
def test_a_name_in_the_wrong_place(tmp_path, monkeypatch, word, option):
    """`promotion init release` once made a folder of that name."""
    monkeypatch.chdir(tmp_path)
    done = init(word)
    assert (done.exit_code, f"did you mean `promotion init {option} {word}`" in done.stderr) == (4, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("--suite", "tradin"), ("--gates", "../x"), ("--gates", "/x"), ("--template", "x")])
def test_wrong_usage_writes_nothing(tmp_path, words):
    """Half a project is harder to recover from than none."""
    assert init(tmp_path, *words).exit_code == 4
    assert list(tmp_path.iterdir()) == []


def test_the_reports_are_ignored_once(tmp_path):
    """Committed decisions are evidence about another commit."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("build")
    assert init(tmp_path, "--suite", "trading").exit_code == 0
    assert (tmp_path / ".gitignore").read_text() == "build\n/reports/promotion_gates/\n"
    assert init(tmp_path, "--suite", "research").exit_code == 0
    assert (tmp_path / ".gitignore").read_text().count("promotion_gates") == 1


def test_a_folder_that_cannot_be_written_is_an_answer(tmp_path):
    """A traceback is the worst first sentence."""
    (tmp_path / "file").write_text("")
    done = init(tmp_path / "file" / "below")
    assert done.exit_code == 3
    assert "Traceback" not in done.output


def test_what_the_gates_write_is_ignored(tmp_path):
    """The first run would otherwise make the tree dirty, and the next one refuse it for that."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert init(tmp_path, "--suite", "release", "--template", "library").exit_code == 0
    lines = (tmp_path / ".gitignore").read_text().split()
    assert lines == ["/reports/promotion_gates/", "/reports/release/", "/.runtime/"]
