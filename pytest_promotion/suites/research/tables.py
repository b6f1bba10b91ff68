"""The two tables of the store, in the columns that other tools know them by."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

from pytest_promotion.suites.research.transitions import STATUSES

METADATA: Final = MetaData()

CANDIDATES: Final = Table(
    "promotion_candidates",
    METADATA,
    Column("candidate_id", Text, primary_key=True),
    Column("created_at_utc", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("dataset_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("family_id", Text),
    Column("signal_name", Text, nullable=False),
    Column("horizon", Integer, nullable=False),
    Column("estimator", Text),
    Column("config_hash", Text, nullable=False),
    Column("git_commit", Text, nullable=False),
    Column("notes", Text),
    Column("evidence_json", Text),
    CheckConstraint(f"status IN ({', '.join(map(repr, STATUSES))})", name="promotion_candidates_status"),
    CheckConstraint("horizon > 0", name="promotion_candidates_horizon"),
)
Index("idx_promotion_candidates_status", CANDIDATES.c.status)
Index("idx_promotion_candidates_dataset", CANDIDATES.c.dataset_id)
Index("idx_promotion_candidates_signal", CANDIDATES.c.signal_name)
Index("idx_promotion_candidates_created", CANDIDATES.c.created_at_utc)

EVENTS: Final = Table(
    "promotion_events",
    METADATA,
    Column("event_id", Integer, primary_key=True, autoincrement=True),
    Column("candidate_id", Text, ForeignKey("promotion_candidates.candidate_id"), nullable=False),
    Column("ts_utc", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("payload_json", Text),
    sqlite_autoincrement=True,
)
Index("idx_promotion_events_candidate", EVENTS.c.candidate_id)

# Which steps of the version table are applied; the numbers and names are those that other tools know.
VERSIONS: Final = Table(
    "schema_migrations_phase3",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("applied_at_utc", Text, nullable=False),
    Column("git_commit", Text),
)
