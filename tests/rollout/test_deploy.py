"""Deployments on a real engine: what ends as what, and what is left."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_promotion.clock import Clock
from pytest_promotion.custody.acting import Acting
from pytest_promotion.suites.release.rollout.deploy import deploy
from pytest_promotion.suites.release.rollout.health import Probe
from pytest_promotion.suites.release.rollout.permission import Permission
from tests.compose_programs import CURRENT, OLD
from tests.rollout.site import QUICK, SUBJECT, make_database, rows_of

WORKER = {"image": "shop:1", "network_mode": "none", "command": ["/bin/busybox", "sleep", "600"], "depends_on": ["web"]}


def written(site):
    """The reports on disk, oldest first."""
    return [json.loads(path.read_text()) for path in sorted(site.runtime.glob("deploy_report_*.json"))]


class TestDeployed:
    """Exit 0, and what stands behind it."""

    @pytest.mark.parametrize("compose_path", [OLD, CURRENT], indirect=True)
    def test_the_next_version_is_deployed(self, site):
        """A deployment that says so while the old version answers is the worst of all."""
        first = site.deploy()
        assert (first["status"], first["exit_code"], first["passed"]) == ("deployed", 0, True), first
        before = site.running()
        second = site.write("2", build=True).deploy(probes=(Probe(site.url, "version 2"),))
        assert second["status"] == "deployed", second["reasons"]
        assert site.answer() == "version 2"
        assert second["before"]["web"]["image"] == before["web"] != site.running()["web"]
        assert second["backups"][0]["rows"]["orders"] == 100
        assert site.journal()["phase"] == "closed"
        assert [one["status"] for one in written(site)] == ["deployed", "deployed"]

    def test_a_url_that_answers_with_the_old_version_is_not_well(self, site):
        """200 says that somebody is there, not who."""
        site.deploy()
        done = site.write("2").deploy(probes=(Probe(site.url, "version 3"),), limits=QUICK)
        assert done["status"] == "rolled back"
        assert "without 'version 3'" in done["reasons"][0]
        assert site.answer() == "version 1"

    def test_two_reports_of_one_second_are_two(self, site):
        """A failed report that a passing one of the same second overwrote."""
        clock = Clock(Clock().now())
        site.services(none={"image": "not/here:1", "network_mode": "none", "profiles": ["never"]})
        for _ in range(2):
            deploy(site.plan(dry_run=True), clock=clock)
        assert len(written(site)) == 2

    def test_a_service_that_is_meant_to_end_may(self, site):
        """A migration that ended well is not a service that died."""
        job = {"image": "shop:1", "network_mode": "none", "entrypoint": ["/bin/busybox"]}
        site.services(migrate=job | {"command": ["true"]})
        assert site.deploy(limits=QUICK)["status"] == "rolled back"
        site.services(after=job | {"command": ["sleep", "600"], "depends_on": waits_for("migrate")})
        done = site.deploy()
        assert done["status"] == "deployed", done["reasons"]

    def test_old_backups_and_tags_go(self, site):
        """Copies of production data and images fill the disk that the next backup needs."""
        for version in "1234":
            assert site.write(version).deploy(keep=2)["status"] == "deployed"
        kept = sorted(path.name for path in (site.runtime / "deploy_backups" / "staging" / site.project).iterdir())
        tags = site.engine.docker("image", "ls", "--format", "{{.Tag}}", "promotion-rollback").split()
        mine = sorted(tag.split(".")[1] for tag in tags if tag.startswith(f"{site.project}."))
        assert len(kept) == 2
        assert mine == kept


def waits_for(name):
    return {name: {"condition": "service_completed_successfully"}}


class TestRolledBack:
    """Exit 5: images and data are as they were, and that is looked at."""

    @pytest.mark.parametrize("compose_path", [CURRENT], indirect=True)
    def test_the_current_compose_goes_back_as_well(self, site):
        """It names containers and images in another way."""
        site.deploy()
        before = site.running()
        done = site.write("2", "exit 1").deploy(limits=QUICK)
        assert done["status"] == "rolled back", done["reasons"]
        assert (site.running(), site.answer()) == (before, "version 1")

    @pytest.mark.parametrize(
        ("run", "why"),
        [
            ("exit 1", "ended with exit code 1"),
            ("sleep 600", "does not answer"),
            ("sleep 0.3; exit 1", "web is restarting|only once|web is running|does not answer"),
        ],
        ids=["ends", "silent", "crash-loop"],
    )
    def test_a_version_that_is_not_well_is_taken_back(self, site, run, why):
        """A container between two crashes runs, and a port that nobody listens on resets connections."""
        site.deploy()
        before = site.running()
        done = site.write("2", run, restart="always" if "0.3" in run else "no").deploy(limits=QUICK)
        assert (done["status"], done["exit_code"], done["passed"]) == ("rolled back", 5, False), done["reasons"]
        assert any(word in done["reasons"][0] for word in why.split("|"))
        assert (site.running(), site.answer()) == (before, "version 1")

    def test_what_the_new_version_did_to_the_data_is_undone(self, site):
        """Old code on migrated data is a second outage."""
        mounted = {"volumes": ["./data:/data"]}
        site.write("1", **mounted).deploy()
        site.order(5)
        done = site.write("2", "rm /data/shop.db; echo broken > /data/shop.db; exit 1", **mounted).deploy(limits=QUICK)
        assert done["status"] == "rolled back", done["reasons"]
        assert rows_of(site.database) == 105
        assert "what it replaced cannot be read" in json.dumps(done["steps"])
        assert not any("mounts" in note for note in done["notes"])

    def test_services_are_stopped_while_data_is_put_back(self, site):
        """Who writes meanwhile writes into a file that is gone."""
        site.deploy()
        done = site.write("2", "exit 1").deploy(limits=QUICK)
        steps = site.steps(done)
        assert steps.index("rollback-stop") < steps.index("restore-db") < steps.index("rollback-up")

    def test_what_was_written_after_the_backup_is_kept_aside(self, site):
        """A rollback of data throws orders away; somebody will want to read them."""
        site.deploy()

        def fail():
            site.order(7)
            return "it is made to"

        done = site.write("2").deploy(forced_failure=fail)
        assert (done["status"], rows_of(site.database)) == ("rolled back", 100)
        [aside] = site.runtime.glob("deploy_backups/*/*/*/failed-*.db")
        assert rows_of(aside) == 107

    def test_the_configuration_goes_back_as_well(self, site):
        """Old images with the new variables are a version that nobody ever ran."""
        site.write("1", environment={"COLOUR": "red"}).deploy()
        site.write("2", "exit 1", environment={"COLOUR": "blue"})
        site.services(more={"image": "shop:1", "network_mode": "none"})
        assert site.deploy(limits=QUICK)["status"] == "rolled back"
        [one] = site.engine.docker("ps", "-q", "--filter", f"label=com.docker.compose.project={site.project}").split()
        assert "COLOUR=red" in site.engine.docker("inspect", "-f", "{{.Config.Env}}", one)

    def test_a_service_that_was_never_running_does_not_run_afterwards(self, site):
        """There is no image to go back to; before, it was not there."""
        done = site.write("1", "exit 1").deploy(limits=QUICK)
        assert done["status"] == "rolled back", done["reasons"]
        assert site.running() == {}
        assert "nothing ran before" in json.dumps(done["steps"])

    def test_more_than_one_service_each_to_its_own_image(self, site):
        """A snapshot of some services is a rollback to a mixture."""
        site.services(worker=WORKER)
        assert site.deploy()["status"] == "deployed"
        before = site.running()
        site.write("2", "exit 1").services(worker=WORKER | {"image": "shop:2"})
        done = site.deploy(limits=QUICK)
        assert done["status"] == "rolled back", done["reasons"]
        assert site.running() == before
        assert set(before) == {"web", "worker"}


class TestRollbackFailed:
    """Exit 6: louder than anything else."""

    def test_an_image_that_is_gone_cannot_be_gone_back_to(self, site):
        """Old containers that answer by chance are no rollback."""
        site.deploy()

        def fail():
            tag = site.journal()["before"]["web"]["tag"]
            site.engine.docker("tag", site.running()["web"], tag)
            return "it is made to"

        done = site.write("2").deploy(forced_failure=fail)
        assert (done["status"], done["exit_code"], done["rollback_success"]) == ("rollback failed", 6, False)
        assert "is gone" in done["reasons"][1]
        assert site.journal()["phase"] == "rolling back"

    def test_services_stay_stopped_on_data_that_could_not_be_put_back(self, site):
        """The old version on the new data writes where nobody can undo it."""
        site.deploy()

        def fail():
            Path(site.journal()["backups"][0]["path"]).write_bytes(b"damaged")
            return "it is made to"

        done = site.write("2").deploy(forced_failure=fail)
        assert done["status"] == "rollback failed", done["reasons"]
        assert "was changed since" in done["reasons"][1]
        assert site.running() == {}

    def test_it_can_be_rolled_back_once_more(self, site):
        """The reason for the failure is mended by hand; then it has to work."""
        site.deploy()
        before, held = site.running(), sqlite3.connect(site.database, isolation_level=None)

        def fail():
            held.execute("BEGIN IMMEDIATE")
            return "it is made to"

        done = site.write("2").deploy(forced_failure=fail, limits=QUICK)
        assert "still in use" in done["reasons"][1]
        assert site.deploy()["status"] == "not done"
        held.close()
        done = site.deploy("rollback")
        assert done["status"] == "rolled back", done["reasons"]
        assert (site.running(), site.answer()) == (before, "version 1")


class TestLeft:
    """Exit 8: nobody asked for a rollback."""

    def test_it_stays_as_it_is_until_somebody_decides(self, site):
        """The next deployment would take the broken version for the one to go back to."""
        site.deploy()
        before = site.running()
        done = site.write("2", "exit 1").deploy(roll_back=False, limits=QUICK)
        assert (done["status"], done["exit_code"]) == ("failed", 8)
        again = site.write("3").deploy()
        assert (again["status"], again["exit_code"]) == ("not done", 3)
        assert "--resume" in again["reasons"][0]
        assert site.deploy("rollback")["status"] == "rolled back"
        assert site.running() == before

    def test_going_on_keeps_the_first_way_back(self, site):
        """A second snapshot would be of the broken version."""
        site.deploy()
        before = site.running()
        site.write("2", "exit 1").deploy(roll_back=False, limits=QUICK)
        site.order(3)
        done = site.write("3", "exit 1").deploy("resume", limits=QUICK)
        assert done["status"] == "rolled back", done["reasons"]
        assert (site.running(), rows_of(site.database)) == (before, 100)

    def test_going_on_can_end_well(self, site):
        """A typo in the new version is mended by a newer one."""
        site.deploy()
        site.write("2", "exit 1").deploy(roll_back=False, limits=QUICK)
        assert site.write("3").deploy("resume")["status"] == "deployed"
        assert site.answer() == "version 3"

    @pytest.mark.parametrize("way", ["resume", "rollback"])
    def test_there_has_to_be_something_to_come_back_to(self, site, way):
        """A rollback of yesterday's good deployment throws away a day of data."""
        site.deploy()
        done = site.deploy(way)
        assert (done["status"], done["exit_code"]) == ("not done", 3)
        assert site.answer() == "version 1"


