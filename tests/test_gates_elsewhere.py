"""Gates that a session would run as plain tests: another folder, another settings file, another working directory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import GOOD

WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
PLAIN = "import pytest\n@pytest.mark.critical\ndef test_a():\n    assert True\n"
OWNED = PLAIN.replace("critical", "warning(owner='ops')")
PLUGINS = ("-p", "pytest_promotion.plugin", "-p", "xdist", "-p", "pytest_timeout", "-p", "no:cacheprovider")
FILE = "tests/release_gates/test_x.py"
SENTENCE = (
    f"{FILE}::test_a is marked critical and lies outside the gates paths (gates): "
    "it is no gate; set promotion_gates=tests/release_gates"
)


def run(place, *words, cwd="."):
    """Pytest in a process of its own, in a folder of the place."""
    argv = [sys.executable, "-m", "pytest", *words]
    return subprocess.run(argv, cwd=place.path / cwd, check=False, capture_output=True, text=True)


@pytest.fixture
def elsewhere(place):
    """A project whose marked test lies outside the gates path."""
    place.file(FILE, PLAIN)
    place.file("tests/test_plain.py", "def test_plain():\n    pass\n")
    return place


def uses(place, how):
    """Makes the place one that uses this plugin."""
    if how == "policy":
        place.file("promotion.yaml", "version: 1\n")
    elif how == "reports":
        (place.path / "reports" / "promotion_gates").mkdir(parents=True)
    elif how == "setting":
        with (place.path / "pyproject.toml").open("a") as file:
            file.write('\npromotion_profile = "default"\n')
    elif how == "keyword":
        place.file(FILE, PLAIN.replace("critical", "critical(fix='make it good')"))


@WORKERS
@pytest.mark.parametrize("how", ["policy", "reports", "setting", "keyword"])
def test_a_marked_test_outside_the_gates_paths_is_refused(elsewhere, how, workers):
    """It ran as a plain test with exit code 0, and decided nothing."""
    uses(elsewhere, how)
    done = run(elsewhere, "tests", *workers)
    assert done.returncode == 4, done.stdout
    assert SENTENCE in done.stdout + done.stderr
    assert "passed" not in done.stdout


def test_an_option_of_ours_shows_that_a_decision_is_wanted(elsewhere):
    """`promotion gates tests` always gives one."""
    assert run(elsewhere, "tests", "--promotion-run-id=r").returncode == 4


@WORKERS
def test_beside_gates_it_fails_the_decision(elsewhere, workers):
    """A session that decides counts every gate, or says which it does not count."""
    elsewhere.write(test_good=GOOD)
    done = run(elsewhere, "gates", "tests", *workers)
    assert done.returncode == 4
    assert SENTENCE in done.stdout + done.stderr
    assert elsewhere.latest()["status"] == "FAIL"


@WORKERS
def test_other_projects_have_marks_of_their_own(elsewhere, workers):
    """One line, and nothing else changes."""
    done = run(elsewhere, "tests", *workers)
    assert done.returncode == 0
    assert "2 passed" in done.stdout
    assert f"promotion: {SENTENCE}\n" in done.stdout


@pytest.mark.parametrize("words", [("-k", "plain"), ("--collect-only",)], ids=" ".join)
def test_what_does_not_run_is_a_line(elsewhere, words):
    """A marked test that was deselected, or only listed, decides nothing."""
    uses(elsewhere, "policy")
    done = run(elsewhere, "tests", *words)
    assert done.returncode == 0
    assert f"promotion: {SENTENCE}\n" in done.stdout


def test_tests_without_such_marks_are_left_alone(elsewhere):
    """A folder or a function that is called critical is no mark."""
    uses(elsewhere, "policy")
    elsewhere.file(FILE, "def test_critical():\n    pass\n")
    done = run(elsewhere, "tests")
    assert (done.returncode, "promotion" in done.stdout) == (0, False)


def test_several_are_counted(elsewhere):
    """The first is enough to find the folder."""
    uses(elsewhere, "policy")
    elsewhere.file("tests/release_gates/test_y.py", OWNED)
    assert "(gates) (and 1 more): it is no gate" in run(elsewhere, "tests").stderr


@pytest.fixture
def bare(place):
    """A project with gates and a policy, and no settings file."""
    (place.path / "pyproject.toml").unlink()
    place.file("promotion.yaml", "version: 1\n")
    place.file("gates/sub/test_other.py", GOOD.replace("test_good", "test_other"))
    return place.write(test_good=GOOD)


@pytest.mark.parametrize(("cwd", "words"), [("gates", ()), ("gates/sub", ()), ("gates", ("test_good.py",))])
def test_a_session_inside_the_gates_folder_is_refused(bare, cwd, words):
    """Pytest takes that folder for its root, and finds no gates path in it."""
    done = run(bare, *PLUGINS, *words, cwd=cwd)
    assert done.returncode == 4, done.stdout
    where = "/".join([".."] * len(cwd.split("/")))
    assert f"is below the gates path gates of {where}: run `pytest {cwd}` in {where}" in done.stderr


def test_what_the_refusal_suggests_decides(bare):
    """The command in the message is the right one."""
    assert run(bare, *PLUGINS, "gates").returncode == 0
    assert bare.latest()["status"] == "PASS"


@pytest.mark.parametrize("words", [("--collect-only",), ("../tests",)], ids=" ".join)
def test_other_sessions_in_the_gates_folder_go_on(bare, words):
    """Nothing of the gates runs in them."""
    bare.file("tests/test_plain.py", "def test_plain():\n    pass\n")
    assert run(bare, *PLUGINS, *words, cwd="gates").returncode == 0


def test_a_folder_called_gates_in_another_project_is_left_alone(bare):
    """Only a project that uses this plugin has gates in it."""
    (bare.path / "promotion.yaml").unlink()
    bare.file("gates/sub/test_other.py", "def test_other():\n    pass\n")
    assert run(bare, *PLUGINS, "-p", "no:cacheprovider", cwd="gates/sub").returncode == 0


@pytest.fixture
def renamed(place):
    """A project whose settings name another gates path, and a second settings file."""
    with (place.path / "pyproject.toml").open("a") as file:
        file.write('\npromotion_gates = ["release"]\n')
    place.file("other.ini", "[pytest]\naddopts = -p pytest_promotion.plugin -p xdist -p pytest_timeout\n")
    place.file("release/test_good.py", GOOD)
    place.file("tests/test_plain.py", "def test_plain():\n    pass\n")
    return place


@WORKERS
def test_a_settings_file_without_the_gates_path_is_refused(renamed, workers):
    """`-c` replaces the project's own settings, the gates path among them."""
    assert run(renamed, "release").returncode == 0
    done = run(renamed, "-c", "other.ini", "release", *workers)
    assert done.returncode == 4
    assert "-c other.ini: pyproject.toml sets promotion_gates=release, and other.ini does not" in done.stderr


