"""The target's own suites: what counts as having run, and what may not get into the run."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_promotion.clock import Clock
from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.trading.target_tests import groups
from pytest_promotion.suites.trading.target_tests.report import check, plain
from tests.sessions import environment

pytestmark = pytest.mark.slow

NOW = dt.datetime(2026, 5, 20, 12, 0, tzinfo=dt.UTC)
GOOD = "from quay import double\n\ndef test_double():\n    assert double(2) == 4\n"
HALF = "def double(x):\n    return 2 * x\n\ndef half(x):\n    return x / 2\n"  # three of four statements are covered


@pytest.fixture
def target(tmp_path):
    """A target with a package and a group of one test."""
    root = tmp_path / "target"
    put(root, "quay/__init__.py", HALF)
    put(root, "tests/unit/test_double.py", GOOD)
    return root


def put(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(root: Path, *named: str, least: float = 50, timeout: float = 300, **options):
    """The report on the groups and the exit code; one group `unit` where none is named."""
    suites = groups.parse(named or ("unit=tests/unit",), ["quay"], least, timeout, options.pop("plugins", ()))
    return check(root, suites, clock=Clock(NOW), **options)


def test_a_suite_that_passes_is_counted(target):
    """The gate reads these counts; a word like `pass` alone proves nothing."""
    document, code = run(target)
    assert (document["status"], document["rc"], code, document["reasons"]) == ("pass", 0, 0, [])
    counts = document["groups"]["unit"]
    assert [counts[name] for name in ("selected", "collected", "passed", "failed", "skipped")] == [1, 1, 1, 0, 0]
    assert document["selected_tests"] == ["tests/unit/test_double.py"]
    assert (document["cov_fail_under"], document["coverage_percent"]) == (50, 75)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("def test_a():\n    assert 0\n", 2, "1 of 1 tests failed"),
        ("import nowhere\n", 2, "tests failed"),
        ("", 2, "there are no tests"),
        ("import pytest\n\n@pytest.mark.skip\ndef test_a():\n    pass\n", 2, "all 1 tests were skipped"),
        ("import pytest\npytest.skip('off', allow_module_level=True)\n", 2, "all 1 tests were skipped"),
        ("import pytest\n\n@pytest.mark.xfail\ndef test_a():\n    assert 0\n", 2, "all 1 tests were skipped"),
        ("import os\n\ndef test_a():\n    os._exit(0)\n", 3, "it crashed"),
        ("import os\n\ndef test_a():\n    os.kill(os.getpid(), 11)\n", 3, "it crashed"),
        ("import pytest\n\ndef test_a():\n    pytest.exit('enough', 0)\n", 3, "only 0 of 1 tests ran"),
        ("def test_a():\n    raise KeyboardInterrupt\n", 3, "interrupted"),
    ],
    ids=[
        "fails",
        "does-not-import",
        "empty",
        "skipped",
        "module-skipped",
        "xfailed",
        "exits",
        "dies",
        "ends",
        "interrupted",
    ],
)
def test_what_did_not_pass_is_not_a_pass(target, text, code, said):
    """Each of these once ended with a zero somewhere, or with a report that nobody doubted."""
    put(target, "tests/service/test_a.py", text)
    document, found = run(target, "unit=tests/unit", "service=tests/service")
    assert (document["status"], found) == ("fail", code)
    assert document["rc"] != 0
    assert said in " ".join(document["reasons"])
    assert document["groups"]["unit"]["passed"] == 1


def test_a_missing_group_is_not_a_pass(target):
    """A folder that was renamed has no failing tests."""
    document, code = run(target, "unit=tests/unit", "service=tests/service")
    assert (document["status"], code) == ("fail", 3)
    assert "tests/service is missing" in document["reasons"][0]


def test_a_test_that_hangs_is_ended_with_its_children(target):
    """A lookup that stalls held the earlier gate for a minute and a half, and its children outlived it."""
    put(
        target,
        "tests/unit/test_hangs.py",
        "import subprocess, sys, time\n\ndef test_a():\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "    open('child.pid', 'w').write(str(child.pid))\n    time.sleep(600)\n",
    )
    started = time.monotonic()
    document, code = run(target, timeout=15)
    assert time.monotonic() - started < 300
    assert (document["status"], document["rc"], code) == ("fail", 124, 3)
    assert "did not end within 15 s" in document["reasons"][0]
    pid = int((target / "child.pid").read_text())
    for _ in range(1200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":  # ended; who adopted it has not looked yet
            return
        time.sleep(0.05)
    pytest.fail("the child lives on")


@pytest.mark.parametrize(("least", "code"), [(75, 0), (75.0001, 2)])
def test_coverage_is_compared_as_it_was_computed(target, least, code):
    """A threshold that is met after rounding is not met."""
    document, found = run(target, least=least)
    assert (found, document["coverage_percent"]) == (code, 75)


def test_coverage_that_nobody_measured_is_not_a_pass(target):
    """Of no statements, coverage says a hundred percent."""
    put(target, "quay/__init__.py", "")
    put(target, "tests/unit/test_double.py", "def test_a():\n    pass\n")
    document, code = run(target)
    assert (document["status"], document["coverage_percent"], code) == ("fail", None, 3)
    assert "not measured" in document["reasons"][-1]


def test_a_package_that_no_test_imports_is_not_covered(target):
    """A misspelt package leaves the coverage of the others, which is good."""
    suites = groups.parse(["unit=tests/unit"], ["quay", "harbour"], 50, 60)
    document, code = check(target, suites, clock=Clock(NOW))
    assert (document["status"], code) == ("fail", 3)
    assert "harbour" in document["reasons"][-1]


def test_groups_cover_together(target):
    """Each group alone covers half; the threshold is about what is tested at all."""
    put(target, "tests/service/test_half.py", "from quay import half\n\ndef test_half():\n    assert half(4) == 2\n")
    document, code = run(target, "unit=tests/unit", "service=tests/service", least=100, at_once=2)
    assert (document["coverage_percent"], code) == (100, 0)


@pytest.mark.parametrize("leak", ["environment", "configuration", "conftest", "plugin", "path"])
def test_nothing_of_the_callers_pytest_gets_in(target, monkeypatch, leak):
    """An inherited `-k nothing` or `--collect-only` turns every suite green, or every suite red."""
    above = target.parent
    put(target, "tests/unit/test_more.py", "def test_more():\n    pass\n")
    put(above, "pytest.ini", "[pytest]\naddopts = -k nothing\n") if leak == "configuration" else None
    put(above, "conftest.py", "raise RuntimeError('of somebody else')\n") if leak == "conftest" else None
    if leak == "environment":
        monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
        monkeypatch.setenv("COVERAGE_FILE", str(above / "foreign"))
    if leak == "plugin":
        put(above, "foreign.py", "raise RuntimeError('of somebody else')\n")
        monkeypatch.setenv("PYTEST_PLUGINS", "foreign")
        monkeypatch.setenv("PYTHONPATH", str(above))
    if leak == "path":
        put(above, "quay.py", "raise RuntimeError('of somebody else')\n")
        monkeypatch.setenv("PYTHONPATH", str(above))
    document, code = run(target)
    assert (code, document["groups"]["unit"]["passed"]) == (0, 2), document
    assert sorted(path.name for path in target.iterdir()) == ["quay", "tests"]


def test_the_targets_own_configuration_holds(target):
    """Suites that rely on their own settings fail without them, and are then switched off."""
    put(target, "pytest.ini", "[pytest]\npython_files = check_*.py\n")
    put(target, "tests/unit/check_more.py", "from quay import half\n\ndef test_half():\n    assert half(2) == 1\n")
    document, _ = run(target)
    assert document["selected_tests"] == ["tests/unit/check_more.py"]


def test_words_for_pytest_and_named_plugins_are_passed_on(target):
    """A slow test that a group leaves out on purpose belongs to another group."""
    put(
        target, "tests/unit/test_slow.py", "def test_slow(mark):\n    assert mark == 1\n\ndef test_quick():\n    pass\n"
    )
    put(target, "marks.py", "import pytest\n\n@pytest.fixture\ndef mark():\n    return 1\n")
    document, code = run(target, "unit=tests/unit -k 'double or quick'")
    assert (code, document["groups"]["unit"]["collected"]) == (0, 2)
    document, code = run(target, plugins=["marks"])
    assert (code, document["groups"]["unit"]["passed"]) == (0, 3)


def test_a_test_that_fails_twice_is_one_test(target):
    """A test and its clean-up that both fail stand twice in the file that is counted."""
    put(
        target,
        "tests/unit/test_twice.py",
        "import pytest\n\n@pytest.fixture\ndef bad():\n    yield\n    assert 0\n\ndef test_a(bad):\n    assert 0\n",
    )
    counts = run(target)[0]["groups"]["unit"]
    assert (counts["collected"], counts["passed"], counts["failed"]) == (2, 1, 1)


def test_the_output_is_plain_and_short(target):
    """A report that moves the cursor hides what stands above it."""
    put(
        target,
        "tests/unit/test_loud.py",
        "def test_a():\n    print('\\x1b[2J\\x07\\x00', 'x' * 9000, __file__)\n    assert 0\n",
    )
    tail = run(target)[0]["output_tail"]
    assert 0 < len(tail) <= 4000
    assert all(letter == "\n" or letter.isprintable() for letter in tail)
    assert str(target) not in tail
    assert plain("a\x1b[31mb\x1b]0;title\x07c\r\nd\x9b") == "abc\nd "


def test_the_report_is_written_whole_and_says_fail_until_then(target, tmp_path, monkeypatch):
    """A run that is killed must not leave yesterday's pass."""
    place = tmp_path / "reports"
    document, _ = run(target, reports=place)
    assert {path.name for path in place.iterdir()} >= {
        *("latest.json", "latest.md"),
        *("test_run_20260520T120000Z.json", "test_run_20260520T120000Z.md"),
    }
    assert json.loads((place / "latest.json").read_text()) == document
    seen = json.loads((place / "latest.json").read_text())
    assert seen["finished"]
    monkeypatch.setattr(
        "pytest_promotion.suites.trading.target_tests.report._run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        run(target, reports=place)
    left = json.loads((place / "latest.json").read_text())
    assert (left["status"], left["finished"]) == ("fail", False)


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\ngroups: {}\ncov: [quay]\ncov_fail_under: 80\n",
        "version: 1\ngroups: {unit: []}\ncov: [quay]\ncov_fail_under: 80\n",
        "version: 1\ngroups: {unit: [tests]}\ncov: []\ncov_fail_under: 80\n",
        "version: 1\ngroups: {unit: [tests]}\ncov: [quay]\n",
        "version: 1\ngroups: {unit: [tests]}\ncov: [quay]\ncov_fail_under: 800\n",
        "version: 1\ngroups: {unit: [tests]}\ncov: [quay]\ncov_fail_under: 80\ntimout: 3\n",
        "version: 1\ngroups: {../unit: [tests]}\ncov: [quay]\ncov_fail_under: 80\n",
        "groups: [",
    ],
    ids=["no-group", "empty-group", "no-cov", "no-threshold", "over-100", "misspelt", "odd-name", "torn"],
)
def test_the_file_of_suites_is_read_strictly(tmp_path, text):
    """A threshold that was misspelt is a threshold of nothing."""
    with pytest.raises(PolicyError):
        groups.read(put(tmp_path, "suites.yaml", text))


