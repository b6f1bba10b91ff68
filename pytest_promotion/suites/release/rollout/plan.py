"""What is to be deployed, where to, and the words that a deployment can end with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.release.rollout.environments import CommandEnvironment
from pytest_promotion.suites.release.rollout.health import Probe
from pytest_promotion.suites.release.rollout.permission import Permission

if TYPE_CHECKING:
    from pytest_promotion.suites.release.rollout.decided import Decided

_PROJECT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")  # Compose's own rule
_ENV: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


Scope = Literal["images", "images+data"]


class Ending(StrEnum):
    """How a deployment ended. Each has an exit code of its own; nothing but a deployment ends with 0."""

    DEPLOYED = "deployed"
    REFUSED = "refused"
    NOT_DONE = "not done"
    INTERRUPTED = "interrupted"
    ROLLED_BACK = "rolled back"
    ROLLBACK_FAILED = "rollback failed"
    DRY_RUN = "dry run"
    FAILED = "failed"

    @property
    def code(self) -> int:
        """The exit code."""
        return _CODES[self]


CHANGED: Final = frozenset((Ending.DEPLOYED, Ending.ROLLED_BACK, Ending.ROLLBACK_FAILED, Ending.FAILED))
_CODES: Final = {
    Ending.DEPLOYED: 0,
    Ending.REFUSED: 2,
    Ending.NOT_DONE: 3,
    Ending.INTERRUPTED: 3,
    Ending.ROLLED_BACK: 5,
    Ending.ROLLBACK_FAILED: 6,
    Ending.DRY_RUN: 7,
    Ending.FAILED: 8,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Seconds: for health, between two checks of it, for building and starting, a busy database, and reading files.

    A rollback waits for health at least `rollback_health_s`: there is nothing left to go back to.
    """

    health_s: float = 150.0
    interval_s: float = 5.0
    up_s: float = 1800.0
    busy_s: float = 30.0
    config_s: float = 120.0
    rollback_health_s: float = 150.0


@dataclass(frozen=True, slots=True)
class Plan:
    """
    One deployment. `files` are compose files, none for those that Compose would find below `root`.

    `command` are the programs of a target that is not Compose. `permission` is None for a drill, and for a dry run that
    was given none; `drilled` is what a drill deploys in its place, None for what lies in `root`. `forced_failure` takes
    the place of the first health check, and says why it failed. With the `rollback_scope` `images` a rollback leaves
    databases as they are. `allow_dirty` deploys what lies in `root`, and `allow_unjudged_configuration` a Compose
    configuration that the decision has not judged. That something was deployed to `stage`, and by which decision, is
    recorded in the folder `history`, if there is a decision.
    """

    env: str
    project: str
    root: Path
    runtime: Path
    environment: Mapping[str, str]
    permission: Permission | None = None
    files: tuple[Path, ...] = ()
    env_file: Path | None = None
    databases: tuple[Path, ...] = ()
    may_be_new: bool = False
    probes: tuple[Probe, ...] = ()
    limits: Limits = Limits()
    roll_back: bool = False
    dry_run: bool = False
    keep: int = 10
    drilled: Decided | None = None
    forced_failure: Callable[[], str] | None = None
    command: CommandEnvironment | None = None
    host: str = ""  # of the engine, for people
    secrets: tuple[str, ...] = ()  # values that variables were given by reference
    rollback_scope: Scope = "images+data"
    allow_dirty: bool = False
    allow_unjudged_configuration: bool = False
    stage: str = ""
    history: Path | None = None
    environments: Path | None = None  # the file that says where the environment is, if one does

    def __post_init__(self) -> None:
        if not _ENV.fullmatch(self.env):
            raise PolicyError(f"the environment {self.env!r} is not a word of small letters, digits and hyphens")
        if not _PROJECT.fullmatch(self.project):
            raise PolicyError(f"the project name {self.project!r} is none that Compose takes: a-z, 0-9, - and _")
        if len({path.resolve() for path in self.databases}) != len(self.databases):
            raise PolicyError("one database is named twice")
