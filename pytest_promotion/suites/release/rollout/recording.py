"""Lets the stage that comes after know what was deployed, and what was taken back again."""

from __future__ import annotations

from pathlib import Path

from pytest_promotion.clock import iso
from pytest_promotion.custody.deployments import Deployment
from pytest_promotion.custody.deployments import record as record_in
from pytest_promotion.suites.release.rollout.journal import Basis
from pytest_promotion.suites.release.rollout.plan import Ending
from pytest_promotion.suites.release.rollout.run import Run


def basis(run: Run) -> Basis | None:
    """The decision that the deployment rests on; None where there is none, or no folder to record it in."""
    if run.decision is None or run.decided is None or run.plan.history is None:
        return None
    return Basis(
        stage=run.plan.stage or run.plan.env,
        history=str(run.plan.history),
        subject=dict(run.decided.digest),
        run_id=run.decision["run_id"],
        sha256=run.decision["sha256"],
    )


def record(run: Run, ending: Ending, *, reverted: bool = False) -> None:
    """Records how a deployment ended that rests on a decision: also one of an earlier run that was taken back."""
    rests_on = run.journal.basis
    if rests_on is None:
        return
    found = Deployment(
        stage=rests_on.stage,
        subject=rests_on.subject,
        run_id=rests_on.run_id,
        sha256=rests_on.sha256,
        ts_utc=iso(run.clock.now()),
        ended=str(ending),
        reverted=reverted,
    )
    try:
        record_in(Path(rests_on.history), found)
    except OSError as problem:
        run.notes.append(f"what became of it cannot be recorded in {rests_on.history}: {problem.strerror}")
