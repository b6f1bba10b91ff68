"""
Deploying with a rollback, in one order: the decision, the tools, snapshot and build; the decision once more, backups
with the services stopped that write to a database, the change, health; and where that fails, the rollback.

What each of these does is up to the target. Up to the backups nothing that runs is touched. From them on the journal on
disk says what was done, so that a deployment that was killed can go on or go back.
"""

from __future__ import annotations

import tempfile
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pytest_promotion.clock import Clock, iso, stamp
from pytest_promotion.errors import Unproven
from pytest_promotion.interrupts import raising_at_sigterm
from pytest_promotion.suites.release.rollout import journal as journals
from pytest_promotion.suites.release.rollout import preparing, recording, report
from pytest_promotion.suites.release.rollout.health import Unhealthy
from pytest_promotion.suites.release.rollout.journal import Journal
from pytest_promotion.suites.release.rollout.lock import owned
from pytest_promotion.suites.release.rollout.permission import Refused
from pytest_promotion.suites.release.rollout.plan import CHANGED, Ending, Plan
from pytest_promotion.suites.release.rollout.report import Report
from pytest_promotion.suites.release.rollout.run import Failed, Run
from pytest_promotion.suites.release.rollout.target import target_of

Way = Literal["new", "resume", "rollback", "revert"]


class Terminated(BaseException):
    """SIGTERM came. The journal says what was done."""


def deploy(plan: Plan, way: Way = "new", clock: Clock | None = None) -> Report:
    """
    Carries out *plan*, goes on or back from where an earlier one stopped, or reverts one that was done well, and writes
    the report.

    Raises:
        PolicyError: for a plan that cannot be meant.
        OSError: where the report cannot be written.
    """
    clock = clock or Clock()
    name = f"{stamp(clock.now())}-{uuid.uuid4().hex[:8]}"
    run = Run(plan, clock, plan.runtime / "deploy_backups" / plan.env / plan.project / name, ())
    run.decided = plan.drilled
    ending, reasons = _carried_out(run, way)
    if ending in CHANGED or _changed(run):
        recording.record(run, ending, reverted=way == "revert")
    return report.write(run, ending, reasons)


def _carried_out(run: Run, way: Way) -> tuple[Ending, list[str]]:
    plan = run.plan
    try:
        with (
            raising_at_sigterm(Terminated),
            owned(plan.runtime / f"deploy_{plan.project}.lock", f"a deployment of {plan.project}") as inherited,
        ):
            run.inherited = inherited
            found = journals.read(plan.runtime, plan.project)
            if way == "revert":
                return _reverted(run, found)
            if way != "new":
                return _continued(run, found, way)
            _refuse_open(found)
            return _dry(run) if plan.dry_run else _new(run)
    except Refused as refusal:
        return Ending.REFUSED, [str(refusal)]
    except Unproven as problem:
        return Ending.NOT_DONE, [str(problem)]
    except OSError as problem:
        ending = Ending.FAILED if _changed(run) else Ending.NOT_DONE
        return ending, [f"{problem.filename or 'a file'} cannot be written: {problem.strerror or problem}"]
    except (KeyboardInterrupt, Terminated):
        after = "; go on with --resume or back with --rollback" if _changed(run) else ", before anything was changed"
        return Ending.INTERRUPTED, [f"it was ended from outside{after}"]


def _dry(run: Run) -> tuple[Ending, list[str]]:
    with tempfile.TemporaryDirectory() as place:
        run.folder = Path(place)
        preparing.ask_decision(run)
        target_of(run.plan).check(run)
    if run.plan.permission is None:
        run.notes.append("no decision was named: a deployment needs one")
    return Ending.DRY_RUN, ["nothing was done"]


def _new(run: Run) -> tuple[Ending, list[str]]:
    plan = run.plan
    target = target_of(plan)
    preparing.ask_decision(run)
    target.check(run)
    run.journal = Journal(
        schema_version=1,
        run_id=uuid.uuid4().hex,
        ts_utc=iso(run.clock.now()),
        env=plan.env,
        project=plan.project,
        phase="preparing",
        folder=str(run.folder.absolute()),
        files=[str(path.absolute()) for path in run.originals],
        env_file=str(run.original_env.absolute()) if run.original_env else None,
        databases=[str(path.absolute()) for path in plan.databases],
        absent=[str(path.absolute()) for path in plan.databases if path not in run.databases],
        probes=list(plan.probes),
        target="command" if plan.command else "compose",
        basis=recording.basis(run),
    )
    run.reach("preparing")
    target.snapshot(run)
    target.prepare(run)
    return _change(run)