@pytest.mark.parametrize("word", ["unit", "unit=", "=tests", "unit=tests 'torn", "../unit=tests"])
def test_a_group_that_means_nothing_is_refused(word):
    """A group of no paths would run everything there is, or nothing."""
    with pytest.raises(PolicyError):
        groups.parse([word], ["quay"], 80, 60)


def promotion(*words, cwd):
    code = "from pytest_promotion.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "tests", *words],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--group", "unit=tests/unit", "--cov", "quay", "--cov-fail-under", "50"), 0),
        (("--config", "suites.yaml"), 2),
        (("--group", "unit=tests/nowhere", "--cov", "quay", "--cov-fail-under", "50"), 3),
        (("--group", "unit=tests/unit", "--cov", "quay"), 4),
        ((), 4),
    ],
    ids=["passed", "not-passed", "not-run", "no-threshold", "nothing"],
)
def test_the_command_says_it_by_its_exit_code(target, words, code):
    """A pipeline reads nothing else."""
    put(target, "suites.yaml", "version: 1\ngroups: {unit: [tests/unit]}\ncov: [quay]\ncov_fail_under: 99\n")
    done = promotion("run", "--json", *words, cwd=target)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    if code != 4:
        assert json.loads(done.stdout) == json.loads((target / "reports/tests/latest.json").read_text())


