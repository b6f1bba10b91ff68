"""
The files of one commit, written out apart from the working folder.

`git archive` would leave out what `.gitattributes` calls `export-ignore`, so that the files are written by
`git checkout-index` from an index of their own: every file of the commit, and nothing else. Neither the working
folder nor its index is read or changed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.provenance import for_git
from pytest_promotion.suites.release.rollout.permission import Refused
from pytest_promotion.suites.release.rollout.programs import Ended, run

_TIMEOUT_S: Final = 600.0
_SETTINGS: Final = ("core.autocrlf=false", "core.sparseCheckout=false", "core.fsmonitor=false")
_SUBMODULE: Final = "160000"


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

    def original(self, path: Path) -> Path:
        """Where *path* is in the working folder; itself where it is outside of the repository."""
        below = self.relative(path)
        return path if below is None else self.toplevel / below


def check_out(root: Path, commit: str, folder: Path, environment: Mapping[str, str]) -> Checkout:
    """
    Writes the files of *commit*, of the repository that *root* is in, to the new folder *folder*.

    Raises:
        Refused: where *root* is in no git repository.
        Unproven: where the repository does not have the commit, or its files cannot be written.
    """
    root, folder = root.resolve(), folder.resolve()
    found = _git(root, environment, "rev-parse", "--show-toplevel")
    if found.exit_code != 0:
        raise Refused(
            f"the decision is about the commit {commit[:12]}, and git finds no repository at {root}: "
            "deploy from a clone, or what lies in the folder with --allow-dirty"
        )
    toplevel = Path(found.printed.rstrip("\n")).resolve()
    if _git(toplevel, environment, "cat-file", "-e", f"{commit}^{{commit}}").exit_code != 0:
        raise Unproven(f"the commit {commit[:12]} is not in the repository {toplevel}: git fetch")
    _write(toplevel, commit, folder, environment)
    return Checkout(commit, toplevel, folder)


def _write(repository: Path, commit: str, folder: Path, environment: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, mode=0o700)
    index = folder.with_name(f"{folder.name}.index")
    own = {**environment, "PROMOTION_INDEX": str(index)}
    try:
        for words in (("read-tree", commit), ("checkout-index", "--all", "--force", f"--prefix={folder}/")):
            done = _git(repository, own, *words)
            if done.exit_code != 0:
                raise Unproven(f"the files of the commit {commit[:12]} cannot be written: {done.why}")
    finally:
        index.unlink(missing_ok=True)
    listed = _git(repository, environment, "ls-tree", "-r", "-z", commit)
    if listed.exit_code != 0:
        raise Unproven(f"the files of the commit {commit[:12]} cannot be listed: {listed.why}")
    for entry in listed.printed.split("\0"):
        facts, _, name = entry.partition("\t")
        if facts.startswith(_SUBMODULE) and (repository / name / ".git").exists():
            place = folder / name
            if place.is_dir():
                place.rmdir()  # git makes an empty folder for a submodule
            _write(repository / name, facts.split()[2], place, environment)


def _git(folder: Path, environment: Mapping[str, str], *words: str) -> Ended:
    own = for_git(environment) | {"GIT_NO_REPLACE_OBJECTS": "1"}  # a replacement would be another commit's files
    if index := own.pop("PROMOTION_INDEX", None):
        own["GIT_INDEX_FILE"] = index
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    return run(("git", "-C", str(folder), *settings, *words), folder, own, _TIMEOUT_S)
