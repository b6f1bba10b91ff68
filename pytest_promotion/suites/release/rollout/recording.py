"""Lets the stage that comes after know what was deployed, and what was taken back again."""

from __future__ import annotations

from pathlib import Path

from pytest_promotion.clock import iso
from pytest_promotion.custody.deployments import NAME, Deployment, running
from pytest_promotion.custody.deployments import record as record_in
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.rollout.journal import Basis
from pytest_promotion.suites.release.rollout.plan import Ending
from pytest_promotion.suites.release.rollout.run import Run
from pytest_promotion.text import listed


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
        allowances=list(run.allowances),
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
        allowances=rests_on.allowances,
    )
    history = Path(rests_on.history)
    try:
        record_in(history, found)
    except OSError as problem:
        run.notes.append(f"what became of it cannot be recorded in {history}: {problem.strerror}")
        return
    if ending is Ending.ROLLED_BACK and (run.journal.before or run.journal.ran):
        run.notes.append(_what_runs(history, rests_on.stage))


def _what_runs(history: Path, stage: str) -> str:
    """What a rollback has led back to, by the record of deployments."""
    try:
        there = running(history).get(stage)
    except Unproven as problem:
        return f"what runs again is not known: {problem}"
    if there is None:
        return f"what runs again is not in {history / NAME}: no deployment to {stage} before this one"
    subject = listed([f"{kind}:{text}" for kind, text in there.subject.items()]) or "nothing"
    compared = "" if there.compared else ", and was not compared with that"
    return (
        f"what runs again was deployed{there.using} at {there.ts_utc[:19]}Z by the decision about {subject}{compared}"
    )
