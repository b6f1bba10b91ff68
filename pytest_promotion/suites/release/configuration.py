"""The Compose configuration that a release would be deployed with, as the gate `compose_config` judges it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_promotion.errors import GateFailed
from pytest_promotion.json_files import write_json
from pytest_promotion.readers.compose.engine import find
from pytest_promotion.readers.compose.sources import sources
from pytest_promotion.suites.release.rollout.permission import Refused
from pytest_promotion.suites.release.rollout.resolving import Resolution, resolve
from pytest_promotion.suites.release.rollout.services import Composing


def compose_files(found: object) -> list[str]:
    """The compose files that a policy names, one or several."""
    return [str(one) for one in found] if isinstance(found, (list, tuple)) else [str(found)]


def keep(found: Resolution, path: Path) -> None:
    """Writes what may be kept of *found* to *path*. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, found.evidence())


def resolved(
    root: Path,
    files: Sequence[str],
    env_file: str | None,
    project: str,
    timeout_s: float,
    environment: Mapping[str, str] = os.environ,
) -> Resolution:
    """
    What Compose makes of *files* below *root*, with the variables that a deployment from here would have.

    Where there is no *env_file*, it is `.env` beside the first file, as in a deployment.

    Raises:
        GateFailed: where Compose says that they are invalid.
        Unproven: where it did not judge them.
    """
    env = root / env_file if env_file and (root / env_file).is_file() else None
    found = sources(root, [root / name for name in files], env)
    composing = Composing(find(root, environment), project, found.compose, found.env, dict(environment))
    places = [(root.resolve(), composing.folder), (composing.folder, composing.folder)]
    try:
        return resolve(composing, timeout_s, places)
    except Refused as refusal:
        raise GateFailed(str(refusal)) from None
