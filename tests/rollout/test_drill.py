"""The drill of a rollback, on a real engine."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_promotion.suites.release.rollout import drilling_compose
from pytest_promotion.suites.release.rollout.drill import drill
from pytest_promotion.suites.release.rollout.plan import Limits
from pytest_promotion.suites.release.rollout.services import Configuration
from tests.compose_programs import CURRENT, OLD
from tests.rollout.site import rows_of
from tests.rollout.test_candidate import commit


def reports(site):
    """The names of the drill's reports, oldest first."""
    return sorted(path.name for path in (site.runtime / "rollback_drills").glob("rollback_drill_*.json"))


class TestLive:
    """A rollback that really happened."""

    @pytest.mark.parametrize("compose_path", [OLD, CURRENT], indirect=True)
    def test_images_and_data_are_taken_back(self, site):
        """A drill that executes nothing cannot fail, and shows nothing."""
        done = drill(site.plan(roll_back=False), retain=24)
        assert (done.status, done.code) == ("passed", 0), done.document["reasons"]
        assert done.document["exercised"] == {"images": True, "data": True}
        assert [one["status"] for one in done.document["deploy_reports"]] == ["deployed", "rolled back"]
        assert json.loads(done.path.read_text()) == done.document
        assert "***" not in done.path.read_text(), "a masked path does not say where to look"
        ran = done.document["versions"]["web"]
        assert ran["before"] == ran["after"] != ran["during"]
        record = done.path.with_suffix(".md").read_text()
        assert "| a rollback between two images | yes |" in record
        assert ran["during"][:19] in record

    @pytest.mark.parametrize("compose_path", [OLD, CURRENT], indirect=True)
    def test_an_image_that_is_built_is_built_twice(self, site):
        """The same context gives the same image, and going back from it to itself shows nothing."""
        done = drill(site.write("1", build=True).plan(), retain=24)
        assert done.status == "passed", done.document["reasons"]
        ran = done.document["versions"]["web"]
        assert ran["before"] == ran["after"] != ran["during"]

    def test_a_drill_goes_from_one_commit_to_another(self, site):
        """What was changed since the last release is what the rollback of the next one has to take back."""
        site.write("1", build=True)
        old = commit(site.path)
        site.write("2", build=True)
        done = drill(site.plan(), retain=24, first=old)
        assert done.status == "passed", done.document["reasons"]
        assert [one["commit"] for one in done.document["deploy_reports"]] == [old, None]

    def test_two_versions_that_are_the_same_are_a_failure(self, site, monkeypatch):
        """A rollback from an image to itself cannot go wrong."""
        empty = site.path / "second.yaml"
        empty.write_text('{"services": {"web": {}}}')
        monkeypatch.setattr(drilling_compose, "_relabelled", lambda *_: empty)
        done = drill(site.plan(), retain=24)
        assert (done.status, done.document["exercised"]["images"]) == ("failed", False)
        assert "ran the same version before and after" in done.document["reasons"][0]

    def test_it_leaves_nothing_behind_and_the_live_data_alone(self, site):
        """A drill on the live database is the outage that it is to prevent."""
        before = site.database.read_bytes()
        drill(site.plan(), retain=24)
        assert site.database.read_bytes() == before
        assert rows_of(site.database) == 100
        assert (
            site.engine.docker("ps", "-aq", "--filter", f"label=com.docker.compose.project={site.project}-drill") == ""
        )
        assert f"{site.project}-drill" not in site.engine.docker("image", "ls", "--format", "{{.Tag}}")
        assert "promotion-drill" not in site.engine.docker("image", "ls", "--format", "{{.Repository}}")
        assert [path.name for path in (site.runtime / "rollback_drills").iterdir() if path.is_dir()] == ["runs"]

    def test_a_rollback_that_does_not_work_fails_the_drill(self, site):
        """The one thing that a drill is for: here the old version starts once and never again."""
        once = (
            "test -e /data/used && exit 1; touch /data/used; "
            f"exec /bin/busybox httpd -f -p 127.0.0.1:{site.port} -h /www"
        )
        site.write("1", once, volumes=["./scratch:/data"])
        (site.path / "scratch").mkdir()
        limits = Limits(health_s=60, interval_s=1, up_s=300, rollback_health_s=60)  # which the rollback waits out
        done = drill(site.plan(limits=limits), retain=24, shared_data=True)
        assert (done.status, done.code) == ("failed", 2), done.document["reasons"]
        assert "rollback failed" in done.document["reasons"][0]

    def test_a_version_that_does_not_start_is_no_drill(self, site):
        """There is nothing that a rollback could lead back to."""
        done = drill(site.write("1", "exit 1").plan(), retain=24)
        assert (done.status, done.code) == ("not_done", 3)

    def test_it_does_not_write_where_others_do(self, site):
        """Its containers would write into the folder of the live ones."""
        site.write("1", volumes=["./data:/data"])
        done = drill(site.plan(), retain=24)
        assert done.status == "not_done"
        assert "would write where others do" in done.document["reasons"][0]


