"""The store: candidates keep what they were created with, a status has its event, and events are only ever added."""

from __future__ import annotations

import json
import multiprocessing
import threading

import pytest
from alembic import command
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research import chain, events, migrations, statuses, store
from pytest_promotion.suites.research.database import connected, engine_of, writing
from pytest_promotion.suites.research.migrations import require_promotion_tables, run_migrations_phase3
from tests.candidates.run import WHOLE

pytestmark = pytest.mark.slow

COLUMNS = {
    "promotion_candidates": (
        "candidate_id created_at_utc status dataset_id run_id family_id signal_name horizon estimator config_hash "
        "git_commit notes evidence_json"
    ).split(),
    "promotion_events": "event_id candidate_id ts_utc event_type payload_json".split(),
    "schema_migrations_phase3": "version name applied_at_utc git_commit".split(),
}
REST = COLUMNS["promotion_candidates"][3:]
SINGLE = {
    f"idx_promotion_candidates_{name}": [column]
    for name, column in {
        "status": "status",
        "dataset": "dataset_id",
        "signal": "signal_name",
        "created": "created_at_utc",
    }.items()
}


def refused(conn, statement):
    """What the database says to *statement*, which it has to refuse."""
    with pytest.raises(DBAPIError) as refusal, writing(conn):
        conn.execute(text(statement))
    return str(refusal.value.orig)


def test_tables_have_the_columns_and_indexes_that_other_tools_know(empty):
    """A column more or less, and what reads the tables elsewhere breaks."""
    with connected(empty, create=True) as conn:
        run_migrations_phase3(conn)
        found = inspect(conn)
        for table, columns in COLUMNS.items():
            assert [column["name"] for column in found.get_columns(table)] == columns
        indexes = {index["name"]: index["column_names"] for index in found.get_indexes("promotion_candidates")}
        assert SINGLE.items() <= indexes.items()
        [one] = found.get_indexes("promotion_events")
        assert (one["name"], one["column_names"]) == ("idx_promotion_events_candidate", ["candidate_id"])
        versions = conn.execute(text("SELECT version, name FROM schema_migrations_phase3 ORDER BY version")).all()
        assert [tuple(row) for row in versions] == [
            (4, "2026_02_promotion_candidates"),
            (5, "2026_02_promotion_events"),
        ]


def test_migrating_again_does_nothing(empty):
    """Who is not sure whether the tables are there must be able to ask for them."""
    with connected(empty, create=True) as conn:
        assert len(run_migrations_phase3(conn)) == 3
        assert run_migrations_phase3(conn) == ()
        require_promotion_tables(conn)


def _migrate(where, barrier):
    barrier.wait(120)
    with connected(where, create=True) as conn:
        run_migrations_phase3(conn)


