"""The workflows that `promotion init --ci github` writes, every script of them run on clean clones of an adopter."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from fixtures.northlight import Northlight, serving
from fixtures.release import git
from tests.engine import BUSYBOX
from tests.release import adopters
from tests.release.github_runner import INSTALLED, Runner
from tests.release.test_sessions import needs_compose
from tests.rollout.own_workflows import INSTALL

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = {"test": "node --test unit.test.mjs"}
needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A repository with a frontend, Python tests, a knowledge base and a place to deploy to, adopted with its workflows."""
    return adopters.shop(tmp_path_factory.mktemp("workflows"), "github", adopters.javascript("web", SCRIPTS))


@pytest.fixture
def runner(shop, tmp_path):
    """GitHub as it is set up for the shop; nothing ran yet."""
    found = Runner(shop, tmp_path / "github", shop.parent / "python")
    found.secrets = {
        "SECRET_KEY": secrets.token_hex(32),
        "PROMOTION_KEY_PEM": (shop.parent / "promotion.key").read_text(),
    }
    found.variables = {"APP_ENV": "production", "PROMOTION_RUNTIME": str(tmp_path / "runtime")}
    return found


def scripts_that_ran(jobs):
    return {step.name for job in jobs.values() for step in job.steps if step.outcome == "success"}


@needs_node
def test_a_deployment_goes_through_all_jobs_of_the_gate(runner, shop):
    """A workflow that was never run fails on the day of the first release, at its first step."""
    with serving(Northlight()) as url:
        runner.variables["PROMOTION_E2E_URL"] = url
        jobs = runner.run("promotion-gate.yml", "workflow_dispatch", run_deploy=True)
    assert [job.result for job in jobs.values()] == ["success"] * 4, "\n".join(job.output for job in jobs.values())
    assert list(jobs) == ["gate", "sign", "deploy", "parity"]
    assert not any(step.outcome == "skipped" for job in jobs.values() for step in job.steps)
    head = git(shop, "rev-parse", "HEAD").strip()
    assert (shop.parent / "outside/shop-staging").read_text() == head
    kept = runner.place / "kept/promotion-gate.yml"
    decision = json.loads((kept / "release-gate-report/reports/promotion_gates/latest.json").read_text())
    assert (decision["status"], decision["profile"], decision["git"]["commit"]) == ("PASS", "staging", head)
    outcomes = {check["name"]: check["outcome"] for check in decision["checks"]}
    assert {outcomes[name] for name in ("env_policy", "backend_tests", "frontend_unit", "kb_benchmark")} == {"PASS"}
    [report] = (kept / "deploy-report").glob("deploy_report_staging_*.json")
    assert json.loads(report.read_text())["status"] == "deployed"
    assert list((kept / "signed-gate-report/reports/promotion_gates").glob("latest.intoto.jsonl"))


@needs_node
@pytest.mark.parametrize("missing", ["SECRET_KEY", "PROMOTION_KEY_PEM", "PROMOTION_E2E_URL"])
def test_what_is_not_set_up_stops_the_job_that_needs_it(runner, missing):
    """A secret that is missing is an empty text in a workflow, and an empty text must not be enough."""
    runner.variables["PROMOTION_E2E_URL"] = "http://127.0.0.1:9"
    for given in (runner.secrets, runner.variables):
        given.pop(missing, None)
    jobs = runner.run("promotion-gate.yml", "workflow_dispatch", run_deploy=True)
    fails = {"SECRET_KEY": "gate", "PROMOTION_KEY_PEM": "sign", "PROMOTION_E2E_URL": "parity"}[missing]
    at = list(jobs).index(fails)
    results = [job.result for job in jobs.values()]
    assert results == [*["success"] * at, "failure", *["skipped"] * (3 - at)], jobs[fails].output
    assert jobs[fails].steps[-1].outcome == "success" or missing == "PROMOTION_E2E_URL", "the evidence is kept"


@needs_node
def test_a_push_decides_about_staging_and_deploys_nothing(runner, shop):
    """Inputs are empty on a push, and every one of them needs a value then."""
    jobs = runner.run("promotion-gate.yml", "push")
    assert jobs["gate"].result == "success", jobs["gate"].output
    assert {jobs[name].result for name in ("sign", "deploy", "parity")} == {"skipped"}


