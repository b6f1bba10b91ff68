"""Alembic's revisions as they are written, what they do to a database, and the notes beside them."""

from __future__ import annotations

import re
import sqlite3

import pytest

from fixtures.deployment import NORTHLIGHT
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import commands
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.suites.deployment.schema_change import migration, notes, undoing
from pytest_promotion.suites.deployment.schema_change.migration import Step

pytestmark = pytest.mark.slow

FIRST = (NORTHLIGHT / "base/migrations/versions/001_traces.py").read_text()
SECOND = (NORTHLIGHT / "change/migrations/versions/002_notes.py").read_text()
UP = 'op.add_column("traces", sa.Column("note", sa.Text(), nullable=True))'
DOWN = 'op.drop_column("traces", "note")'


STEP = Step("001", "002")


def revision(name="002", follows="001", up=UP, down=DOWN):
    return (
        f"import sqlalchemy as sa\nfrom alembic import op\nrevision: str = {name!r}\ndown_revision = {follows!r}\n"
        f"def upgrade():\n    {up}\ndef downgrade():\n    {down}\n"
    )


def read(*texts):
    return [migration.read(text, f"{number}.py") for number, text in enumerate(texts, 1)]


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        (FIRST, ()),
        (SECOND, ("001",)),
        (revision(), ("001",)),
        (revision(follows=("a", "b")), ("a", "b")),
    ],
    ids=["first", "second", "annotated", "merge"],
)
def test_a_revision_is_read_without_being_run(text, follows):
    """A revision is a program: whoever imports it to look at it has run it."""
    [found] = read("raise SystemExit('it ran')\n" + text)
    assert (found.follows, found.idle) == (follows, ())


@pytest.mark.parametrize(
    "text",
    [
        "revision = '002'\n",
        "down_revision = '001'\n",
        "revision = make()\ndown_revision = None\n",
        "revision = ''\ndown_revision = None\n",
        "revision = 7\ndown_revision = None\n",
        "revision = '002'\ndown_revision = ('001', 2)\n",
        "revision = ",
        "",
    ],
    ids=range(8),
)
def test_a_revision_that_does_not_say_which_it_is_is_refused(text):
    """Its place among the others cannot be told, so neither can their head."""
    with pytest.raises(Unproven):
        read(text)


@pytest.mark.parametrize(
    "down",
    [
        "pass",
        "...",
        '"""Nothing to do."""',
        "raise NotImplementedError",
        "raise NotImplementedError('never')",
        "return",
        "return None",
        "x = 1",
        "raise RuntimeError(op.drop_column('traces', 'note'))",
    ],
)
def test_a_downgrade_that_does_nothing_is_seen(down):
    """The word is there, and on the night on which it is needed nothing happens."""
    [found] = read(revision(down=down))
    assert found.idle == ("downgrade",)
    assert migration.lacking([*read(FIRST), migration.read(revision(down=down), "2.py")], {"2.py"}, set()) == [
        "downgrade of 2.py does nothing"
    ]


def test_a_downgrade_that_is_not_there_is_seen():
    """Alembic finds that out when it is asked to go back."""
    [found] = read(revision().partition("def downgrade")[0])
    assert found.idle == ("downgrade",)


def test_a_merge_has_nothing_to_do():
    """A revision that only joins two branches of a plan is empty on purpose."""
    assert read(revision(follows=("a", "b"), up="pass", down="pass"))[0].idle == ()


def test_a_change_without_a_revision_is_lacking_one():
    """Databases would be as they were, and the service would not."""
    assert migration.lacking(read(FIRST), set(), set()) == ["no new revision of Alembic comes with it"]


def test_two_heads_are_seen():
    """Two branches were merged, and `alembic upgrade head` fails on the night of the deployment."""
    found = read(FIRST, SECOND, revision("002b"))
    [why] = migration.lacking(found, {"3.py"}, set())
    assert why == "the revisions have 2 heads, expected one: 002, 002b"


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ([FIRST, revision("001", None)], "same id"),
        ([FIRST, revision("003", "002")], "follows 002"),
    ],
    ids=["same id", "gap"],
)
def test_revisions_that_are_no_plan_are_refused(texts, why):
    """Which of them runs first is anybody's guess."""
    with pytest.raises(Unproven, match=why):
        migration.lacking(read(*texts), {"2.py"}, set())


