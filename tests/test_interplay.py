"""Beside others: JUnit, pytest-json-report, pytest-cov, debuggers, timeouts, rerun plugins and conftest files."""

from __future__ import annotations

import json
from hashlib import sha256
from xml.etree import ElementTree as ET

import pytest

from tests.conftest import GOOD, Place

pytestmark = pytest.mark.slow

BAD = "import pytest\n@pytest.mark.critical(owner='ops')\ndef test_bad(artifact):\n    assert artifact('evidence/good.json')['score'] > 1"


def properties(path):
    """The promotion properties of each test case in a JUnit file."""
    return {
        case.get("name"): {item.get("name"): item.get("value") for item in case.iter("property")}
        for case in ET.parse(path).getroot().iter("testcase")
    }


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])
def test_junit_carries_the_facts_of_each_gate(good_place, workers):
    """CI systems show JUnit; without these facts a red gate there has no owner and no evidence."""
    good_place.write(test_bad=BAD).run("--junitxml=junit.xml", *workers, apart=True)
    found = properties(good_place.path / "junit.xml")
    assert found["test_good"]["promotion.outcome"] == "PASS"
    assert found["test_bad"]["promotion.outcome"] == "FAIL"
    assert found["test_bad"]["promotion.severity"] == "critical"
    assert found["test_bad"]["promotion.owner"] == "ops"
    assert found["test_bad"]["promotion.evidence"].startswith("evidence/good.json sha256:")


def test_reports_of_others_are_listed_by_digest(good_place):
    """A report that lies beside the decision and is not named in it can be swapped."""
    result = good_place.run(
        "--junitxml=junit.xml",
        "-p",
        "pytest_jsonreport.plugin",
        "-p",
        "pytest_metadata.plugin",
        "--json-report",
        "--json-report-file=out.json",
        apart=True,
    )
    assert result.ret == 0
    listed = {item["path"]: item["sha256"] for item in good_place.latest()["attachments"]}
    assert listed == {
        name: sha256((good_place.path / name).read_bytes()).hexdigest() for name in ("junit.xml", "out.json")
    }
    told = json.loads((good_place.path / "out.json").read_text())["promotion"]["severity"]
    assert told == {"gates/test_good.py::test_good": "critical"}


def test_reports_of_others_do_not_change_the_bundle(good_place):
    """They hold times; the same evidence would never have the same id twice."""
    good_place.run()
    good_place.run("--junitxml=junit.xml")
    first, second = good_place.decisions()
    assert first["evidence_bundle"] == second["evidence_bundle"]


def test_a_report_that_was_asked_for_and_not_written_fails(good_place):
    """pytest-json-report says that it could not save, and the process ends with 0."""
    good_place.file("folder/x", "")
    result = good_place.run(
        "-p",
        "pytest_jsonreport.plugin",
        "-p",
        "pytest_metadata.plugin",
        "--json-report",
        "--json-report-file=folder",
        apart=True,
    )
    assert (result.ret, good_place.latest()["status"]) == (1, "FAIL")
    assert any("was not written" in reason for reason in good_place.latest()["reasons"])


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])
def test_coverage_runs_beside_the_gates(good_place, workers):
    """`--cov` sits around the run and decides on its own; the decision must not be lost in it."""
    result = good_place.run("-p", "pytest_cov", "--cov=gates", "--cov-report=term", *workers, apart=True)
    assert (result.ret, good_place.latest()["status"]) == (0, "PASS")
    assert "coverage:" in str(result.stdout)


def test_a_coverage_that_fails_keeps_its_exit_code(good_place):
    """A PASS of the gates is no PASS of whatever else the session was asked."""
    good_place.write(test_w="import pytest\n@pytest.mark.warning\ndef test_w():\n    assert False")
    good_place.file("unused.py", "x = 1\ny = 2\n")
    result = good_place.run("-p", "pytest_cov", "--cov=.", "--cov-fail-under=100", apart=True)
    assert (result.ret != 0, good_place.latest()["status"]) == (True, "PASS")


def test_a_debugger_may_stop_in_a_gate(good_place):
    """A gate that cannot be debugged is deleted."""
    good_place.write(test_bad=BAD)
    child = good_place.pytester.popen(
        [*good_place.pytester._getpytestargs(), "gates/test_bad.py::test_bad", "--pdb", "-p", "no:cacheprovider"],
        stdin=b"p 40 + 2\nq\n",
    )
    out, _ = child.communicate(timeout=300)
    assert b"42" in out
    assert child.returncode != 0
    assert not (good_place.folder / "latest.json").exists()