class TestNothingChanged:
    """Exits 2 and 3: what runs was not touched."""

    @pytest.fixture
    def running(self, site):
        """Version 1, and a look at its end whether it was left alone."""
        site.deploy()
        before = site.running(), rows_of(site.database)
        yield site.write("2")
        assert (site.running(), rows_of(site.database), site.answer()) == (*before, "version 1")

    def test_an_invalid_compose_file(self, running):
        """Compose stops services before it finds the second mistake."""
        running.services(bad={"image": "a:1", "nonsense": True})
        done = running.deploy()
        assert (done["status"], done["exit_code"]) == ("refused", 2)
        assert "nonsense" in done["reasons"][0]

    def test_an_image_that_cannot_be_built(self, running):
        """Half of the services new and half of them old."""
        running.write("2", build=True)
        (running.path / "app" / "Dockerfile").write_text("FROM scratch\nCOPY nothing /nothing\n")
        done = running.deploy()
        assert done["status"] == "not done"
        assert "cannot be built" in done["reasons"][0]

    def test_a_database_that_is_missing(self, running):
        """A wrong path backs up nothing, and is believed to have."""
        done = running.deploy(databases=(running.path / "data" / "other.db",))
        assert "no such file" in done["reasons"][0]
        assert done["status"] == "not done"

    def test_a_database_that_stays_locked(self, running):
        """Going on without a backup is what everybody does once."""
        with closing(sqlite3.connect(running.database, isolation_level=None)) as held:
            held.execute("PRAGMA journal_mode = DELETE")
            held.execute("BEGIN EXCLUSIVE")
            assert "locked" in running.deploy(limits=QUICK)["reasons"][0]

    def test_a_damaged_journal(self, running):
        """Whoever cannot tell what was done does not know what a backup would be of."""
        path = running.runtime / f"deploy_journal_{running.project}.json"
        kept = path.read_text()
        for content in ("", "{}", kept[:-20], kept.replace('"closed"', '"done"')):
            path.write_text(content)
            done = running.deploy()
            assert "nobody can tell" in done["reasons"][0], content
            assert done["status"] == "not done"
        path.write_text(kept)

    def test_a_dry_run(self, running):
        """A look that is counted as a deployment."""
        before = running.engine.docker("image", "ls", "-q")
        done = running.deploy(dry_run=True)
        assert (done["status"], done["exit_code"], done["passed"]) == ("dry run", 7, False)
        assert running.engine.docker("image", "ls", "-q") == before

    def test_a_new_database_has_to_be_called_so(self, running):
        """A first deployment has none; a wrong path has none either."""
        new = running.path / "data" / "new.db"
        done = running.deploy(databases=(new,), may_be_new=True, forced_failure=lambda: "it is made to")
        assert done["status"] == "rolled back", done["reasons"]
        assert any("not there before" in note for note in done["notes"]) or not new.exists()

    def test_an_unused_second_database_is_backed_up_as_well(self, running):
        """Two databases go back together or not at all."""
        other = make_database(running.path / "data" / "other.db", 7)
        done = running.deploy(databases=(running.database, other), forced_failure=lambda: "it is made to")
        assert [one["rows"]["orders"] for one in done["backups"]] == [100, 7]
        assert site_steps(done).count("restore-db") == 2


