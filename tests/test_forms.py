"""The other forms of a decision as sessions write them and `promotion render` gives them later."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from pytest_promotion.reporting.markdown import markdown
from tests.cli.test_commands import promotion
from tests.test_render import CTRF, SARIF

pytestmark = pytest.mark.slow

BAD = "import pytest\n\n@pytest.mark.critical\ndef test_bad(measure):\n    measure.at_least('x', 1, 2)\n"


def statuses(place):
    """What each of the files that were written says of the decision."""
    root = ET.parse(place.path / "out/gates.xml").getroot()
    against = int(root.get("failures")) + int(root.get("errors"))
    [status] = {item.get("value") for item in root.iter("property") if item.get("name") == "promotion.status"}
    assert bool(against) == (status != "PASS")
    sarif, ctrf = (json.loads((place.path / f"out/gates.{name}").read_text()) for name in ("sarif", "ctrf"))
    SARIF.validate(sarif)
    CTRF.validate(ctrf)
    return sarif["runs"][0]["properties"]["status"], ctrf["results"]["tests"][0]["rawStatus"], status


ALL = ("--promotion-sarif=out/gates.sarif", "--promotion-ctrf=out/gates.ctrf", "--promotion-junit=out/gates.xml")


@pytest.mark.parametrize(("gates", "status"), [({}, "PASS"), ({"test_bad": BAD}, "FAIL")], ids=["pass", "fail"])
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_a_session_writes_what_it_was_asked_for(good_place, gates, status, workers):
    """A dashboard that gets no file shows yesterday's."""
    good_place.write(**gates).run(*ALL, *workers)
    assert statuses(good_place) == (status, status, status)
    assert good_place.latest()["status"] == status


def test_a_gate_is_found_at_its_line(good_place):
    """An alert without a place is dropped by GitHub."""
    good_place.write(test_bad=BAD).run(*ALL)
    log = json.loads((good_place.path / "out/gates.sarif").read_text())
    [_, result] = log["runs"][0]["results"]
    where = result["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"] == "gates/test_bad.py"
    assert where["region"]["startLine"] in (3, 4)


@pytest.mark.parametrize("option", ["sarif", "ctrf", "junit"])
def test_a_report_that_cannot_be_written_is_a_reason_against(good_place, option):
    """Asked for and not there: whoever reads the report reads the one of another run."""
    (good_place.path / "taken").mkdir()
    done = good_place.run(*ALL, f"--promotion-{option}=taken")
    assert done.ret == 1
    decision = good_place.latest()
    assert decision["status"] == "FAIL"
    assert f"the {option} report was asked for and could not be written" in decision["reasons"][0].lower()


def test_the_forms_follow_a_decision_that_changed(good_place):
    """One form says PASS, the next could not be written, and the decision is FAIL: all have to say so."""
    (good_place.path / "taken").mkdir()
    good_place.run(*ALL, "--promotion-ctrf=taken")
    log = json.loads((good_place.path / "out/gates.sarif").read_text())
    assert log["runs"][0]["properties"]["status"] == "FAIL"
    assert log["runs"][0]["results"][0]["ruleId"] == "promotion/decision"
    root = ET.parse(good_place.path / "out/gates.xml").getroot()
    assert (root.get("failures"), root.get("errors")) == ("1", "0")


def test_a_decision_that_cannot_be_written_is_not_a_pass_in_another_form(good_place, monkeypatch):
    """The disk is full between the report and the decision, and the report is uploaded."""
    from pytest_promotion.reporting.publishing import ReportFolder

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ReportFolder, "publish", full)
    assert good_place.run(*ALL).ret == 1
    assert statuses(good_place) == ("FAIL", "FAIL", "FAIL")


def test_an_earlier_report_does_not_outlive_the_start_of_a_session(good_place):
    """A session that is killed leaves the report of the one before, which says PASS."""
    good_place.run(*ALL)
    good_place.write(test_kills="import os, pytest\n\n@pytest.mark.critical\ndef test_kills():\n    os._exit(0)\n")
    good_place.run(*ALL, apart=True)
    assert not list((good_place.path / "out").iterdir())
    assert not good_place.latest()["finished"]


def test_a_shard_writes_no_report_of_a_decision(good_place):
    """A share of the gates says nothing about the candidate, in any form."""
    done = good_place.run("--promotion-sarif=a.sarif", "--promotion-shard=1/2", "--promotion-run-id=r")
    assert done.ret == 4
    assert "render the merge" in done.stderr.str()


