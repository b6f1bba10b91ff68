"""`promotion deploy` and `promotion drill` as people call them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.rollout.site import QUICK, make_database, rows_of

pytestmark = pytest.mark.slow

CODE = "from pytest_promotion.cli import main; main()"


def promotion(cwd, *words, environment=None):
    """The command, on a machine without Docker unless *environment* says otherwise."""
    around = environment or {"PATH": "/nowhere", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    return subprocess.run(
        [sys.executable, "-c", CODE, *words], cwd=cwd, env=around, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "words",
    [
        ("deploy",),
        ("deploy", "--env", "Prod Env"),
        ("deploy", "--env", "prod", "--project-name", "../x"),
        ("deploy", "--env", "prod", "--health-url", "localhost"),
        ("deploy", "--env", "prod", "--dry-run", "--resume"),
        ("deploy", "--env", "prod", "--resume", "--rollback"),
        ("deploy", "--env", "prod", "--threshold", "2"),
        ("deploy", "--env", "prod", "--health-timeout-seconds", "0"),
        ("deploy", "--env", "prod", "--database", "a.db", "--database", "a.db"),
        ("drill", "--env", "prod", "--retain-count", "0"),
    ],
    ids=" ".join,
)
def test_wrong_words_end_with_4(tmp_path, words):
    """2 means that it was refused; a typo was not looked at."""
    done = promotion(tmp_path, *words)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_decision_nothing_is_done(tmp_path):
    """The one thing that stands between a commit and production."""
    done = promotion(tmp_path, "deploy", "--env", "prod", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"]) == (3, "not done")
    assert "latest.json cannot be read" in report["reasons"][0]
    assert [step["step"] for step in report["steps"]] == ["decision"]


def test_without_docker_it_says_how_to_install_it(tmp_path):
    """A missing tool is neither a yes nor a no."""
    done = promotion(tmp_path, "deploy", "--env", "prod", "--dry-run")
    assert done.returncode == 3
    assert "docker is not installed: see https://" in done.stdout


def test_a_report_that_cannot_be_written_is_told(tmp_path):
    """Exit 0 without a report is a deployment that nobody can look up."""
    (tmp_path / "file").write_text("in the way")
    for command in ("deploy", "drill"):
        done = promotion(tmp_path, command, "--env", "prod", "--runtime-dir", "file/runtime")
        assert done.returncode == 3, done.stderr
        assert "report cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_drill_without_docker_is_not_exercised(tmp_path):
    """The default has to work on any runner, and must not look like a drill."""
    done = promotion(tmp_path, "drill", "--env", "staging")
    assert done.returncode == 7
    assert "not_exercised" in done.stdout
    assert len(list((tmp_path / ".runtime" / "rollback_drills").glob("*.json"))) == 1


def test_from_the_command_line_to_the_next_version(site, decision):
    """Each option has to reach what it is for."""
    words = ("deploy", "--database", str(site.database), "--decision", str(decision.latest))
    words += ("--key", str(decision.path / "keys" / "release.key.pub"), "--health-says", site.url, "version 1")
    done = site.promotion(*words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["decision"]["may_act"] is True
    done = site.write("2", "sleep 600").promotion(*words, "--rollback-on-failure", health_s=4)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "rolled back" in done.stdout
    assert (site.answer(), rows_of(site.database)) == ("version 1", 100)


def test_paths_and_names_stay_in_the_report(site):
    """`PWD` masked the place of every backup, and the password `admin` the service of that name."""
    site.services(admin={"image": "shop:1", "environment": {"DB_PASSWORD": "admin"}, "network_mode": "none"})
    done = site.deploy(environment=site.environment | {"PWD": str(site.path)}, dry_run=True)
    assert done["compose_files"] == [str(site.path / "compose.yaml")]
    assert any("admin" in step["details"] for step in done["steps"] if step["step"] == "compose-config")
    assert "***" not in json.dumps(done)


def test_secrets_reach_no_report(site):
    """The report is uploaded for everybody to read."""
    secret = "tr0ub4dor-and-three-horses"
    site.write(
        "1", environment={"DB_PASSWORD": secret}, command=["/bin/sh", "-c", f"echo DB_PASSWORD={secret}; exit 1"]
    )
    done = site.deploy(limits=QUICK)
    assert done["status"] == "rolled back", done["reasons"]
    reports = list(site.runtime.glob("deploy_report_*.json"))
    assert reports
    for path in reports:
        assert secret not in path.read_text()
    for path in site.runtime.rglob("*"):
        if path.is_file() and secret in path.read_text(errors="replace"):
            assert path.stat().st_mode & 0o077 == 0, path


def test_the_name_of_the_project_is_that_of_folder_and_environment(tmp_path):
    """Staging and production in one project replace each other."""
    place = tmp_path / "My Shop"
    place.mkdir()
    make_database(place / "a.db")
    done = promotion(place, "drill", "--env", "staging", "--json")
    assert json.loads(done.stdout)["project_name"] == "my-shop-staging-drill"
