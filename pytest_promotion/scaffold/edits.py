"""Lines for files that a project has already: shown, or put in where that provably changes nothing else."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_yaml
from pytest_promotion.scaffold.project import Configuration, configuration

GROUP = 'gates = ["pytest-promotion"]'


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a file: what a person would add by hand, and the file as it is with that."""

    path: Path
    lines: str
    content: str | None  # None where it is safer that a person does it


def dependency(folder: Path) -> Edit | None:
    """A dependency group for the gates in `pyproject.toml`; None where there is no such file, or it is there."""
    path = folder / "pyproject.toml"
    text = _read(path)
    if text is None or "pytest-promotion" in text:
        return None
    lines = f"[dependency-groups]\n{GROUP}"
    return Edit(path, lines, _toml_with(text, "dependency-groups", "gates", GROUP))


def gates_path(folder: Path, gates: str) -> Edit:
    """The setting that says where the gates are, where that is not `gates`."""
    found = configuration(folder) or Configuration(folder / "pytest.ini", "pytest")
    text = _read(found.path) or ""
    if found.is_toml:
        line = f'promotion_gates = ["{gates}"]'
        return Edit(found.path, f"[{found.section}]\n{line}", _toml_with(text, found.section, "promotion_gates", line))
    line = f"promotion_gates = {gates}"
    return Edit(found.path, f"[{found.section}]\n{line}", _ini_with(text, found.section, line))


def suites(path: Path, names: list[str]) -> Edit | None:
    """The suites *names* in a policy that is there already; None where it names them all."""
    text = _read(path) or ""
    try:
        data = parse_yaml(text.encode(), path.name)
    except Unproven:
        data = None
    known = data.get("suites", []) if isinstance(data, dict) else None
    if not isinstance(known, list):
        return Edit(path, f"suites: [{', '.join(names)}]", None)
    wanted = [*known, *(name for name in names if name not in known)]
    if wanted == known:
        return None
    line = f"suites: [{', '.join(wanted)}]"
    if re.search(r"^suites:", text, flags=re.MULTILINE):
        content = re.sub(r"^suites:[ \t]*\[[^\]\n]*\][ \t]*$", line, text, count=1, flags=re.MULTILINE)
    else:
        content = re.sub(r"^(version:.*)$", rf"\1\n{line}", text, count=1, flags=re.MULTILINE)
    return Edit(path, line, content if _same_yaml(content, {**data, "suites": wanted}) else None)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _toml_with(text: str, section: str, key: str, line: str) -> str | None:
    """*text* with *line* in *section*; None where that would change anything else, or the key is there already."""
    try:
        before = tomllib.loads(text)
        header = re.compile(rf"^[ \t]*\[[ \t]*{re.escape(section)}[ \t]*\][^\n]*$", flags=re.MULTILINE)
        if header.search(text):
            content = header.sub(lambda found: f"{found[0]}\n{line}", text, count=1)
        else:
            gap = "\n" if text.endswith("\n") or not text else "\n\n"
            content = f"{text}{gap}[{section}]\n{line}\n"
        after = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    table: Any = after
    for part in section.split("."):
        table = table[part]
    value = table.pop(key)
    expected = tomllib.loads(line)[key]
    emptied = _without_empty(after) == _without_empty(before)
    return content if value == expected and emptied else None


def _without_empty(table: Any) -> Any:
    if not isinstance(table, dict):
        return table
    return {key: value for key, item in table.items() if (value := _without_empty(item)) != {}}


def _ini_with(text: str, section: str, line: str) -> str | None:
    header = re.compile(rf"^\[{re.escape(section)}\][^\n]*$", flags=re.MULTILINE)
    if header.search(text):
        content = header.sub(lambda found: f"{found[0]}\n{line}", text, count=1)
    else:
        content = f"{text}\n[{section}]\n{line}\n" if text else f"[{section}]\n{line}\n"
    try:
        parser = ConfigParser(interpolation=None)
        parser.read_string(content)
    except ConfigError:
        return None
    return content if parser.has_option(section, "promotion_gates") else None


def _same_yaml(content: str, data: Any) -> bool:
    try:
        return bool(parse_yaml(content.encode(), "the policy") == data)
    except Unproven:
        return False
