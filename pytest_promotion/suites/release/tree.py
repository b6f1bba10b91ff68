"""
What git says of the folder that is released: which commit it is, and what differs from that.

`git status` can be told to be silent, by the user's own settings and by marks in the index. Here it
is asked in words that override the settings, and the marks are looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_promotion.errors import Unproven

STATUS: Final = (
    "git",
    # A list of files to ignore that only this user has, and a program that says which files changed.
    *("-c", "core.excludesFile=/dev/null", "-c", "core.fsmonitor=false"),
    *("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--ignore-submodules=none"),
)
LISTED: Final = ("git", "ls-files", "-v", "-z")
_NAMED: Final = 3
_DETACHED: Final = "(detached)"
_UNBORN: Final = "(initial)"


@dataclass(frozen=True, slots=True)
class Tree:
    """A working tree. `changes` are paths with what is with them, such as `src/a.py (untracked)`."""

    commit: str
    branch: str  # "" where HEAD is detached
    changes: tuple[str, ...]

    def __str__(self) -> str:
        place = f"on {self.branch}" if self.branch else "detached"
        return f"commit {self.commit[:12]}, {place}"

    def differing(self) -> str:
        """The changes as part of a sentence."""
        more = f" and {len(self.changes) - _NAMED} more" if len(self.changes) > _NAMED else ""
        return ", ".join(self.changes[:_NAMED]) + more


def read(status: str, listed: str) -> Tree:
    """
    The tree by the outputs of `STATUS` and `LISTED`, both run in the folder that is released.

    Raises:
        Unproven: where there is no commit, nothing of the folder is in it, or the outputs are something else.
    """
    headers: dict[str, str] = {}
    changes: list[str] = []
    parts = iter(status.split("\0"))
    for part in parts:
        kind, _, rest = part.partition(" ")
        if kind == "#":
            key, _, value = rest.partition(" ")
            headers[key] = value
        elif part:
            changes.append(_change(kind, rest, parts))
    commit, branch = headers.get("branch.oid", ""), headers.get("branch.head", "")
    if commit == _UNBORN:
        raise Unproven("the repository has no commit yet")
    if not commit or not branch:
        raise Unproven("git does not say which commit this is")
    files = [entry for entry in listed.split("\0") if entry]
    if not files:
        raise Unproven("no file of this folder is in the repository: git ignores it, and says of it that it is clean")
    changes += [f"{entry[2:]} (hidden from git)" for entry in files if entry[0].islower() or entry[0] == "S"]
    return Tree(commit, "" if branch == _DETACHED else branch, tuple(changes))


def _change(kind: str, rest: str, parts: Iterator[str]) -> str:
    # https://git-scm.com/docs/git-status#_porcelain_format_version_2
    if kind == "?":
        return f"{rest} (untracked)"
    fields = {"1": 7, "2": 8, "u": 9}.get(kind)
    if fields is None:
        raise Unproven(f"git answers with something else than a status: {kind[:20]!r}")
    words = rest.split(" ", fields)
    if len(words) != fields + 1:
        raise Unproven("git answers with half a status")
    if kind == "2":
        next(parts, "")  # where it was before
    what = "submodule" if words[1].startswith("S") else {"1": "changed", "2": "renamed", "u": "in conflict"}[kind]
    return f"{words[-1]} ({what})"
