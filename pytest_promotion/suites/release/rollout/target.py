"""What a deployment goes to: the steps that every target has, and the one that a plan means."""

from __future__ import annotations

from typing import Protocol

from pytest_promotion.suites.release.rollout.plan import Plan
from pytest_promotion.suites.release.rollout.run import Run


class Target(Protocol):
    """
    One kind of place to deploy to. Every method records its steps in the run.

    Each may raise `Unproven` where nothing is known, and `Refused` where the answer is no; from `apply` on `Failed`
    and `Unhealthy`, which lead to `rollback` where that is wanted.
    """

    kind: str

    def check(self, run: Run) -> None:
        """Finds what is needed, and the files that were decided. Changes nothing; a dry run ends here."""

    def check_rollback(self, run: Run) -> None:
        """Finds what is needed to go back by the journal of *run*. Changes nothing."""

    def snapshot(self, run: Run) -> None:
        """Records what runs in the journal, so that a rollback can lead to it and be compared with it."""

    def prepare(self, run: Run) -> None:
        """Does what takes long and touches nothing that runs, such as building images."""

    def protect(self, run: Run) -> None:
        """Makes the data safe, right before the change; what was stopped for it runs again where that fails."""

    def apply(self, run: Run) -> None:
        """Starts the new version."""

    def health(self, run: Run) -> None:
        """Waits until the new version is healthy."""

    def rollback(self, run: Run) -> None:
        """Goes back to what the journal says ran before, and checks that it does."""

    def finish(self, run: Run) -> None:
        """Records what runs now, and removes what is not needed any more."""


def target_of(plan: Plan) -> Target:
    """The target of *plan*: programs where it has some, else Compose."""
    if plan.command is not None:
        from pytest_promotion.suites.release.rollout.command_target import CommandTarget

        return CommandTarget(plan.command)
    from pytest_promotion.suites.release.rollout.compose_target import ComposeTarget

    return ComposeTarget()
