"""How the Python requirements of a repository are installed, as lines of a shell."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_promotion.suites.release.adoption import backend
from pytest_promotion.suites.release.adoption.repository import Repository, joined
from pytest_promotion.version import VERSION

_PIP: Final = "python -m pip install"
_GROUPS: Final = ("test", "tests", "testing", "dev")
_FILE: Final = re.compile(
    r"(?:(?:dev|tests?|testing)[-_])?requirements(?:[-_](?:dev|tests?|testing))?\.txt"
    r"|requirements/(?:base|main|dev|tests?|testing)\.txt"
)


def commands(repository: Repository, extras: Sequence[str]) -> tuple[str, ...]:
    """
    The lines that install what the tests of *repository* need, and this package with *extras* last.

    In two steps, so that a pytest that the project pins and that is too old for the gates is replaced.
    """
    base = backend.base_of(repository)
    places = list(dict.fromkeys((base, "."))) if base else ["."]
    found: list[str] = []
    for place in places:
        found += _of_files(repository, place)
        found += _of_project(repository, place)
    return (*dict.fromkeys(found), f"{_PIP} 'pytest-promotion[{','.join(extras)}]=={VERSION}'")


def _of_files(repository: Repository, place: str) -> list[str]:
    inside = [file for file in repository.files if joined(place, file.removeprefix(f"{place}/")) == file]
    names = sorted(file for file in inside if _FILE.fullmatch(file if place == "." else file.removeprefix(f"{place}/")))
    return [f"{_PIP} {' '.join(f'-r {shlex.quote(name)}' for name in names)}"] if names else []


def _of_project(repository: Repository, place: str) -> list[str]:
    path = joined(place, "pyproject.toml")
    document = _toml(repository, path)
    project = document.get("project")
    older = any(joined(place, name) in repository.files for name in ("setup.py", "setup.cfg"))
    found: list[str] = []
    groups = [name for name in _GROUPS if name in (document.get("dependency-groups") or {})]
    if isinstance(project, Mapping) and "build-system" not in document and not older:
        # No package that could be installed: its dependencies alone.
        words = " ".join(f"--group {shlex.quote(f'{path}:{name}')}" for name in groups)
        return [f"{_PIP} uv", f"uv pip install --system -r {shlex.quote(path)} {words}".strip()]
    if older or (isinstance(project, Mapping) and "build-system" in document) or _is_poetry(document):
        optional = project.get("optional-dependencies") if isinstance(project, Mapping) else None
        extras = [name for name in _GROUPS if name in (optional or {})]
        chosen = f"[{','.join(extras)}]" if extras else ""
        target = ("." if place == "." else f"./{place}") + chosen
        found.append(f"{_PIP} -e {shlex.quote(target)}")
    if groups:
        words = " ".join(f"--group {shlex.quote(f'{path}:{name}')}" for name in groups)
        found += [f"{_PIP} --upgrade pip", f"{_PIP} {words}"]
    return found


def _is_poetry(document: Mapping[str, Any]) -> bool:
    tool = document.get("tool")
    return isinstance(tool, Mapping) and isinstance(tool.get("poetry"), Mapping)


def _toml(repository: Repository, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(repository.text(path)) if path in repository.files else {}
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