def test_the_commands_help_shows_an_example(tmp_path):
    """Help without an example is read by those who need none."""
    assert "Example:" in promotion("run", "--help", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.toml", '[pytest]\nrequired_plugins = ["pytest-promotion", "pytest-timeout>=2"]\n'),
        ("pytest.ini", "[pytest]\nrequired_plugins = pytest-promotion pytest-timeout>=2\n"),
        ("tox.ini", "[pytest]\nrequired_plugins =\n    pytest-promotion\n    pytest-timeout\n"),
        ("setup.cfg", "[tool:pytest]\nrequired_plugins = pytest-promotion pytest-timeout\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\nrequired_plugins = "pytest-promotion pytest-timeout"\n'),
        ("pyproject.toml", '[tool.pytest]\nrequired_plugins = ["pytest-promotion", "pytest-timeout"]\n'),
    ],
)
def test_plugins_that_the_target_requires_are_loaded(target, name, text):
    """With plugins off and one demanded, a healthy suite ended with "it crashed"."""
    put(target, name, text)
    uses = "import pytest\n\n@pytest.mark.timeout(300)\ndef test_limit(request):\n    assert request.config.pluginmanager.hasplugin('timeout')\n"
    put(target, "tests/unit/test_limit.py", uses)
    document, code = run(target)
    assert (document["status"], code, document["groups"]["unit"]["passed"]) == ("pass", 0, 2), document["reasons"]


