"""
The ways in which a gate goes green on a broken candidate, and more of their kind.

In each case the candidate is broken and the gate that should say so does not. None may end
with a finished decision PASS; none may end with exit code 0 where this plugin can set it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field

import pytest

from tests.conftest import GOOD, Place

CRITICAL = "import pytest\n@pytest.mark.critical\n"


@dataclass(frozen=True)
class Case:
    """One way of going green: files below the place, arguments, environment, and what must be said of it."""

    gates: dict[str, str]
    says: str  # in the reason of a gate, the reasons of the decision, or the output
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    apart: bool = False  # it ends the process or needs an interpreter of its own
    unheard: bool = False  # the process is gone or the plugin disarmed: only the missing decision tells
    stays: bool = True  # a good gate stands beside it, so that something else would pass


CASES = {
    "01-skip": Case({"test_a": CRITICAL + "@pytest.mark.skip\ndef test_a():\n    assert False"}, "was skipped"),
    "02-importorskip": Case(
        {"test_a": "import pytest\npytest.importorskip('nowhere')\n" + CRITICAL + "def test_a():\n    assert False"},
        "skipped itself",
    ),
    "03-xfail": Case({"test_a": CRITICAL + "@pytest.mark.xfail\ndef test_a():\n    assert False"}, "xfail"),
    "03-xpass": Case({"test_a": CRITICAL + "@pytest.mark.xfail(strict=False)\ndef test_a():\n    pass"}, "xfail"),
    "04-shadowed": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False\n\n@pytest.mark.critical\ndef test_a():\n    pass"},
        "would never run",
    ),
    "05-empty-parametrize": Case(
        {"test_a": CRITICAL + "@pytest.mark.parametrize('x', [])\ndef test_a(x):\n    assert False"}, "skipped"
    ),
    "06-os-exit": Case(
        {"test_a": "import os\n" + CRITICAL + "def test_a():\n    os._exit(0)"}, "", apart=True, unheard=True
    ),
    "07-pytest-exit": Case(
        {"test_a": CRITICAL + "def test_a():\n    pytest.exit('done', returncode=0)"}, "ended early: done"
    ),
    "08-k": Case({"test_a": CRITICAL + "def test_a():\n    assert False"}, "not part of this session", ("-k", "good")),
    "09-deselect": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False"},
        "not part of this session",
        ("--deselect", "gates/test_a.py::test_a"),
    ),
    "10-addopts-k": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False"},
        "not part of this session",
        env={"PYTEST_ADDOPTS": "-k good"},
    ),
    "11-addopts-co": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False"},
        "",
        env={"PYTEST_ADDOPTS": "--co"},
        unheard=True,
    ),
    "12-addopts-ignore": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False"},
        "not part of this session",
        env={"PYTEST_ADDOPTS": "--ignore=gates/test_a.py"},
    ),
    "13-optimize-helper": Case(
        {
            "helper": "def check(x):\n    assert x",
            "test_a": "from helper import check\n" + CRITICAL + "def test_a():\n    check(False)",
        },
        "python -O",
        env={"PYTHONOPTIMIZE": "2"},
        apart=True,
    ),
    "14-optimize": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False"}, "python -O", env={"PYTHONOPTIMIZE": "1"}, apart=True
    ),
    "15-return": Case({"test_a": CRITICAL + "def test_a():\n    return False"}, "returned a value"),
    "15-return-silenced": Case(
        {"test_a": CRITICAL + "@pytest.mark.filterwarnings('ignore')\ndef test_a():\n    return False"},
        "returned a value",
        ("-W", "ignore"),
    ),
    "16-async": Case({"test_a": CRITICAL + "async def test_a():\n    assert False"}, "async"),
    "17-typo": Case({"test_a": "import pytest\n@pytest.mark.critcal\ndef test_a():\n    assert False"}, "no severity"),
    "18-class-init": Case(
        {
            "test_a": "import pytest\nclass TestA:\n    def __init__(self):\n        pass\n"
            "    @pytest.mark.critical\n    def test_a(self):\n        assert False"
        },
        "not collected",
    ),
    "19-raises-exception": Case(
        {"test_a": CRITICAL + "def test_a():\n    with pytest.raises(Exception):\n        nonsense"}, "any exception"
    ),
    "20-empty-glob": Case(
        {
            "test_a": "import pathlib\n"
            + CRITICAL
            + "def test_a():\n    for p in pathlib.Path('none').glob('*'):\n        assert not p"
        },
        "may have run",
    ),
    "20-empty-glob-workspace": Case(
        {
            "test_a": CRITICAL
            + "def test_a(workspace):\n    for p in workspace.glob('none/*.json'):\n        assert p.read_text()"
        },
        "may have run",
    ),
    "21-tuple": Case({"test_a": CRITICAL + "def test_a():\n    assert (False, 'stale')"}, "tuple"),
    "22-conftest-removes": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False"},
        "never reached",
        files={
            "conftest.py": "def pytest_collection_modifyitems(items):\n    items[:] = [i for i in items if 'test_a' not in i.name]"
        },
    ),
    "22-conftest-removes-first": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False"},
        "not collected",
        files={
            "conftest.py": "import pytest\n@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_collection_modifyitems(items):\n"
            "    items[:] = [i for i in items if 'test_a' not in i.name]\n    return (yield)"
        },
    ),
    "23-exitstatus": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False"},
        "did not pass",
        files={
            "conftest.py": "import pytest\n@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_sessionfinish(session):\n    yield\n    session.exitstatus = 0"
        },
    ),
    "24-sys-exit": Case({"test_a": "import sys\n" + CRITICAL + "def test_a():\n    sys.exit(0)"}, "SystemExit"),
    "25-thread": Case(
        {
            "test_a": "import threading\n"
            + CRITICAL
            + "def test_a():\n    def check():\n        assert False, 'broken'\n"
            "    t = threading.Thread(target=check)\n    t.start()\n    t.join()"
        },
        "died of AssertionError: broken",
        ("-W", "ignore"),
    ),
    "26-file-name": Case({"checks": CRITICAL + "def test_a():\n    assert False"}, "not collected"),
    "26-function-name": Case({"test_a": CRITICAL + "def check_a():\n    assert False"}, "not collected"),
    "27-nan": Case({"test_a": CRITICAL + "def test_a():\n    drop = float('nan')\n    assert not drop > 0.08"}, "NaN"),
    "27-nan-artifact": Case(
        {"test_a": CRITICAL + "def test_a(artifact):\n    assert not (artifact('nan.json')['drop'] > 0.08)"},
        "NaN",
        files={"nan.json": '{"drop": NaN}'},
    ),
    "27-nan-measured": Case(
        {"test_a": CRITICAL + "def test_a(measure):\n    measure.at_most('drop', float('nan'), 0.08)"},
        "where a number belongs",
    ),
    "28-future": Case(
        {"test_a": "import time\n" + CRITICAL + "def test_a():\n    age = time.time() - 9e9\n    assert age < 60"},
        "future",
    ),
    "28-future-artifact": Case(
        {"test_a": CRITICAL + "def test_a(artifact, freshness):\n    freshness(artifact('future.json'))"},
        "in the future",
        files={"future.json": '{"ts_utc": "2999-01-01T00:00:00+00:00"}'},
    ),
    "29-worker-exit": Case(
        {"test_a": "import os\n" + CRITICAL + "def test_a():\n    os._exit(0)"}, "crashed", ("-n1",), apart=True
    ),
    "31-lf-none": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False"},
        "not part of this session",
        ("-p", "cacheprovider", "--lf", "--lfnf=none"),
    ),
    "32-nothing-marked": Case(
        {"test_a": "def test_a():\n    assert False"}, "no severity", ("-m", "critical"), stays=False
    ),
    "33-fixture-skips": Case(
        {
            "test_a": "import pytest\n@pytest.fixture\ndef report():\n    pytest.skip('no report')\n"
            "@pytest.mark.critical\ndef test_a(report):\n    assert False"
        },
        "was skipped: no report",
    ),
    # More of their kind.
    "swallowed-refusal": Case(
        {
            "test_a": CRITICAL
            + "def test_a(artifact):\n    try:\n        artifact('gone.json')\n    except BaseException:\n        pass"
        },
        "passed over",
    ),
    "swallowed-assertion": Case(
        {
            "test_a": CRITICAL
            + "def test_a():\n    try:\n        assert False\n    except AssertionError:\n        pass"
        },
        "swallows",
    ),
    "swallowed-in-helper": Case(
        {
            "test_a": "import pytest\ndef look(artifact):\n    try:\n        return artifact('gone.json')\n    except BaseException:\n"
            "        return None\n@pytest.mark.critical\ndef test_a(artifact):\n    look(artifact)\n    assert True"
        },
        "passed over",
    ),
    "swallowed-measure": Case(
        {
            "test_a": "import contextlib\n"
            + CRITICAL
            + "def test_a(measure):\n    with contextlib.suppress(AssertionError):\n"
            "        measure.at_least('score', 1, 2)\n    assert True"
        },
        "passed over",
    ),
    "setup-plan": Case({"test_a": CRITICAL + "def test_a():\n    assert False"}, "", ("--setup-plan",), unheard=True),
    "exitfirst-on-warning": Case(
        {
            "test_0": "import pytest\n@pytest.mark.warning\ndef test_w():\n    assert False",
            "test_a": CRITICAL + "def test_a():\n    assert False",
        },
        "never reached",
        ("-x",),
    ),
    "unserialisable-property": Case(
        {
            "test_a": "import pathlib\n"
            + CRITICAL
            + "def test_a(record_property):\n    record_property('p', pathlib.Path('x'))\n    assert False"
        },
        "assert False",
        ("-n2",),
        apart=True,
    ),
    "worker-dies-at-shutdown": Case(
        {"test_a": CRITICAL + "def test_a():\n    pass"},
        "ended without saying",
        ("-n1",),
        files={
            "conftest.py": "import os, pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_sessionfinish(session):\n"
            "    if hasattr(session.config, 'workerinput'):\n        os._exit(0)"
        },
        apart=True,
    ),
    "makereport-breaks": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False"},
        "",
        ("-n2",),
        files={
            "conftest.py": "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport():\n    yield\n    raise ValueError('bad hook')"
        },
        apart=True,
    ),
    "subtest": Case(
        {"test_a": CRITICAL + "def test_a(subtests):\n    with subtests.test('x'):\n        assert False"},
        "assert False",
    ),
    "teardown": Case(
        {
            "test_a": "import pytest\n@pytest.fixture\ndef f():\n    yield\n    raise ValueError('late')\n@pytest.mark.critical\ndef test_a(f):\n    pass"
        },
        "its teardown failed",
    ),
    "two-severities": Case({"test_a": CRITICAL + "@pytest.mark.warning\ndef test_a():\n    pass"}, "2 severities"),
    "same-id-twice": Case(
        {"test_a": CRITICAL + "def test_x():\n    pass", "test_b": CRITICAL + "def test_x():\n    pass"},
        "two gates are called x",
    ),
    "collection-error": Case({"test_a": "import nowhere_at_all"}, "could not be collected"),
    "collection-error-workers": Case(
        {"test_a": "import nowhere_at_all"}, "could not be collected", ("-n1",), apart=True
    ),
    "only-warnings": Case(
        {"test_a": "import pytest\n@pytest.mark.warning\ndef test_a():\n    assert False"},
        "no critical gate ran",
        stays=False,
    ),
    "nothing-there": Case({}, "no critical gate ran", stays=False),
    "requires-failed": Case(
        {
            "test_a": "import pytest\n@pytest.mark.warning\ndef test_base():\n    assert False\n"
            "@pytest.mark.critical(requires=['base'])\ndef test_a():\n    pass"
        },
        "rests on base",
    ),
    "requires-unknown": Case(
        {"test_a": "import pytest\n@pytest.mark.critical(requires=['nobody'])\ndef test_a():\n    pass"}, "no such gate"
    ),
    "timeout": Case(
        {"test_a": "import time, pytest\n@pytest.mark.critical(timeout=0.3)\ndef test_a():\n    time.sleep(30)"},
        "imeout",
    ),
    "keyboard-interrupt": Case(
        {"test_a": CRITICAL + "def test_a():\n    raise KeyboardInterrupt"}, "ended early", apart=True
    ),
    "missing-path": Case({"test_a": CRITICAL + "def test_a():\n    assert False"}, "nowhere", ("gates/nowhere.py",)),
    "m-typo": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False"},
        "not part of this session",
        ("-m", "critcal"),
        apart=True,
    ),
    "hook-breaks": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert 1 == 1"},
        "broken hook",
        files={"conftest.py": "def pytest_runtest_logfinish():\n    raise ValueError('broken hook')"},
        apart=True,
    ),
    "crash-without-restart": Case(
        {"test_a": "import os\n" + CRITICAL + "def test_a():\n    os._exit(0)"},
        "crashed",
        ("-n1", "--max-worker-restart=0"),
        apart=True,
    ),
    "sigterm": Case(
        {"test_a": "import os, signal\n" + CRITICAL + "def test_a():\n    os.kill(os.getpid(), signal.SIGTERM)"},
        "",
        apart=True,
    ),
    "dist-each": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert False"},
        "assert False",
        ("--dist=each", "--tx=2*popen"),
        apart=True,
    ),
    "unknown-outcome": Case(
        {"test_a": CRITICAL + "def test_a():\n    assert 1 == 1"},
        "unknown outcome",
        files={
            "conftest.py": "import pytest\n@pytest.hookimpl(wrapper=True, trylast=True)\ndef pytest_runtest_makereport():\n"
            "    report = yield\n    report.outcome = 'superb'\n    return report\ndef pytest_report_teststatus():\n    return 'superb', '!', 'SUPERB'"
        },
    ),
    "decoded-to-none": Case(
        {"test_a": CRITICAL + "def test_a(artifact):\n    assert artifact('null.json')['x']"},
        "expected an object",
        files={"null.json": "null"},
    ),
}


def _arrange(place: Place, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.path / "gates").mkdir(exist_ok=True)
    place.write(**case.gates)
    if case.stays:
        place.write(test_good=GOOD)
    for name, text in case.files.items():
        place.file(name, text)
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
    result = place.run(*case.args, apart=case.apart)
    assert [one["run_id"] for one in place.decisions() if one["status"] == "PASS"] == []
    assert case.says in _all_that_was_said(place, result)
    if not case.unheard:
        assert result.ret != 0


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in CASES
        # Where the workers are the case itself, or the case is over before there are any.
        if not name.startswith(("11-", "13-", "14-", "29-", "setup-plan", "07-"))
        and not {"-n1", "-n2", "--dist=each"} & set(CASES[name].args)
    ],
)
def test_a_broken_candidate_is_not_promoted_by_workers(name, place, monkeypatch):
    """With workers pytest itself loses reports, messages and exit codes; the decision may not."""
    case = CASES[name]
    _arrange(place, case, monkeypatch)
    result = place.run("-n2", *case.args, apart=True)
    assert [one["run_id"] for one in place.decisions() if one["status"] == "PASS"] == []
    assert result.ret != 0
    if not case.unheard and "interrupt" not in name:
        assert case.says in _all_that_was_said(place, result)


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