def test_the_knowledge_base_is_watched_reviewed_and_recorded(runner):
    """Runs by the clock start empty: without the history of the run before, drift is never found."""
    for _ in range(3):
        jobs = runner.run("kb-benchmark-monitor.yml", "schedule")
        assert jobs["monitor"].result == "success", jobs["monitor"].output
    words = {"accept": True, "because": "the handbook was corrected"}
    jobs = runner.run("kb-benchmark-monitor.yml", "workflow_dispatch", **words)
    assert jobs["monitor"].result == "success", jobs["monitor"].output
    history = runner.place / "kept/kb-benchmark-monitor.yml/kb-history-prod/prod"
    assert len(list(history.glob("benchmark_*.json"))) == 4
    accepted = json.loads((history / "baseline.json").read_text())
    assert (accepted["accepted_by"], accepted["because"]) == ("quay", "the handbook was corrected")
    jobs = runner.run("kb-weekly-review.yml", "schedule")
    assert jobs["review"].result == "success", jobs["review"].output
    month = max(path.name for path in history.glob("monitor_*.json"))[8:14]
    jobs = runner.run("kb-monthly-checkpoint.yml", "workflow_dispatch", target_month=f"{month[:4]}-{month[4:]}")
    assert jobs["checkpoint"].result == "success", jobs["checkpoint"].output
    records = runner.place / "kept/kb-monthly-checkpoint.yml/kb-checkpoint-prod/docs/Ops/KB_Monthly_Checkpoints"
    assert f"checkpoint, {month[:4]}-{month[4:]}, prod" in (records / f"{month[:4]}-{month[4:]}_prod.md").read_text()


def test_a_baseline_is_accepted_by_somebody_for_a_reason(runner):
    """What is accepted without a reason forgives whatever was lost."""
    jobs = runner.run("kb-benchmark-monitor.yml", "workflow_dispatch", accept=True)
    assert (jobs["monitor"].result, jobs["monitor"].step("Monitor").code) == ("failure", 4)


def test_a_history_that_was_lost_is_noticed(runner):
    """An empty history looks like a good one."""
    runner.run("kb-benchmark-monitor.yml", "schedule")
    shutil.rmtree(runner.place / "kept/kb-benchmark-monitor.yml/kb-history-prod")
    jobs = runner.run("kb-benchmark-monitor.yml", "schedule")
    assert jobs["monitor"].result == "failure"
    jobs = runner.run("kb-benchmark-monitor.yml", "workflow_dispatch", start_afresh=True)
    assert jobs["monitor"].result == "success", jobs["monitor"].output


def test_the_drill_of_a_schedule_is_live_and_keeps_its_reports(runner):
    """A drill by the clock that only looks passes nothing, and is found out in an outage."""
    for count in (1, 2):
        runner.variables["PROMOTION_DRILL_RETAIN"] = "1"
        jobs = runner.run("rollback-drill.yml", "schedule")
        assert jobs["drill"].result == "success", jobs["drill"].output
        kept = runner.place / "kept/rollback-drill.yml/rollback-drills-staging"
        reports = sorted(kept.glob("rollback_drill_staging_*.json"))
        assert len(reports) == 1, count
        assert json.loads(reports[-1].read_text())["live_mode"] is True
    jobs = runner.run("rollback-drill.yml", "workflow_dispatch", live_mode=False)
    assert (jobs["drill"].result, jobs["drill"].step("Drill").code) == ("failure", 7)


@pytest.fixture
def own(tmp_path):
    """GitHub as it is set up for this repository; what it installs of itself is there, and not installed again."""
    kept_out = shutil.ignore_patterns(
        ".git", ".venv*", "__pycache__", ".*_cache", ".runtime", ".hypothesis", "node_modules"
    )
    names = ("pytest_promotion", "gates", "fixtures", ".github", "conftest.py", ".gitignore")
    root = tmp_path / "own"
    root.mkdir()
    for path in (REPOSITORY / name for name in names):
        shutil.copytree(path, root / path.name, ignore=kept_out) if path.is_dir() else shutil.copy(path, root)
    git(root, "init", "-q", "-b", "main")
    adopters.commit(root)
    found = Runner(root, tmp_path / "github", tmp_path / "python")
    INSTALLED.add((found.python, "\n".join([*INSTALL, ""])))
    return found


@needs_node
@needs_compose
def test_this_repositorys_gate_decides_about_the_release_of_its_example(own):
    """It asked the trading demo, and called the answer that of a release."""
    jobs = own.run("promotion-gate.yml", "push")
    assert jobs["gate"].result == "success", jobs["gate"].output
    kept = own.place / "kept/promotion-gate.yml/release-gate-report"
    decision = json.loads((kept / "reports/promotion_gates/latest.json").read_text())
    checks = {check["name"]: check for check in decision["checks"]}
    assert decision["profile"] == "staging"
    assert checks["release_tag_signature"]["outcome"] == "PASS", checks["release_tag_signature"]["reason"]
    assert {"threshold_change_governance", "compose_config", "frontend_build"} <= checks.keys()