def test_one_gate_from_an_editor_is_readable(good_place):
    """Editors run one node id and show what they get: the sentence must be in it."""
    good_place.write(test_bad=BAD)
    result = good_place.pytester.runpytest_inprocess(
        "gates/test_bad.py::test_bad", "-W", "default", "-p", "no:cacheprovider"
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(["promotion: PARTIAL *"])


def test_a_flaky_gate_is_not_a_pass(good_place):
    """A gate that passes when it is asked often enough has not passed."""
    pytest.importorskip("pytest_rerunfailures")
    good_place.write(
        test_flaky="import pathlib, pytest\n@pytest.mark.critical\ndef test_flaky():\n    mark = pathlib.Path('seen')\n"
        "    first = not mark.exists()\n    mark.touch()\n    assert not first"
    )
    result = good_place.run("-p", "pytest_rerunfailures", "--reruns=2", apart=True)
    assert (result.ret, good_place.check("flaky")["outcome"]) == (1, "FAIL")
    assert "flaky" in good_place.check("flaky")["reason"]


def test_a_refusal_reads_as_one_sentence(good_place):
    """A traceback through this plugin says nothing about the evidence."""
    good_place.write(
        test_gone="import pytest\n@pytest.mark.critical(fix='run the service')\ndef test_gone(artifact):\n    artifact('evidence/gone.json')"
    )
    result = good_place.run()
    text = str(result.stdout)
    assert "evidence/gone.json is missing" in text
    assert "run the service" in text
    assert "pytest_promotion/" not in text


def test_another_plugin_hears_of_the_decision(good_place):
    """Notifying someone is what a decision is for."""
    good_place.file(
        "conftest.py",
        "import pytest\n@pytest.hookimpl(optionalhook=True)\ndef pytest_promotion_decided(config, decision):\n"
        "    print('HEARD', decision.verdict.status.value)",
    )
    good_place.run("-s").stdout.fnmatch_lines(["*HEARD PASS*"])


def test_a_gate_may_not_ask_for_evidence_elsewhere(place):
    """An ordinary test that records evidence would record it for no one."""
    place.file("tests/test_x.py", "def test_x(artifact):\n    pass")
    result = place.pytester.runpytest_inprocess("tests", "-W", "default")
    assert result.ret == 1


@pytest.mark.parametrize(
    "marker",
    ["critical(ownr='x')", "critical('x')", "critical(timeout=-1)", "critical(timeout='1')", "critical(requires=3)"],
)
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])
def test_a_marker_that_cannot_be_meant_is_refused(place: Place, marker, workers):
    """A misspelt `requires` is a requirement that nobody checks."""
    place.write(test_a=f"import pytest\n@pytest.mark.{marker}\ndef test_a():\n    assert str(1) == '1'", test_good=GOOD)
    result = place.run(*workers, apart=bool(workers))
    assert result.ret == 4
    assert [one["status"] for one in place.decisions()] == ["FAIL"]
    assert "test_a.py::test_a" in place.decisions()[0]["reasons"][0]


def test_parameters_are_part_of_the_id(good_place):
    """Three windows that share one id are one gate, of which the last one counts."""
    good_place.write(
        test_windows="import pytest\n@pytest.mark.critical\n@pytest.mark.parametrize('size', [500, 1000])\ndef test_window(size, measure):\n"
        "    measure.at_least('events', size, 600)"
    )
    good_place.file("promotion.yaml", "version: 1\nrequired: [good, window]\n")
    assert good_place.run().ret == 1
    assert {check["name"]: check["outcome"] for check in good_place.latest()["checks"]} == {
        "good": "PASS",
        "window[500]": "FAIL",
        "window[1000]": "PASS",
    }