def test_other_sessions_with_that_file_go_on(renamed):
    """Nothing of the gates runs in them."""
    assert run(renamed, "-c", "other.ini", "tests").returncode == 0


def test_a_settings_file_with_the_gates_path_decides(renamed):
    """What the message says to do helps."""
    with (renamed.path / "other.ini").open("a") as file:
        file.write("\npromotion_gates = release\n")
    assert run(renamed, "-c", "other.ini", "release").returncode == 0
    assert renamed.latest()["status"] == "PASS"


@WORKERS
@pytest.mark.parametrize(("name", "scope"), [("pkg.gates", "full"), ("pkg.gates.test_good", "critical")])
def test_a_package_below_a_gates_path_is_gates(place, name, scope, workers):
    """`--pyargs` names it by its module."""
    with (place.path / "pyproject.toml").open("a") as file:
        file.write('\npromotion_gates = ["pkg/gates"]\npythonpath = "."\n')
    place.file("promotion.yaml", "version: 1\nrequired: [good]\n")
    for file in ("pkg/__init__.py", "pkg/gates/__init__.py"):
        place.file(file, "")
    place.file("pkg/gates/test_good.py", GOOD)
    done = run(place, "--pyargs", name, *workers)
    assert done.returncode == 0, done.stdout
    assert (place.latest()["status"], place.latest()["scope"]) == ("PASS", scope)
