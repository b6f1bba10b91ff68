"""The files of a repository that somebody wrote: what git lists, without what it ignores."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json, parse_yaml
from pytest_promotion.evidence.provenance import for_git

_IGNORED: Final = frozenset({".git", "node_modules", ".venv", "venv", "dist", "build", ".tox", "__pycache__"})
_LARGEST: Final = 1_000_000  # bytes
_DEEPEST: Final = 4  # folders above a file that is looked at


@dataclass(frozen=True, slots=True)
class Repository:
    """The files below *root*, as sorted POSIX paths."""

    root: Path
    files: tuple[str, ...]
    folders: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def at(cls, root: Path) -> Repository:
        """The repository whose files are below *root*; without git, what lies there."""
        files = sorted(_listed(root))
        folders = {str(parent) for file in files for parent in PurePosixPath(file).parents}
        return cls(root, tuple(files), frozenset(folders))

    def files_called(self, *names: str) -> list[str]:
        """The files of one of *names*, in the order of the names, those nearest to the root first."""
        found = [file for file in self.files if PurePosixPath(file).name in names]
        near = [file for file in found if file.count("/") <= _DEEPEST]
        return sorted(near, key=lambda file: (file.count("/"), names.index(PurePosixPath(file).name), file))

    def text(self, file: str) -> str:
        """The text of *file*; empty where it cannot be read, or is too large to have been written by a person."""
        try:
            if (self.root / file).stat().st_size > _LARGEST:
                return ""
            return (self.root / file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def document(self, file: str) -> Any:
        """The value of a JSON or YAML *file*; None where it cannot be read as strictly as a gate reads it."""
        parse = parse_json if file.endswith(".json") else parse_yaml
        try:
            return parse((self.root / file).read_bytes(), file)
        except (OSError, Unproven):
            return None

    def mentions(self, word: str) -> bool:
        """Whether a file holds *word*, in any case."""
        return any(word.lower() in self.text(file).lower() for file in self.files if file != "promotion.yaml")


def _listed(root: Path) -> list[str]:
    words = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(words, capture_output=True, timeout=60, check=False, env=for_git(os.environ))
        if done.returncode == 0:
            names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
            return [name for name in names if (root / name).is_file()]
    except (OSError, subprocess.TimeoutExpired):
        pass
    found = []
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name not in _IGNORED]
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in names]
    return found


def below_root(folder: str) -> str:
    """*folder* as producers name it, below the promotion root."""
    return "{root}" if folder == "." else f"{{root}}/{folder}"


def parent_of(file: str) -> str:
    """The folder of *file*, `.` for the root."""
    return str(PurePosixPath(file).parent)


def joined(folder: str, name: str) -> str:
    """*name* below *folder*, where `.` is the root."""
    return str(PurePosixPath(folder) / name)
