"""Alembic's revisions, read without running them: a revision is somebody's program. `undoing` runs them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from pytest_promotion.errors import Unproven

BASE: Final = "base"  # Alembic's word for a database without any revision
_FOLLOWS: Final = "down_revision"


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


def _assigned(tree: ast.Module) -> Iterable[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value


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
        wrong.append(
            f"the revisions have {len(heads)} heads, expected one: {', '.join(heads) or 'they go in a circle'}"
        )
    wrong += [
        f"{' and '.join(one.idle)} of {one.path} does nothing" for one in revisions if one.path in new and one.idle
    ]
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
