"""
Alembic's revisions, read without running them, and the tables that they leave behind.

That a revision can be undone is said by its text, and shown by doing it: see `trial`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven

BASE: Final = "base"  # Alembic's word for a database without any revision
_VERSIONS: Final = "alembic_version"


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision. `follows` has none for the first, and more than one where branches are merged."""

    path: str
    id: str
    follows: tuple[str, ...]
    idle: tuple[str, ...]  # of upgrade and downgrade, those that are missing or do nothing


@dataclass(frozen=True, slots=True)
class Step:
    """What a change does to a database: from the revision `before` to the revision `after`."""

    before: str
    after: str


def is_revision(path: str) -> bool:
    """Whether Alembic takes the file *path* for a revision."""
    name = path.rpartition("/")[2]
    return name.endswith(".py") and not name.startswith(("__init__", ".#"))


def read(text: str, path: str) -> Revision:
    """
    The revision in the file *path*.

    Raises:
        Unproven: where its ids are not written down in it.
    """
    try:
        tree = ast.parse(text)
        said = {name: ast.literal_eval(value) for name, value in _assigned(tree) if name in ("revision", _FOLLOWS)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Unproven(f"{path} is no revision that can be read: its ids have to be written down") from None
    name, follows = said.get("revision"), said.get(_FOLLOWS)
    before = (follows,) if isinstance(follows, str) else () if follows is None else tuple(follows)
    if not isinstance(name, str) or not name or not all(isinstance(one, str) for one in before) or _FOLLOWS not in said:
        raise Unproven(f"{path} does not say which revision it is and which it follows")
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    idle = tuple(verb for verb in ("upgrade", "downgrade") if verb not in functions or _idle(functions[verb]))
    return Revision(path, name, before, () if len(before) > 1 else idle)


_FOLLOWS: Final = "down_revision"


def _assigned(tree: ast.Module) -> Iterable[tuple[str, ast.expr]]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        for target in targets:
            if isinstance(target, ast.Name) and getattr(node, "value", None) is not None:
                yield target.id, node.value  # type: ignore[union-attr]


def _idle(function: ast.FunctionDef) -> bool:
    """Whether nothing is called in it, or it refuses before it does anything."""
    for node in function.body:
        if isinstance(node, ast.Raise):
            return True
        if any(isinstance(inner, ast.Call) for inner in ast.walk(node)):
            return False
    return True


def lacking(revisions: Collection[Revision], new: Collection[str], changed: Collection[str]) -> list[str]:
    """
    What is wrong with the *revisions* as a plan.

    Args:
        new: paths of those that were not there before.
        changed: paths of those that were there, and are not as they were.
    """
    wrong = [f"the revision {path}, which databases may have run, is not what it was" for path in sorted(changed)]
    if not new:
        return [*wrong, "no new revision of Alembic comes with it"]
    heads = heads_of(revisions)
    if len(heads) != 1:
        wrong.append(f"the revisions have {len(heads)} heads, expected one: {', '.join(heads) or 'they go in a circle'}")
    for one in revisions:
        if one.path in new and one.idle:
            wrong.append(f"{' and '.join(one.idle)} of {one.path} {'do' if len(one.idle) > 1 else 'does'} nothing")
    return wrong


def heads_of(revisions: Collection[Revision]) -> list[str]:
    """The ids that nothing follows. Raises `Unproven` where two have the same, or one follows what is not there."""
    ids = {one.id for one in revisions}
    if len(ids) != len(revisions):
        raise Unproven("two revisions have the same id")
    followed = {name for one in revisions for name in one.follows}
    if followed - ids:
        raise Unproven(f"a revision follows {min(followed - ids)}, which is not there")
    return sorted(ids - followed)


def step(revisions: Collection[Revision], new: Collection[str]) -> Step:
    """From the head of those that were there before to the head of all. Raises `Unproven` where either is not one."""
    before = heads_of([one for one in revisions if one.path not in new]) or [BASE]
    after = heads_of(revisions)
    if len(before) != 1 or len(after) != 1:
        raise Unproven("the revisions do not lead from one head to one: what to undo cannot be told")
    return Step(before[0], after[0])


def tables(path: Path) -> dict[str, Any]:
    """
    Everything that is laid down in the SQLite database *path*, by kind and name, but for Alembic's own table.

    Columns, constraints and indexes are without an order: what was dropped and added again stands last. Views and
    triggers are as they were written.
    """
    from sqlalchemy import create_engine, inspect, pool

    engine = create_engine(f"sqlite:///{path}", poolclass=pool.NullPool)
    found: dict[str, Any] = {}
    try:
        seen = inspect(engine)
        for asked in ("columns", "pk_constraint", "foreign_keys", "unique_constraints", "check_constraints", "indexes"):
            for (_, table), facts in getattr(seen, f"get_multi_{asked}")().items():
                if table != _VERSIONS:
                    listed = facts if isinstance(facts, list) else [facts]
                    found[f"{asked} of {table}"] = sorted(repr(sorted(one.items(), key=str)) for one in listed)
    finally:
        engine.dispose()
    for kind, name, text in _rows(path, "SELECT type, name, sql FROM sqlite_master WHERE type IN ('view', 'trigger')"):
        found[f"{kind} {name}"] = " ".join(text.split())
    return found


def revision_of(path: Path) -> str:
    """The revision that the SQLite database *path* is at, `BASE` for none. Raises `Unproven` where it is at several."""
    if not _rows(path, f"SELECT 1 FROM sqlite_master WHERE name = '{_VERSIONS}'"):  # noqa: S608 - no input in it
        return BASE
    rows = _rows(path, f"SELECT version_num FROM {_VERSIONS}")  # noqa: S608 - no input in it
    if len(rows) > 1:
        raise Unproven(f"the database is at {len(rows)} revisions")
    return rows[0][0] if rows else BASE


def _rows(path: Path, question: str) -> list[tuple[Any, ...]]:
    import sqlite3

    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute(question).fetchall()
    except sqlite3.Error as problem:
        raise Unproven(f"the database that the migration left cannot be read: {problem}") from None


def unlike(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What is laid down in one of them and not in the same way in the other."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
