"""The record holds what was: rows as they were created, acceptances with their evaluations, people with their names."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from sqlalchemy import text

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research import chain, people, service, statuses, store
from pytest_promotion.suites.research.database import connected, writing
from pytest_promotion.suites.research.digests import FIXED, demand_sealed, sealed
from pytest_promotion.suites.research.migrations import run_migrations_phase3
from pytest_promotion.suites.research.people import Person
from pytest_promotion.suites.research.tables import CANDIDATES
from tests.candidates.run import WHOLE

pytestmark = pytest.mark.slow
ANN = Person("ann", "given")


@pytest.fixture
def accepted(tmp_path):
    """Where a store is with a candidate that was accepted by hand, and its id."""
    where = str(tmp_path / "store.db")
    with connected(where, create=True) as conn:
        run_migrations_phase3(conn)
        identity = store.create_candidate(conn, WHOLE, by=ANN)
        store.update_status(conn, identity, "candidate", "look", by=ANN)
        store.update_status(conn, identity, "accepted", "we know it", approver="Ben", by=ANN)
        assert chain.check(conn).holds
    return where, identity


@pytest.mark.parametrize(
    "change",
    ["signal_name = 'other'", "git_commit = 'f'", "evidence_json = '{}'", "notes = 'x'", "created_at_utc = '2020'"],
)
def test_a_row_that_was_rewritten_is_found(accepted, change):
    """Signal, commit and evidence of an accepted row were rewritten, and there were 0 problems."""
    where, identity = accepted
    raw = sqlite3.connect(where)
    triggers = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        raw.execute(f"DROP TRIGGER {name}")
    raw.execute(f"UPDATE promotion_candidates SET {change}")
    for _, statement in triggers:  # and put back, so that nothing is missing
        raw.execute(statement)
    raw.commit()
    raw.close()
    with connected(where) as conn:
        assert chain.check(conn).problems == (f"{identity} is not what it was created as: its row was changed",)


def test_an_acceptance_without_its_evaluation_is_found(accepted):
    """An event that says accepted is written as quickly as one that says anything else."""
    where, _ = accepted
    with connected(where) as conn:
        identity = store.create_candidate(conn, WHOLE, by=ANN)
        store.update_status(conn, identity, "candidate", "look", by=ANN)
        conn.exec_driver_sql("DROP TRIGGER promotion_candidates_step")
        conn.commit()
        with writing(conn):
            store.change_status(conn, identity, "accepted", {"evaluation": 4711, "reason": "x"})
        run_migrations_phase3(conn)
        found = chain.check(conn).problems
        assert found == (f"{identity} was accepted without an evaluation of its own that passed",)


def test_ghosts_are_reported(tmp_path):
    """Events of a candidate that is not there belong to one that was taken out."""
    where = str(tmp_path / "old.db")
    raw = sqlite3.connect(where)
    columns = ", ".join(f"{name} TEXT" for name in (*FIXED[1:], "status"))
    raw.execute(f"CREATE TABLE promotion_candidates (candidate_id TEXT PRIMARY KEY, {columns})")
    raw.execute(
        "CREATE TABLE promotion_events (event_id INTEGER PRIMARY KEY, candidate_id TEXT, ts_utc TEXT, "
        "event_type TEXT, payload_json TEXT)"
    )
    raw.execute("INSERT INTO promotion_events VALUES (1, 'prom_ghost', 'x', 'created', NULL)")
    raw.execute("INSERT INTO promotion_candidates (candidate_id, status) VALUES ('prom_odd', 'bananas')")
    raw.commit()
    raw.close()
    with connected(where) as conn:
        run_migrations_phase3(conn)
        assert "prom_ghost has events and is not there" in chain.check(conn).problems
        store.update_status(conn, "prom_odd", "exploratory", "whatever bananas meant", by=ANN)
        assert store.get_candidate(conn, "prom_odd")["status"] == "exploratory"
        with pytest.raises(PolicyError):
            store.update_status(conn, "prom_odd", "accepted", "x", approver="Ben", by=ANN)


def test_what_a_row_keeps_is_all_of_it_but_the_status():
    """A column that no digest covers can be rewritten."""
    assert set(FIXED) == {column.name for column in CANDIDATES.columns} - {"status"}


def test_events_name_who_asked(accepted):
    """An approver's name was what somebody typed, and who asked was nowhere."""
    where, identity = accepted
    with connected(where) as conn:
        assert {event["payload"]["asked_by"]["name"] for event in store.get_events(conn, identity)} == {"ann"}
        store.record_event(conn, identity, "noted", {"by": "us"})
        last = store.get_events(conn, identity)[-1]["payload"]["asked_by"]
    assert last == people.asking().document()
    assert last["source"] in {"git", "os"}