def test_processes_that_migrate_at_once_do_it_once(empty):
    """Two services start together: neither may find the tables half made."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    workers = [context.Process(target=_migrate, args=(empty, barrier)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with connected(empty) as conn:
        require_promotion_tables(conn)
        assert len(conn.execute(text("SELECT version FROM schema_migrations_phase3")).all()) == 2


def test_a_step_that_fails_leaves_nothing(empty, monkeypatch):
    """Half of a migration is a store that neither the old nor the new version understands."""
    made = migrations._make

    def half(conn, table):
        made(conn, table)
        if table.name == "promotion_events":
            raise RuntimeError("the power went out")

    monkeypatch.setattr(migrations, "_make", half)
    with connected(empty, create=True) as conn:
        with pytest.raises(RuntimeError, match="power"):
            run_migrations_phase3(conn)
        assert "promotion_events" not in inspect(conn).get_table_names()
    monkeypatch.undo()
    with connected(empty) as conn:
        assert run_migrations_phase3(conn) == ("2026_02_promotion_events", "0002_other_statuses")


def test_a_store_of_earlier_tools_is_brought_up_to_date(tmp_path):
    """Tables that another tool made have no foreign key, no check and no triggers; the rules hold in them all the same."""
    where = str(tmp_path / "old.db")
    with connected(where, create=True) as conn:
        columns = ", ".join(COLUMNS["promotion_candidates"]).replace("candidate_id", "candidate_id PRIMARY KEY", 1)
        with writing(conn):
            conn.execute(text(f"CREATE TABLE promotion_candidates ({columns})"))
            conn.execute(
                text(
                    "CREATE TABLE promotion_events (event_id INTEGER PRIMARY KEY AUTOINCREMENT, candidate_id, ts_utc, "
                    "event_type, payload_json)"
                )
            )
            conn.execute(
                text(
                    "CREATE TABLE schema_migrations_phase3 (version INTEGER PRIMARY KEY, name, applied_at_utc, git_commit)"
                )
            )
            for version in range(1, 8):
                conn.execute(text(f"INSERT INTO schema_migrations_phase3 VALUES ({version}, 'x', 'y', NULL)"))
            conn.execute(
                text("INSERT INTO promotion_candidates (candidate_id, status) VALUES ('prom_old', 'exploratory')")
            )
            conn.execute(text("INSERT INTO promotion_candidates (candidate_id, status) VALUES ('prom_odd', 'bananas')"))
            conn.execute(text("INSERT INTO promotion_events (candidate_id, event_type) VALUES ('prom_old', 'created')"))
        assert run_migrations_phase3(conn) == ("0002_other_statuses",)
        assert "append-only" in refused(conn, "DELETE FROM promotion_events")
        assert "not there" in refused(
            conn, "INSERT INTO promotion_events (candidate_id, event_type) VALUES ('ghost', 'x')"
        )
        store.record_event(conn, "prom_old", "noted", {"by": "us"})
        found = chain.check(conn)
        assert found.problems == ("prom_odd is bananas, and its events say nothing",)
        assert (found.events, found.unchained) == (2, 1)
        with pytest.raises(PolicyError, match="bananas"):
            store.update_status(conn, "prom_odd", "candidate", "look")


def test_what_makes_it_hold_can_be_taken_away_and_put_back(empty):
    """A revision with no way back is one that nobody dares to apply."""
    with connected(empty, create=True) as conn:
        run_migrations_phase3(conn)
        store.create_candidate(conn, WHOLE)
        with writing(conn):
            configured = migrations._configured()
            configured.attributes["connection"] = conn
            command.downgrade(configured, "base")
        with writing(conn):
            assert conn.execute(text("DELETE FROM promotion_events")).rowcount == 1
            conn.execute(text("DELETE FROM promotion_candidates"))
        assert run_migrations_phase3(conn) == ("0002_other_statuses",)
        store.create_candidate(conn, WHOLE)
        assert "append-only" in refused(conn, "DELETE FROM promotion_events")


def test_a_store_that_nobody_made_is_not_made_by_looking(tmp_path):
    """A mistyped path must not become an empty store in which nothing was ever rejected."""
    with pytest.raises(Unproven, match="promotion migrate"):
        engine_of(str(tmp_path / "no.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_tables_says_what_makes_them(empty):
    """An empty database is not a store without candidates."""
    with connected(empty, create=True) as conn, pytest.raises(Unproven, match="run_migrations_phase3"):
        store.create_candidate(conn, WHOLE)


@pytest.mark.parametrize("where", ["mysql://x/y", "://", "nonsense://x"])
def test_other_databases_are_refused(where):
    """The rules are triggers of two databases: in a third there would be none."""
    with pytest.raises(PolicyError):
        engine_of(where)


def test_a_candidate_begins_as_exploratory_with_an_event(conn):
    """What has no first event could have come from anywhere."""
    identity = store.create_candidate(conn, WHOLE)
    assert identity.startswith("prom_")
    assert len(identity) == 21
    row = store.get_candidate(conn, identity)
    assert row["status"] == "exploratory"
    assert {name: row[name] for name in WHOLE} == WHOLE
    [event] = store.get_events(conn, identity)
    assert event["event_type"] == "created"


def test_candidates_of_the_same_moment_are_two(conn, monkeypatch):
    """A clock that ticks slowly must not make one candidate of two."""
    from datetime import UTC, datetime

    monkeypatch.setattr(events, "now", lambda: datetime(2026, 1, 2, tzinfo=UTC))
    assert len({store.create_candidate(conn, WHOLE) for _ in range(3)}) == 3


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_field_that_says_nothing_is_refused(conn, name):
    """An empty dataset passes NOT NULL and matches every other empty one."""
    for value in (None, "", "  ", 0, True, float("nan")):
        with pytest.raises(PolicyError, match=name):
            store.create_candidate(conn, WHOLE | {name: value})
    assert store.list_candidates(conn) == []


@pytest.mark.parametrize(
    "extra", [{"status": "accepted"}, {"candidate_id": "prom_x"}, {"created_at_utc": "2020"}], ids=str
)
def test_nobody_creates_what_is_accepted_already(conn, extra):
    """A candidate that is created accepted was never judged."""
    with pytest.raises(PolicyError, match="created exploratory"):
        store.create_candidate(conn, WHOLE | extra)


def test_evidence_without_canonical_json_is_refused(conn):
    """NaN in a record is no JSON to whoever reads it next."""
    with pytest.raises(PolicyError, match="canonical"):
        store.create_candidate(conn, WHOLE | {"evidence": {"p": float("nan")}})


def test_the_list_filters_and_pages(conn):
    """Who looks for accepted candidates must see those, all of them, and each once."""
    made = [
        store.create_candidate(conn, WHOLE | {"dataset_id": f"d{number % 2}", "signal_name": f"s{number % 3}"})
        for number in range(12)
    ]
    store.update_status(conn, made[3], "rejected", "no edge")
    ids = lambda **asked: [row["candidate_id"] for row in store.list_candidates(conn, **asked)]  # noqa: E731
    assert ids() == made[::-1]
    assert ids(status="rejected") == [made[3]]
    assert ids(dataset_id="d1") == made[1::2][::-1]
    assert ids(dataset_id="d1", signal_name="s0") == [made[9], made[3]]
    assert ids(dataset_id="d1", signal_name="s0", status="exploratory") == [made[9]]
    assert ids(dataset_id="nowhere") == []
    page, seen = store.list_candidates(conn, limit=5), []
    while page:
        seen += [row["candidate_id"] for row in page]
        page = store.list_candidates(conn, limit=5, before=(page[-1]["created_at_utc"], page[-1]["candidate_id"]))
    assert seen == made[::-1]


@pytest.mark.parametrize("asked", [{"status": "bananas"}, {"limit": 0}, {"limit": -1}], ids=str)
def test_a_list_that_cannot_be_meant_is_refused(conn, asked):
    """A mistyped status finds nothing, which reads as: there is none."""
    with pytest.raises(PolicyError):
        store.list_candidates(conn, **asked)


def test_a_change_by_hand_says_from_what_to_what_and_why(conn):
    """Without the old status a record does not tell what was overruled."""
    identity = store.create_candidate(conn, WHOLE)
    store.update_status(conn, identity, "candidate", "worth a look")
    said = store.get_events(conn, identity)[-1]["payload"]
    assert {name: said[name] for name in ("old_status", "new_status", "reason", "manual")} == {
        "old_status": "exploratory",
        "new_status": "candidate",
        "reason": "worth a look",
        "manual": True,
    }
    assert store.get_candidate(conn, identity)["status"] == "candidate"


@pytest.mark.parametrize("reason", [None, "", " "], ids=repr)
def test_a_change_by_hand_needs_a_reason(conn, reason):
    """One click without a word is how an exploratory signal came to be traded."""
    identity = store.create_candidate(conn, WHOLE)
    with pytest.raises(PolicyError, match="reason"):
        store.update_status(conn, identity, "candidate", reason)


def test_accepting_by_hand_needs_an_approver_and_shows_it(conn):
    """An acceptance without evaluation has to be somebody's."""
    identity = store.create_candidate(conn, WHOLE)
    store.update_status(conn, identity, "candidate", "look")
    with pytest.raises(PolicyError, match="approver"):
        store.update_status(conn, identity, "accepted", "we know it")
    assert store.get_candidate(conn, identity)["status"] == "candidate"
    store.update_status(conn, identity, "accepted", "we know it", approver="Ann")
    assert store.approvers(conn, [identity]) == {identity: "Ann"}
    assert store.whole(conn, identity)["accepted_by_hand"] == "Ann"