def site_steps(document):
    return [step["step"] for step in document["steps"] if step["status"] == "done"]


class TestPermission:
    """No change without a decision that may be acted on at that moment."""

    @pytest.fixture
    def permission(self, decision):
        public = decision.path / "keys" / "release.key.pub"
        return Permission(decision.latest, SUBJECT, [public], acting=Acting(policy=decision.path / "promotion.yaml"))

    def test_a_decision_that_verify_accepts_is_named_in_the_report(self, site, permission):
        """A deployment that nobody can trace to its evidence."""
        done = site.deploy(permission=permission)
        assert done["status"] == "deployed", done["reasons"]
        assert done["decision"]["may_act"] is True
        assert done["decision"]["signers"]
        assert [step["step"] for step in done["steps"]].count("decision") == 2

    @pytest.mark.parametrize(
        ("change", "code", "why"),
        [
            ({"subject": "candidate.whl=sha256:" + "b2" * 32}, 2, "not about"),
            ({"path": Path("nowhere.json")}, 3, "no such file"),
            ({"acting": Acting("prod")}, 2, "it is of the profile default, not of prod"),
        ],
        ids=["something-else", "missing", "other-profile"],
    )
    def test_another_decision_changes_nothing(self, site, permission, change, code, why):
        """Each of these deploys what nobody decided."""
        done = site.deploy(permission=replace(permission, **change))
        assert done["exit_code"] == code, done["reasons"]
        assert why in done["reasons"][0]
        assert site.running() == {}
        assert done["steps"][0]["step"] == "decision"

    def test_a_decision_that_expires_meanwhile_is_asked_again(self, site, permission):
        """Images take half an hour to build; what the PASS rested on is stale by then."""
        site.deploy()
        site.write("2")
        ends = json.loads(permission.path.read_text())["valid_until"]
        assert ends is not None, "the example's evidence has an end"

        class Late(Clock):
            asked = 0

            def now(self):
                return Clock().now()

        seen = []

        def ask(at):
            seen.append(at)
            return Permission.ask(permission, at if len(seen) == 1 else at.replace(year=at.year + 1))

        class Asked(Permission):
            def ask(self, at):
                return ask(at)

        done = site.deploy(permission=Asked(permission.path))
        assert (done["status"], len(seen)) == ("refused", 2), done["reasons"]
        assert "expired" in done["reasons"][0]
        assert site.answer() == "version 1"
        assert site.deploy()["status"] == "deployed"


