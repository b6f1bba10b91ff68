"""The `docker-compose` programs of this machine: 1.29 of a distribution, and the current one of the package index."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

from pytest_promotion.errors import Unproven
from pytest_promotion.readers.compose import engine

OLD, CURRENT = "1.29", "v5"


@functools.cache
def programs(place: Path) -> dict[str, str]:
    """For each of the two that is installed, a folder below *place* with nothing but a link to it."""
    found: dict[str, str] = {}
    for folder in (*os.environ["PATH"].split(os.pathsep), str(Path(sys.executable).parent)):
        program = Path(folder) / "docker-compose"
        if not program.is_file():
            continue
        link = place / f"compose-{len(list(place.glob('compose-*')))}" / "docker-compose"
        link.parent.mkdir()
        link.symlink_to(program)
        try:
            version = engine.find(place, {**os.environ, "PATH": str(link.parent)}).version
        except Unproven:
            continue
        if version.startswith("1.29."):
            found.setdefault(OLD, str(link.parent))
        elif not version.startswith("1."):
            found.setdefault(CURRENT, str(link.parent))
    return found