@pytest.mark.parametrize(
    "way", [("accepted",), ("candidate", "candidate"), ("rejected", "accepted"), ("rejected", "candidate")], ids=str
)
def test_steps_that_there_are_not_are_refused(conn, way):
    """Nothing is accepted but a candidate, and what was rejected begins anew."""
    identity = store.create_candidate(conn, WHOLE)
    *before, last = way
    for step in before:
        store.update_status(conn, identity, step, "on the way")
    with pytest.raises(PolicyError, match="cannot become"):
        store.update_status(conn, identity, last, "shortcut", approver="Ann")


def test_a_candidate_that_is_not_there_is_not_changed(conn):
    """An update of nothing must not read as done."""
    with pytest.raises(Unproven, match="not found"):
        store.update_status(conn, "prom_ghost", "candidate", "x")
    with pytest.raises(Unproven, match="not found"):
        store.record_event(conn, "prom_ghost", "noted", {})
    assert store.get_candidate(conn, "prom_ghost") is None
    assert chain.check(conn).events == 0


@pytest.mark.parametrize("kind", ["created", "evaluated", "observed", "approved", "adopted", ""], ids=repr)
def test_the_stores_own_events_are_not_to_be_recorded(conn, kind):
    """Whoever can write 'evaluated' can write that it passed."""
    identity = store.create_candidate(conn, WHOLE)
    with pytest.raises(PolicyError, match="own"):
        store.record_event(conn, identity, kind, {"passed": True})
    with pytest.raises(PolicyError, match="chain"):
        store.record_event(conn, identity, "noted", {"previous": "0" * 64})


