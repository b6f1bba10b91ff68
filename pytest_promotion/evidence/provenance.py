"""What is being promoted, and from which commit."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from pytest_promotion.errors import PolicyError
from pytest_promotion.model import CHANGES_NAMED, Exhibit, GitState, Subject

_STATUS = (
    *("-c", "core.fsmonitor=false"),  # a program that says which files changed
    *("status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignore-submodules=none"),
)
_SUBJECT = re.compile(
    r"(?P<name>[^=]+)=(?:sha256:(?P<hex>[0-9a-f]{64})|gitCommit:(?P<commit>[0-9a-f]{40}|[0-9a-f]{64}))"
)


def named_subject(text: str) -> Subject:
    """The subject that `NAME=sha256:HEX` names, or `[NAME=]gitCommit:HEX`. Raises `PolicyError`."""
    match = _SUBJECT.fullmatch(f"git={text}" if text.startswith("gitCommit:") else text)
    if not match:
        raise PolicyError(
            f"--promotion-subject {text}: expected NAME=sha256:HEX with 64 hex digits, or gitCommit:HEX with 40"
        )
    return Subject(match["name"], {"sha256": match["hex"]} if match["hex"] else {"gitCommit": match["commit"]})


def subject_of(named: str, manifest: Exhibit | None, state: GitState) -> Subject | None:
    """What was named, else the release manifest, else the commit with its tree, else nothing."""
    if named:
        return named_subject(named)
    if manifest is not None and manifest.exists:
        return Subject(manifest.path, {"sha256": manifest.sha256})
    if state.commit is None:
        return None
    tree = {"gitTree": state.tree} if state.tree else {}
    return Subject("git", {"gitCommit": state.commit, **tree})


def git_state(folder: Path, judges: Collection[Path] = ()) -> GitState:
    """
    The commit that *folder* is at, with its tree, and what differs from it.

    Files that the repository ignores do not count, if they are not among *judges*, the sources of the gates. Settings
    of the user that keep git from telling a change do not count either, nor do marks of the index.
    """
    named = _git(folder, "rev-parse", "HEAD", "HEAD^{tree}", "--show-toplevel")
    if named is None:
        return GitState()
    commit, tree, top = named.split("\n", 2)
    status, files = _git(folder, *_STATUS), _git(folder, "ls-files", "-v", "-z", "--full-name", ":/")
    if status is None or files is None:
        return GitState(commit, tree)
    entries = [entry for entry in files.split("\0") if entry]
    changes = {*_changed(status), *_hidden(entries, Path(top))}
    known = {entry[2:] for entry in entries}
    changes |= {path for judge in judges if (path := _below(judge, top)) is not None and path not in known}
    return GitState(commit, tree, bool(changes), tuple(sorted(changes))[:CHANGES_NAMED])


def _hidden(entries: Sequence[str], top: Path) -> Iterator[str]:
    """Files whose changes git was told not to look at; what a sparse checkout leaves out is not there to be changed."""
    skipped = [entry[2:] for entry in entries if entry[0] == "S"]
    sparse = bool(skipped) and _git(top, "config", "--bool", "core.sparseCheckout") == "true"
    yield from (path for path in skipped if not sparse or os.path.lexists(top / path))
    yield from (entry[2:] for entry in entries if entry[0].islower())


def _below(path: Path, top: str) -> str | None:
    """*path* relative to the folder *top*; None outside of it."""
    real, root = os.path.realpath(path), os.path.realpath(top)
    return os.path.relpath(real, root).replace(os.sep, "/") if real.startswith(root + os.sep) else None


def _changed(status: str) -> Iterator[str]:
    """The paths in the answer of `git status -z`, in which the old path of a file that was moved stands by itself."""
    entries = iter(status.split("\0"))
    for entry in entries:
        if entry:
            yield entry[3:]
        if entry[:1] in ("R", "C"):
            next(entries, "")


def unchanged_since(folder: Path, commit: str, paths: Sequence[str]) -> bool:
    """
    Whether git finds *paths* below *folder* as they were at *commit*, untracked files included.

    False where that cannot be told: there is no such commit, or it has nothing at one of the paths.
    """
    if commit.startswith("-") or not paths or _git(folder, "rev-parse", "--verify", f"{commit}^{{commit}}") is None:
        return False
    if _git(folder, "rev-parse", f"{commit}^{{commit}}") == _git(folder, "rev-parse", "HEAD"):
        return False  # a base that is the head holds for every change that is committed
    if not all(_git(folder, "ls-tree", "-r", "--name-only", commit, "--", path) for path in paths):
        return False  # a misspelt path never changes
    if _git(folder, "diff", "--quiet", commit, "--", *paths) is None:
        return False
    return _git(folder, "ls-files", "--others", "--", *paths) == ""


def for_git(environment: Mapping[str, str]) -> dict[str, str]:
    """*environment* without what leads git to another repository, other objects or other settings."""
    kept = {name: value for name, value in environment.items() if not name.startswith("GIT_")}
    ours = {"GIT_OPTIONAL_LOCKS": "0", "GIT_GRAFT_FILE": os.devnull}
    # That grafts are no more is told wherever somebody names a file of them, and answers are read word by word.
    quiet = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "advice.graftFileDeprecated", "GIT_CONFIG_VALUE_0": "false"}
    return {**kept, **ours, **quiet, "LC_ALL": "C"}


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607 - the user's git
            capture_output=True,
            timeout=10,
            check=False,
            env=for_git(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").rstrip("\n") if done.returncode == 0 else None