def test_a_plugin_that_is_missing_is_not_a_crash_without_a_word(target):
    """The output of pytest names it; the report has to say that nothing ran."""
    put(target, "pytest.ini", "[pytest]\nrequired_plugins = pytest-that-nobody-wrote\n")
    document, code = run(target)
    assert (document["status"], code) == ("fail", 3)
    [reason] = [reason for reason in document["reasons"] if "usage error" in reason]
    assert "pytest-that-nobody-wrote" in reason


@pytest.mark.parametrize(
    ("words", "sentence", "code"),
    [
        (("--cov-fail-under", "50"), "name each package with --cov PACKAGE", 4),
        (("--cov", "quay"), "give --cov-fail-under PERCENT", 4),
        (("--cov", "nothing", "--cov-fail-under", "50"), "coverage was not measured: no test imports nothing", 3),
        (("--cov", "quay", "--cov-fail-under", "50"), "tests: pass", 0),
    ],
    ids=["no-cov", "no-limit", "not-imported", "good"],
)
def test_what_is_wrong_with_coverage_is_said(target, words, sentence, code):
    """`Expected array of length >= 1 - at $.cov` is no sentence that an operator knows what to do with."""
    main = "from pytest_promotion.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", main, "tests", "run", "--group", "unit=tests/unit", *words],
        cwd=target, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, sentence in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr


def test_a_group_that_crashed_shows_its_last_line(target):
    """What the process said before it ended is the cause, and was only in the report's JSON."""
    put(
        target,
        "conftest.py",
        "import os, sys\nprint('no broker at 10.0.0.7', file=sys.stderr, flush=True)\nos._exit(5)\n",
    )
    document, code = run(target, "unit=tests/unit -s")
    assert code == 3
    assert "its last line: no broker at 10.0.0.7" in document["reasons"][0]
    assert document["reasons"][1:] == ["coverage was not measured"]
