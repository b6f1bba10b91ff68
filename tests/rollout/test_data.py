"""Data: backed up while nothing writes to it, and nothing of it is ever deleted."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pytest_promotion.suites.release.rollout import database
from pytest_promotion.suites.release.rollout.plan import Limits
from tests.compose_programs import CURRENT
from tests.rollout.site import QUICK, make_database, rows_of

MOUNTED = {"volumes": ["./data:/data"]}
HOLD = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN ' + sys.argv[2]); print(flush=True); input()"


@pytest.fixture
def compose_path(compose_programs):
    """The Compose that starts in a fifth of the time: which one it is makes no difference here."""
    return compose_programs.get(CURRENT, "")


@pytest.fixture
def holder():
    """`holder(path)`: a program outside of Compose that holds a database until it is ended."""
    started = []

    def hold(path, how="IMMEDIATE"):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "\n"
        return process

    yield hold
    for process in started:
        if process.poll() is None:
            process.communicate("\n")


@pytest.mark.real
class TestBackup:
    """Right before the change."""

    def test_services_that_write_are_stopped_first(self, site):
        """What is written between the backup and the change is lost by a rollback, and no report says so."""
        site.services(reader={"image": "shop:1", "command": ["/bin/busybox", "sleep", "600"], "network_mode": "none"})
        path = site.path / "compose.yaml"
        text = json.loads(path.read_text())
        text["services"]["web"] |= MOUNTED
        path.write_text(json.dumps(text))
        site.deploy()
        states = []
        earlier = database.back_up

        def watched(source, target, busy_s=1.0):
            form = '{{index .Config.Labels "com.docker.compose.service"}}={{.State.Status}}'
            ids = site.engine.docker(
                "ps", "-aq", "--filter", f"label=com.docker.compose.project={site.project}"
            ).split()
            states.extend(site.engine.docker("inspect", "-f", form, *ids).split())
            return earlier(source, target, busy_s)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(database, "back_up", watched)
            done = site.deploy()
        assert done["status"] == "deployed", done["reasons"]
        assert sorted(states) == ["reader=running", "web=exited"]
        steps = site.steps(done)
        assert steps.index("snapshot") < steps.index("quiesce") < steps.index("backup-db") < steps.index("deploy-up")

    def test_a_program_outside_of_compose_does_not_leave_the_service_down(self, site, holder):
        """A query that somebody left open in a shell was an outage."""
        site.write("1", **MOUNTED).deploy()
        before = site.running()
        with closing(sqlite3.connect(site.database)) as found:
            found.execute("PRAGMA journal_mode = DELETE")  # in which a reader waits, too
        process = holder(site.database, "EXCLUSIVE")
        done = site.write("2", **MOUNTED).deploy(limits=QUICK)
        process.communicate("\n")
        assert (done["status"], done["exit_code"]) == ("not done", 3), done["reasons"]
        assert "was locked for 2 s" in done["reasons"][0]
        assert (site.running(), site.answer()) == (before, "version 1")
        assert "start-again" in site.steps(done)
        assert site.deploy()["status"] == "deployed", "and the journal is closed"


@pytest.mark.real
class TestRollback:
    """What a rollback of data costs, and who decides it."""

    def fail(self, site):
        def made_to():
            site.order(7)
            with closing(sqlite3.connect(site.database)) as found, found:
                found.execute("UPDATE orders SET what = 'coffee' WHERE id <= 3")
            return "it is made to"

        return made_to

    def test_it_says_how_much_is_lost_and_keeps_it(self, site):
        """A rollback that threw away a day of orders looked like any other."""
        site.deploy()
        done = site.write("2").deploy(forced_failure=self.fail(site), keep=1)
        assert (done["status"], rows_of(site.database)) == ("rolled back", 100)
        [lost] = done["lost"]
        assert (lost["database"], lost["rows"]) == (str(site.database), {"orders": 10})
        assert rows_of(Path(lost["kept"])) == 107
        assert any("lost by the rollback" in note and "10 rows" in note for note in done["notes"])
        for version in "34":
            assert site.write(version).deploy(keep=1)["status"] == "deployed"
        assert rows_of(Path(lost["kept"])) == 107, "it is never deleted with the backups"

    def test_images_alone(self, site):
        """What was ordered since is worth more than an old schema."""
        site.deploy()
        before = site.running()
        done = site.write("2").deploy(forced_failure=self.fail(site), rollback_scope="images")
        assert (done["status"], done["rollback_scope"], done["lost"]) == ("rolled back", "images", [])
        assert (site.running(), rows_of(site.database)) == (before, 107)
        assert any("is left as it is" in note for note in done["notes"])

    def test_a_program_outside_of_compose_does_not_leave_the_service_down(self, site, holder):
        """The old version on newer data is a risk; no version at all is an outage."""
        site.deploy()
        before = site.running()
        holding = []

        def fail():
            holding.append(holder(site.database))
            return "it is made to"

        done = site.write("2").deploy(forced_failure=fail, limits=QUICK)
        assert (done["status"], done["exit_code"]) == ("rollback failed", 6), done["reasons"]
        assert "still in use" in done["reasons"][1]
        assert (site.running(), site.answer()) == (before, "version 1")
        assert site.journal()["phase"] == "rolling back"

    def test_nothing_is_replaced_that_could_not_be_kept(self, site):
        """A full disk at the second place is no reason to lose the first."""
        site.deploy()

        def fail():
            folder = Path(site.journal()["folder"])
            for path in folder.glob("failed-*"):
                path.unlink()
            site.database.unlink()
            site.database.mkdir()
            return "it is made to"

        done = site.write("2").deploy(forced_failure=fail, limits=Limits(4, 0.2, 300, 1))
        assert done["status"] == "rollback failed", done["reasons"]
        assert site.database.is_dir()


class TestWrittenSince:
    """How many rows a backup does not have."""

    @pytest.fixture
    def backup(self, tmp_path):
        return database.back_up(make_database(tmp_path / "shop.db"), tmp_path / "kept.db")

    def changed(self, backup, *statements):
        """What differs after these statements."""
        with closing(sqlite3.connect(backup.source)) as found, found:
            for statement in statements:
                found.execute(statement)
        newer = database.back_up(Path(backup.source), Path(backup.path).with_name("newer.db"))
        return database.written_since(backup, Path(newer.path))

    @pytest.mark.parametrize(
        ("statements", "rows"),
        [
            ((), {}),
            (("INSERT INTO orders (what) VALUES ('tea')",), {"orders": 1}),
            (("UPDATE orders SET what = 'milk' WHERE id < 6",), {"orders": 5}),
            (("DELETE FROM orders WHERE id < 6",), {}),
            (('CREATE TABLE "new ""one" (x)', 'INSERT INTO "new ""one" VALUES (1)'), {'new "one': 1}),
            (
                ("ALTER TABLE orders ADD COLUMN more TEXT DEFAULT 'x'", "INSERT INTO orders (what) VALUES ('a')"),
                {"orders": 1},
            ),
            (("DROP TABLE orders",), {}),
        ],
        ids=["nothing", "added", "changed", "deleted", "new-table", "new-column", "dropped"],
    )
    def test_rows_that_were_added_or_changed_are_counted(self, backup, statements, rows):
        """Equal numbers of rows are not equal rows."""
        assert self.changed(backup, *statements) == rows