def test_an_error_after_the_event_takes_the_event_back(conn, monkeypatch):
    """An event of a change that did not come to pass is a lie, and the other way round."""
    identity = store.create_candidate(conn, WHOLE)
    monkeypatch.setattr(statuses, "update", lambda table: (_ for _ in ()).throw(RuntimeError("killed")))
    with pytest.raises(RuntimeError):
        store.update_status(conn, identity, "candidate", "look")
    assert [event["event_type"] for event in store.get_events(conn, identity)] == ["created"]
    assert chain.check(conn).holds


def test_what_belongs_together_happens_together_or_not_at_all(conn):
    """What is rolled back must not have happened."""
    made = []

    def killed():
        with writing(conn):
            made.append(store.create_candidate(conn, WHOLE))
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        killed()
    assert store.get_candidate(conn, made[0]) is None


def test_a_transaction_that_may_end_without_a_commit_is_refused(conn):
    """An id of a row that is gone when the connection closes is an acceptance of nothing."""
    conn.execute(text("SELECT 1"))
    with pytest.raises(PolicyError, match="transaction of its own"):
        store.create_candidate(conn, WHOLE)
    conn.rollback()
    assert store.get_candidate(conn, store.create_candidate(conn, WHOLE)) is not None


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE promotion_events SET payload_json = '{}'", "append-only"),
        ("DELETE FROM promotion_events", "append-only"),
        ("DELETE FROM promotion_candidates", "not removed"),
        ("UPDATE promotion_candidates SET dataset_id = 'd2'", "does not change"),
        ("UPDATE promotion_candidates SET evidence_json = '{}'", "does not change"),
        ("UPDATE promotion_candidates SET status = 'accepted'", "known ways"),
        ("UPDATE promotion_candidates SET status = 'candidate'", "after the event"),
        ("UPDATE promotion_candidates SET status = 'bananas'", "known ways"),
        (
            f"INSERT INTO promotion_candidates SELECT 'b', '', 'accepted', {', '.join(REST)} FROM promotion_candidates",
            "begins as exploratory",
        ),
        ("INSERT INTO promotion_events (candidate_id, ts_utc, event_type) VALUES ('ghost', 'x', 'y')", "not there"),
    ],
    ids=lambda value: value.split(" SELECT")[0] if " " in value and value.isascii() and value[0].isupper() else "says",
)
def test_the_database_itself_refuses(conn, statement, says):
    """Whoever comes around the functions meets the same rules."""
    store.create_candidate(conn, WHOLE)
    assert says in refused(conn, statement)


def test_replacing_is_refused(store_at, conn):
    """REPLACE removes a row without the triggers of a removal; TRUNCATE removes all."""
    identity = store.create_candidate(conn, WHOLE)
    if "postgresql" in str(store_at):
        assert "append-only" in refused(conn, "TRUNCATE promotion_events")
        return
    row = f"(1, '{identity}', 'x', 'created')"
    said = refused(
        conn, f"INSERT OR REPLACE INTO promotion_events (event_id, candidate_id, ts_utc, event_type) VALUES {row}"
    )
    assert "append-only" in said
    columns = ", ".join(COLUMNS["promotion_candidates"])
    said = refused(
        conn, f"INSERT OR REPLACE INTO promotion_candidates ({columns}) SELECT {columns} FROM promotion_candidates"
    )
    assert "not replaced" in said


def test_the_database_accepts_nothing_without_an_evaluation_that_passed(conn):
    """An event that points to another candidate's evaluation, or to one that failed, is no ground for acceptance."""
    mine, other = store.create_candidate(conn, WHOLE), store.create_candidate(conn, WHOLE)
    store.update_status(conn, mine, "candidate", "look")
    with writing(conn):
        failed = store.add_event(conn, mine, "evaluated", {"passed": False})
        foreign = store.add_event(conn, other, "evaluated", {"passed": True})
    for event in (failed, foreign, 999, None):
        with pytest.raises(DBAPIError, match="after the event"), writing(conn):
            store.change_status(conn, mine, "accepted", {"evaluation": event})
    with writing(conn):
        passed = store.add_event(conn, mine, "evaluated", {"passed": True})
        store.change_status(conn, mine, "accepted", {"evaluation": passed})
    assert store.get_candidate(conn, mine)["status"] == "accepted"