def _continued(run: Run, found: Journal | None, way: Way) -> tuple[Ending, list[str]]:
    if found is None or not found.open:
        raise Unproven(f"no deployment of {run.plan.project} stopped on its way: there is nothing to {way}")
    if found.env != run.plan.env:
        raise Refused(f"the deployment that stopped was to {found.env}, not to {run.plan.env}")
    _refuse_other_target(run, found)
    run.journal, run.folder = found, Path(found.folder)
    run.plan = replace(
        run.plan,
        files=tuple(map(Path, found.files)),
        env_file=Path(found.env_file) if found.env_file else None,
        databases=tuple(map(Path, found.databases)),
        probes=tuple(found.probes),
    )
    target = target_of(run.plan)
    if way == "rollback":
        target.check_rollback(run)
        return _rolled_back(run, "it was asked for")
    preparing.ask_decision(run)
    target.check(run)
    run.journal = found.at(found.phase, basis=recording.basis(run))
    target.prepare(run)
    return _change(run)


def _reverted(run: Run, newest: Journal | None) -> tuple[Ending, list[str]]:
    """Back to the images before a deployment that was done. Its data is newer by now, and stays as it is."""
    _refuse_open(newest)
    found = journals.read_done(run.plan.runtime, run.plan.project)
    if found is None or found.ending != "deployed":
        raise Unproven(f"no deployment of {run.plan.project} {'was done from here' if found is None else 'is left'}")
    if found.env != run.plan.env:
        raise Refused(f"the newest deployment was to {found.env}, not to {run.plan.env}")
    _refuse_other_target(run, found)
    if not found.before and not found.ran:
        raise Unproven(f"nothing of {run.plan.project} ran before: there is no image to go back to")
    run.journal, run.folder = found.at("closed", backups=[], ending="", ended_utc=""), Path(found.folder)
    target = target_of(run.plan)
    target.check_rollback(run)
    run.notes += [f"{one.source} is left as it is" for one in found.backups]
    ending, reasons = _rolled_back(run, "it was asked for")
    if ending is Ending.ROLLED_BACK:
        try:
            run.done("rolled back")
            run.journal = run.journal.at("closed", ending="rolled back")
            target.finish(run)
        except (Unproven, OSError) as problem:
            run.notes.append(f"what runs now was not noted: {problem}")
    return ending, reasons


def _refuse_open(found: Journal | None) -> None:
    if found is not None and found.open:
        raise Unproven(
            f"the deployment {found.run_id} of {found.project} to {found.env} stopped while {found.phase}: "
            "go on with --resume or back with --rollback"
        )


def _refuse_other_target(run: Run, found: Journal) -> None:
    kind = target_of(run.plan).kind
    if found.target != kind:
        raise Refused(f"the deployment was to a target of the kind {found.target}, and {found.env} is now {kind}")


def _change(run: Run) -> tuple[Ending, list[str]]:
    target = target_of(run.plan)
    preparing.ask_decision(run)  # what it rests on may have gone stale while images were built
    if run.journal.phase in ("preparing", "quiescing"):  # else the data is from after the first change
        try:
            target.protect(run)
        except Failed as problem:
            return Ending.ROLLBACK_FAILED, [str(problem)]
    run.reach("changing")
    try:
        target.apply(run)
        target.health(run)
        run.done("deployed")  # before it is closed: until then nobody may go by what was deployed before
        run.reach("closed")
    except (Failed, Unhealthy, Unproven, OSError) as problem:
        if run.plan.roll_back:
            return _rolled_back(run, str(problem))
        return Ending.FAILED, [str(problem), "it is left as it is: go on with --resume or back with --rollback"]
    try:
        target.finish(run)
    except (Unproven, OSError) as problem:
        run.notes.append(f"not tidied up: {problem}")  # which is no reason to take back what is well
    return Ending.DEPLOYED, []


def _rolled_back(run: Run, why: str) -> tuple[Ending, list[str]]:
    try:
        target_of(run.plan).rollback(run)
    except (Failed, Unhealthy, Unproven, OSError) as problem:
        return Ending.ROLLBACK_FAILED, [why, f"and it could not be rolled back: {problem}"]
    return Ending.ROLLED_BACK, [why]


def _changed(run: Run) -> bool:
    return hasattr(run, "journal") and run.journal.open