class TestKilled:
    """Whoever comes after knows what was done."""

    @pytest.fixture
    def hanging(self, site, decision):
        """A version whose start takes long: a service waits for another to be well."""
        site.deploy()
        site.write("2", healthcheck={"test": ["CMD", "/bin/busybox", "false"], "interval": "1s", "retries": 60})
        site.services(
            late={"image": "shop:1", "network_mode": "none", "depends_on": {"web": {"condition": "service_healthy"}}}
        )
        words = site.command(
            "deploy", "--database", str(site.database), "--decision", str(decision.latest), "--rollback-on-failure"
        )
        return site, words

    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
    def test_a_deployment_that_was_ended_can_be_taken_back(self, hanging, how):
        """After a kill nobody knows which version runs on whose data."""
        site, words = hanging
        before = site.journal()["run_id"]
        process = subprocess.Popen(words, cwd=site.path, env=site.environment, stdout=subprocess.PIPE, text=True)
        until = time.monotonic() + 240
        while (
            site.journal()["run_id"] == before or site.journal()["phase"] != "changing" or site.answer() != "version 2"
        ):
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < until
            time.sleep(0.1)
        site.order(4)
        process.send_signal(how)
        out, _ = process.communicate(timeout=120)
        if how is signal.SIGTERM:
            assert process.returncode == 3
            assert "interrupted" in out
            assert "--rollback" in out
        else:
            busy = site.deploy()
            assert "is going on already" in busy["reasons"][0], "compose still works for the one that was killed"
            self.end_orphans(site)
        assert "stopped while changing" in site.deploy()["reasons"][0]
        done = site.deploy("rollback")
        assert done["status"] == "rolled back", done["reasons"]
        assert (site.answer(), rows_of(site.database), set(site.running())) == ("version 1", 100, {"web"})
        assert site.write("3").deploy()["status"] == "deployed"

    @staticmethod
    def end_orphans(site):
        """Ends the Compose of this site's project that outlived its deployment."""
        found = []
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                argv = place.read_bytes().split(b"\0")
            except OSError:
                continue
            if site.project.encode() in argv and b"up" in argv:
                found.append(int(place.parent.name))
        assert found
        for number in found:
            import os

            os.kill(number, signal.SIGKILL)
        time.sleep(0.3)

    def test_two_at_once_are_one(self, hanging):
        """Two backups, two snapshots, and a rollback of one to the other's half."""
        site, words = hanging
        before = site.journal()["run_id"]
        process = subprocess.Popen(words, cwd=site.path, env=site.environment, stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 240
            while site.journal()["run_id"] == before:
                assert time.monotonic() < until
                time.sleep(0.05)
            done = site.deploy()
            assert (done["status"], done["exit_code"]) == ("not done", 3)
            assert "is going on already" in done["reasons"][0]
        finally:
            process.terminate()
            process.wait(120)
        assert site.deploy("rollback", limits=QUICK)["status"] in ("rolled back", "not done")