class TestDry:
    """A look is a look."""

    def test_it_is_not_exercised(self, site):
        """A dry run that passes is counted by whoever audits the drills."""
        done = drill(site.plan(dry_run=True), retain=24)
        assert (done.status, done.code, done.document["passed"]) == ("not_exercised", 7, False)
        assert done.document["rollback_attempted"] is False
        assert site.running() == {}

    def test_without_an_engine_it_says_so(self, site):
        """The reports of a runner without Docker must not look like those of a drill."""
        plan = replace(site.plan(), environment={"PATH": "/nowhere"})
        for dry_run, status in ((True, "not_exercised"), (False, "not_done")):
            done = drill(replace(plan, dry_run=dry_run), retain=24)
            assert done.status == status
            assert "docker is not installed: see https://" in done.document["reasons"][0]

    def test_reports_are_kept_by_count_for_each_environment(self, site):
        """Two reports of staging that evict all of prod."""
        folder = site.runtime / "rollback_drills"
        folder.mkdir(parents=True)
        for env in ("staging", "staging-eu"):
            for day in (1, 2, 3):
                (folder / f"rollback_drill_{env}_2026010{day}T030000Z.json").write_text("{}")
        (folder / "notes.json").write_text("{}")
        (folder / "rollback_drill_staging_20260101T030000Z.md").write_text("")
        done = drill(site.plan(dry_run=True), retain=2)
        kept = reports(site)
        assert [name for name in kept if name.startswith("rollback_drill_staging_")] == [
            "rollback_drill_staging_20260103T030000Z.json",
            done.path.name,
        ]
        assert len([name for name in kept if "staging-eu" in name]) == 3
        assert (folder / "notes.json").exists()
        assert not (folder / "rollback_drill_staging_20260101T030000Z.md").exists()
        assert done.document["retention_deleted"] == [
            "rollback_drill_staging_20260102T030000Z.json",
            "rollback_drill_staging_20260101T030000Z.json",
        ]


@pytest.mark.parametrize(
    ("volumes", "shared"),
    [
        (["/host:/a:rw"], ["web writes to /host"]),
        (["/host:/a:ro", "named:/b"], []),
        (["theirs:/b"], ["web writes to theirs"]),
        ([{"type": "bind", "source": "/host", "target": "/a"}], ["web writes to /host"]),
        ([{"type": "bind", "source": "/host", "target": "/a", "read_only": True}], []),
        (["/anonymous"], []),
    ],
    ids=["bind", "read-only", "external", "long", "long-read-only", "anonymous"],
)
def test_what_is_written_to_by_others_as_well_is_found(volumes, shared):
    """Each form that Compose resolves to: one that is missed is written to."""
    found = Configuration(
        {"services": {"web": {"volumes": volumes}}, "volumes": {"named": {}, "theirs": {"external": True}}}
    )
    assert found.shared() == shared
