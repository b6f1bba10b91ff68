"""The decision: its files, its words, its exit code, and when it stops being true."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import GOOD

pytestmark = pytest.mark.slow

FAILING = "import pytest\n@pytest.mark.critical(owner='ops', fix='mend it')\ndef test_bad():\n    assert 1 == 2, 'one is not two'"
WARNING = "import pytest\n@pytest.mark.warning\ndef test_hint():\n    assert False, 'look at this'"
REPORT_NAME = re.compile(r"promotion_gates_\d{8}T\d{6}Z(_\d+)?\.(json|md)")


def test_a_decision_is_written_under_its_names(good_place):
    """Programs look for these names; a decision under another one was never taken."""
    result = good_place.run()
    names = {path.name for path in good_place.folder.iterdir() if path.is_file() and not path.name.startswith(".")}
    assert {"latest.json", "latest.md"} <= names
    assert len([name for name in names if REPORT_NAME.fullmatch(name)]) == 2
    assert good_place.latest() == good_place.decisions()[0]
    result.stdout.fnmatch_lines(
        ["promotion: PASS (1 of 1 gates passed; profile default) evidence * reports/promotion_gates/*"]
    )


def test_the_evidence_is_in_the_vault(good_place):
    """A digest that nobody can look up proves nothing to the next person."""
    good_place.run()
    [item] = good_place.latest()["evidence_bundle"]["artifacts"]
    kept = good_place.folder / "evidence" / "sha256" / item["sha256"][:2] / item["sha256"]
    assert kept.read_bytes() == (good_place.path / "evidence" / "good.json").read_bytes()
    assert item["path"] == "evidence/good.json"


def test_a_check_says_all_that_is_known(good_place):
    """Whoever reads a decision a year later has nothing else."""
    good_place.run()
    check = good_place.check("good")
    assert (check["severity"], check["outcome"], check["pass"]) == ("critical", "PASS", True)
    assert (check["owner"], check["fix"], check["rule"]) == ("ops", "make it good", "It is good.")
    assert check["nodeid"] == "gates/test_good.py::test_good"
    assert check["evidence_paths"] == ["evidence/good.json"]
    [measured] = check["measurements"]
    assert (measured["name"], measured["value"], measured["operator"], measured["threshold"]) == (
        "score",
        0.9,
        ">=",
        0.5,
    )
    [fresh] = check["freshness"]
    assert (fresh["source"], fresh["max_age_s"]) == ("ts_utc", 1200)


def test_a_warning_never_changes_the_status(good_place):
    """A warning that blocks is switched off; one that is not listed is not reviewed."""
    result = good_place.write(test_hint=WARNING).run()
    latest = good_place.latest()
    assert (result.ret, latest["status"], latest["warnings"]) == (0, "PASS", ["hint"])
    result.stdout.fnmatch_lines(["FAIL hint (warning): look at this"])


def test_a_critical_failure_blocks(good_place):
    """The one thing a gate is for."""
    result = good_place.write(test_bad=FAILING).run()
    latest = good_place.latest()
    assert (result.ret, latest["status"], latest["critical_failures"]) == (1, "FAIL", ["bad"])
    result.stdout.fnmatch_lines(["FAIL bad (critical): one is not two", "*owner: ops", "*fix: * mend it"])


def test_only_the_critical_ones_can_be_asked_for(good_place):
    """`-m critical` is how CI is told to run what blocks; that must still decide."""
    result = good_place.write(test_hint=WARNING).run("-m", "critical")
    latest = good_place.latest()
    assert (result.ret, latest["status"], latest["scope"]) == (0, "PASS", "critical")
    assert [(check["name"], check["outcome"]) for check in latest["checks"]] == [("good", "PASS"), ("hint", "NOT_RUN")]
    assert latest["warnings"] == []


@pytest.mark.parametrize(
    "args", [("-k", "good"), ("gates/test_good.py::test_good",), ("--deselect", "gates/test_bad.py::test_bad")]
)
def test_a_look_at_some_gates_decides_nothing(good_place, args):
    """A developer who debugs one gate must not promote, nor overwrite what was decided."""
    good_place.write(test_bad=FAILING)
    good_place.run()
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in good_place.folder.glob("latest.*")}
    if "::" in args[0]:
        result = good_place.pytester.runpytest_inprocess("-p", "no:cacheprovider", "-W", "default", *args)
    else:
        result = good_place.run(*args)
    assert result.ret == 1
    assert before == {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in good_place.folder.glob("latest.*")
    }
    assert [(one["status"], one["scope"]) for one in good_place.decisions()[1:]] == [("PARTIAL", "partial")]
    result.stdout.fnmatch_lines(
        ["why not: 1 critical gates were not part of this session: bad", "promotion: PARTIAL *"]
    )


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])
def test_a_look_leaves_no_latest_where_there_was_none(good_place, workers):
    """A provisional FAIL that nobody takes back would block a promotion that nobody started."""
    good_place.write(test_bad=FAILING).run("-k", "good", *workers)
    assert not (good_place.folder / "latest.json").exists()


def test_a_desk_profile_may_look(good_place):
    """`dev` is for people who run one gate all day; its exit code is pytest's own."""
    good_place.write(test_bad=FAILING)
    good_place.file("promotion.yaml", "version: 1\nprofiles: {dev: {partial: allow}}\n")
    assert good_place.run("-k", "good", "--promotion-profile=dev").ret == 0
    assert good_place.run("-k", "bad", "--promotion-profile=dev").ret == 1
    assert good_place.run("-k", "good").ret == 1


