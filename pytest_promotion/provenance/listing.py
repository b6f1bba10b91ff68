"""
Which files are in a folder that is an input.

In a git repository they are what git tracks, and what it neither tracks nor ignores. A folder that git ignores whole,
and one outside of a repository, has all its files but caches.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from pytest_promotion.errors import Unproven

_TIMEOUT_S: Final = 60.0
_CACHES: Final = frozenset({"__pycache__", ".git"})
_TAG: Final = "CACHEDIR.TAG"  # what pytest, mypy, ruff and cargo put into a folder that is a cache


def files_below(root: str, folders: Sequence[str]) -> dict[str, list[str]]:
    """
    The paths of the files below each of *folders*, relative to *root*, each once and sorted.

    Raises:
        Unproven: where git cannot be asked, and for a submodule or a name that is not UTF-8.
    """
    if not folders:
        return {}
    by_git = _by_git(root, folders) if _in_repository(root) else {}
    return {folder: sorted(by_git.get(folder) or _all_files(root, folder)) for folder in folders}


class Head:
    """The commit that is checked out, asked for while something else is done."""

    __slots__ = ("_process",)

    def __init__(self, root: str) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        if _in_repository(root):
            with contextlib.suppress(OSError):
                self._process = subprocess.Popen(
                    ["git", "-C", root, "rev-parse", "--verify", "--quiet", "HEAD"],  # noqa: S607 - the user's git
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=_environment(os.environ),
                )

    def commit(self) -> str:
        """Its id, or "" where there is none."""
        if self._process is None:
            return ""
        try:
            answer, _ = self._process.communicate(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return ""
        return answer.decode("ascii", "replace").strip() if self._process.returncode == 0 else ""


def _in_repository(root: str) -> bool:
    folder = root
    while True:
        if os.path.lexists(os.path.join(folder, ".git")):
            return True
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above


def _by_git(root: str, folders: Sequence[str]) -> dict[str, list[str]]:
    text = _decoded(_git(root, folders))
    if "/\0" in text:
        path = next(one for one in text.split("\0") if one.endswith("/"))
        raise Unproven(f"the input {path.rstrip('/')} is a git repository of its own: name the files in it that count")
    paths = list(dict.fromkeys(text.split("\0")[:-1]))  # a path that is in conflict is listed for each side
    for folder in folders:
        if folder in paths[:1]:
            raise Unproven(f"the input {folder} is a git submodule: name the files in it that count")
    if len(folders) == 1:
        return {folders[0]: paths}
    prefixes = {folder: "" if folder == "." else f"{folder}/" for folder in folders}
    return {folder: [path for path in paths if path.startswith(prefix)] for folder, prefix in prefixes.items()}


def _decoded(answer: bytes) -> str:
    try:
        return answer.decode("utf-8")
    except UnicodeDecodeError as problem:
        start = answer.rfind(b"\0", 0, problem.start) + 1
        name = answer[start : answer.find(b"\0", problem.start)]
        raise Unproven(f"the name of the input {os.fsdecode(name)!a} is not UTF-8: rename it") from None


def _git(root: str, folders: Sequence[str]) -> bytes:
    words = ["git", "--literal-pathspecs", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(
            [*words, "--", *folders],
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            env=_environment(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        reason = getattr(problem, "strerror", None) or "it did not end in time"
        raise Unproven(f"git cannot say which files are inputs: {reason.lower()}") from None
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise Unproven(f"git cannot say which files are inputs: {reason or f'exit code {done.returncode}'}")
    return done.stdout


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """*environment* without what leads git to another repository or index."""
    kept = {name: value for name, value in environment.items() if not name.startswith("GIT_")}
    return {**kept, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def _all_files(root: str, folder: str) -> Iterator[str]:
    prefix = "" if folder == "." else f"{folder}/"
    try:
        entries = list(os.scandir(f"{root}/{folder}"))
    except OSError as problem:
        raise Unproven(f"the input {folder} cannot be read: {(problem.strerror or 'failed').lower()}") from None
    if prefix and _is_cache(entries):
        return
    for entry in entries:
        if not _is_utf8(entry.name):
            raise Unproven(f"the name of the input {prefix}{entry.name!a} is not UTF-8: rename it")
        if not entry.is_dir(follow_symlinks=False):
            yield prefix + entry.name
        elif entry.name not in _CACHES:
            yield from _all_files(root, prefix + entry.name)


def _is_cache(entries: Iterable[os.DirEntry[str]]) -> bool:
    return any(entry.name == _TAG for entry in entries)


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
