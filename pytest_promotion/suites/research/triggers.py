"""The triggers that make a store hold: which of them are not there, or not as they were made, and putting them back."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from pytest_promotion.suites.research.database import reading, writing


def expected(conn: Connection) -> dict[str, list[str]]:
    """The statements that make each trigger on this database, by its name."""
    from pytest_promotion.suites.research.revisions.versions import r0001_what_holds as first
    from pytest_promotion.suites.research.revisions.versions import r0002_other_statuses as second

    sqlite = conn.dialect.name == "sqlite"
    made = first.statements_by_name(sqlite)
    made[second.NAME] = list(second.statements(sqlite, second.refused(sqlite, others=True)))
    return made


def wrong(conn: Connection) -> dict[str, str]:
    """What is wrong with the triggers of the store, by their names: `missing`, `disabled` or `changed`."""
    wanted = expected(conn)
    with reading(conn):
        found = _in_sqlite(conn) if conn.dialect.name == "sqlite" else _in_postgresql(conn)
    return {name: state for name, made in wanted.items() if (state := _state(made, found.get(name))) != "there"}


def repair(conn: Connection) -> list[str]:
    """Puts the triggers back that are wrong, in one transaction. Returns what was done, for people."""
    with writing(conn):
        broken = wrong(conn)
        wanted = expected(conn)
        sqlite = conn.dialect.name == "sqlite"
        for name in broken:
            if sqlite:
                conn.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
            else:
                conn.execute(text(f"DROP FUNCTION IF EXISTS {name}() CASCADE"))
            for statement in wanted[name]:
                conn.exec_driver_sql(statement)
    return [f"trigger {name} was {state}, and is back" for name, state in broken.items()]


def _state(made: list[str], there: tuple[str, bool] | None) -> str:
    if there is None:
        return "missing"
    definition, enabled = there
    if not enabled:
        return "disabled"
    return "there" if definition and any(_folded(definition) in _folded(statement) for statement in made) else "changed"


def _folded(statement: str) -> str:
    return " ".join(statement.split())


def _in_sqlite(conn: Connection) -> Mapping[str, tuple[str, bool]]:
    rows = conn.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    return {name: (sql, True) for name, sql in rows}


def _in_postgresql(conn: Connection) -> Mapping[str, tuple[str, bool]]:
    asked = """
        SELECT p.proname, min(p.prosrc), bool_and(t.tgenabled IN ('O', 'A'))
        FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE NOT t.tgisinternal AND t.tgrelid IN (
            to_regclass('promotion_candidates'), to_regclass('promotion_events'))
        GROUP BY p.proname
    """
    return {name: (source, enabled) for name, source, enabled in conn.execute(text(asked))}
