"""Sessions with gates of a suite: imported by one line, replaced by name, and left out only by the policy."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from tests.suites.conftest import write
from tests.verifying import LOOSE

pytestmark = pytest.mark.slow

IMPORT = "from acme_suite.gates import *\n"
NOT_APPLICABLE = """
version: 1
suites: [acme]
gates:
  score:
    not_applicable:
      because: nothing is scored in this project
      when: {%s}
"""


@pytest.fixture
def project(place, acme, ago):
    """A project that uses the suite."""
    place.file("promotion.yaml", "version: 1\nsuites: [acme]\n")
    place.file("evidence/good.json", {"ts_utc": ago(timedelta()), "score": 0.9, "signed": "yes"})
    return place.write(test_acme=IMPORT)


def test_one_line_brings_the_gates(project):
    """Copied gates never get a fix; imported ones do with the next upgrade."""
    result = project.run("--promotion-profile=prod", "-rA")
    assert (result.ret, project.latest()["status"]) == (0, "PASS")
    assert [check["nodeid"] for check in project.latest()["checks"]] == [
        "gates/test_acme.py::test_score",
        "gates/test_acme.py::test_signed",
    ]


def test_with_workers_as_well(project):
    """What a worker collects has to be what the controller decides by."""
    result = project.run("--promotion-profile=prod", "-n2", apart=True)
    assert (result.ret, len(project.latest()["checks"])) == (0, 2)


def test_a_failing_gate_shows_its_values(project, ago):
    """Without pytest's rewriting of assertions the reason would be an empty AssertionError."""
    project.file("evidence/good.json", {"ts_utc": ago(timedelta()), "score": 0.9, "signed": "no"})
    result = project.run("--promotion-profile=prod")
    assert result.ret == 1
    assert "'no' == 'yes'" in project.check("signed")["reason"]
    result.stdout.fnmatch_lines(["*test_scores.py:*"])


def test_a_gate_that_the_profile_does_not_require_does_not_run(project):
    """Gates of a suite are for the profiles that ask for them."""
    project.run()
    assert [check["name"] for check in project.latest()["checks"]] == ["score"]


@pytest.mark.parametrize(
    "text",
    ["", "from acme_suite.gates import test_signed, report\n", "import acme_suite.gates\n"],
    ids=["no import", "one of two", "not into the module"],
)
def test_a_required_gate_that_is_not_imported_is_missed(project, text):
    """Deleting the line would otherwise switch the suite off."""
    project.write(
        test_acme=text, test_own="import pytest\n\n@pytest.mark.critical\ndef test_own():\n    assert 1 + 1 == 2\n"
    )
    result = project.run("--promotion-profile=prod")
    assert (result.ret, project.latest()["status"]) == (1, "FAIL")
    assert project.check("score")["outcome"] == "NOT_RUN"


def test_a_project_replaces_a_gate_by_name(project):
    """An override is the project's own gate: its owner, its rule, its line."""
    own = '''
@pytest.mark.critical(owner="us")
def test_score(report, measure):
    """Ours is stricter."""
    measure.at_least("score", report["score"], 0.95)
'''
    project.write(test_acme="import pytest\n" + IMPORT + own)
    result = project.run("--promotion-profile=prod")
    assert result.ret == 1
    replaced = "gates.score: replaced by gates/test_acme.py line 5, instead of acme_suite.gates"
    assert project.latest()["weakened"] == [replaced]
    assert (project.check("score")["owner"], project.check("score")["outcome"]) == ("us", "FAIL")


def test_an_import_that_replaces_a_gate_of_the_project_is_refused(project):
    """The gate above the line would never run."""
    own = "import pytest\n\n@pytest.mark.critical\ndef test_score():\n    assert 1 == 2\n\n"
    project.write(test_acme=own + IMPORT)
    result = project.run()
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*gates/test_acme.py line 7: the gate score replaces the one of line 4*"])


def test_two_modules_of_a_suite_with_one_gate_are_refused(project, acme):
    """The first of the two would never run, in no project."""
    write(acme, {"gates/test_more.py": "import pytest\n\n@pytest.mark.critical\ndef test_score():\n    assert 1\n"})
    result = project.run()
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*both define test_score*"])


def test_the_line_of_an_imported_gate_is_not_that_of_the_importing_file(project):
    """An annotation at that line of the project's file would point at something else."""
    project.run()
    assert project.check("score")["line"] == 0