@pytest.mark.parametrize("approver", ["ann", "ANN", " a n n "])
def test_nobody_accepts_by_hand_alone(accepted, approver):
    """One person who types two names is one person."""
    where, _ = accepted
    with connected(where) as conn:
        identity = store.create_candidate(conn, WHOLE, by=ANN)
        store.update_status(conn, identity, "candidate", "look", by=ANN)
        with pytest.raises(PolicyError, match="another person"):
            store.update_status(conn, identity, "accepted", "we know it", approver=approver, by=ANN)


def test_accepting_by_hand_over_changed_evidence_needs_what_was_seen(tmp_path, accepted):
    """Somebody accepted what the files said a month ago."""
    from pytest_promotion.suites.research.evidence_now import present_digest
    from tests.candidates.run import Run

    where, _ = accepted
    run = Run(tmp_path / "run")
    with connected(where) as conn:
        identity = run.create(conn)
        store.update_status(conn, identity, "candidate", "look", by=ANN)
        run.change("rc.json", rc_p_value=0.2)
        with pytest.raises(PolicyError, match="rc_summary_path changed"):
            store.update_status(conn, identity, "accepted", "ok", approver="Ben", by=ANN)
        seen = present_digest(store.whole(conn, identity)["evidence"])
        with pytest.raises(PolicyError):
            store.update_status(conn, identity, "accepted", "ok", approver="Ben", by=ANN, evidence_seen="0" * 64)
        store.update_status(conn, identity, "accepted", "ok", approver="Ben", by=ANN, evidence_seen=seen)
        assert store.get_events(conn, identity)[-1]["payload"]["evidence_now_sha256"] == seen


def test_a_record_that_was_edited_is_not_read(accepted):
    """A gate that reads what somebody typed judges a text."""
    where, identity = accepted
    with connected(where) as conn:
        record = store.whole(conn, identity)
    demand_sealed(record)
    assert sealed(record) == record
    for changed in (record | {"status": "x"}, {name: v for name, v in record.items() if name != "record_sha256"}):
        with pytest.raises(Unproven, match="print it again"):
            demand_sealed(changed)


@pytest.fixture
def raw(accepted):
    """A connection of `sqlite3`, as somebody has it anyway, with settings of its own."""
    connection = sqlite3.connect(accepted[0])
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()


def test_a_connection_of_sqlite3_works_everywhere(raw, accepted):
    """Most people's connection is of the standard library."""
    identity = store.create_candidate(raw, WHOLE, by=ANN)
    assert identity in [row["candidate_id"] for row in store.list_candidates(raw)]
    store.record_event(raw, identity, "noted", {"x": 1})
    store.update_status(raw, identity, "candidate", "look", by=ANN)
    assert service.evaluate_and_record(raw, identity, by=ANN).judged is False
    assert store.whole(raw, identity)["status"] == "candidate"
    assert statuses.weakened(raw, [identity]) == {}
    assert chain.check(raw).holds
    assert run_migrations_phase3(raw) == ()
    assert raw.row_factory is sqlite3.Row
    assert raw.isolation_level == ""
    with connected(accepted[0]) as conn:  # it was committed
        assert store.get_candidate(conn, identity)["status"] == "candidate"


