"""A drill on a target of programs: what their `status` prints stands for the images, and there have to be two of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import provenance
from pytest_promotion.suites.release.rollout.command_target import PROJECT, CommandTarget
from pytest_promotion.suites.release.rollout.decided import Decided
from pytest_promotion.suites.release.rollout.deploy import deploy
from pytest_promotion.suites.release.rollout.drilling import CALLED_BAD, Exercise
from pytest_promotion.suites.release.rollout.environments import CommandEnvironment
from pytest_promotion.suites.release.rollout.plan import Ending, Plan
from pytest_promotion.suites.release.rollout.run import Run

_STATUS: Final = "status"


def drill(
    plan: Plan,
    command: CommandEnvironment,
    shared_data: bool,
    versions: tuple[Decided | None, Decided | None],
    exercise: Exercise,
) -> tuple[str, list[str]]:
    """
    Deploys the first version and then the second, and rolls that back.

    The programs have to keep the drill apart from what is live by `{project}`; *shared_data* says that they do in
    another way.

    Returns:
        the status of the drill, and why. Raises `Unproven` where it cannot be done.
    """
    apart = [any(PROJECT in word for word in words) for words in (command.apply, command.rollback, command.status)]
    if not all(apart) and not shared_data:
        raise Unproven(
            f"the drill would change what is live: {PROJECT} is not in each of apply, rollback and status; "
            "put it there, or say --shared-data where the environment is for drills alone"
        )
    shutil.rmtree(plan.runtime, ignore_errors=True)
    target = CommandTarget(command)
    first = deploy(replace(plan, drilled=versions[0]), clock=exercise.clock)
    exercise.reports.append(first)
    if first.ending is not Ending.DEPLOYED:
        return "not_done", ["nothing could be deployed to go back to", *first.document["reasons"]]
    head = provenance.git_state(plan.root).commit or ""
    run = Run(plan, exercise.clock, plan.runtime, (), place=plan.root.resolve(), decided=versions[1], head=head)

    def look() -> str:
        exercise.during = {_STATUS: target.status(run)}
        return CALLED_BAD

    try:
        exercise.before = {_STATUS: target.status(run)}
        second = deploy(replace(plan, drilled=versions[1], forced_failure=look), clock=exercise.clock)
        exercise.reports.append(second)
        if second.ending is not Ending.ROLLED_BACK:
            return "failed", [f"it ended with {str(second.ending)!r}", *second.document["reasons"]]
        exercise.after = {_STATUS: target.status(run)}
    finally:
        target.remove(run)
    wrong = exercise.wrong()
    return ("failed", wrong) if wrong else ("passed", [])
