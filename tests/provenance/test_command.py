"""`promotion run` as a command: its exit codes, what it leaves when it is killed, and real tools under it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PYTHON = (sys.executable, "-c")
WRITES = "open('out.json', 'w').write('{}')"
GATE = """
import pytest
from pytest_promotion import readers

@pytest.mark.critical(owner="ops", fix="run the tools")
@pytest.mark.parametrize("path", ["junit.xml", "coverage.json", "ruff.sarif"])
def test_tools(artifact, freshness, path):
    report = artifact(f"reports/{path}").about("src", "tests")
    freshness(report)
    assert len(report.text) > 100
"""


def begin(root: Path, *words: str, **more) -> subprocess.Popen[str]:
    """Starts `promotion run` in *root*."""
    code = "import sys; sys.argv[0] = 'promotion'; from pytest_promotion.cli import main; main()"
    command = [sys.executable, "-c", code, "run", *words]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def run(root: Path, *words: str) -> tuple[int, str, str]:
    """Its exit code and what it printed."""
    process = begin(root, *words)
    out, err = process.communicate(timeout=300)
    assert "Traceback (most recent call last)" not in err
    return process.returncode, out, err


def given(*words: str, output: str = "out.json", inputs: tuple[str, ...] = ("src",)) -> list[str]:
    """The options of a run, and its command."""
    options = [word for name in inputs for word in ("--input", name)]
    return ["--name", "tool", *options, "--output", output, "--", *words]


def test_what_the_command_prints_passes_through(root):
    """A producer that fails has to say why where one looks."""
    code, out, err = run(
        root, *given(*PYTHON, f"import sys; print('to out'); print('to err', file=sys.stderr); {WRITES}")
    )
    assert (code, out) == (0, "to out\n")
    assert "to err\n" in err
    assert "out.json.intoto.json says what tool ran on" in err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (given(*PYTHON, f"{WRITES}; raise SystemExit(7)"), 2, "ended with exit code 7"),
        (["--accept-exit", "7", *given(*PYTHON, f"{WRITES}; raise SystemExit(7)")], 0, "says what tool ran on"),
        (given(*PYTHON, "pass"), 2, "did not write out.json"),
        (given(*PYTHON, f"{WRITES}; open('src/app.py', 'a').write('#')"), 2, "src/app.py changed"),
        (given(*PYTHON, f"{WRITES}; import os; os.kill(os.getpid(), 9)"), 2, "ended with exit code 137"),
        (given("no-such-program"), 3, "no-such-program cannot be run"),
        (["--timeout", "1s", *given(*PYTHON, "import time; time.sleep(600)")], 3, "did not end within 1 s"),
        (given("true", inputs=("missing",)), 3, "the input missing is missing"),
        (["--sign", "no.key", *given("true")], 3, "no.key cannot be read"),
        (["--tool", "x=no-such-program", *given("true")], 3, "the version of x is not known"),
        (["--tool", "x", *given("true")], 4, "expected NAME=COMMAND"),
        (["--timeout", "soon", *given("true")], 4, "is not a length of time"),
        (given("true", inputs=("../other",)), 4, "is not a path below the promotion root"),
        (given("true", output="src"), 4, "both an input and an output"),
        (["--name", "x", "--", "true"], 4, "Missing option"),
    ],
)
def test_each_way_to_end_has_its_code_and_its_sentence(root, words, code, message):
    """0 yes, 2 no, 3 could not do it, 4 wrong usage."""
    ended, _, err = run(root, *words)
    assert (ended, message in err) == (code, True), err
    assert (root / "out.json.intoto.json").exists() == (
        "ended with" in message or "says" in message or "#" in words[-1]
    )


def test_the_versions_of_tools_and_variables_are_recorded(root, monkeypatch):
    """The same sources give another report under another version of the tool."""
    monkeypatch.setenv("STAGE", "night")
    words = ["--tool", f"python={sys.executable} --version", "--env", "STAGE", "--env", "NONE", "--json"]
    code, out, _ = run(root, *words, *given(*PYTHON, WRITES))
    assert (code, json.loads(out)["statements"]) == (0, ["out.json.intoto.json"])
    predicate = json.loads((root / "out.json.intoto.json").read_bytes())["predicate"]
    assert predicate["runDetails"]["builder"]["version"]["python"].startswith("Python 3")
    assert predicate["buildDefinition"]["externalParameters"]["environment"] == {"STAGE": "night", "NONE": None}


def test_a_signed_statement_is_an_envelope_of_the_key(root, tmp_path):
    """An unsigned one can be written by anyone who can write the reports."""
    from pytest_promotion.trust import dsse, keys

    private, public = keys.generate(tmp_path / "key")
    assert run(root, "--sign", str(private), *given(*PYTHON, WRITES))[0] == 0
    content = (root / "out.json.intoto.json").read_bytes()
    payload, _ = dsse.verified(dsse.parse(content, "it"), [keys.read_public(public)])
    assert json.loads(payload)["subject"][0]["name"] == "out.json"


def _wait_for(path: Path) -> None:
    until = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_two_at_once_are_one_and_a_refusal(root):
    """The second would write over what the first one's statement is about."""
    waits = f"import time, pathlib; pathlib.Path('begun').touch(); {WRITES}\nwhile not pathlib.Path('go').exists(): time.sleep(.02)"
    first = begin(root, *given(*PYTHON, waits))
    _wait_for(root / "begun")
    code, _, err = run(root, *given(*PYTHON, WRITES))
    assert (code, "another command is producing out.json" in err) == (3, True)
    (root / "go").touch()
    first.communicate(timeout=120)
    assert first.returncode == 0


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_a_run_that_is_killed_leaves_no_statement_that_fits(root, name):
    """The output may be whole by then: nothing says what it was made from."""
    assert run(root, *given(*PYTHON, WRITES))[0] == 0
    waits = f"import time, os, pathlib; {WRITES}; pathlib.Path('begun').write_text(str(os.getpid()) + '\\n'); time.sleep(600)"
    process = begin(root, *given(*PYTHON, waits))
    _wait_for(root / "begun")
    until = time.monotonic() + 120
    while not (text := (root / "begun").read_text()).endswith("\n"):
        assert time.monotonic() < until
    process.send_signal(getattr(signal, name))
    if name == "SIGKILL":  # nothing can then end what it started
        process.wait(120)
        assert not (root / "out.json.intoto.json").exists()
        os.kill(int(text), signal.SIGKILL)
    process.communicate(timeout=120)
    assert not (root / "out.json.intoto.json").exists()
    if name != "SIGKILL":
        assert process.returncode == 3
        while _is_alive(int(text)):
            assert time.monotonic() < until
            time.sleep(0.02)
    (root / "begun").unlink()
    assert run(root, *given(*PYTHON, WRITES))[0] == 0  # and the output is free again