def test_an_open_transaction_of_sqlite3_is_refused(raw):
    """Committing what a caller did not commit, or rolling it back, is nobody's to decide."""
    raw.execute("UPDATE schema_migrations_phase3 SET git_commit = 'x'")
    with pytest.raises(PolicyError, match="transaction open"):
        store.create_candidate(raw, WHOLE)
    raw.rollback()
    with pytest.raises(PolicyError, match="no connection"):
        store.create_candidate("store.db", WHOLE)


def test_what_sqlite3_refuses_is_a_sentence(tmp_path):
    """A traceback of another library tells nobody what to do."""
    empty = sqlite3.connect(tmp_path / "empty.db")
    with pytest.raises(Unproven, match="run_migrations_phase3"):
        store.create_candidate(empty, WHOLE)
    empty.close()


def test_scalars_of_numpy_are_numbers(raw):
    """What research code computes is of numpy."""
    identity = store.create_candidate(raw, WHOLE | {"horizon": np.int64(4)}, by=ANN)
    payload = {"ic": np.float64(0.5), "n": np.int64(3), "ok": np.bool_(True), "all": [np.float32(0.25)]}
    store.record_event(raw, identity, "noted", payload)
    said = store.get_events(raw, identity)[-1]["payload"]
    assert (said["ic"], said["n"], said["ok"], said["all"]) == (0.5, 3, True, [0.25])
    with pytest.raises(PolicyError, match="canonical"):
        store.record_event(raw, identity, "noted", {"ic": np.float64("nan")})


def test_many_are_created_at_once_or_none(raw):
    """Half of a sweep in the store is a sweep that nobody finds."""
    before = len(store.list_candidates(raw))
    made = store.create_candidates(raw, [WHOLE] * 3, by=ANN)
    assert len(set(made)) == 3
    with pytest.raises(PolicyError, match="candidate 2: "):
        store.create_candidates(raw, [WHOLE, WHOLE | {"run_id": ""}], by=ANN)
    assert len(store.list_candidates(raw)) == before + 3


def test_a_change_of_status_can_be_recorded_first(raw):
    """Scripts record the event and then update the status: neither may be half, nor happen twice."""
    identity = store.create_candidate(raw, WHOLE, by=ANN)
    told = {"new_status": "candidate", "old_status": "exploratory", "reason": "worth a look"}
    store.record_event(raw, identity, "status_change", told, by=ANN)
    store.update_status(raw, identity, "candidate", "worth a look", by=ANN)
    events = [event["event_type"] for event in store.get_events(raw, identity)]
    assert events == ["created", "status_change"]
    for wrong in (told, told | {"reason": ""}, told | {"passed": True}, {"new_status": "accepted", "reason": "x"}):
        with pytest.raises((PolicyError, Unproven)):
            store.record_event(raw, identity, "status_change", wrong, by=ANN)
    assert store.get_candidate(raw, identity)["status"] == "candidate"


def test_a_dropped_trigger_of_postgresql_is_found_and_put_back(store_at):
    """Both databases have owners."""
    with connected(store_at) as conn:
        if conn.dialect.name == "postgresql":
            with writing(conn):
                conn.execute(text("ALTER TABLE promotion_events DISABLE TRIGGER promotion_events_kept"))
            assert chain.check(conn).problems == ("the trigger promotion_events_kept is disabled",)
        else:
            with writing(conn):
                conn.execute(text("DROP TRIGGER promotion_events_kept"))
                conn.execute(
                    text(
                        "CREATE TRIGGER promotion_events_kept BEFORE UPDATE ON promotion_events "
                        "WHEN 1=0 BEGIN SELECT 1; END"
                    )
                )
            assert chain.check(conn).problems == ("the trigger promotion_events_kept is changed",)
        assert len(run_migrations_phase3(conn)) == 1
        assert chain.check(conn).holds