def test_two_runs_of_a_second_keep_both(good_place):
    """The second of two runs used to overwrite the evidence of the first."""
    for _ in range(3):
        good_place.run()
    names = sorted(path.name for path in good_place.folder.glob("promotion_gates_*.json"))
    assert len(names) == len(good_place.decisions()) == 3
    assert all(REPORT_NAME.fullmatch(name) for name in names)
    assert len({one["run_id"] for one in good_place.decisions()}) == 3


def test_two_sessions_at_once_lose_nothing(good_place):
    """CI starts them in pairs sooner or later."""
    good_place.write(
        test_slow="import time, pytest\n@pytest.mark.critical\ndef test_slow():\n    time.sleep(1)\n    assert str(1) == '1'"
    )
    children = [
        good_place.pytester.popen([*good_place.pytester._getpytestargs(), "gates", "-p", "no:cacheprovider"])
        for _ in range(3)
    ]
    assert [child.wait(300) for child in children] == [0, 0, 0]
    for child in children:
        child.stdout.close(), child.stderr.close()
    decisions = good_place.decisions()
    assert [one["status"] for one in decisions] == ["PASS"] * 3
    assert good_place.latest()["run_id"] in {one["run_id"] for one in decisions}
    assert good_place.latest()["finished"]


def test_the_latest_belongs_to_the_session_that_started_last(good_place):
    """An older session that ends late must not say PASS while a newer one runs."""
    good_place.write(
        test_newer="import json, pathlib, pytest\n@pytest.mark.critical\ndef test_newer():\n"
        "    path = pathlib.Path('reports/promotion_gates/latest.json')\n"
        "    path.write_text(json.dumps({'run_id': 'newer', 'finished': False, 'status': 'FAIL'}))\n    assert str(1) == '1'"
    )
    assert good_place.run().ret == 0
    assert good_place.latest()["run_id"] == "newer"
    assert good_place.decisions()[-1]["status"] == "PASS"


def test_a_replay_has_its_own_files(good_place, ago):
    """A decision as of yesterday that lies where today's is looked for would be acted on today."""
    good_place.run()
    before = good_place.latest()
    result = good_place.run("--promotion-as-of", ago(timedelta()))
    [replay] = [json.loads(path.read_text()) for path in good_place.folder.glob("replay_*.json")]
    assert (result.ret, replay["kind"], replay["clock"]["as_of"]) == (0, "replay", True)
    assert good_place.latest() == before
    assert "replay" in str(result.stdout)


def test_a_replay_judges_by_its_moment(good_place, ago):
    """A replay that looks at the real clock says nothing about the past."""
    good_place.file("evidence/good.json", {"ts_utc": ago(timedelta(days=30)), "score": 0.9})
    assert good_place.run().ret == 1
    assert good_place.run("--promotion-as-of", ago(timedelta(days=30) - timedelta(minutes=5))).ret == 0


