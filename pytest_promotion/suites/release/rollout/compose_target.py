"""A project of Compose as a target, on the engine that the environment leads to."""

from __future__ import annotations

from pathlib import Path

from pytest_promotion.suites.release.rollout import changing, images, preparing, quiescing, rollback
from pytest_promotion.suites.release.rollout.run import Run


class ComposeTarget:
    """Images and databases are kept before anything is changed, and put back where it fails."""

    kind = "compose"

    def check(self, run: Run) -> None:
        preparing.find_tools(run)
        run.databases = preparing.look_at_databases(run)

    def check_rollback(self, run: Run) -> None:
        preparing.find_tools_to_go_back(run)

    def snapshot(self, run: Run) -> None:
        preparing.snapshot(run)

    def prepare(self, run: Run) -> None:
        preparing.build(run)
        images.compare(run)

    def protect(self, run: Run) -> None:
        quiescing.back_up(run)

    def apply(self, run: Run) -> None:
        changing.up(run)

    def health(self, run: Run) -> None:
        changing.look_until_well(run)

    def rollback(self, run: Run) -> None:
        rollback.roll_back(run)

    def finish(self, run: Run) -> None:
        configuration = run.configuration if run.journal.ending != "rolled back" else Path(run.journal.configuration)
        preparing.keep_configuration(run, configuration)
        if run.journal.ending != "rolled back":
            preparing.forget(run)
