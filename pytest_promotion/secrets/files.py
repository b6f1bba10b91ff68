"""Which files are scanned, and what is left out and says so."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

# Made from other files, or other people's.
PASSED_OVER: Final = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        "__pycache__",
        "node_modules",
        ".venv",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".tox",
    }
)
_LOG_FOLDERS: Final = frozenset({"log", "logs"})


@dataclass(slots=True)
class Survey:
    """What was left out on purpose, and what could not even be listed."""

    skipped: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


def files(root: Path, within: Iterable[str], survey: Survey, *, logs: bool) -> Iterator[tuple[str, Path]]:
    """Every regular file below *root*, in or at one of *within*, as name and path, in a fixed order."""
    if root.is_file():
        yield root.name, root
        return
    top = root.resolve()
    for part in within:
        start = root / part
        if start.is_file():
            yield Path(part).as_posix(), start
        else:
            yield from _below(root, top, start, survey, logs=logs)


def _below(root: Path, top: Path, start: Path, survey: Survey, *, logs: bool) -> Iterator[tuple[str, Path]]:
    def failed(problem: OSError) -> None:
        name = os.path.relpath(problem.filename or start, root)
        survey.unreadable.append((Path(name).as_posix(), (problem.strerror or "failed").lower()))

    for folder, folders, names in os.walk(start, onerror=failed):
        here = Path(folder).relative_to(root).as_posix()
        kept = []
        for name in sorted(folders):
            place = name if here == "." else f"{here}/{name}"
            if name in PASSED_OVER:
                survey.skipped.append((place, "made or foreign files"))
            elif not logs and name.lower() in _LOG_FOLDERS:
                survey.skipped.append((place, "logs"))
            elif os.path.islink(os.path.join(folder, name)) and not _inside(top, Path(folder, name)):
                survey.unreadable.append(
                    (place, "a link to a folder elsewhere, which has to be scanned by its own path")
                )
            else:
                kept.append(name)
        folders[:] = kept
        for name in sorted(names):
            place = name if here == "." else f"{here}/{name}"
            path = Path(folder, name)
            reason = _left_out(top, path, logs=logs)
            if reason:
                survey.skipped.append((place, reason))
            else:
                yield place, path


def _left_out(top: Path, path: Path, *, logs: bool) -> str:
    if not logs and (path.suffix == ".log" or ".log." in path.name):
        return "logs"
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return ""  # opening it will say why
    if stat.S_ISLNK(mode):
        if not path.exists():
            return "a link to nothing"
        return "a link to a file that is scanned itself" if _inside(top, path) else ""
    return "" if stat.S_ISREG(mode) else "no regular file"


def _inside(top: Path, path: Path) -> bool:
    try:
        return path.resolve().is_relative_to(top)
    except (OSError, RuntimeError):
        return False
