"""What ends before its session starts leaves FAIL behind, and not the PASS of an earlier session."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])


@pytest.fixture
def passed(good_place):
    """A project whose latest decision is PASS."""
    assert good_place.run(apart=True).ret == 0
    assert good_place.latest()["status"] == "PASS"
    return good_place


def reason(place):
    """Why the latest decision is FAIL, where it never finished."""
    latest = place.latest()
    assert (latest["status"], latest["finished"]) == ("FAIL", False)
    return latest["reasons"][0]


@WORKERS
def test_an_unknown_option_leaves_fail(passed, workers):
    """Exit code 4 of a promotion that did not run is no reason to act on an earlier one."""
    assert passed.run("--no-such-option", *workers, apart=True).ret == 4
    assert reason(passed) == "pytest ended before its session began: unrecognized arguments: --no-such-option"


def test_a_misspelt_option_of_ours_leaves_fail(passed):
    """It is refused before pytest parses it."""
    assert passed.run("--promotion-profil=ci", apart=True).ret == 4
    assert reason(passed).endswith("unknown option --promotion-profil; did you mean --promotion-profile?")


@WORKERS
def test_a_conftest_that_cannot_be_imported_leaves_fail(passed, workers):
    """Pytest imports the conftest of a given path before any session starts."""
    passed.file("gates/conftest.py", "def broken(:\n")
    assert passed.run(*workers, apart=True).ret == 4
    found = reason(passed)
    assert "gates/conftest.py cannot be imported: SyntaxError" in found
    assert str(passed.path) not in found.replace(f"({passed.path}", "")


@WORKERS
def test_a_process_that_is_killed_in_a_conftest_leaves_fail(passed, workers):
    """Nothing of this plugin runs after that."""
    passed.file("gates/conftest.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    done = passed.run(*workers, apart=True)
    assert done.ret in (-signal.SIGKILL, 128 + signal.SIGKILL)
    assert reason(passed).startswith("the session has not finished")


def test_fail_is_there_while_a_conftest_is_imported(passed):
    """A reader that looks meanwhile sees no PASS."""
    passed.file(
        "gates/conftest.py",
        "import pathlib, time\npathlib.Path('here').touch()\nwhile pathlib.Path('here').exists():\n    time.sleep(0.01)\n",
    )
    argv = [sys.executable, "-m", "pytest", "gates", "-p", "no:cacheprovider"]
    with subprocess.Popen(argv, cwd=passed.path, stdout=subprocess.DEVNULL) as process:
        while not (passed.path / "here").exists():
            assert process.poll() is None
            time.sleep(0.01)
        during = reason(passed)
        os.unlink(passed.path / "here")
        assert process.wait() == 0
    assert during.startswith("the session has not finished")
    assert passed.latest()["status"] == "PASS"


def test_an_internal_error_before_the_session_leaves_fail(passed):
    """Another plugin breaks while pytest configures itself."""
    passed.file("conftest.py", "def pytest_configure(config):\n    raise RuntimeError('broken')\n")
    code = passed.run(apart=True).ret
    assert code != 0
    assert "before its session began" in reason(passed)


@pytest.mark.parametrize(
    "words",
    [
        ("gates", "--collect-only"),
        ("gates", "--help"),
        ("gates", "--version"),
        ("gates", "--markers"),
        ("gates", "--fixtures"),
        ("gates", "--setup-plan"),
        ("gates/test_good.py::test_good",),
        ("gates", "--lf"),
        ("gates", "--promotion-as-of=2026-01-01T00:00:00+00:00"),
        ("gates", "--promotion-shard=1/2", "--promotion-run-id=r"),
        ("gates", "--promotion-prove"),
        ("tests",),
        (),
        ("tests", "--mine", "gates"),
    ],
    ids=" ".join,
)
def test_what_decides_nothing_leaves_the_decision_as_it_is(passed, words):
    """Neither its bytes nor its time: a look, a replay, a shard, a proof, and sessions without gates."""
    passed.file("tests/test_plain.py", "def test_plain():\n    pass\n")
    passed.file("tests/conftest.py", "def pytest_addoption(parser):\n    parser.addoption('--mine')\n")
    latest = passed.folder / "latest.json"
    before, when = latest.read_bytes(), latest.stat().st_mtime_ns
    passed.pytester.runpytest_subprocess(*words)
    assert (latest.read_bytes(), latest.stat().st_mtime_ns) == (before, when)


@WORKERS
def test_the_session_goes_on_as_the_one_that_began(passed, workers):
    """A decision of its own run id, which nothing that was written early stands beside."""
    assert passed.run("--promotion-run-id=second", *workers, apart=True).ret == 0
    latest = json.loads((passed.folder / "latest.json").read_bytes())
    assert (latest["run_id"], latest["status"], latest["finished"]) == ("second", "PASS", True)


def test_sessions_of_other_tests_import_nothing_more(good_place):
    """Most sessions of a project with gates run its other tests."""
    good_place.file(
        "tests/test_plain.py",
        "import sys\ndef test_plain():\n    assert 'pytest_promotion.plugin.early_fail' not in sys.modules\n"
        "    assert 'msgspec' not in sys.modules\n",
    )
    for words in (["tests"], []):
        assert good_place.pytester.runpytest_subprocess(*words).ret == 0
