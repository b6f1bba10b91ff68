"""`promotion deploy` refuses a decision that is not one about this, for there, before it looks for an engine."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main

pytestmark = pytest.mark.slow


@pytest.fixture
def deploying(decided, monkeypatch, tmp_path):
    """`deploying(…)`: the exit code and the reasons of a deployment to production from the checkout."""
    folder = tmp_path / "no programs but git"
    folder.mkdir()
    (folder / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.chdir(decided.path)
    (decided.path / ".git/info/exclude").write_text(".runtime\n")

    def deployed(*words, env="prod"):
        done = CliRunner().invoke(main, ["deploy", "--env", env, "--key", str(decided.key), *map(str, words), "--json"])
        report = json.loads(done.stdout)
        return done.exit_code, "; ".join(report["reasons"]), report

    return deployed


def test_the_decision_of_production_goes_on(deploying):
    """The demands are met by a clean checkout of what was judged; what is missing here is the engine."""
    code, reasons, report = deploying()
    assert (code, report["steps"][0]["step"], report["steps"][0]["status"]) == (3, "decision", "done"), reasons
    assert "docker" in reasons


def test_a_pass_of_dev_is_not_deployed_to_production(decided, deploying):
    """Its gates are demoted and its list is shorter."""
    decided.decide(0.1, profile="dev")
    code, reasons, _ = deploying()
    assert code == 2
    assert "it is of the profile dev, not of prod" in reasons
    code, _, report = deploying("--any-profile")
    assert report["steps"][0]["status"] == "done"
    assert report["decision"]["done_without"] == ["--any-profile: it is of the profile dev"]
    assert deploying(env="dev")[2]["steps"][0]["status"] == "done"


def test_another_commit_than_the_one_that_lies_here(decided, deploying):
    """The decision was about yesterday's commit."""
    (decided.path / "src/app.py").write_text("ANSWER = 43\n")
    decided.git("commit", "-qam", "two")
    code, reasons, _ = deploying()
    assert code == 2
    assert "it is about the commit" in reasons


def test_a_tree_that_was_changed_since_is_not_what_is_deployed(decided, deploying):
    """What is deployed is what the commit has, so that it makes no difference what lies beside it."""
    (decided.path / "src/app.py").write_text("ANSWER = 0\n")
    assert deploying()[2]["steps"][0]["status"] == "done"
    decided.decide()
    code, reasons, _ = deploying()
    assert code == 2
    assert "it was taken in a tree that differs from its commit: src/app.py" in reasons


def test_an_older_pass_after_a_newer_fail(decided, deploying):
    """This morning's PASS has not expired."""
    [passed] = decided.latest.parent.glob("promotion_gates_*.json")
    decided.decide(0.1)
    code, reasons, _ = deploying("--decision", passed)
    assert code == 2
    assert "it is superseded" in reasons


STAGES = """\
stages:
  staging: {profile: prod}
  eu: {profile: prod, after: staging}
  prod: {after: staging}
  sandbox: {profile: dev}
"""


def test_an_environment_that_is_a_stage_wants_the_decision_of_that_stage(decided, deploying):
    """All gates of production passed but those that ask whether the candidate was in staging."""
    path = decided.path / "promotion.yaml"
    path.write_text(path.read_text() + STAGES)
    decided.git("commit", "-qam", "stages")
    missed = "so promoted_from[staging] of the stage prod did not run: promotion gates --stage prod"
    decided.decide()
    assert deploying()[0] == 2
    assert f"it is of no stage, {missed}" in deploying()[1]
    assert deploying("--any-profile")[2]["decision"]["done_without"][0].startswith("--any-profile: it is of no stage")
    decided.decide(stage="staging")
    assert f"it is of the stage staging, {missed}" in deploying()[1]
    assert f"it is of the stage staging, {missed}" in deploying("--profile", "prod")[1]
    assert decided.decide(stage="eu")["status"] == "PASS"
    assert f"it is of the stage eu, {missed}" in deploying()[1]
    assert "prod is a stage of its own, and the decision is of the stage eu" in deploying("--stage", "eu")[1]
    other = deploying("--stage", "eu", "--any-profile")[2]
    assert other["steps"][0]["status"] == "done"
    assert other["decision"]["done_without"][0].startswith("--any-profile: prod is a stage of its own")
    assert decided.decide(stage="prod")["status"] == "PASS"
    assert deploying()[2]["steps"][0]["status"] == "done"
    decided.decide(profile="dev")
    assert deploying(env="dev")[2]["steps"][0]["status"] == "done", "the policy has no such stage"


def test_the_policy_is_compared_as_it_resolves(decided, deploying, tmp_path):
    """The digest of the file does not say which profile it was."""
    assert deploying("--policy", decided.path / "promotion.yaml")[2]["steps"][0]["status"] == "done"
    stricter = tmp_path / "promotion.yaml"
    stricter.write_text((decided.path / "promotion.yaml").read_text().replace("0.9", "0.99"))
    code, reasons, _ = deploying("--policy", stricter)
    assert code == 2
    assert "it was judged by other rules than" in reasons


def test_what_lies_beside_a_file_that_was_decided(decided, deploying):
    """The image is the one that was decided, and what is mounted into it was edited since."""
    target = "{target: command, apply: [git, version], rollback: [git, version], status: [git, version]}"
    (decided.path / "promotion.environments.yaml").write_text(f"version: 1\nenvironments: {{prod: {target}}}\n")
    decided.git("add", ".")
    decided.git("commit", "-qm", "two")
    wheel = decided.path / "reports/candidate.whl"
    wheel.write_bytes(b"candidate")
    digest = sha256(wheel.read_bytes()).hexdigest()
    assert decided.decide(0.95, f"--promotion-subject=reports/candidate.whl=sha256:{digest}")["status"] == "PASS"
    assert deploying("--dry-run")[0] == 7
    (decided.path / "src/app.py").write_text("ANSWER = 0\n")
    code, reasons, _ = deploying("--dry-run")
    assert (code, "files here differ from the commit in which the decision was taken: src/app.py" in reasons) == (
        2,
        True,
    )
    decided.git("commit", "-qam", "three")
    code, reasons, _ = deploying("--dry-run")
    assert (code, "the decision was taken in the commit" in reasons) == (2, True)