def test_it_says_until_when_it_holds(good_place):
    """A PASS over data that goes stale is a PASS for a while."""
    good_place.run()
    until = good_place.latest()["valid_until"]
    written = json.loads((good_place.path / "evidence" / "good.json").read_text())["ts_utc"]
    assert datetime.fromisoformat(until["ts_utc"]) == datetime.fromisoformat(written) + timedelta(minutes=20)
    assert "evidence/good.json" in until["because"]


def test_what_goes_stale_during_the_run_is_not_promoted(place):
    """The gate saw it fresh; whoever acts on the decision would not."""
    # Written when the gate is about to read it: a busy machine takes seconds to get there.
    place.file(
        "gates/conftest.py",
        """
        import json, pathlib
        from datetime import UTC, datetime, timedelta

        def pytest_runtest_setup(item):
            if item.name == "test_good":
                produced = datetime.now(UTC) - timedelta(minutes=20) + timedelta(seconds=8)
                pathlib.Path("evidence/good.json").write_text(json.dumps({"ts_utc": produced.isoformat(), "score": 0.9}))
        """,
    )
    place.write(
        test_good=GOOD,
        test_slow="import time, pytest\n@pytest.mark.critical\ndef test_slow():\n    time.sleep(9)\n    assert str(1) == '1'",
    )
    result = place.run()
    assert (result.ret, place.latest()["status"]) == (1, "FAIL")
    assert any("goes stale" in reason for reason in place.latest()["reasons"])


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])
def test_a_file_that_changes_after_it_was_read_fails_and_is_named(good_place, workers):
    """The decision would name bytes that are not there, or that another gate did not see."""
    good_place.write(
        test_writer="import json, pathlib, pytest\n@pytest.mark.critical\ndef test_writer(artifact):\n    artifact('evidence/good.json')\n"
        "    path = pathlib.Path('evidence/good.json')\n    data = json.loads(path.read_text())\n"
        "    path.write_text(json.dumps(data | {'score': 0.8}))\n    assert str(1) == '1'"
    )
    result = good_place.run(*workers)
    assert (result.ret, good_place.latest()["status"]) == (1, "FAIL")
    assert any("evidence/good.json changed during the run" in reason for reason in good_place.latest()["reasons"])


def test_rewriting_the_same_bytes_changes_nothing(good_place):
    """A service that writes every second must not block every promotion."""
    good_place.write(
        test_writer="import os, pathlib, pytest\n@pytest.mark.critical\ndef test_writer(artifact):\n    artifact('evidence/good.json')\n"
        "    path = pathlib.Path('evidence/good.json')\n    path.with_suffix('.new').write_bytes(path.read_bytes())\n"
        "    os.replace(path.with_suffix('.new'), path)\n    assert str(1) == '1'"
    )
    assert good_place.run().ret == 0


def test_reports_that_cannot_be_written_are_a_fail(good_place):
    """A decision that nobody can read was not taken."""
    (good_place.path / "reports").write_text("a file where the folder should be")
    result = good_place.run()
    assert result.ret == 1
    assert "cannot be written" in str(result.stdout) + str(result.stderr)
    assert "Traceback" not in str(result.stdout) + str(result.stderr)


def test_reports_that_vanish_during_the_run_are_a_fail(good_place):
    """A disk that fills up while gates run leaves a decision that was never written."""
    good_place.write(
        test_z="import shutil, pathlib, pytest\n@pytest.mark.critical\ndef test_z():\n    shutil.rmtree('reports')\n"
        "    pathlib.Path('reports').write_text('x')\n    assert str(1) == '1'"
    )
    result = good_place.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["why not: the decision could not be written: *", "promotion: FAIL *"])
    assert "Traceback" not in str(result.stdout) + str(result.stderr)


