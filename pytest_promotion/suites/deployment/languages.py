"""Where the code of each language is in a repository without a description, and which linters it uses."""

from __future__ import annotations

import configparser
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.deployment.linters import files_in

_CONFIGURATIONS: Final = tuple(f"eslint.config.{suffix}" for suffix in ("js", "mjs", "cjs", "ts", "mts", "cts"))
_FLAKE8: Final = (".flake8", "setup.cfg", "tox.ini")


def folders(
    root: Path, configured: Sequence[str] | None, suffixes: Collection[str], outside: Collection[str] = ()
) -> list[str]:
    """
    Where the code of a language is, below *root*.

    Those that are *configured*, where one of them is there; else all folders and files at the top that have such files,
    but for those *outside* of the service; none where the project does not have the language.
    """
    if configured is not None and (not configured or any((root / folder).exists() for folder in configured)):
        return list(configured)
    tops = {path.relative_to(root).parts[0] for path in files_in(root, ["."], suffixes)}
    return sorted(tops - set(outside))


def eslint(root: Path, configured: str | None, config: str | None, code: Sequence[str]) -> tuple[str, str]:
    """
    The program and the configuration of ESLint: those that are *configured*, where one is there; else the ones found.

    Raises:
        Unproven: where no configuration is found beside the *code* or above it, so that it was never linted.
    """
    if configured is not None and config is not None and ((root / configured).exists() or (root / config).exists()):
        return configured, config
    places = {root, *(root / folder for folder in code)}
    places |= {above for place in places for above in place.parents if above.is_relative_to(root)}
    # The nearest to the code first.
    for place in sorted(places, key=lambda one: len(one.parts), reverse=True):
        for name in _CONFIGURATIONS:
            if (place / name).is_file():
                return _program(root, place), (place / name).relative_to(root).as_posix()
    wanted = f"no eslint.config.js in {', '.join(code)} or above"
    raise Unproven(f"{wanted}: configure ESLint, or say javascript: [] and why in the policy")


def _program(root: Path, place: Path) -> str:
    for folder in (place, *(above for above in place.parents if above.is_relative_to(root))):
        program = folder / "node_modules" / ".bin" / "eslint"
        if program.exists():
            return program.relative_to(root).as_posix()
    raise Unproven(f"ESLint is not installed in {place.relative_to(root).as_posix()}: npm ci")


def has_flake8(root: Path) -> bool:
    """Whether the project configures Flake8. A configuration that cannot be read is one."""
    for name in _FLAKE8:
        path = root / name
        if not path.is_file():
            continue
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(path.read_text(encoding="utf-8"))
        except (configparser.Error, OSError, UnicodeDecodeError):
            return True
        if parser.has_section("flake8"):
            return True
    return False
