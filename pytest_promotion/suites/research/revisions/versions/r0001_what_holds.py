"""
What makes the two tables hold: the database itself refuses what the rules of the store do not allow.

Events are only ever added. A candidate begins as exploratory, keeps what it was created with, and is never removed. Its
status changes only along the known ways, after the event that says so; and it is accepted only after an evaluation of
its own that passed, or with the name of who approved it and a reason. And indexes for the pages of the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from alembic import op

revision: Final = "0001_what_holds"
down_revision: Final = None

_WAYS: Final = (
    "exploratory>candidate",
    "exploratory>rejected",
    "candidate>accepted",
    "candidate>rejected",
    "candidate>exploratory",
    "accepted>rejected",
    "rejected>exploratory",
)
_FIXED: Final = (
    "candidate_id",
    "created_at_utc",
    "dataset_id",
    "run_id",
    "family_id",
    "signal_name",
    "horizon",
    "estimator",
    "config_hash",
    "git_commit",
    "notes",
    "evidence_json",
)
_CANDIDATES: Final = "promotion_candidates"
_EVENTS: Final = "promotion_events"


def upgrade() -> None:
    """Makes the triggers and the indexes."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statements in statements_by_name(sqlite).values():
        for statement in statements:
            op.execute(statement)
    for name, columns in _indexes():
        op.create_index(name, _CANDIDATES, [*columns, "created_at_utc", "candidate_id"], if_not_exists=True)


def statements_by_name(sqlite: bool) -> dict[str, list[str]]:
    """What makes each trigger, by its name."""
    made = _in_sqlite if sqlite else _in_postgresql
    return {name: made(name, *rest) for name, *rest in _rules(sqlite)}


def downgrade() -> None:
    """Takes them away again."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for name, _ in _indexes():
        op.drop_index(name, _CANDIDATES)
    for name, table, *_ in _rules(sqlite):
        op.execute(f"DROP TRIGGER {name}" if sqlite else f"DROP TRIGGER {name} ON {table}")
        if not sqlite:
            op.execute(f"DROP FUNCTION {name}() CASCADE")


def _indexes() -> Iterator[tuple[str, tuple[str, ...]]]:
    """
    For each set of filters one that ends in the order of a page.

    With an index for each filter alone, a page of a million candidates is sorted out of all that one filter finds.
    """
    for many in range(4):
        for columns in combinations(("status", "dataset_id", "signal_name"), many):
            yield "_".join(["idx_promotion_candidates_page", *(name.split("_")[0] for name in columns)]), columns


def _rules(sqlite: bool) -> Iterator[tuple[str, str, str, str, str]]:
    """Of each rule: its name, the table, on what it looks, what is refused, and the words of the refusal."""
    other = "IS NOT" if sqlite else "IS DISTINCT FROM"

    def said(event: str, name: str) -> str:
        payload = f"{event}.payload_json"
        return f"json_extract({payload}, '$.{name}')" if sqlite else f"({payload}::json->>'{name}')"

    yield "promotion_events_kept", _EVENTS, "UPDATE", "1=1", "promotion_events is append-only: no update"
    yield "promotion_events_whole", _EVENTS, "DELETE", "1=1", "promotion_events is append-only: no delete"
    yield (
        "promotion_events_once",
        _EVENTS,
        "INSERT",
        f"EXISTS (SELECT 1 FROM {_EVENTS} WHERE event_id = NEW.event_id)",
        "promotion_events is append-only: no replace",
    )
    yield (
        "promotion_events_known",
        _EVENTS,
        "INSERT",
        f"NOT EXISTS (SELECT 1 FROM {_CANDIDATES} WHERE candidate_id = NEW.candidate_id)",
        "an event of a candidate that is not there",
    )
    yield "promotion_candidates_whole", _CANDIDATES, "DELETE", "1=1", "candidates are not removed"
    yield (
        "promotion_candidates_once",
        _CANDIDATES,
        "INSERT",
        f"EXISTS (SELECT 1 FROM {_CANDIDATES} WHERE candidate_id = NEW.candidate_id)",
        "candidates are not replaced",
    )
    yield (
        "promotion_candidates_begin",
        _CANDIDATES,
        "INSERT",
        "NEW.status <> 'exploratory'",
        "a candidate begins as exploratory",
    )
    yield (
        "promotion_candidates_fixed",
        _CANDIDATES,
        "UPDATE",
        " OR ".join(f"NEW.{name} {other} OLD.{name}" for name in _FIXED),
        "what a candidate was created with does not change",
    )
    passed = "= 1" if sqlite else "= 'true'"
    evaluated = (
        f"EXISTS (SELECT 1 FROM {_EVENTS} v WHERE v.event_id = CAST({said('e', 'evaluation')} AS INTEGER)"
        f" AND v.candidate_id = NEW.candidate_id AND v.event_type = 'evaluated' AND {said('v', 'passed')} {passed})"
    )
    approved = f"(coalesce({said('e', 'approver')}, '') <> '' AND coalesce({said('e', 'reason')}, '') <> '')"
    unsaid = (
        f"NEW.status <> OLD.status AND (OLD.status || '>' || NEW.status NOT IN ({', '.join(map(repr, _WAYS))})"
        f" OR NOT EXISTS (SELECT 1 FROM {_EVENTS} e WHERE e.event_id ="
        f" (SELECT max(event_id) FROM {_EVENTS} WHERE candidate_id = NEW.candidate_id)"
        f" AND e.event_type = 'status_change' AND {said('e', 'old_status')} = OLD.status"
        f" AND {said('e', 'new_status')} = NEW.status"
        f" AND (NEW.status <> 'accepted' OR {approved} OR {evaluated})))"
    )
    yield (
        "promotion_candidates_step",
        _CANDIDATES,
        "UPDATE",
        unsaid,
        "a status changes along the known ways, after the event that says so",
    )


def _in_sqlite(name: str, table: str, moment: str, refused: str, because: str) -> list[str]:
    return [
        f"CREATE TRIGGER {name} BEFORE {moment} ON {table} WHEN {refused} BEGIN SELECT RAISE(ABORT, '{because}'); END"
    ]


def _in_postgresql(name: str, table: str, moment: str, refused: str, because: str) -> list[str]:
    row = "OLD" if moment == "DELETE" else "NEW"
    refuse = f"IF {refused} THEN RAISE EXCEPTION '{because}'; END IF; RETURN {row};"
    made = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refuse} END $$"
    called = f"EXECUTE FUNCTION {name}()"
    statements = [made, f"CREATE TRIGGER {name} BEFORE {moment} ON {table} FOR EACH ROW {called}"]
    if moment == "DELETE":
        statements.append(f"CREATE TRIGGER {name}_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {called}")
    return statements
