"""
A candidate with a status that only another tool knows can begin anew, as exploratory, with the event that says so.

Before this it could not be left at all: the trigger knew the ways from the four statuses only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alembic import op

revision: Final = "0002_other_statuses"
down_revision: Final = "0001_what_holds"

NAME: Final = "promotion_candidates_step"
_TABLE: Final = "promotion_candidates"
_EVENTS: Final = "promotion_events"
_BECAUSE: Final = "a status changes along the known ways, after the event that says so"
_KNOWN: Final = "('exploratory', 'candidate', 'accepted', 'rejected')"
_WAYS: Final = (
    "exploratory>candidate",
    "exploratory>rejected",
    "candidate>accepted",
    "candidate>rejected",
    "candidate>exploratory",
    "accepted>rejected",
    "rejected>exploratory",
)


def upgrade() -> None:
    """Replaces the trigger of the steps."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in (*_dropped(sqlite), *statements(sqlite, refused(sqlite, others=True))):
        op.execute(statement)


def downgrade() -> None:
    """Puts the one before back."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in (*_dropped(sqlite), *statements(sqlite, refused(sqlite, others=False))):
        op.execute(statement)


def refused(sqlite: bool, *, others: bool) -> str:
    """The condition under which a change is refused; *others*: whether other statuses can begin anew."""

    def said(event: str, name: str) -> str:
        payload = f"{event}.payload_json"
        return f"json_extract({payload}, '$.{name}')" if sqlite else f"({payload}::json->>'{name}')"

    passed = "= 1" if sqlite else "= 'true'"
    evaluated = (
        f"EXISTS (SELECT 1 FROM {_EVENTS} v WHERE v.event_id = CAST({said('e', 'evaluation')} AS INTEGER)"
        f" AND v.candidate_id = NEW.candidate_id AND v.event_type = 'evaluated' AND {said('v', 'passed')} {passed})"
    )
    approved = f"(coalesce({said('e', 'approver')}, '') <> '' AND coalesce({said('e', 'reason')}, '') <> '')"
    way = f"OLD.status || '>' || NEW.status NOT IN ({', '.join(map(repr, _WAYS))})"
    if others:
        way = f"({way} AND NOT (OLD.status NOT IN {_KNOWN} AND NEW.status = 'exploratory'))"
    return (
        f"NEW.status <> OLD.status AND ({way}"
        f" OR NOT EXISTS (SELECT 1 FROM {_EVENTS} e WHERE e.event_id ="
        f" (SELECT max(event_id) FROM {_EVENTS} WHERE candidate_id = NEW.candidate_id)"
        f" AND e.event_type = 'status_change' AND {said('e', 'old_status')} = OLD.status"
        f" AND {said('e', 'new_status')} = NEW.status"
        f" AND (NEW.status <> 'accepted' OR {approved} OR {evaluated})))"
    )


def statements(sqlite: bool, when: str) -> Iterator[str]:
    """What makes the trigger."""
    if sqlite:
        yield (
            f"CREATE TRIGGER {NAME} BEFORE UPDATE ON {_TABLE} WHEN {when} BEGIN SELECT RAISE(ABORT, '{_BECAUSE}'); END"
        )
        return
    body = f"IF {when} THEN RAISE EXCEPTION '{_BECAUSE}'; END IF; RETURN NEW;"
    yield f"CREATE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
    yield f"CREATE TRIGGER {NAME} BEFORE UPDATE ON {_TABLE} FOR EACH ROW EXECUTE FUNCTION {NAME}()"


def _dropped(sqlite: bool) -> Iterator[str]:
    yield f"DROP TRIGGER {NAME}" if sqlite else f"DROP TRIGGER {NAME} ON {_TABLE}"
    if not sqlite:
        yield f"DROP FUNCTION {NAME}() CASCADE"