class TestGithub:
    """A session inside GitHub Actions."""

    @pytest.fixture
    def page(self, place, monkeypatch):
        """The file of the step's summary, in which another program has written."""
        path = place.path / "summary.md"
        path.write_text("before\n")
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
        return path

    def test_the_summary_is_added_and_gates_are_annotated(self, good_place, page):
        """What is only in a file that somebody has to download is read by nobody."""
        done = good_place.write(test_bad=BAD).run()
        assert page.read_text() == "before\n" + markdown(good_place.latest())
        done.stdout.fnmatch_lines(["::error title=Promotion%3A FAIL::*", "::error file=gates/test_bad.py,line=*"])

    def test_off_is_off(self, good_place, page):
        """Whoever writes a summary of their own gets two."""
        done = good_place.write(test_bad=BAD).run("--promotion-github=off")
        assert page.read_text() == "before\n"
        assert "::error" not in done.stdout.str()

    def test_another_value_is_refused(self, good_place):
        """A misspelt `off` that means `auto` is noticed in public."""
        assert good_place.run("--promotion-github=of").ret == 4

    @pytest.mark.parametrize(("word", "code"), [("on", 1), ("auto", 0)])
    def test_a_summary_that_cannot_be_written_counts_if_it_was_asked_for(self, good_place, page, word, code):
        """A missing summary is a reason for whoever demanded it, and a remark for everyone else."""
        page.unlink()
        page.mkdir()
        done = good_place.run(f"--promotion-github={word}")
        assert done.ret == code
        assert "the step summary could not be written" in done.stdout.str()

    def test_a_summary_that_is_full_is_left_alone(self, good_place, page):
        """One byte over a mebibyte, and what the other programs wrote is dropped too."""
        page.write_bytes(b"x" * (1024 * 1024 - 10))
        done = good_place.run()
        assert page.stat().st_size == 1024 * 1024 - 10
        assert "have used its 1 MiB" in done.stdout.str()

    def test_outside_of_github_nothing_is_written(self, good_place):
        """`on` without GitHub's file is a summary that nobody will ever see."""
        assert good_place.run().ret == 0
        assert good_place.run("--promotion-github=on").ret == 1
        assert "GITHUB_STEP_SUMMARY is not set" in good_place.latest()["reasons"][0]


class TestCommand:
    """`promotion render`."""

    @pytest.mark.parametrize("form", ["markdown", "github", "annotations", "sarif", "ctrf", "junit"])
    def test_a_stored_decision_is_rendered(self, good_place, form):
        """The run is over when somebody asks for the other format."""
        good_place.write(test_bad=BAD).run()
        done = promotion("render", "--format", form, "--rootdir", "sub", cwd=good_place.path)
        assert done.returncode == 0, done.stderr
        if form in ("markdown", "github"):
            assert done.stdout == markdown(good_place.latest())
        elif form == "annotations":
            assert "file=sub/gates/test_bad.py" in done.stdout
        elif form == "junit":
            [case] = [one for one in ET.fromstring(done.stdout).iter("testcase") if one.get("name") == "bad"]
            assert (case.get("file"), case.find("failure").get("type")) == ("sub/gates/test_bad.py", "FAIL")
        else:
            (SARIF if form == "sarif" else CTRF).validate(json.loads(done.stdout))

    def test_it_is_written_whole_where_asked(self, good_place):
        """Half a SARIF log is no log."""
        good_place.run()
        done = promotion("render", "--format=sarif", "--output=out/a.sarif", "--json", cwd=good_place.path)
        assert json.loads(done.stdout)["content"] == (good_place.path / "out/a.sarif").read_text()
        (good_place.path / "dir").mkdir()
        assert promotion("render", "--output=dir", cwd=good_place.path).returncode == 3

    @pytest.mark.parametrize(
        "change",
        [{"finished": False}, {"status": "PASS", "passed": True}, {"tool": None}, {"checks": []}],
        ids=["unfinished", "contradicts-itself", "lacks-a-part", "no-checks"],
    )
    def test_what_is_no_decision_is_not_rendered(self, good_place, change):
        """A forged PASS in SARIF closes every alert."""
        good_place.write(test_bad=BAD).run()
        good_place.file("changed.json", good_place.latest() | change)
        done = promotion("render", "changed.json", "--format=sarif", cwd=good_place.path)
        assert (done.returncode, done.stdout) == (3, "")
        assert "Traceback" not in done.stderr

    def test_a_missing_file_is_3(self, tmp_path):
        """Nothing to render is not an empty report."""
        assert promotion("render", cwd=tmp_path).returncode == 3
