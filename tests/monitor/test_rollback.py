"""From a mismatch to the version before: the monitor, Prometheus, people and the engine, all of them real but people."""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from filelock import FileLock

from pytest_promotion.cli import main
from pytest_promotion.clock import iso
from pytest_promotion.suites.release.rollout import journal as journals
from pytest_promotion.suites.release.rollout.deploy import deploy
from pytest_promotion.suites.release.rollout.health import Probe
from pytest_promotion.suites.release.rollout.journal import Before, Journal
from pytest_promotion.suites.release.rollout.plan import Plan
from tests.monitor.conftest import MAX_AGE_S
from tests.rollout.conftest import compose_path, compose_programs, site  # noqa: F401 - fixtures
from tests.rollout.site import rows_of

PARITY = {"kind": "e2e_parity", "environment": "staging", "status": "fail", "reasons": ["it differs"]}


def done(runtime, **changes):
    """Notes a deployment that was done just now."""
    given = {
        "schema_version": 1, "run_id": "r", "ts_utc": iso(datetime.now(UTC)), "env": "staging", "project": "shop", "phase": "closed",
        "folder": str(runtime / "x"), "files": ["compose.yaml"], "env_file": None, "databases": [], "probes": [],
        "before": {"web": Before("sha256:1", "promotion-rollback:shop.x.web", 1, well=True)}, "ending": "deployed",
        "ended_utc": iso(datetime.now(UTC) - timedelta(seconds=5)),
    }  # fmt: skip
    found = Journal(**(given | changes))
    journals.write_done(found, runtime)
    return found


@pytest.fixture
def failed(tmp_path, people, monkeypatch):
    """The monitor of a deployment whose end-to-end check failed: exit code and report."""
    monkeypatch.chdir(tmp_path)

    def look(*words, begun=timedelta(), **changes):
        at = iso(datetime.now(UTC) - begun)
        report = PARITY | {"started_at": at, "finished_at": at} | changes
        (tmp_path / "parity.json").write_text(json.dumps(report))
        given = ["monitor", "--env", "staging", "--project-name", "shop", "--parity-report", "parity.json", "--once"]
        for rule in ("mismatch", "latency", "redis"):
            given += ["--without", rule]
        given += ["--github", "octo/shop", "--github-api", people.url, "--settle", "0", *words]
        found = CliRunner().invoke(main, given)
        path = tmp_path / "reports/monitor/latest.json"
        return found, json.loads(path.read_text()) if path.exists() else {}

    return look