def _break(where, statement):
    """Does to a store what its rules forbid, as the owner of its file can."""
    import sqlite3

    raw = sqlite3.connect(where)
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    raw.execute(statement)
    raw.commit()
    raw.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE promotion_events SET payload_json = replace(payload_json, 'look', 'kool') WHERE event_id = 2",
        "UPDATE promotion_events SET ts_utc = '2020' WHERE event_id = 1",
        "DELETE FROM promotion_events WHERE event_id = 2",
        "DELETE FROM promotion_events WHERE event_id = 1",
        "UPDATE promotion_events SET event_id = 99 WHERE event_id = 1",
        "UPDATE promotion_candidates SET status = 'accepted'",
        "INSERT INTO promotion_events (candidate_id, ts_utc, event_type) SELECT candidate_id, 'x', 'y' FROM promotion_candidates",
    ],
)
def test_the_chain_shows_what_was_changed_behind_the_rules(tmp_path, statement):
    """Triggers can be dropped by whoever owns the file: it must show."""
    where = str(tmp_path / "store.db")
    with connected(where, create=True) as conn:
        run_migrations_phase3(conn)
        identity = store.create_candidate(conn, WHOLE)
        store.update_status(conn, identity, "candidate", "look")
        store.record_event(conn, identity, "noted", {"by": "us"})
        assert chain.check(conn).holds
    _break(where, statement)
    with connected(where) as conn:
        assert not chain.check(conn).holds


def test_a_chain_that_was_cut_off_does_not_have_the_anchor(tmp_path):
    """The last events can be taken away so that the rest is whole: only who kept the head can see that."""
    where = str(tmp_path / "store.db")
    with connected(where, create=True) as conn:
        run_migrations_phase3(conn)
        identity = store.create_candidate(conn, WHOLE)
        store.record_event(conn, identity, "noted", {"by": "us"})
        kept = chain.check(conn).head
        assert chain.check(conn, kept).holds
    _break(where, "DELETE FROM promotion_events WHERE event_id = 2")
    with connected(where) as conn:
        assert not chain.check(conn).holds
        assert len(run_migrations_phase3(conn)) == 9  # the triggers, which are put back
        assert chain.check(conn).holds
        assert not chain.check(conn, kept).holds


def _write(where, barrier, many):
    with connected(where) as conn:
        barrier.wait(120)
        identity = store.create_candidate(conn, WHOLE)
        for number in range(many):
            store.record_event(conn, identity, "noted", {"number": number})


def test_writers_at_once_lose_nothing(store_at):
    """Four services write to one store: an event that is lost was never there, and a chain that forks is none."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    workers = [context.Process(target=_write, args=(store_at, barrier, 100)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 4
    with connected(store_at) as conn:
        found = chain.check(conn)
        assert found.holds
        assert found.events == 4 * 101
        rows = store.list_candidates(conn)
        assert len(rows) == 4
        for row in rows:
            numbers = [event["payload"].get("number") for event in store.get_events(conn, row["candidate_id"])]
            assert numbers == [None, *range(100)]


def test_a_reader_does_not_wait_for_a_writer(store_at, conn):
    """A page that hangs while somebody evaluates is reloaded, and evaluates again."""
    identity = store.create_candidate(conn, WHOLE)
    with writing(conn), connected(store_at) as other:
        store.record_event(conn, identity, "noted", {"by": "us"})
        # A reader that waited would wait for this very thread, until SQLite calls the database locked.
        assert [event["event_type"] for event in store.get_events(other, identity)] == ["created"]
    if "postgresql" not in str(store_at):
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert conn.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 30_000
        assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


def test_a_writer_waits_for_another(store_at, conn):
    """Two who write at once are both right: the second must neither fail nor overwrite."""
    identity = store.create_candidate(conn, WHOLE)
    done = []

    def write():
        with connected(store_at) as other:
            done.append(store.record_event(other, identity, "noted", {"by": "them"}))

    second = threading.Thread(target=write)
    with writing(conn):
        first = store.record_event(conn, identity, "noted", {"by": "us"})
        second.start()
        second.join(0.3)
        assert done == []
    second.join(30)
    assert done == [first + 1]
    assert chain.check(conn).holds


def test_payloads_are_canonical(conn):
    """Two writers of the same event must write the same bytes, or no digest of it means anything."""
    identity = store.create_candidate(conn, WHOLE)
    store.record_event(conn, identity, "noted", {"b": 1.0, "a": 1e-12, "é": [3, False]})
    said = conn.execute(text("SELECT payload_json FROM promotion_events ORDER BY event_id DESC LIMIT 1")).scalar_one()
    assert said.startswith('{"a":1e-12,"asked_by":{"name":')
    assert json.loads(said)["é"] == [3, False]