def test_revisions_in_a_circle_have_no_head():
    """Each follows the other and neither can be run."""
    [why] = migration.lacking(read(revision("a", "b"), revision("b", "a")), {"1.py", "2.py"}, set())
    assert "they go in a circle" in why


def test_a_revision_that_has_run_already_is_not_rewritten():
    """Databases that ran it as it was never see what it is now."""
    why = migration.lacking(read(FIRST, SECOND), {"2.py"}, {"1.py"})
    assert why == ["the revision 1.py, which databases may have run, is not what it was"]


@pytest.mark.parametrize(
    ("texts", "new", "wanted"),
    [
        ([FIRST], {"1.py"}, Step("base", "001")),
        ([FIRST, SECOND], {"2.py"}, Step("001", "002")),
        ([FIRST, SECOND, revision("003", "002")], {"2.py", "3.py"}, Step("001", "003")),
    ],
    ids=["all", "one", "two"],
)
def test_the_way_back_is_to_where_the_branch_began(texts, new, wanted):
    """One step back of two leaves half a change behind."""
    assert migration.step(read(*texts), new) == wanted


def test_a_base_with_two_heads_has_no_way_back():
    """What to undo is then two things."""
    found = read(FIRST, SECOND, revision("002b"), revision("003", ("002", "002b")))
    with pytest.raises(Unproven, match="cannot be told"):
        migration.step(found, {"4.py"})


def _again():
    """The table of the first revision, but for its check."""
    columns = ", ".join(
        f'sa.Column("{name}", sa.String({size}), nullable=False)' for name, size in (("status", 16), ("root_hash", 64))
    )
    made = f'op.create_table("traces", sa.Column("run", sa.String(64), primary_key=True), {columns})'
    return f'op.drop_table("traces"), {made}, op.create_index("traces_by_status", "traces", ["status"])'


def tried(tmp_path, *texts, step=STEP, timeout=60.0):
    def run(argv):
        return commands.run(argv, timeout, tmp_path, Notebook(), None)

    files = {f"{number}.py": text.encode() for number, text in enumerate(texts, 1)}
    return undoing.lacking(run, files, step, tmp_path / "trial")


def test_a_change_that_can_be_undone_goes_on(tmp_path):
    """A trial that refuses what is in order is switched off."""
    assert tried(tmp_path, FIRST, SECOND) == []
    assert "columns of traces" in undoing.tables(tmp_path / "trial/there.sqlite")
    assert undoing.tables(tmp_path / "trial/there.sqlite") != undoing.tables(tmp_path / "trial/back.sqlite")


def test_the_first_revision_can_be_undone_too(tmp_path):
    """An empty database is a place to go back to."""
    assert tried(tmp_path, FIRST, step=Step("base", "001")) == []


def test_a_column_that_stands_last_after_it_came_back_is_the_same(tmp_path):
    """SQLite and PostgreSQL both add at the end; who drops a column may still go back."""
    up, down = (
        'op.drop_column("traces", "root_hash")',
        'op.add_column("traces", sa.Column("root_hash", sa.String(64), nullable=False))',
    )
    assert tried(tmp_path, FIRST, revision(up=up, down=down)) == []