@pytest.mark.skipif(not shutil.which("mount") or os.geteuid() != 0, reason="needs to mount a small disk")
def test_a_full_disk_is_a_fail(good_place):
    """The most ordinary way to lose a decision."""
    reports = good_place.path / "reports"
    reports.mkdir()
    mounted = good_place.pytester.run("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(reports))
    if mounted.ret:
        pytest.skip("this machine does not let a test mount a small disk")
    try:
        good_place.file(
            "evidence/good.json", {"ts_utc": datetime.now(UTC).isoformat(), "score": 0.9, "pad": "x" * 40_000}
        )
        result = good_place.run()
        assert result.ret == 1
        assert "no space left" in str(result.stdout).lower()
        assert "Traceback" not in str(result.stdout)
    finally:
        good_place.pytester.run("umount", str(reports))


def test_a_pass_that_could_not_be_written_everywhere_is_not_left_half(good_place):
    """A finished PASS that lies beside a FAIL is the one that someone finds."""
    good_place.write(
        test_z="import pathlib, pytest\n@pytest.mark.critical\ndef test_z():\n"
        "    pathlib.Path('reports/promotion_gates/latest.md').mkdir()\n    assert str(1) == '1'"
    )
    result = good_place.run()
    assert (result.ret, good_place.latest()["status"], good_place.decisions()) == (1, "FAIL", [])


def test_the_markdown_says_first_what_matters(good_place):
    """A reviewer reads the first lines."""
    good_place.write(test_bad=FAILING, test_hint=WARNING).run()
    text = (good_place.folder / "latest.md").read_text()
    places = [
        text.index(part)
        for part in (
            "# Promotion: FAIL",
            "## Why not",
            "## Critical failures",
            "one is not two",
            "mend it",
            "## Warnings to review",
            "## All checks",
            "## Evidence",
        )
    ]
    assert places == sorted(places)


def test_the_markdown_keeps_text_text(good_place):
    """A file name or a message is written by someone else; it must not draw the report."""
    good_place.write(
        test_evil="import pytest\n@pytest.mark.critical\ndef test_evil():\n    assert False, '| <img src=x> \\x1b[31m `x` **b**'"
    )
    good_place.run()
    text = (good_place.folder / "latest.md").read_text()
    assert "\x1b" not in text
    assert "<img" not in text.replace("\\<img", "")


def test_nothing_odd_breaks_the_report(good_place):
    """A gate that fails with an odd message must fail, not break the report of the others."""
    good_place.write(
        test_odd="import pytest, pathlib, decimal\n@pytest.mark.critical\ndef test_odd(measure, record_property):\n"
        "    record_property('x', pathlib.Path('y'))\n    measure.equals('d', decimal.Decimal('1.10'), decimal.Decimal('1.1'))\n"
        "    assert False, '\\ud800 lone'"
    )
    for workers in ((), ("-n2",)):
        assert good_place.run(*workers).ret == 1
        assert "lone" in good_place.check("odd")["reason"]


def test_the_subject_is_what_was_named(good_place):
    """A PASS that does not say what it is about promotes anything."""
    digest = "ab" * 32
    good_place.run(f"--promotion-subject=app=sha256:{digest}")
    assert good_place.latest()["subject"] == {"name": "app", "digest": {"sha256": digest}}


@pytest.mark.parametrize("subject", ["app", "app=sha256:12", "=sha256:" + "ab" * 32, "app=md5:" + "ab" * 16])
def test_a_subject_that_names_nothing_is_refused(good_place, subject):
    """A truncated digest matches more than one thing."""
    assert good_place.run(f"--promotion-subject={subject}").ret == 4


def test_the_release_manifest_is_the_subject_and_must_be_there(good_place):
    """The earlier runner listed a missing manifest as absent, and passed."""
    good_place.file("promotion.yaml", "version: 1\nrelease_manifest: release.md\n")
    assert good_place.run().ret == 1
    assert any("release.md is missing" in reason for reason in good_place.latest()["reasons"])
    good_place.file("release.md", "# Release 1")
    assert good_place.run().ret == 0
    assert good_place.latest()["release_manifest_ref"]["sha256"] == good_place.latest()["subject"]["digest"]["sha256"]


def test_a_required_gate_that_is_not_there_fails(good_place):
    """A deleted gate file is the quietest way to pass."""
    good_place.file("promotion.yaml", "version: 1\nrequired: [good, gone]\n")
    assert good_place.run().ret == 1
    assert good_place.check("gone")["outcome"] == "NOT_RUN"


def test_a_policy_that_demands_evidence_gets_it(good_place):
    """A gate that looked at nothing has shown nothing."""
    good_place.write(test_empty="import pytest\n@pytest.mark.critical\ndef test_empty():\n    assert str(1) == '1'")
    assert good_place.run().ret == 0
    good_place.file("promotion.yaml", "version: 1\nevidence: required\n")
    assert good_place.run().ret == 1
    assert good_place.check("empty")["outcome"] == "INCONCLUSIVE"


def test_a_severity_of_the_policy_counts(good_place):
    """The policy has the last word on what blocks, and `-m critical` must agree with it."""
    good_place.write(test_hint=WARNING)
    good_place.file("promotion.yaml", "version: 1\ngates: {hint: {severity: critical}}\n")
    assert good_place.run("-m", "critical").ret == 1
    assert good_place.check("hint")["severity"] == "critical"


def test_sessions_without_gates_are_left_alone(place):
    """A plugin that interferes with ordinary tests is uninstalled."""
    place.write(test_bad=FAILING)
    place.file(
        "tests/test_x.py",
        "import pytest\n@pytest.mark.critical\ndef test_x():\n    pass\n@pytest.mark.skip\ndef test_y():\n    pass",
    )
    result = place.pytester.runpytest_inprocess("tests", "-W", "default")
    assert result.ret == 0
    lines = re.findall(r"^promotion:.*|= promotion =", str(result.stdout), re.MULTILINE)
    assert len(lines) == 1  # the mark may be another plugin's; it is no gate, and nothing is decided
    assert "tests/test_x.py::test_x is marked critical and lies outside the gates paths" in lines[0]
    assert not (place.path / "reports").exists()


def test_ordinary_tests_beside_gates_keep_their_exit_code(good_place):
    """A PASS of the gates does not make a failing unit test pass."""
    good_place.file("tests/test_x.py", "def test_x():\n    assert False")
    result = good_place.run("tests")
    assert (result.ret, good_place.latest()["status"]) == (1, "PASS")


@pytest.mark.parametrize("option", ["--collect-only", "--setup-plan", "--fixtures", "--markers", "--help", "--version"])
def test_looking_around_touches_no_decision(good_place, option):
    """An editor that lists gates must not overwrite what was decided."""
    good_place.run()
    before = good_place.latest()
    good_place.run(option)
    assert good_place.latest() == before


def test_the_fixtures_are_listed_with_their_docs(good_place):
    """`pytest --fixtures gates` is where a newcomer looks."""
    text = str(good_place.run("--fixtures").stdout)
    assert all(
        name in text
        for name in ("artifact", "freshness", "measure", "command", "policy", "clock", "workspace", "reason")
    )


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("--promotion-profile=nope", "'nope'"),
        ("--promotion-set=x=1", "no setting 'x'"),
        ("--promotion-as-of=soon", None),
    ],
)
def test_a_refused_session_leaves_no_pass_behind(good_place, option, named):
    """A typo in a nightly job would otherwise let yesterday's PASS speak for today."""
    good_place.run()
    before = good_place.latest()
    assert good_place.run(option).ret == 4
    latest = good_place.latest()
    if named is None:  # a replay never touches it
        assert latest == before
    else:
        assert (latest["status"], latest["finished"]) == ("FAIL", False)
        assert named in latest["reasons"][0]


