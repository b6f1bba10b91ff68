"""What Alembic runs first: the connection is the one that `run_migrations_phase3` was given, with its transaction."""

from alembic import context

from pytest_promotion.suites.research.migrations import REVISION_TABLE

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("revisions are applied by run_migrations_phase3, or by `promotion migrate`")
context.configure(connection=connection, version_table=REVISION_TABLE)
context.run_migrations()
