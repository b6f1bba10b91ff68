"""The plugins without which a project's own configuration lets pytest run nothing."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from configparser import Error as ConfigError
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def required_plugins(configuration: Path) -> list[str]:
    """
    The entry points of the distributions that `required_plugins` of *configuration* names, for pytest's `-p`.

    What cannot be read names none; pytest itself says what is wrong with it, or which plugin is missing.
    """
    wanted = {_normalized(name[0]) for text in _setting(configuration) if (name := _NAME.match(text))}
    if not wanted:
        return []
    points = entry_points(group="pytest11")
    return sorted(point.name for point in points if point.dist and _normalized(point.dist.name) in wanted)


def _setting(configuration: Path) -> list[str]:
    try:
        text = configuration.read_text(encoding="utf-8")
        if configuration.suffix == ".toml":
            return _of_toml(tomllib.loads(text))
        parser = ConfigParser(interpolation=None)
        parser.read_string(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError, ConfigError):
        return []
    for section in ("pytest", "tool:pytest"):
        if parser.has_option(section, "required_plugins"):
            return parser.get(section, "required_plugins").split()
    return []


def _of_toml(document: dict[str, Any]) -> list[str]:
    tool = _table(_table(document, "tool"), "pytest")
    for table in (_table(document, "pytest"), _table(tool, "ini_options"), tool):
        value = table.get("required_plugins")
        if value and isinstance(value, (str, list)):
            return value.split() if isinstance(value, str) else [str(item) for item in value]
    return []


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