@pytest.mark.parametrize(
    ("when", "outcome"),
    [
        ("no_files: ['scores/*.csv']", "NOT_APPLICABLE"),
        ("no_files: ['evidence/*.json']", "PASS"),
        ("no_files: ['scores/*.csv', 'evidence/**/*.json']", "PASS"),
        ("no_files: []", "PASS"),
        ("no_files: ['/etc/*']", "PASS"),
        ("profiles: [prod]", "NOT_APPLICABLE"),
        ("profiles: [default]", "PASS"),
        ("profiles: [prod], no_files: ['evidence/*.json']", "PASS"),
        ("unchanged: {since: HEAD, paths: [evidence]}", "PASS"),  # and no repository to tell
    ],
)
@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "workers"])
def test_the_policy_says_what_does_not_apply(project, when, outcome, workers):
    """Edited out, a gate is forgotten; a condition is evaluated each time, and shown."""
    project.file("promotion.yaml", NOT_APPLICABLE % when)
    result = project.run("--promotion-profile=prod", *workers, apart=bool(workers))
    latest = project.latest()
    check = project.check("score")
    assert (result.ret, latest["status"], check["outcome"]) == (0, "PASS", outcome)
    assert check["pass"] is (outcome == "PASS")
    assert latest["not_applicable"] == ([] if outcome == "PASS" else ["score"])
    if outcome == "NOT_APPLICABLE":
        assert check["reason"].startswith("does not apply: nothing is scored in this project (")
        result.stdout.fnmatch_lines(
            ["NOT_APPLICABLE score: *", "promotion: PASS (1 of 1 gates passed, 1 not applicable;*"]
        )


def test_what_is_unchanged_is_told_by_git(project):
    """A change of the paths, committed or not, makes the gate apply again."""
    project.file("promotion.yaml", NOT_APPLICABLE % "unchanged: {since: HEAD~1, paths: [infra]}")
    project.file("infra/main.tf", "one")
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        [*who, "commit", "-qm", "1"],
        [*who, "commit", "-qm", "2", "--allow-empty"],
    ):
        subprocess.run(["git", *words], cwd=project.path, check=True)
    project.run("--promotion-profile=prod")
    assert project.check("score")["outcome"] == "NOT_APPLICABLE"
    for change in ("infra/main.tf", "infra/new.tf"):
        project.file(change, "two")
        project.run("--promotion-profile=prod")
        assert project.check("score")["outcome"] == "PASS"
        (project.path / change).unlink()
        subprocess.run(["git", "checkout", "-q", "--", "infra/main.tf"], cwd=project.path, check=True)


def test_where_nothing_applies_nothing_passes(project):
    """Zero gates out of zero is no ground for a promotion."""
    project.file("promotion.yaml", NOT_APPLICABLE % "profiles: [default]")
    result = project.run()
    assert (result.ret, project.latest()["status"]) == (5, "FAIL")  # pytest's own: nothing was collected
    assert any("no critical gate ran" in reason for reason in project.latest()["reasons"])


def test_a_required_gate_that_nobody_wrote_may_be_not_applicable(project):
    """A project without that part need not import a gate for it."""
    project.file("promotion.yaml", NOT_APPLICABLE % "profiles: [prod]")
    project.write(test_acme="from acme_suite.gates import test_signed, report\n")
    result = project.run("--promotion-profile=prod")
    assert (result.ret, project.check("score")["outcome"]) == (0, "NOT_APPLICABLE")


@pytest.mark.parametrize(
    "when", ["{}", "{no_file: [x]}", "{no_files: ['a.{x,y}']}", "{no_files: [' a']}", "{no_files: ['a\\b']}"]
)
def test_a_condition_has_to_mean_something(project, when):
    """Without one the gate would be gone for everybody, for ever."""
    project.file("promotion.yaml", (NOT_APPLICABLE % "").replace("when: {}", f"when: {when}"))
    assert project.run().ret == 4


def test_verify_knows_what_does_not_apply(project):
    """A decision that calls a gate not applicable by itself is forged; one by the policy is valid."""
    project.file("promotion.yaml", NOT_APPLICABLE % "profiles: [prod]")
    project.run("--promotion-profile=prod")
    path = project.folder / "latest.json"
    assert verified(path) == 0
    forged = json.loads(path.read_text())
    forged["checks"][0]["outcome"], forged["checks"][0]["reason"] = "PASS", "fine"
    forged["checks"][0]["pass"] = True
    path.write_text(json.dumps(forged))
    assert verified(path) == 2


def verified(path):
    return CliRunner().invoke(main, ["verify", *LOOSE, str(path)]).exit_code