def test_a_command_is_evidence(good_place):
    """What a program said is gone when its terminal is."""
    good_place.write(
        test_cmd="import sys, pytest\n@pytest.mark.critical\ndef test_cmd(command):\n    done = command([sys.executable, '-c', 'print(42)'])\n"
        "    assert done.exit_code == 0\n    assert done.output.strip() == '42'\n"
        "@pytest.mark.critical\ndef test_gone(command):\n    command(['no-such-program'])\n"
        "@pytest.mark.critical\ndef test_hangs(command):\n    command([sys.executable, '-c', 'import time; time.sleep(60)'], timeout=0.5)\n"
    )
    assert good_place.run().ret == 1
    ran = good_place.check("cmd")["commands"][0]
    assert (good_place.check("cmd")["outcome"], ran["exit_code"]) == ("PASS", 0)
    assert (
        good_place.folder / "evidence" / "sha256" / ran["output_sha256"][:2] / ran["output_sha256"]
    ).read_bytes() == b"42\n"
    assert good_place.check("gone")["reason"].startswith("no-such-program cannot be run")
    assert "did not end within 0.5 s" in good_place.check("hangs")["reason"]


def test_a_producer_that_writes_is_heard(good_place):
    """A refresh is part of the run: what it ran is in the decision."""
    good_place.file(
        "promotion.yaml",
        {
            "version": 1,
            "producers": {"p": {"command": ["{python}", "write.py", "{root}"], "writes": ["evidence/good.json"]}},
            "refresh": ["p"],
        },
    )
    good_place.file(
        "write.py",
        "import sys, json, datetime, pathlib\npathlib.Path(sys.argv[1], 'evidence/good.json').write_text(json.dumps("
        "{'ts_utc': datetime.datetime.now(datetime.UTC).isoformat(), 'score': 0.7}))",
    )
    assert good_place.run().ret == 0
    assert good_place.check("good")["measurements"][0]["value"] == 0.7
    assert good_place.latest()["refreshed"][0]["producer"] == "p"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("raise SystemExit('no')", "ended with exit code 1: no"),
        ("", "did not write evidence/good.json"),
        (None, "ended with exit code 2"),
    ],
)
def test_a_producer_that_does_not_write_fails(good_place, script, said):
    """A refresh whose failure is only noted leaves the old report to be judged as the new one."""
    good_place.file(
        "promotion.yaml",
        {
            "version": 1,
            "producers": {"p": {"command": ["{python}", "write.py"], "writes": ["evidence/good.json"]}},
            "refresh": ["p"],
        },
    )
    if script is not None:
        good_place.file("write.py", script)
    assert good_place.run().ret == 1
    assert any(said in reason for reason in good_place.latest()["reasons"])


def test_a_refresh_cannot_make_old_data_fresh(good_place, ago):
    """A report stamped now over rows of last week is last week's."""
    from datetime import timedelta

    row = json.dumps({"at": ago(timedelta(days=7))})
    good_place.write(
        test_rows="import pytest\n@pytest.mark.critical\ndef test_rows(artifact, freshness):\n    freshness(artifact('evidence/rows.jsonl', timestamps='at'))"
    )
    good_place.file(
        "promotion.yaml",
        {
            "version": 1,
            "producers": {"p": {"command": ["{python}", "write.py"], "writes": ["evidence/rows.jsonl"]}},
            "refresh": ["p"],
        },
    )
    good_place.file("write.py", f"import pathlib\npathlib.Path('evidence/rows.jsonl').write_text({row!r} + chr(10))")
    assert good_place.run().ret == 1
    assert "7.0 days old" in good_place.check("rows")["reason"]


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["plain", "workers"])
def test_a_refusal_with_letters_beyond_ascii_is_not_lost(place, workers):
    """A worker's envelope with `ö` in it was unreadable: the refusal in it was lost, and the gate passed."""
    place.file(
        "gates/conftest.py",
        """
        import pytest

        @pytest.fixture
        def attempt():
            def run(check, *arguments):
                try:
                    check(*arguments)
                except AssertionError:
                    pass
            return run
        """,
    )
    place.write(
        test_size='import pytest\n@pytest.mark.critical(owner="Jürgen")\ndef test_size(measure, attempt):\n'
        '    """Größer als null."""\n    attempt(measure.at_least, "größe", 0, 1)\n    measure.at_least("x", 1, 1)\n'
    )
    assert place.run(*workers, apart=True).ret == 1
    check = place.check("size")
    assert (check["outcome"], check["owner"], check["rule"]) == ("FAIL", "Jürgen", "Größer als null.")
    assert "größe is 0" in check["reason"]
