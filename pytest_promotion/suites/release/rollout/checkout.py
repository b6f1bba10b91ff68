"""
The files of one commit, written out apart from the working folder.

`git archive` would leave out what `.gitattributes` calls `export-ignore`, so that the files are written by
`git checkout-index` from an index of their own: every file of the commit, and nothing else. Neither the working
folder nor its index is read or changed. What was written is compared with the commit.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.provenance import for_git
from pytest_promotion.suites.release.rollout import blobs
from pytest_promotion.suites.release.rollout.permission import Refused
from pytest_promotion.suites.release.rollout.programs import Ended, run
from pytest_promotion.text import listed as names

_TIMEOUT_S: Final = 600.0
_SETTINGS: Final = (
    "core.autocrlf=false",
    "core.eol=lf",
    "core.sparseCheckout=false",
    "core.fsmonitor=false",
    f"core.attributesFile={os.devnull}",
)


@dataclass(frozen=True, slots=True)
class Checkout:
    """The files of `commit` below `folder`; `toplevel` is the working folder of the repository. Both are resolved."""

    commit: str
    toplevel: Path
    folder: Path

    def relative(self, path: Path) -> Path | None:
        """*path* below the repository, whether it is in the working folder or in the checkout; None outside of both."""
        absolute = Path(os.path.normpath(path))
        for base in (self.folder, self.toplevel):  # the checkout may lie below the working folder
            if absolute.is_relative_to(base):
                return absolute.relative_to(base)
        return None

    def has(self, path: Path) -> bool:
        """Whether the commit has something at *path*."""
        below = self.relative(path)
        return below is not None and os.path.lexists(self.folder / below)

    def inside(self, path: Path) -> Path:
        """Where *path* is in the checkout. Raises `Refused` for a path outside of the repository."""
        below = self.relative(path)
        if below is None:
            raise Refused(f"{path} is not in the repository {self.toplevel}, so that no commit has it")
        return self.folder / below

    def leads_out(self, path: Path) -> str:
        """Where a link of the commit on the way to *path* leads that is not in the checkout; empty where none does."""
        below = self.relative(path)
        if below is None:
            return ""
        place = os.path.realpath(self.folder / below)
        return "" if Path(place).is_relative_to(self.folder) else place

    def original(self, path: Path) -> Path:
        """Where *path* is in the working folder; itself where it is outside of the repository."""
        below = self.relative(path)
        return path if below is None else self.toplevel / below


def check_out(root: Path, commit: str, folder: Path, environment: Mapping[str, str]) -> Checkout:
    """
    Writes the files of *commit*, of the repository that *root* is in, to the new folder *folder*.

    Raises:
        Refused: where *root* is in no git repository, and where git writes a file otherwise than the commit has it.
        Unproven: where the repository does not have the commit, or its files cannot be written.
    """
    root, folder = root.resolve(), folder.resolve()
    found = _git(root, environment, {}, "rev-parse", "--show-toplevel")
    if found.exit_code != 0:
        raise Refused(
            f"the decision is about the commit {commit[:12]}, and git finds no repository at {root}: "
            "deploy from a clone, or what lies in the folder with --allow-dirty"
        )
    toplevel = Path(found.printed.rstrip("\n")).resolve()
    if _git(toplevel, environment, {}, "cat-file", "-e", f"{commit}^{{commit}}").exit_code != 0:
        raise Unproven(f"the commit {commit[:12]} is not in the repository {toplevel}: git fetch")
    _write(toplevel, commit, folder, environment)
    return Checkout(commit, toplevel, folder)


def _write(repository: Path, commit: str, folder: Path, environment: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, mode=0o700)
    git_folder = _git(repository, environment, {}, "rev-parse", "--absolute-git-dir")
    if git_folder.exit_code != 0:
        raise Unproven(f"git finds no repository at {repository}: {git_folder.why}")
    with tempfile.TemporaryDirectory() as apart:
        # With the working folder of the repository, its own .gitattributes would go before those of the commit.
        own = {
            "GIT_DIR": git_folder.printed.rstrip("\n"),
            "GIT_WORK_TREE": str(folder),
            "GIT_INDEX_FILE": str(Path(apart) / "index"),
        }
        listed = _write_all(partial(_git, folder, environment, own), commit, folder)
    for entry in listed:
        if entry.mode == blobs.SUBMODULE and (repository / entry.path / ".git").exists():
            place = folder / entry.path
            if place.is_dir():
                place.rmdir()  # git makes an empty folder for a submodule
            _write(repository / entry.path, entry.id, place, environment)


def _write_all(git: blobs.Git, commit: str, folder: Path) -> list[blobs.Entry]:
    for words in (("read-tree", commit), ("checkout-index", "--all", "--force")):
        done = git(*words)
        if done.exit_code != 0:
            raise Unproven(f"the files of the commit {commit[:12]} cannot be written: {done.why}")
    listed = blobs.entries(git, commit)
    if wrong := blobs.changed(git, folder, listed):
        verb, it = ("is", "it") if len(wrong) == 1 else ("are", "them")
        raise Refused(
            f"{names(wrong)} {verb} not written as the commit has {it}: a git filter or attribute changes {it}"
        )
    return listed


def _git(folder: Path, environment: Mapping[str, str], own: Mapping[str, str], *words: str) -> Ended:
    # A replacement would be another commit's files, and attributes of the machine are no part of the commit.
    around = {**for_git(environment), "GIT_NO_REPLACE_OBJECTS": "1", "GIT_ATTR_NOSYSTEM": "1", **own}
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    return run(("git", "-C", str(folder), *settings, *words), folder, around, _TIMEOUT_S)
