"""The board: what is in each stage, by which decision, and what blocks the next step."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.clock import iso
from pytest_promotion.custody import deployments
from pytest_promotion.custody.deployments import Deployment
from pytest_promotion.reporting.board_page import page
from tests.custody.conftest import POLICY, Repository

STAGES = """\
stages:
  dev: {profile: dev}
  staging: {after: dev, profile: default}
  prod: {after: staging, soak: 24h}
"""
BOARD: dict[str, Any] = {
    "schema_version": 1,
    "at_utc": "2026-05-01T10:00:00.000000+00:00",
    "clear": False,
    "stages": [
        {
            "stage": "staging",
            "profile": "default",
            "after": "dev",
            "subject": {"name": "<b>git", "digest": {"gitCommit": "ab" * 20}},
            "decision": {
                "status": "PASS",
                "ts_utc": "2026-05-01T09:00:00.000000+00:00",
                "run_id": "run-1",
                "file": "promotion_gates_1.json",
                "sha256": "cd" * 32,
            },
            "deployment": None,
            "step": {
                "candidate": None,
                "done": False,
                "clear": False,
                "soak_left_s": 3700.0,
                "blocked_by": ["no candidate was decided in <dev>"],
                "unknown": [],
            },
        }
    ],
}


@pytest.fixture
def staged(decided: Repository) -> Repository:
    """The repository with three stages and no decision of them."""
    (decided.path / "promotion.yaml").write_text(POLICY + STAGES)
    decided.git("commit", "-qam", "stages")
    return decided


def status(repository: Repository, *words: str, code: int) -> str:
    """What `promotion status …` prints, which ends with *code*."""
    where = ["--policy", str(repository.path / "promotion.yaml"), "--reports", str(repository.path / "reports")]
    done = CliRunner().invoke(main, ["status", *where, *words])
    assert done.exit_code == code, done.output
    return done.output


def stages(repository: Repository, *words: str, code: int) -> dict[str, dict[str, Any]]:
    """The stages of the board as JSON, by name."""
    return {one["stage"]: one for one in json.loads(status(repository, "--json", *words, code=code))["stages"]}


@pytest.mark.slow
def test_nothing_was_decided_in_a_stage(staged):
    """An empty board that says yes is the board of a project that has no stages."""
    output = status(staged, code=2)
    assert output.splitlines() == [
        "dev      no decision",
        "         blocked: no candidate was decided in dev",
        "staging  no decision",
        "         blocked: no candidate was decided in dev",
        "prod     no decision",
        "         blocked: no candidate was decided in staging",
    ]


@pytest.mark.slow
def test_the_way_of_a_candidate(staged):
    """Who has to wait for what is known before anybody starts a session that fails."""
    commit = staged.git("rev-parse", "HEAD")
    for stage in ("dev", "staging"):
        assert staged.decide(stage=stage)["status"] == "PASS"
    run_id = staged.document()["run_id"]
    found = stages(staged, code=2)
    assert found["staging"]["decision"]["run_id"] == run_id
    assert found["staging"]["subject"]["digest"]["gitCommit"] == commit
    assert found["staging"]["step"]["done"]
    assert found["prod"]["decision"] is None
    step = found["prod"]["step"]
    assert (step["clear"], step["candidate"]["digest"]["gitCommit"]) == (False, commit)
    assert 86000 < step["soak_left_s"] <= 86400
    assert "it has soaked in staging for " in step["blocked_by"][0]
    later = iso(datetime.now(UTC) + timedelta(hours=25))
    assert stages(staged, "--at", later, code=0)["prod"]["step"] == step | {
        "clear": True,
        "soak_left_s": 0.0,
        "blocked_by": [],
    }
    assert f"next: git (gitCommit:{commit[:12]}) may enter prod" in status(staged, "--at", later, code=0)


@pytest.mark.slow
def test_what_is_deployed(staged):
    """What runs may rest on another decision than the newest one."""
    for stage in ("dev", "staging"):
        staged.decide(stage=stage)
    there = Deployment(
        stage="staging",
        subject={"gitCommit": staged.git("rev-parse", "HEAD")},
        run_id=staged.document()["run_id"],
        sha256=sha256(staged.latest.read_bytes()).hexdigest(),
        ts_utc=iso(datetime.now(UTC)),
    )
    deployments.record(staged.latest.parent, there)
    found = stages(staged, code=2)
    assert found["staging"]["deployment"]["run_id"] == there.run_id
    assert found["dev"]["deployment"] is None
    assert f"; deployed {there.ts_utc[:19]}Z by run {there.run_id}" in status(staged, code=2)
    staged.decide(stage="staging")
    [blocked] = stages(staged, "--at", iso(datetime.now(UTC) + timedelta(hours=25)), code=2)["prod"]["step"][
        "blocked_by"
    ]
    assert "by a superseded decision of it" in blocked


@pytest.mark.slow
def test_what_runs_after_a_rollback(staged, tmp_path):
    """The newest decision is a PASS, and the version before it serves."""
    staged.decide(stage="dev")
    facts = {"stage": "dev", "sha256": "0" * 64, "ts_utc": iso(datetime.now(UTC))}
    deployments.record(staged.latest.parent, Deployment(subject={"gitCommit": "1" * 40}, run_id="one", **facts))
    assert "runs:" not in status(staged, code=2)
    more = {"subject": {"gitCommit": "2" * 40}, "run_id": "two", "ended": "rolled back"}
    deployments.record(staged.latest.parent, Deployment(**more, **facts))
    board = tmp_path / "status.html"
    text = status(staged, "--html", str(board), code=2)
    assert f"; rolled back {facts['ts_utc'][:19]}Z by run two\n" in text
    assert f"  runs: gitCommit:{'1' * 12}, deployed {facts['ts_utc'][:19]}Z by run one\n" in text
    assert stages(staged, code=2)["dev"]["running"]["run_id"] == "one"
    assert "<dt>runs<dd><code" in board.read_text()
    deployments.record(staged.latest.parent, Deployment(**(more | {"ended": "failed"}), **facts))
    assert "  runs: not known\n" in status(staged, "--html", str(board), code=2)
    assert stages(staged, code=2)["dev"]["running"] is None
    assert "<dt>runs<dd><span" in board.read_text()


@pytest.mark.slow
def test_what_runs_was_not_compared_with_the_candidate(staged, tmp_path):
    """The board showed the commit that was decided, and other files served."""
    staged.decide(stage="dev")
    facts = {"stage": "dev", "sha256": "0" * 64, "ts_utc": iso(datetime.now(UTC)), "run_id": "one"}
    there = Deployment(subject={"gitCommit": "1" * 40}, allowances=["--allow-dirty"], **facts)
    deployments.record(staged.latest.parent, there)
    board = tmp_path / "status.html"
    text = status(staged, "--html", str(board), code=2)
    runs = f"  runs: files that were not compared with gitCommit:{'1' * 12}, deployed with --allow-dirty "
    assert runs in text
    assert "deployed with --allow-dirty at" in board.read_text()
    assert stages(staged, code=2)["dev"]["running"]["allowances"] == ["--allow-dirty"]
    newer = Deployment(subject={"gitCommit": "2" * 40}, ended="rolled back", **facts)
    deployments.record(staged.latest.parent, newer)
    assert runs in status(staged, code=2), "it was gone back to"


@pytest.mark.slow
def test_a_failure_in_the_first_stage_blocks(staged):
    """A stage without one before it has no gate of its own, and is not clear for that."""
    gates = staged.path / "gates/test_gates.py"
    gates.write_text(gates.read_text().replace('assert report["commit"]', 'assert report["commit"] == ""'))
    assert staged.decide(stage="dev")["status"] == "FAIL"
    found = stages(staged, code=2)
    assert "says FAIL" in found["dev"]["step"]["blocked_by"][0]
    assert "may not be acted on" in found["staging"]["step"]["blocked_by"][0]


@pytest.mark.slow
def test_what_cannot_be_told(staged, tmp_path):
    """A board that cannot be read is neither clear nor blocked."""
    for stage in ("dev", "staging"):
        staged.decide(stage=stage)
    place = staged.path / "reports/monitor/incidents.json"
    place.parent.mkdir()
    place.write_text("{")
    later = iso(datetime.now(UTC) + timedelta(hours=25))
    assert "blocked: not known: " in status(staged, "--at", later, code=3)
    (staged.latest.parent / deployments.NAME).write_text("{}\n")
    assert "deployments.jsonl line 1" in status(staged, code=3)
    where = ["--policy", str(staged.path / "promotion.yaml"), "--reports", str(tmp_path)]
    done = CliRunner().invoke(main, ["status", *where])
    assert (done.exit_code, "nothing was decided here yet" in done.output) == (3, True)


@pytest.mark.slow
def test_a_policy_without_stages(decided):
    """A board without rows would be clear."""
    assert "the policy has no `stages`" in status(decided, code=4)


@pytest.mark.slow
def test_the_page_is_written(staged):
    """The page shows what the command says, as of then."""
    staged.decide(stage="dev")
    place = staged.path / "status.html"
    status(staged, "--html", str(place), code=2)
    text = place.read_text()
    assert "Something blocks a step" in text
    assert staged.git("rev-parse", "HEAD") in text
    where = staged.path / "gone/status.html"
    where.parent.write_text("")
    assert "cannot be written" in status(staged, "--html", str(where), code=3)


def test_a_page_has_no_markup_of_others():
    """The name of a subject is free text."""
    text = page(BOARD)
    assert "<b>" not in text
    assert "&lt;b&gt;git" in text
    assert "no candidate was decided in &lt;dev&gt;" in text
    assert "1 h 1 min" in text
