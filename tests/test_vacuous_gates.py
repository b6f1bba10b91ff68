"""
The ways in which a gate goes green on a broken candidate, and more of their kind.

In each case the candidate is broken and the gate that should say so does not. None may end
with a finished decision PASS; none may end with exit code 0 where this plugin can set it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.conformance.cases import Case, corpus
from pytest_promotion.conformance.trial import PLAIN, PROMOTION, STRICT, run
from tests.conftest import Place

pytestmark = pytest.mark.slow

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()
CRITICAL = "import pytest\n@pytest.mark.critical\n"


def own(name: str, source: str, says: str, **more: object) -> Case:
    """A case of one gate that uses our fixtures, and has therefore nothing to say of other tools."""
    files = {"gates/test_a.py": source, **more.pop("files", {})}
    return Case(id=name, what=name, files=files, says=says, **more)


OWN = [
    own(
        "empty-glob-workspace",
        CRITICAL + "def test_a(workspace):\n    for p in workspace.glob('none/*.json'):\n        assert p.read_text()",
        "judged nothing",
    ),
    own(
        "nan-artifact",
        CRITICAL + "def test_a(artifact):\n    assert not (artifact('nan.json')['drop'] > 0.08)",
        "NaN",
        files={"nan.json": '{"drop": NaN}'},
    ),
    own(
        "nan-measured",
        CRITICAL + "def test_a(measure):\n    measure.at_most('drop', float('nan'), 0.08)",
        "where a number belongs",
    ),
    own(
        "future-artifact",
        CRITICAL + "def test_a(artifact, freshness):\n    freshness(artifact('future.json'))",
        "in the future",
        files={"future.json": '{"ts_utc": "2999-01-01T00:00:00+00:00"}'},
    ),
    own(
        "swallowed-refusal",
        CRITICAL
        + "def test_a(artifact):\n    try:\n        artifact('gone.json')\n    except BaseException:\n        pass",
        "passed over",
    ),
    own(
        "swallowed-in-helper",
        "def look(artifact):\n    try:\n        return artifact('gone.json')\n    except BaseException:\n"
        f"        return None\n{CRITICAL}def test_a(artifact):\n    look(artifact)\n    assert True",
        "passed over",
    ),
    own(
        "swallowed-measure",
        f"import contextlib\n{CRITICAL}def test_a(measure):\n    with contextlib.suppress(AssertionError):\n"
        "        measure.at_least('score', 1, 2)\n    assert True",
        "passed although a failure was raised",
    ),
    own("collection-error-workers", "import nowhere_at_all", "could not be collected", args=("-n1",), apart=True),
    own(
        "requires-failed",
        "import pytest\n@pytest.mark.warning\ndef test_base():\n    assert False\n"
        "@pytest.mark.critical(requires=['base'])\ndef test_a():\n    assert 1 + 1 == 2",
        "rests on base",
    ),
    own(
        "requires-unknown",
        "import pytest\n@pytest.mark.critical(requires=['nobody'])\ndef test_a():\n    pass",
        "no such gate",
    ),
    own(
        "timeout",
        "import time, pytest\n@pytest.mark.critical(timeout=0.3)\ndef test_a():\n    time.sleep(30)",
        "imeout",
    ),
    own("keyboard-interrupt", CRITICAL + "def test_a():\n    raise KeyboardInterrupt", "ended early", apart=True),
    own("missing-path", CRITICAL + "def test_a():\n    assert False", "nowhere", args=("gates/nowhere.py",)),
    own(
        "decoded-to-none",
        CRITICAL + "def test_a(artifact):\n    assert artifact('null.json')['x']",
        "expected an object",
        files={"null.json": "null"},
    ),
]
LISTED = [case for case in corpus() if not (case.pipe or case.missing)]
CASES = {case.id: case for case in [*LISTED, *OWN]}
# Where the workers are the case itself, or the case is over before there are any.
OVER_BEFORE = {"addopts-co", "optimize", "optimize-helper", "worker-exit", "setup-plan", "pytest-exit"}
OVER_BEFORE |= {"atexit", "os-exit-finish", "os-exit-unconfigure"}  # the controller ends in the same way
# A process each: all of the first two lists, and of the others one in five.
_PLAIN = [name for name, case in CASES.items() if not {"-n1", "-n2", "--dist=each"} & set(case.args)]
_FIRST = [name for name in _PLAIN if CASES[name].group in ("", "published", "later")]
_FIFTH = [name for name in _PLAIN if name not in _FIRST][::5]
BY_WORKERS = [name for name in (*_FIRST, *_FIFTH) if name not in OVER_BEFORE]


def _arrange(place: Place, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.write(place.path)
    (place.path / "pytest.ini").unlink()  # the place brings settings of its own
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # hundreds of files, of which each is read once
    for name, value in case.env.items():
        monkeypatch.setenv(name, value)


def _all_that_was_said(place: Place, result: pytest.RunResult) -> str:
    said = [str(result.stdout), str(result.stderr)]
    for decision in place.decisions():
        said += decision["reasons"] + [check["reason"] for check in decision["checks"]]
    return "\n".join(said)


@pytest.mark.parametrize("name", CASES)
def test_a_broken_candidate_is_not_promoted(name, place, monkeypatch):
    """A gate system that is silent in any one of these ways promotes what it should stop."""
    case = CASES[name]
    _arrange(place, case, monkeypatch)
    result = place.run(*case.args, apart=case.apart, paths=case.paths)
    assert [one["run_id"] for one in place.decisions() if one["status"] == "PASS"] == []
    assert case.says in _all_that_was_said(place, result)
    if not case.outer:
        assert result.ret != 0


@pytest.mark.parametrize("name", BY_WORKERS)
def test_a_broken_candidate_is_not_promoted_by_workers(name, place, monkeypatch):
    """With workers pytest itself loses reports, messages and exit codes; the decision may not."""
    case = CASES[name]
    _arrange(place, case, monkeypatch)
    result = place.run("-n2", *case.args, apart=True, paths=case.paths)
    assert [one["run_id"] for one in place.decisions() if one["status"] == "PASS"] == []
    assert result.ret != 0
    if not case.outer and "interrupt" not in name:
        said = _all_that_was_said(place, result)
        # A conftest that runs the tests itself runs in the controller, to which the workers then never come.
        assert case.says in said or (name == "runtestloop-skips" and "was not collected" in said)


TOLD = re.findall(r"^\| (\d+) \| (.+?) \| (\S.*?) \| (\S.*?) \| (\S.*?) \|$", README, re.MULTILINE)


@pytest.mark.parametrize("case", [case for case in corpus() if case.number is not None], ids=lambda case: case.id)
def test_the_readme_says_what_other_tools_make_of_it(case, tmp_path):
    """A comparison that nobody ran again since it was written is an advertisement."""
    [told] = [row[2:] for row in TOLD if row[0] == str(case.number)]
    found = [run(case, tool, tmp_path / tool.name).shown for tool in (PLAIN, STRICT, PROMOTION)]
    assert [cell.strip("*") for cell in told] == found


def test_the_readme_counts_its_table():
    """The one sentence that is quoted must be the sum of the rows."""
    assert len(TOLD) == 33
    plain, strict, ours = (sum("green" in row[column] for row in TOLD) for column in (2, 3, 4))
    assert f"plain pytest lets {plain} through, and {strict} with its strictest settings" in " ".join(README.split())
    assert ours == 0
    assert f"the suite has {len(corpus()) - len(TOLD)} more" in README


def test_the_command_compares_and_writes(tmp_path):
    """Whoever brings a tool of their own must see it beside the others, and be believed only after the control."""
    words = ["--case", "19", "--case", "skip", "--also", "always=true", "--also", "never=false"]
    done = CliRunner().invoke(main, ["conformance", *words, "--json"])
    tools = {tool["name"]: tool for tool in json.loads(done.stdout)["tools"]}
    assert done.exit_code == 3  # `never` is red where nothing is wrong
    assert "never is red where nothing is wrong" in done.stderr
    assert {name: tool["goes_green"] for name, tool in tools.items()} == {
        "pytest": 2, "pytest, strict": 2, "pytest-promotion": 0, "always": 2, "never": 0,
    }  # fmt: skip
    done = CliRunner().invoke(main, ["conformance", "--case", "26", "--write", str(tmp_path / "out")])
    assert (done.exit_code, (tmp_path / "out/file-name/gates/checks.py").is_file()) == (0, True)
    shown = CliRunner().invoke(main, ["conformance", "--case", "26", "--format", "markdown"])
    assert shown.exit_code == 0
    assert (
        "| 26 | the name of the file does not match `test_*.py` | **goes green** | **goes green** | stopped |"
        in shown.stdout
    )


def test_a_case_that_cannot_be_run_is_named(monkeypatch):
    """A comparison that is smaller than it looks would be believed for the whole."""
    monkeypatch.setattr("pytest_promotion.conformance.cases.find_spec", lambda name: None if name == "flaky" else True)
    done = CliRunner().invoke(main, ["conformance", "--case", "flaky-first-fails", "--json"])
    assert "flaky-first-fails was not run: flaky is not installed" in done.stderr
    assert json.loads(done.stdout)["cases"] == []


def test_a_case_with_fixtures_of_this_plugin_counts_for_no_other():
    """A tool that is red because it lacks a fixture has stopped nothing."""
    done = CliRunner().invoke(main, ["conformance", "--case", "two-blank-texts", "--also", "always=true"])
    row = next(line for line in done.stdout.splitlines() if "two blank texts" in line)
    assert (row.count("not run"), row.count("stopped"), done.exit_code) == (3, 1, 0)
    assert "always            lets through 0 of 0\n" in done.stdout


def test_a_group_of_cases_can_be_chosen(tmp_path):
    """Whoever works on one kind of mistake runs its cases, not all of them."""
    done = CliRunner().invoke(main, ["conformance", "--case", "numbers", "--write", str(tmp_path)])
    assert done.exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {case.id for case in corpus() if case.group == "numbers"}


def test_what_the_cases_need_is_installed_in_ci():
    """A case that is skipped everywhere stops nothing."""
    pinned = (Path(__file__).parents[1] / "requirements" / "dev.txt").read_text().replace("-", "_").splitlines()
    needed = {name for case in corpus() for name in case.needs if not name.startswith("_pytest")}
    assert {"flaky", "pytest_asyncio", "pytest_retry", "pandas"} <= needed
    assert {name for name in needed if not any(line.startswith(f"{name}==") for line in pinned)} == set()


@pytest.mark.parametrize("words", [["--case", "nobody"], ["--also", "no command"]], ids=["case", "tool"])
def test_the_command_refuses_what_it_does_not_know(words):
    """A misspelt case that is passed over would be a comparison of nothing."""
    assert CliRunner().invoke(main, ["conformance", *words]).exit_code == 4


def test_a_tool_that_cannot_be_started_is_no_comparison():
    """What did not run stopped nothing."""
    assert CliRunner().invoke(main, ["conformance", "--case", "1", "--also", "x=./nowhere"]).exit_code == 3


def test_the_list_is_whole():
    """A case that is lost with an edit is a hole that nobody looks into any more."""
    numbers = [case.number for case in corpus() if case.number is not None]
    assert numbers == list(range(1, 34))
    assert len({case.id for case in corpus()}) == len(corpus())


def test_the_good_gate_alone_is_promoted(good_place):
    """Without this, a plugin that fails everything would pass every test above."""
    result = good_place.run()
    assert (result.ret, good_place.latest()["status"], good_place.latest()["passed"]) == (0, "PASS", True)


def test_the_good_gate_alone_is_promoted_by_workers(good_place):
    """The same with workers: they must not make every session fail."""
    result = good_place.run("-n2", apart=True)
    assert (result.ret, good_place.latest()["status"]) == (0, "PASS")


def test_a_killed_session_leaves_a_provisional_fail(good_place):
    """Yesterday's PASS would otherwise be read as today's."""
    good_place.run()
    assert good_place.latest()["status"] == "PASS"
    good_place.write(test_z="import os, pytest\n@pytest.mark.critical\ndef test_z():\n    os._exit(0)")
    good_place.run(apart=True)
    latest = good_place.latest()
    assert (latest["status"], latest["finished"]) == ("FAIL", False)


def test_a_pipe_that_hides_the_exit_code_does_not_hide_the_decision(good_place):
    """`pytest | tee` ends with tee's code; whoever acts on the decision reads the file."""
    good_place.write(test_z="import pytest\n@pytest.mark.critical\ndef test_z():\n    assert False")
    result = good_place.pytester.run("sh", "-c", f"{sys.executable} -m pytest gates | tee log")
    assert result.ret == 0
    latest = json.loads((good_place.folder / "latest.json").read_text())
    assert (latest["status"], latest["finished"]) == ("FAIL", True)
