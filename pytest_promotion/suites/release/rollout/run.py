"""One run of a deployment: its tools, its steps as the report tells them, and its journal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from pytest_promotion.clock import Clock, iso
from pytest_promotion.errors import PromotionError
from pytest_promotion.suites.release.rollout import journal as journals
from pytest_promotion.suites.release.rollout.checkout import Checkout
from pytest_promotion.suites.release.rollout.containers import Engine
from pytest_promotion.suites.release.rollout.decided import Decided
from pytest_promotion.suites.release.rollout.journal import Journal, Phase
from pytest_promotion.suites.release.rollout.plan import Plan
from pytest_promotion.suites.release.rollout.programs import Ended
from pytest_promotion.suites.release.rollout.services import Composing, Configuration

_LINES: Final = 40  # of a program's output that the report keeps


class Failed(PromotionError):
    """Something was changed, and is not as it should be."""


@dataclass(slots=True)
class Step:
    """What was done. `status` is `done`, `failed` or `unfinished`: what was not done has no step."""

    step: str
    status: str = "unfinished"
    details: str = ""
    command: list[str] = field(default_factory=list)
    exit_code: int | None = None
    duration_s: float = 0.0
    output_tail: str = ""

    def ran(self, done: Ended) -> None:
        """Takes in a program that ended."""
        self.command = list(done.argv)
        self.exit_code = done.exit_code
        self.output_tail = "\n".join(f"{done.printed}\n{done.complained}".strip().splitlines()[-_LINES:])


@dataclass(slots=True)
class Run:
    """
    What the parts of a deployment share, the later ones from when they are found or begun.

    `folder` keeps its backups and configurations. `resolved` is the configuration that is deployed, `checkout` the
    commit that it is from. `originals` and `original_env` are its files in the working folder. Each of `allowances` is
    a flag that something was not demanded because of.
    """

    plan: Plan
    clock: Clock
    folder: Path
    inherited: tuple[int, ...]
    engine: Engine = field(init=False)
    composing: Composing = field(init=False)
    resolved: Configuration = field(init=False)
    journal: Journal = field(init=False)
    originals: tuple[Path, ...] = ()
    original_env: Path | None = None
    checkout: Checkout | None = None
    databases: list[Path] = field(default_factory=list)  # those that are there
    place: Path = Path()  # the folder in which the programs of a target run
    head: str = ""  # the commit of the working folder, where there is no decision
    decision: dict[str, Any] | None = None
    decided: Decided | None = None
    image_wanted: bool = False  # the decision is about an image, with which those that run are compared
    configuration_sha256: str = ""
    environment_files: list[dict[str, str]] = field(default_factory=list)
    lost: list[dict[str, Any]] = field(default_factory=list)
    allowances: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)

    @property
    def configuration(self) -> Path:
        """The resolved configuration that is deployed."""
        return self.folder / "configuration.yml"

    def allow(self, flag: str, note: str) -> None:
        """Records that *flag* made a difference, and which."""
        if flag not in self.allowances:
            self.allowances.append(flag)
            self.notes.append(f"{flag}: {note}")

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Records a step, whatever becomes of it."""
        found, started = Step(name), time.monotonic()
        self.steps.append(found)
        try:
            yield found
        except Exception as problem:
            found.status, found.details = "failed", str(problem)
            raise
        else:
            found.status = "done"
        finally:
            found.duration_s = round(time.monotonic() - started, 3)

    def reach(self, phase: Phase, **facts: Any) -> Journal:
        """Writes into the journal that *phase* is next. Raises `OSError`."""
        self.journal = self.journal.at(phase, **facts)
        journals.write(self.journal, self.plan.runtime)
        return self.journal

    def done(self, ending: Literal["deployed", "rolled back"]) -> None:
        """Notes that this is the deployment that runs, or did until now. Raises `OSError`."""
        ended = self.journal.at("closed", ending=ending, ended_utc=iso(self.clock.now()))
        journals.write_done(ended, self.plan.runtime)

    def documents(self) -> list[dict[str, Any]]:
        """The steps as plain values."""
        return [asdict(step) for step in self.steps]