class TestWithoutAnEngine:
    """What there is to say where nothing can be rolled back."""

    def test_a_rollback_that_cannot_be_done_is_told_as_that(self, failed, tmp_path, people, monkeypatch):
        """Everybody thinks that it was rolled back."""
        done(tmp_path / ".runtime")
        monkeypatch.setenv("PATH", str(tmp_path))
        found, report = failed()
        assert (found.exit_code, report["status"], report["rollback"]["done"]) == (6, "rollback failed", False), (
            found.output
        )
        assert "docker is not installed" in people.chat["oncall"][0]
        assert "rollback: not done" in people.issues[0]["body"]

    def test_the_first_version_has_nothing_before_it(self, failed, tmp_path):
        """To roll back to nothing is an outage."""
        done(tmp_path / ".runtime", before={})
        found, report = failed()
        assert (found.exit_code, "no image to go back to" in report["rollback"]["reasons"][0]) == (6, True)

    def test_what_was_rolled_back_is_not_rolled_back_again(self, failed, tmp_path):
        """The version before it is gone, and was not on trial."""
        done(tmp_path / ".runtime", ending="rolled back")
        found, report = failed()
        assert (found.exit_code, report["rollback"]["status"]) == (2, "rolled back before")

    def test_a_check_of_the_version_before_rolls_nothing_back(self, failed, tmp_path):
        """The new version pays for the old one."""
        done(tmp_path / ".runtime")
        found, report = failed(begun=timedelta(seconds=30))
        assert (found.exit_code, report["rollback"]) == (3, None)
        assert "before the deployment ended" in report["findings"][0]["reasons"][0]

    def test_what_nobody_can_tell_rolls_nothing_back(self, failed, tmp_path):
        """An outage of the monitoring must not become one of the service."""
        done(tmp_path / ".runtime")
        found, report = failed(status="inconclusive")
        assert (found.exit_code, report["rollback"]) == (3, None)

    def test_a_secret_that_a_service_says_is_not_told_on(self, failed, tmp_path, people):
        """What a replay differs in is shown, and an issue is read by everybody."""
        done(tmp_path / ".runtime")
        _, report = failed("--no-rollback", reasons=["at output: token-of-github became nothing"])
        told = json.dumps([people.chat, people.issues, report])
        assert ("became nothing" in told, "token-of-github" in told) == (True, False)

    def test_a_journal_that_is_damaged_is_said(self, failed, tmp_path):
        """Nobody can tell what runs."""
        done(tmp_path / ".runtime", ended_utc="yesterday")
        found, _ = failed()
        assert (found.exit_code, "is damaged" in found.output) == (3, True)

    @pytest.mark.parametrize(
        ("meanwhile", "status"),
        [({"ending": "rolled back"}, "rolled back before"), ({"run_id": "next"}, "not done")],
        ids=["rolled-back", "deployed"],
    )
    def test_what_others_did_meanwhile_counts(self, failed, tmp_path, meanwhile, status):
        """The second monitor calls the rollback of the first a failed one, or takes back a version nobody looked at."""
        runtime = tmp_path / ".runtime"
        record = done(runtime)
        held = threading.Event()

        def first():
            with FileLock(runtime / "monitor_shop.lock"):
                held.set()
                time.sleep(0.5)
                journals.write_done(record.at("closed", **meanwhile), runtime)

        other = threading.Thread(target=first)
        other.start()
        held.wait()
        found, report = failed()
        other.join()
        assert (found.exit_code, report["rollback"]["status"]) == (2, status)

    @pytest.mark.parametrize("phase", ["changing", "rolling back"])
    def test_a_deployment_that_stopped_on_its_way_is_not_reverted(self, tmp_path, phase):
        """What runs then is neither the one version nor the other."""
        journals.write(done(tmp_path).at(phase), tmp_path)
        report = deploy(Plan("staging", "shop", tmp_path, tmp_path, dict(os.environ)), "revert")
        assert (report.ending.code, f"stopped while {phase}" in report.document["reasons"][0]) == (3, True)


def deployed(document):
    """Demands that a deployment succeeded, and shows its report where it did not."""
    failed = [step for step in document["steps"] if step["status"] != "done"]
    assert document["status"] == "deployed", json.dumps([document["reasons"], failed], indent=2)


def test_a_mismatch_brings_back_the_version_before(site, prometheus, people, monkeypatch):  # noqa: F811 - the fixture
    """The point of it all: version 2 decides differently each time, and version 1 runs again within seconds."""
    deployed(site.deploy())
    deployed(site.write("2").deploy(probes=(Probe(site.url, "version 2"),)))
    site.order(5)
    record = journals.read_done(site.runtime, site.project)
    # The service that mismatches did so before this deployment: it would not be on trial.
    journals.write_done(record.at("closed", ended_utc=iso(datetime.now(UTC) - timedelta(minutes=5))), site.runtime)
    monkeypatch.chdir(site.path)
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)
    words = ["monitor", "--prometheus", prometheus, "--env", "staging", "--project-name", site.project, "--once"]
    words += [
        "--match",
        'job="mismatching"',
        "--without",
        "parity",
        "--without",
        "latency",
        "--max-age",
        str(MAX_AGE_S),
    ]
    words += ["--redis-seconds", "2", "--github", "octo/shop", "--github-api", people.url]
    words += ["--health-timeout-seconds", "120", "--health-interval-seconds", "0.2"]

    found = CliRunner().invoke(main, words)
    report = json.loads((site.path / "reports/monitor/latest.json").read_text())
    assert (found.exit_code, report["status"], site.answer()) == (5, "rolled back", "version 1"), (
        found.output,
        report,
    )
    assert report["deployment"] == record.run_id
    assert rows_of(site.database) == 105  # orders that came in since stay
    assert "rollback: rolled back" in people.issues[0]["body"]

    # The version before is judged from now on: one look later nobody is rolled back for what the new one did.
    again = CliRunner().invoke(main, [*words, "--settle", "1.5"])
    assert again.exit_code == 0, again.output
    assert (site.answer(), journals.read_done(site.runtime, site.project).ending) == ("version 1", "rolled back")
    assert "is left" in site.deploy("revert")["reasons"][0]
    deployed(site.write("3").deploy(probes=(Probe(site.url, "version 3"),)))
    assert not any(
        "was not deployed from here" in note
        for note in json.loads(max(site.runtime.glob("deploy_report*")).read_text())["notes"]
    )
