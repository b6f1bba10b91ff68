"""
Sessions that would run gates as plain tests, because the gates paths of the session are others.

Imported where a test outside the gates paths is marked as a gate, and where the place of the session is doubtful.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_promotion.plugin.selection import LOOKING, Selection, gate_folders, lies_below

LINES: Final = pytest.StashKey[list[str]]()
_KEYWORDS: Final = frozenset({"owner", "fix", "requires"})  # of a marker, by which it is one of this plugin
_SETTINGS: Final = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)


class MarkedTests:
    """The collected tests outside the gates paths that are marked as gates are."""

    def __init__(self, config: pytest.Config, items: Iterable[pytest.Item], markers: Iterable[str]) -> None:
        self._config = config
        folders = [str(folder) for folder in gate_folders(config)]
        names = frozenset(markers)
        self._found: list[tuple[pytest.Item, pytest.Mark]] = []
        for item in items:
            mark = next((mark for mark in item.iter_markers() if mark.name in names), None)
            path = os.path.realpath(item.path)
            if mark is not None and not any(lies_below(path, folder) for folder in folders):
                self._found.append((item, mark))

    def judge(self, selected: list[pytest.Item]) -> None:
        """
        Refuses the session where it was to run one of them and the project uses this plugin; else a line says it.

        Raises:
            pytest.UsageError: in a process without workers. A worker sends it to the process that started it.
        """
        if not self._found:
            return
        from pytest_promotion.text import legible

        chosen = set(map(id, selected))
        running = [one for one in self._found if id(one[0]) in chosen]
        ours = _uses_plugin(self._config) or any(_KEYWORDS & mark.kwargs.keys() for _, mark in self._found)
        looks = any(self._config.getoption(name, default=False) for name in LOOKING)
        refused = bool(running) and ours and not looks
        sentence = legible(self._sentence(running if refused else self._found))
        if hasattr(self._config, "workerinput"):
            from pytest_promotion.plugin import distributed_marks

            distributed_marks.send(self._config, sentence, refused=refused)
            if refused:
                selected.clear()
        else:
            report(self._config, sentence, refused=refused)

    def _sentence(self, found: Sequence[tuple[pytest.Item, pytest.Mark]]) -> str:
        item, mark = found[0]
        paths = " ".join(self._config.getini("promotion_gates"))
        folder = os.path.relpath(item.path.parent, self._config.rootpath).replace(os.sep, "/")
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return (
            f"{item.nodeid} is marked {mark.name} and lies outside the gates paths ({paths}){more}: "
            f"it is no gate; set promotion_gates={folder}"
        )


def report(config: pytest.Config, sentence: str, *, refused: bool) -> None:
    """Refuses the session with *sentence*, or keeps it for the summary. Raises `pytest.UsageError`."""
    if refused:
        raise pytest.UsageError(sentence)
    lines = config.stash.setdefault(LINES, [])
    if sentence not in lines:
        lines.append(sentence)


def _uses_plugin(config: pytest.Config) -> bool:
    """Whether anything but the markers shows that the project has gates of this plugin."""
    options = {name: value for name, value in vars(config.option).items() if name.startswith("promotion_")}
    if any(options.values()) or config.getini("promotion_gates") != ["gates"]:
        return True
    if any(config.getini(name) for name in options if name != "promotion_list"):  # which has no ini twin
        return True
    return any(_is_project(place) for place in (config.rootpath, config.invocation_params.dir))


def _is_project(place: Path) -> bool:
    return (place / "promotion.yaml").is_file() or (place / "reports" / "promotion_gates").is_dir()


def refuse_missed(config: pytest.Config) -> None:
    """Refuses a session whose arguments are gates of the project around it. Raises `pytest.UsageError`."""
    if any(config.getoption(name, default=False) for name in LOOKING):
        return
    from pytest_promotion.text import legible

    for sentence in (*_inside_gates(config), *_other_settings(config)):
        raise pytest.UsageError(legible(sentence))


def _inside_gates(config: pytest.Config) -> Iterator[str]:
    """Pytest was called below a gates path, and took that folder for its root directory."""
    called = config.invocation_params.dir
    for name in config.getini("promotion_gates"):
        for root in called.parents:
            folder = root / name
            if not lies_below(str(called), str(folder)) or not _is_project(root):
                continue
            if Selection(config, [Path(os.path.realpath(folder))]).touches_gates:
                where, below = os.path.relpath(root, called), os.path.relpath(called, root).replace(os.sep, "/")
                yield f"this folder is below the gates path {name} of {where}: run `pytest {below}` in {where}"


def _other_settings(config: pytest.Config) -> Iterator[str]:
    """`-c` names a settings file that has other gates paths than the project's own."""
    given = config.getoption("inifilename", default=None)
    called = config.invocation_params.dir
    if not given or config.inipath is None:
        return
    for place in (called, *called.parents):
        for name in _SETTINGS:
            own = place / name
            names = _gates_in(own) if own != config.inipath else []
            if not names:
                continue
            known = [str(folder) for folder in gate_folders(config)]
            folders = [Path(os.path.realpath(place / one)) for one in names]
            missed = [one for one in folders if one.is_dir() and not any(lies_below(str(one), path) for path in known)]
            selection = Selection(config, missed)
            if missed and selection.touches_gates and not selection.incidental:
                file = os.path.relpath(own, called)
                yield (
                    f"-c {given}: {file} sets promotion_gates={' '.join(names)}, and {given} does not: "
                    "the gates would run as plain tests; set it there too"
                )
            return


def _gates_in(path: Path) -> list[str]:
    """The gates paths that a settings file of pytest sets; none where it sets none or cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return []
    if "promotion_gates" not in text:
        return []
    value = _of_toml(text) if path.suffix == ".toml" else _of_ini(text)
    return value.split() if isinstance(value, str) else [str(one) for one in value]


def _of_toml(text: str) -> Any:
    import tomllib

    try:
        document = tomllib.loads(text)
    except ValueError:
        return []
    pytests = document.get("tool", {}).get("pytest", {})
    tables = (document.get("pytest", {}), pytests, pytests.get("ini_options", {}))
    return next((table["promotion_gates"] for table in tables if "promotion_gates" in table), [])


def _of_ini(text: str) -> str:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except ConfigError:
        return ""
    return next((parser[one]["promotion_gates"] for one in parser if "promotion_gates" in parser[one]), "")
