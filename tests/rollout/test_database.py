"""Backups of SQLite databases that are in use, and what is put back."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.rollout.database import back_up, checked, look, restore
from tests.rollout.site import is_root, make_database, rows_of

pytestmark = pytest.mark.slow

WRITER = """
import sqlite3, sys
found = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
number = 100
while True:
    found.execute("BEGIN IMMEDIATE")
    found.executemany("INSERT INTO orders (what) VALUES (?)", [("x" * 200,)] * 10)
    found.execute("COMMIT")
    number += 10
    print(number, flush=True)
"""


@pytest.fixture
def database(tmp_path):
    return make_database(tmp_path / "data" / "shop.db")


class TestBackup:
    """From a live database to a file that is known to be whole."""

    @pytest.mark.parametrize("mode", ["wal", "delete"])
    def test_under_write_load_nothing_that_was_committed_is_lost(self, tmp_path, mode):
        """A copy of the file of a live database held none of the rows in its log, and was called a backup."""
        path = make_database(tmp_path / "shop.db")
        with closing(sqlite3.connect(path)) as found:
            assert found.execute(f"PRAGMA journal_mode = {mode}").fetchone()[0] == mode
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        try:
            for number in range(20):
                committed = int(writer.stdout.readline())
                made = back_up(path, tmp_path / f"{number}.db", busy_s=30)
                assert made.rows["orders"] >= committed
                assert made.rows["orders"] % 10 == 0, "half a transaction"
                assert rows_of(Path(made.path)) == made.rows["orders"]
        finally:
            writer.kill()
            writer.wait()
            writer.stdout.close()

    def test_rows_in_the_log_alone_are_in_it(self, tmp_path):
        """The file itself may be an empty database, for hours."""
        path = tmp_path / "shop.db"
        with closing(sqlite3.connect(path)) as live:
            live.execute("PRAGMA journal_mode = WAL")
            live.execute("PRAGMA wal_autocheckpoint = 0")
            live.execute("CREATE TABLE orders (id)")
            live.executemany("INSERT INTO orders VALUES (?)", [(n,) for n in range(1000)])
            live.commit()
            assert back_up(path, tmp_path / "kept.db").rows == {"orders": 1000}
        assert sorted(one.name for one in tmp_path.glob("kept*")) == ["kept.db"]

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (None, "no such file"),
            (b"", "it is empty"),
            (b"hello" * 100, "no SQLite"),
            (b"SQLite format 3\0", "backed up"),
        ],
        ids=["missing", "empty", "text", "header-alone"],
    )
    def test_what_is_no_database_is_refused(self, tmp_path, content, why):
        """SQLite takes an empty file for a database without tables, and makes one where there is none."""
        path = tmp_path / "shop.db"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(Unproven, match=why):
            back_up(path, tmp_path / "kept.db")
        assert not (tmp_path / "kept.db").exists()
        assert path.exists() is (content is not None)

    def test_a_folder_is_no_database(self, tmp_path):
        """A mount that Docker made where the file should have been."""
        with pytest.raises(Unproven, match="is a directory"):
            look(tmp_path)

    def test_a_damaged_database_is_no_backup(self, database, tmp_path):
        """A backup that cannot be read is found out on the worst day."""
        with closing(sqlite3.connect(database)) as found:
            found.execute("PRAGMA journal_mode = DELETE")
            found.executemany("INSERT INTO orders (what) VALUES (?)", [("x" * 500,)] * 500)
            found.commit()
        content = bytearray(database.read_bytes())
        content[3 * 4096 : 6 * 4096] = os.urandom(3 * 4096)
        database.write_bytes(content)
        with pytest.raises(Unproven, match=r"integrity check|malformed"):
            back_up(database, tmp_path / "kept.db")
        assert not (tmp_path / "kept.db").exists()

    def test_a_locked_database_is_waited_for_and_then_refused(self, database, tmp_path):
        """Waiting for ever is a deployment that hangs at night."""
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("PRAGMA journal_mode = DELETE")
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(Unproven, match=r"locked"):
                back_up(database, tmp_path / "kept.db", busy_s=0.5)
        assert not (tmp_path / "kept.db").exists()

    def test_a_lock_that_ends_in_time_is_no_reason_to_give_up(self, database, tmp_path):
        """Any service locks its database for a moment."""
        held = threading.Event()

        def hold():
            with closing(sqlite3.connect(database, isolation_level=None)) as other:
                other.execute("PRAGMA journal_mode = DELETE")
                other.execute("BEGIN EXCLUSIVE")
                held.set()
                threading.Event().wait(0.5)
                other.execute("COMMIT")

        other = threading.Thread(target=hold)
        other.start()
        held.wait()
        back_up(database, tmp_path / "kept.db", busy_s=20)
        other.join()
        assert rows_of(tmp_path / "kept.db") == 100

    @pytest.mark.skipif(not is_root, reason="a small disk can be mounted by root only")
    def test_a_full_disk_leaves_no_half_backup(self, tmp_path):
        """Half a backup has the name of a whole one."""
        path = make_database(tmp_path / "shop.db", 100_000)
        small = tmp_path / "small"
        small.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)]
        if subprocess.run(words, capture_output=True, check=False).returncode:
            pytest.skip("no tmpfs can be mounted here")
        try:
            with pytest.raises(Unproven, match=r"full"):
                back_up(path, small / "kept.db")
            assert list(small.iterdir()) == []
        finally:
            subprocess.run(["umount", str(small)], check=True)

    def test_a_backup_is_never_overwritten(self, database, tmp_path):
        """The older one may be the only whole one."""
        back_up(database, tmp_path / "kept.db")
        with pytest.raises(Unproven, match="never overwritten"):
            back_up(database, tmp_path / "kept.db")

    def test_tables_with_any_name_and_full_text_search_are_counted(self, tmp_path):
        """A name with a quote in it, or a module that is not here, must not end a backup."""
        path = tmp_path / "odd.db"
        with closing(sqlite3.connect(path)) as found, found:
            found.execute('CREATE TABLE "a ""b"" (c)" (x)')
            found.execute('INSERT INTO "a ""b"" (c)" VALUES (1)')
            found.execute("CREATE VIRTUAL TABLE texts USING fts5(body)")
        rows = back_up(path, tmp_path / "kept.db").rows
        assert rows['a "b" (c)'] == 1
        assert "texts" not in rows
        assert "texts_content" in rows


class TestRestore:
    """From the backup to the place that services read."""

    def test_later_rows_are_gone_with_the_log_that_held_them(self, database, tmp_path):
        """A log that stays is replayed into the older file: the rollback had no effect."""
        made = back_up(database, tmp_path / "kept.db")
        live = sqlite3.connect(database)
        live.execute("PRAGMA wal_autocheckpoint = 0")
        live.executemany("INSERT INTO orders (what) VALUES (?)", [("x",)] * 5000)
        live.commit()
        kill_without_checkpoint(live, database)
        restore(made)
        assert rows_of(database) == 100
        with closing(sqlite3.connect(database)) as found:
            assert found.execute("PRAGMA journal_mode").fetchone()[0] == "wal"

    def test_a_destroyed_database_is_put_back(self, database, tmp_path):
        """What the new version wrote may be no database at all."""
        made = back_up(database, tmp_path / "kept.db")
        database.write_bytes(b"not a database" * 1000)
        restore(made)
        assert rows_of(database) == 100
        database.unlink()
        restore(made)
        assert rows_of(database) == 100

    def test_a_backup_that_was_changed_is_not_put_back(self, database, tmp_path):
        """Somebody else's file under its name would become the live data."""
        made = back_up(database, tmp_path / "kept.db")
        make_database(tmp_path / "kept.db.2", 5).replace(tmp_path / "kept.db")
        with pytest.raises(Unproven, match="was changed"):
            restore(made)
        (tmp_path / "kept.db").unlink()
        with pytest.raises(Unproven, match="cannot be put back"):
            restore(made)
        assert rows_of(database) == 100

    def test_rows_that_do_not_agree_with_the_count_are_refused(self, database, tmp_path):
        """The count is the one fact of the content that the journal has."""
        made = replace(back_up(database, tmp_path / "kept.db"), rows={"orders": 101})
        with pytest.raises(Unproven, match="rows"):
            restore(made)

    @pytest.mark.parametrize("mode", ["wal", "delete"])
    def test_a_database_that_is_in_use_is_not_replaced(self, database, tmp_path, mode):
        """Whoever has it open would go on writing to a file without a name."""
        made = back_up(database, tmp_path / "kept.db")
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute(f"PRAGMA journal_mode = {mode}")
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unproven, match="in use"):
                restore(made)

    @pytest.mark.skipif(not is_root, reason="only root can give files away")
    def test_owner_and_mode_stay(self, database, tmp_path):
        """A service of another user could not write to a database that root put back."""
        os.chown(database, 1234, 1235)
        database.chmod(0o664)
        made = back_up(database, tmp_path / "kept.db")
        database.unlink()
        restore(made)
        facts = database.stat()
        assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o777) == (1234, 1235, 0o664)
        assert Path(made.path).stat().st_mode & 0o777 == 0o600

    def test_integrity_is_looked_at_without_touching_the_file(self, database, tmp_path):
        """Opening a backup in the usual way makes a log beside it, and changes its bytes."""
        made = back_up(database, tmp_path / "kept.db")
        before = (tmp_path / "kept.db").read_bytes()
        assert checked(tmp_path / "kept.db") == made.rows
        assert (tmp_path / "kept.db").read_bytes() == before


def kill_without_checkpoint(live, path):
    """Leaves the files as a killed process does: closing would empty the log into the database."""
    beside = {one: one.read_bytes() for one in path.parent.iterdir() if one.name.startswith(path.name)}
    live.close()
    for one, content in beside.items():
        one.write_bytes(content)
    assert path.with_name(path.name + "-wal").stat().st_size > 0