def test_the_gates_are_found_although_an_option_moved_pytests_root(place, monkeypatch):
    """Without an ini file pytest guesses its root from every path among its arguments, an option's value included."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    (place.path / "pyproject.toml").unlink()
    work = place.path / "work"
    (work / "gates").mkdir(parents=True)
    (place.path / "elsewhere").mkdir()
    (work / "gates" / "test_bad.py").write_text(FAILING)
    monkeypatch.chdir(work)
    args = ("gates", "--promotion-reports", str(place.path / "elsewhere"), "-p", "no:cacheprovider")
    result = place.pytester.run(sys.executable, "-m", "pytest", *args)
    assert result.ret == 1
    latest = json.loads((place.path / "elsewhere" / "promotion_gates" / "latest.json").read_text())
    assert latest["critical_failures"] == ["bad"]


@pytest.mark.parametrize(
    ("words", "code", "status", "scope"),
    [
        (("gates/test_good.py::test_good",), 1, "PARTIAL", "partial"),
        (("gates/test_good.py",), 1, "PARTIAL", "partial"),
        (("gates", "--ignore=gates/nothing"), 1, "PARTIAL", "partial"),
        (("gates", "-k", "good"), 0, "PASS", "critical"),
        (("gates", "--deselect=gates/test_x.py::test_x"), 0, "PASS", "critical"),
        (("gates", "--promotion-set=required=good"), 0, "PASS", "critical"),
        (("gates",), 0, "PASS", "full"),
    ],
)
def test_a_session_that_was_asked_for_less_is_never_full(good_place, words, code, status, scope):
    """Which gates there are besides is not known to it; one parameter of a failing gate was once a whole PASS."""
    result = good_place.pytester.runpytest_inprocess(*words, "-W", "default", "-p", "no:cacheprovider")
    assert (result.ret, good_place.decisions()[-1]["status"], good_place.decisions()[-1]["scope"]) == (
        code,
        status,
        scope,
    )


def test_one_parameter_of_a_gate_is_not_the_gate(good_place):
    """`required: [p]` means every parameter there is."""
    source = "import pytest\n\n@pytest.mark.critical\n@pytest.mark.parametrize('n', [1, 2])\ndef test_p(n):\n    assert n == 1\n"
    good_place.write(test_p=source).file("promotion.yaml", "version: 1\nrequired: [p]\n")
    words = ("gates/test_p.py::test_p[1]", "-W", "default", "-p", "no:cacheprovider")
    result = good_place.pytester.runpytest_inprocess(*words)
    assert (result.ret, good_place.decisions()[-1]["status"]) == (1, "PARTIAL")
    assert good_place.run().ret == 1


UNCOLLECTED = {
    "a name that pytest passes over": "C = pytest.mark.critical(owner='ml')\n@C\ndef tst_bad():\n    assert 0\n",
    "a class with __init__": "C = pytest.mark.critical\nclass TestB:\n    def __init__(self):\n        pass\n    @C\n    def test_bad(self):\n        assert 0\n",
    "a second function of the name": "C = pytest.mark.critical\n@C\ndef test_bad():\n    assert 0\n\n@C\ndef test_bad():\n    assert 1 + 1 == 2\n",
    "a second function under a condition": "C = pytest.mark.critical\n@C\ndef test_bad():\n    assert 0\nif True:\n    @C\n    def test_bad():\n        assert 1 + 1 == 2\n",
    "deleted": "C = pytest.mark.critical\n@C\ndef test_bad():\n    assert 0\n\ndel test_bad\n",
    "under a condition that is false": "if not pytest:\n    @pytest.mark.critical\n    def test_bad():\n        assert 0\n",
    "not called as a test, in a class": "C = pytest.mark.critical\nclass Bad:\n    @C\n    def test_bad(self):\n        assert 0\n",
    "two classes of one name": "C = pytest.mark.critical\n@C\nclass TestB:\n    def test_bad(self):\n        assert 0\n\n@C\nclass TestB:\n    def test_good_enough(self):\n        assert 1 + 1 == 2\n",
    "unmarked and unseen": "class TestB:\n    def __init__(self):\n        pass\n    def test_bad(self):\n        assert 0\n",
}


@pytest.mark.parametrize("required", ["", "version: 1\nrequired: [good]\n"], ids=["all", "required"])
@pytest.mark.parametrize("kind", UNCOLLECTED)
def test_what_is_written_as_a_gate_and_was_not_collected_is_named(good_place, kind, required):
    """A marker alias once switched the reading of sources off, and each of these ended with PASS."""
    good_place.write(test_bad="import pytest\n\n" + UNCOLLECTED[kind])
    if required:
        good_place.file("promotion.yaml", required)
    result = good_place.run()
    assert result.ret in (1, 4)
    assert good_place.latest()["status"] == "FAIL"
    reasons = " ".join(good_place.latest()["reasons"])
    assert "gates/test_bad.py defines what was not collected: " in reasons or "replaces the one of line" in reasons


@pytest.mark.parametrize("how", ["file name", "ignored", "removed", "collect_ignore"])
def test_a_file_that_is_not_collected_is_named(good_place, how):
    """An alias in a file that pytest never opened."""
    bad = "import pytest\nC = pytest.mark.critical\n@C\ndef test_bad():\n    assert 0\n"
    good_place.write(**{"bad_gates" if how == "file name" else "test_bad": bad})
    hooks = {
        "ignored": "def pytest_ignore_collect(collection_path):\n    return True if 'bad' in collection_path.name else None\n",
        "removed": "import pytest\n\n@pytest.hookimpl(tryfirst=True)\ndef pytest_collection_modifyitems(items):\n    items[:] = [i for i in items if 'bad' not in i.name]\n",
        "collect_ignore": "collect_ignore = ['test_bad.py']\n",
    }
    if how in hooks:
        good_place.file("gates/conftest.py", hooks[how])
    assert good_place.run().ret == 1
    reasons = " ".join(good_place.latest()["reasons"])
    if how == "removed":  # it was collected before the hook ran
        assert good_place.check("bad")["reason"] == "was never reached"
    else:
        assert "defines what was not collected: test_bad (line 4)" in reasons


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "workers"])
def test_gates_that_are_inherited_decorated_or_under_a_condition_are_collected(good_place, workers):
    """What is written in an unusual way and was collected is a gate like any other."""
    source = """
        import functools
        import pytest

        C = pytest.mark.critical(owner="x")

        def logged(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                return function(*args, **kwargs)
            return wrapper

        def hidden(function):
            def test_hidden():
                return function()
            return test_hidden

        class Base:
            @C
            def test_inherited(self):
                assert 1 + 1 == 2

        class TestB(Base):
            pass

        @C
        @logged
        def test_wrapped():
            assert 1 + 1 == 2

        @C
        @hidden
        def test_hidden():
            assert 1 + 1 == 2

        if True:
            @C
            def test_conditional():
                assert 1 + 1 == 2

        @pytest.mark.parametrize("n", [pytest.param(1, marks=C), pytest.param(2, marks=pytest.mark.warning)])
        def test_parameters(n):
            assert n > 0
        """
    good_place.file("gates/test_unusual.py", source)
    result = good_place.run(*workers)
    assert (result.ret, good_place.latest()["reasons"]) == (0, [])
    assert len(good_place.latest()["checks"]) == 7


def test_a_pass_without_evidence_is_named(good_place):
    """A gate that looked at nothing may be allowed; it may not go unnoticed."""
    good_place.write(test_empty="import pytest\n@pytest.mark.critical\ndef test_empty():\n    assert str(1) == '1'")
    result = good_place.run()
    assert good_place.latest()["without_evidence"] == ["empty"]
    result.stdout.fnmatch_lines(["without evidence: empty passed and recorded nothing to rest on"])


def test_the_policy_is_kept_with_the_evidence(good_place):
    """A decision whose rules are gone cannot be taken again."""
    path = good_place.file("promotion.yaml", "version: 1\ninclude: [more.yaml]\n")
    good_place.file("more.yaml", "version: 1\n")
    good_place.run()
    files = good_place.latest()["policy"]["files"]
    assert [item["path"] for item in files] == ["promotion.yaml", "more.yaml"]
    kept = good_place.folder / "evidence" / "sha256" / files[0]["sha256"][:2] / files[0]["sha256"]
    assert kept.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["promotion.yml", "gates/promotion.yaml", "gates/promotion.yml"])
def test_a_policy_that_is_not_read_is_refused(good_place, name):
    """A list of required gates in a file that is not read holds nothing, and looks as if it did."""
    good_place.file(name, "version: 1\nrequired: [good, bad]\n")
    result = good_place.run()
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*{name} is not read: the policy is promotion.yaml in the promotion root*"])
    assert good_place.latest()["status"] == "FAIL"
    assert good_place.run(f"--promotion-policy={name}").ret == 1
    good_place.file("promotion.yaml", "version: 1\n")
    assert good_place.run().ret == 0


@pytest.mark.parametrize(
    ("rules", "name"),
    [
        ("gates: {goood: {severity: critical}}", "goood"),
        ("gates: {good: {max_age: 5m}, tets_good: {thresholds: {min: 1}}}", "tets_good"),
        ("profiles: {ci: {gates: {goood: {max_age: 5m}}}}", "goood"),
    ],
)
def test_rules_for_a_gate_that_does_not_exist_are_named(good_place, rules, name):
    """Settings under a misspelt name change nothing, and look as if they did."""
    good_place.file("promotion.yaml", f"version: 1\n{rules}\n")
    assert good_place.run().ret == 1
    [reason] = good_place.latest()["reasons"]
    assert reason.startswith(f"promotion.yaml line 2: no gate is called {name!r}")
    assert name != "goood" or reason.endswith("; did you mean 'good'?")
    # A partial run does not know which gates there are.
    good_place.pytester.runpytest_inprocess("gates/test_good.py", "-W", "default", "-p", "no:cacheprovider")
    assert "no gate is called" not in str(good_place.decisions()[-1]["reasons"])