def test_this_repositorys_knowledge_base_is_watched(own):
    """Run in the root of the repository, it finds no policy."""
    jobs = own.run("kb-benchmark-monitor.yml", "schedule")
    assert jobs["monitor"].result == "success", jobs["monitor"].output
    jobs = own.run("kb-weekly-review.yml", "schedule")
    # One point is too few, and the review says so: 3.
    assert (jobs["review"].result, jobs["review"].step("Review").code) == ("failure", 3), jobs["review"].output


@needs_compose
def test_this_repositorys_drill_rolls_back_on_an_engine(own, docker_engine):
    """A drill in a folder without a compose file ends with 3 on every first of a month."""
    base = own.place / "base"
    base.mkdir()
    shutil.copy(BUSYBOX, base / "busybox")
    (base / "Dockerfile").write_text(
        "FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/httpd\nENV PATH=/bin\n"
    )
    docker_engine.docker("build", "-q", "-t", "busybox:1.36", str(base))
    own.machine = {name: docker_engine.environment[name] for name in ("DOCKER_HOST", "DOCKER_BUILDKIT")}
    jobs = own.run("rollback-drill.yml", "schedule")
    assert jobs["drill"].result == "success", jobs["drill"].output
    kept = own.place / "kept/rollback-drill.yml/rollback-drills-staging"
    [report] = [json.loads(path.read_text()) for path in kept.glob("*.json")]
    assert (report["status"], report["exercised"]["images"]) == ("passed", True)


def test_what_a_repository_has_not_is_not_written_and_said(tmp_path):
    """A schedule for a knowledge base that is not there fails every Monday, until nobody looks any more."""
    root = adopters.repository(tmp_path / "root", adopters.PYTHON)
    printed = adopters.adopt(root, "--ci", "github")
    assert sorted(path.name for path in (root / ".github").rglob("*.yml")) == ["promotion-gate.yml"]
    assert "no knowledge base was found" in printed
    assert "no deployment target was found" in printed
    document = yaml.safe_load((root / ".github/workflows/promotion-gate.yml").read_text())
    assert list(document["jobs"]) == ["gate"]
    assert set(document[True]["workflow_dispatch"]["inputs"]) == {"target_env", "run_docker_build"}


def test_workflows_are_added_to_gates_that_are_there(tmp_path):
    """Who adopted the gates first would have to delete them to get the workflows."""
    root = adopters.repository(tmp_path / "root", adopters.PYTHON)
    adopters.adopt(root)
    before = (root / "promotion.yaml").read_text()
    adopters.adopt(root, "--ci", "gitlab")
    assert (root / ".gitlab/promotion.yml").exists()
    assert (root / "promotion.yaml").read_text() == before
    done = adopters.promotion(root, "init", "--suite", "release", "--ci", "gitlab")
    assert (done.returncode, "exists already" in done.stderr or "exist already" in done.stderr) == (2, True)


def test_workflows_belong_to_the_top_of_a_repository(tmp_path):
    """A workflow in a folder below is one that nobody runs."""
    root = adopters.repository(tmp_path / "root", adopters.PYTHON)
    done = adopters.promotion(root / "backend", "init", "--suite", "release", "--ci", "github")
    assert (done.returncode, "top folder of the repository" in done.stderr) == (4, True)
    done = adopters.promotion(root, "init", "--ci", "github")
    assert (done.returncode, "--suite release has" in done.stderr) == (4, True)


@pytest.mark.parametrize("tool", ["actionlint", "zizmor"])
def test_generated_workflows_are_clean(shop, tool, tmp_path):
    """A misspelt key runs without what it should have done; text of an input that reaches a shell is a command."""
    from tests.rollout.test_workflows import TOOLS
    from tests.rollout.test_workflows import tool as program

    compose = adopters.repository(
        tmp_path / "compose",
        {
            "compose.yaml": "services: {web: {image: '${IMAGE}', env_file: .env}}\n",
            ".env.example": "A=1\n",
            **adopters.javascript("web", SCRIPTS, "pnpm-lock.yaml"),
            "web/.nvmrc": "20\n",
        },
    )
    adopters.adopt(compose, "--ci", "github")
    for root in (shop, compose):
        words = ["--offline", "--no-progress", "--color=never", ".github"] if tool == "zizmor" else []
        done = subprocess.run(
            [program(tool), *words], cwd=root, env={"PATH": TOOLS}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