def test_real_tools_are_dated_and_bound_to_their_sources(place, monkeypatch, tmp_path_factory):
    """JUnit, coverage and SARIF files have no time that counts in `ci`, and do not say which sources they are about."""
    monkeypatch.setenv("PROMOTION_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    root = place.path
    place.file("src/app.py", "import os\n\n\ndef double(value):\n    return 2 * value\n")
    place.file("tests/test_app.py", "from src.app import double\n\n\ndef test_double():\n    assert double(2) == 4\n")
    place.file("promotion.yaml", "version: 1\nevidence: required\ntimestamps: {mtime: forbid}\n")
    place.write(test_it=GATE)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    pytest_ = (sys.executable, "-m", "pytest", "tests", "-q", "-c", "/dev/null", "--rootdir=.")
    tools = {
        "junit.xml": (*pytest_, "--junitxml=reports/junit.xml"),
        "coverage.json": (*pytest_, "-p", "pytest_cov", "--cov=src", "--cov-report=json:reports/coverage.json"),
        "ruff.sarif": (
            *(sys.executable, "-m", "ruff", "check", "--no-cache", "--isolated", "src", "tests"),
            *("--output-format=sarif", "--output-file=reports/ruff.sarif"),
        ),
    }
    both = ("src", "tests")
    for name, words in tools.items():
        extra = ["--accept-exit", "1"] if name == "ruff.sarif" else []
        code, out, err = run(root, *extra, *given(*words, output=f"reports/{name}", inputs=both))
        assert code == 0, out + err
    monkeypatch.delenv("PYTEST_ADDOPTS")
    assert place.run(apart=True).ret == 0
    decision = place.latest()
    assert {one["source"] for check in decision["checks"] for one in check["freshness"]} == {"provenance"}
    place.file("src/app.py", "def double(value):\n    return 3 * value\n")
    assert place.run(apart=True).ret == 1
    assert {check["outcome"] for check in place.latest()["checks"]} == {"FAIL"}
    assert all("src/app.py changed since it was made" in check["reason"] for check in place.latest()["checks"])
