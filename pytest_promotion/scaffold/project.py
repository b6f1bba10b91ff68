"""What is known of a project before anything is written into it."""

from __future__ import annotations

import os
import subprocess
import tomllib
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_promotion.evidence.provenance import for_git

# Where pytest looks for its configuration, in its own order: the first that has the section counts.
_CONFIGURATIONS: Final = (
    ("pytest.toml", "pytest"),
    (".pytest.toml", "pytest"),
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("pyproject.toml", "tool.pytest"),
    ("pyproject.toml", "tool.pytest.ini_options"),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The file and the section that configure pytest in a project."""

    path: Path
    section: str

    @property
    def is_toml(self) -> bool:
        return self.path.suffix == ".toml"


def configuration(folder: Path) -> Configuration | None:
    """Where pytest is configured in *folder*; None where it is not, or where the file cannot be read."""
    for name, section in _CONFIGURATIONS:
        path = folder / name
        if path.is_file() and (name.startswith(("pytest", ".pytest")) or has_section(path, section)):
            return Configuration(path, section)
    return None


def has_section(path: Path, section: str) -> bool:
    """Whether the TOML or INI file at *path* has *section*."""
    try:
        if path.suffix == ".toml":
            found = tomllib.loads(path.read_text(encoding="utf-8"))
            for part in section.split("."):
                found = found[part]
            # `[tool.pytest.ini_options]` alone makes a table `tool.pytest` that is not pytest's own.
            return section != "tool.pytest" or set(found) != {"ini_options"}
        parser = ConfigParser(interpolation=None)
        return bool(parser.read(path, encoding="utf-8")) and parser.has_section(section)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ConfigError):
        return False


def in_git(folder: Path) -> bool:
    """Whether *folder* is in a git work tree."""
    return any((place / ".git").exists() for place in (folder.absolute(), *folder.absolute().parents))


def top_of_git(folder: Path) -> Path | None:
    """The top folder of the git work tree that *folder* is in; None where it is in none."""
    places = (folder.resolve(), *folder.resolve().parents)
    return next((place for place in places if (place / ".git").exists()), None)


def is_ignored(folder: Path, name: str) -> bool:
    """Whether git ignores the file *name* below *folder*."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "check-ignore", "-q", "--", name],  # noqa: S607 - the user's git
            capture_output=True,
            timeout=60,
            check=False,
            env=for_git(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