@pytest.mark.parametrize(
    ("up", "down", "why"),
    [
        (UP, "op.execute('SELECT 1')", "upgrade to 002 after the downgrade: .*duplicate column"),
        (UP, 'op.drop_column("traces", "other")', "downgrade to 001: OperationalError"),
        ("op.rename_column()", DOWN, "upgrade to 002: AttributeError"),
        ("op.execute('SELECT 1')", "op.execute('SELECT 1')", "changes no table"),
        (
            'op.create_table("a", sa.Column("n", sa.Integer))',
            'op.drop_table("a"), op.create_table("b", sa.Column("n", sa.Integer), if_not_exists=True)',
            "does not bring back .*columns of b",
        ),
        (
            UP,
            'op.drop_column("traces", "note"), op.drop_index("traces_by_status", table_name="traces")',
            "does not bring back indexes of traces",
        ),
        (
            UP,
            'op.drop_column("traces", "note"), op.execute("CREATE TRIGGER t AFTER INSERT ON traces BEGIN SELECT 1; END")',
            "does not bring back trigger t",
        ),
        (
            'op.drop_table("traces"), op.create_table("traces", sa.Column("run", sa.String(64), primary_key=True))',
            _again(),
            "does not bring back check_constraints of traces",
        ),
        ("__import__('sys').exit(0)", DOWN, "cannot be read|leaves the database"),
        (
            'op.execute("DELETE FROM alembic_version"), op.add_column("traces", sa.Column("note", sa.Text()))',
            DOWN,
            "does not work|leaves the database",
        ),
    ],
    ids=[
        "nothing",
        "fails",
        "no upgrade",
        "vacuous",
        "leaves a table",
        "loses an index",
        "leaves a trigger",
        "loses a check",
        "exits",
        "forgets",
    ],
)
def test_a_change_that_cannot_be_undone_is_stopped(tmp_path, up, down, why):
    """What the text of a downgrade promises is known when it has run."""
    try:
        [said] = tried(tmp_path, FIRST, revision(up=up, down=down))
    except Unproven as refusal:
        said = str(refusal)
    assert re.search(why, said), said


def test_a_revision_that_never_ends_is_ended(tmp_path):
    """A lock that nobody gives back would hold the pipeline for its whole day."""
    with pytest.raises(Unproven, match="did not end within 2 s"):
        tried(tmp_path, FIRST, revision(up="__import__('time').sleep(99)"), timeout=2)


def test_nothing_of_the_project_is_run_but_its_revisions(tmp_path):
    """`env.py` names the database that everybody uses, and many a project calls that folder `alembic`."""
    for place in ("trial/env.py", "alembic/__init__.py"):
        (tmp_path / place).parent.mkdir()
        (tmp_path / place).write_text("raise SystemExit('it ran')\n")
    assert tried(tmp_path, FIRST, SECOND) == []


def test_without_alembic_nothing_is_shown(tmp_path, monkeypatch):
    """What cannot be tried was not tried."""
    monkeypatch.setattr(undoing, "find_spec", lambda _: None)
    with pytest.raises(Unproven, match=r"pytest-promotion\[migrations\]"):
        tried(tmp_path, FIRST, SECOND)


def test_a_database_that_is_none_is_refused(tmp_path):
    """A file that nobody can read has no tables, and so the same as before."""
    (tmp_path / "x.sqlite").write_bytes(b"not a database, not at all" * 99)
    with pytest.raises(Unproven, match="cannot be read"):
        undoing.revision_of(tmp_path / "x.sqlite")
    with sqlite3.connect(tmp_path / "y.sqlite") as connection:
        connection.executescript("CREATE TABLE alembic_version (v TEXT, version_num TEXT);")
        connection.executescript("INSERT INTO alembic_version VALUES ('a', '1'), ('b', '2');")
    connection.close()
    with pytest.raises(Unproven, match="at 2 revisions"):
        undoing.revision_of(tmp_path / "y.sqlite")


NOTE = "# N\n\n## What changes\n\nA note.\n\n## Objectives ##\n\nThe same.\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (NOTE, []),
        (NOTE.replace("## Objectives ##", "### OBJECTIVES"), []),
        (NOTE.replace("A note.", ""), ["What changes"]),
        (NOTE.replace("The same.", "  "), ["Objectives"]),
        (NOTE.replace("## What", "What"), ["What changes"]),
        (NOTE.replace("## What changes", "## What changes not"), ["What changes"]),
        ("What changes\nObjectives\n", ["What changes", "Objectives"]),
        ("", ["What changes", "Objectives"]),
    ],
    ids=range(8),
)
def test_notes_say_something_below_each_heading(text, wanted):
    """A template with nothing filled in has every heading."""
    assert notes.lacking(text, ["What changes", "Objectives"]) == wanted


def test_spaces_are_no_news():
    """A line end more, and the file counts as changed for git."""
    assert not notes.differs("a b\n", "a  b\r\n\n")
    assert notes.differs("a b\n", "a c\n")
