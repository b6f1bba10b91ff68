"""
The rollback drill: a deployment that is made to fail, and has to be rolled back by the code that does it in earnest.

It runs in a project of its own, on copies of the databases. First what is there is deployed, so that there is
something to go back to; then it is deployed once more, a table is made that must not survive, and its health is called
bad. A drill that did not really run is `not_exercised`, which is no pass.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import Clock, iso, stamp
from pytest_promotion.errors import Unproven
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.suites.release.rollout import database
from pytest_promotion.suites.release.rollout.command_target import PROJECT, CommandTarget
from pytest_promotion.suites.release.rollout.containers import Engine
from pytest_promotion.suites.release.rollout.deploy import deploy
from pytest_promotion.suites.release.rollout.lock import owned
from pytest_promotion.suites.release.rollout.plan import Ending, Plan
from pytest_promotion.suites.release.rollout.report import Report
from pytest_promotion.suites.release.rollout.run import Run
from pytest_promotion.text import clean, legible, listed

CODES: Final = {"passed": 0, "failed": 2, "not_done": 3, "not_exercised": Ending.DRY_RUN.code}
_MARK: Final = "promotion_drill_must_not_survive"
_SUFFIX: Final = "-drill"
_REASONS: Final = 10  # on a terminal; the report has all of them


@dataclass(frozen=True, slots=True)
class Drill:
    """What became of it, where that is written, and the older reports that were removed."""

    status: str
    document: dict[str, Any]
    path: Path

    @property
    def code(self) -> int:
        """The exit code."""
        return CODES[self.status]

    def __str__(self) -> str:
        reasons = listed(clean(self.document["reasons"]), _REASONS, separator="; ")
        head = legible(f"rollback drill of {self.document['env']}: {self.status}")
        return f"{head}{f': {reasons}' if reasons else ''}\n  {legible(self.path)}"


def drill(plan: Plan, *, retain: int, shared_data: bool = False, clock: Clock | None = None) -> Drill:
    """
    Drills *plan*, or looks whether it could where that is a dry run; keeps *retain* reports of its environment.

    Raises:
        PolicyError: for a plan that cannot be meant.
        OSError: where the report cannot be written.
    """
    clock = clock or Clock()
    started = clock.now()
    folder = plan.runtime / "rollback_drills"
    name = plan.project + _SUFFIX
    drilled = replace(plan, project=name, permission=None, runtime=folder / "runs" / name, roll_back=True, keep=1)
    reports: list[Report] = []
    exercised = {"images": False, "data": False}
    try:
        with owned(folder / f"{name}.lock", f"a drill of {name}") as inherited:
            if plan.dry_run:
                reports.append(deploy(drilled, clock=clock))
                status, reasons = "not_exercised", [*reports[0].document["reasons"], "nothing was rolled back"]
            else:
                status, reasons = (
                    _live_command(drilled, shared_data, reports, exercised, clock)
                    if plan.command
                    else _live(
                        drilled,
                        Engine(name, plan.root, dict(plan.environment), inherited),
                        shared_data,
                        reports,
                        exercised,
                        clock,
                    )
                )
    except (Unproven, sqlite3.Error) as problem:
        status, reasons = "not_done", [str(problem)]
    last = reports[-1].document if reports else {}
    document = {
        "schema_version": 1,
        "kind": "rollback_drill",
        "generated_at_utc": iso(started),
        "env": plan.env,
        "project_name": name,
        "live_mode": not plan.dry_run,
        "status": status,
        "passed": status == "passed",
        "exercised": exercised,
        "rollback_attempted": bool(last.get("rollback_attempted")),
        "rollback_success": last.get("rollback_success"),
        "reasons": reasons,
        "deploy_reports": [report.document for report in reports],
        "retention_deleted": [path.name for path in _older(folder, plan.env, retain - 1)],
    }
    content = (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    path = ReportFolder(folder).place(f"rollback_drill_{plan.env}_{stamp(started)}", {".json": content})
    for old in _older(folder, plan.env, retain):
        old.unlink(missing_ok=True)
    return Drill(status, document, path)


def _live(
    plan: Plan, engine: Engine, shared_data: bool, reports: list[Report], exercised: dict[str, bool], clock: Clock
) -> tuple[str, list[str]]:
    engine.answers()
    _clear(plan, engine)
    copies = []
    for number, path in enumerate(plan.databases):
        copy = plan.runtime / "databases" / f"{number}-{path.name}"
        database.back_up(path, copy, plan.limits.busy_s)
        copies.append(copy)
    plan = replace(plan, databases=tuple(copies))
    looked = deploy(replace(plan, dry_run=True), clock=clock)
    if looked.ending is not Ending.DRY_RUN:
        reports.append(looked)
        return "not_done", ["there is nothing to drill", *looked.document["reasons"]]
    if (shared := looked.document["shared"]) and not shared_data:
        raise Unproven(
            f"a drill would write where others do: {'; '.join(shared)}; lay a compose file over it, or say so"
        )
    try:
        first = deploy(plan, clock=clock)
        reports.append(first)
        if first.ending is not Ending.DEPLOYED:
            return "not_done", ["nothing could be deployed to go back to", *first.document["reasons"]]
        before = _images(engine)
        second = deploy(replace(plan, forced_failure=lambda: _spoil(copies)), clock=clock)
        reports.append(second)
        if second.ending is not Ending.ROLLED_BACK:
            return "failed", [f"it ended with {str(second.ending)!r}", *second.document["reasons"]]
        exercised["images"] = bool(before) and before == _images(engine)
        exercised["data"] = bool(copies) and not any(map(_spoilt, copies))
        wrong = [] if exercised["images"] else ["other images run than before"]
        wrong += ["a row survived that was written after the backup"] if copies and not exercised["data"] else []
        return ("failed", wrong) if wrong else ("passed", [])
    finally:
        _clear(plan, engine)


def _live_command(
    plan: Plan, shared_data: bool, reports: list[Report], exercised: dict[str, bool], clock: Clock
) -> tuple[str, list[str]]:
    """
    The same on a target of programs: what `status` prints stands for the images.

    They have to keep the drill apart from what is live by `{project}`; *shared_data* says that they do in another way.
    """
    command = plan.command
    assert command is not None  # noqa: S101 - the caller has looked
    apart = [any(PROJECT in word for word in words) for words in (command.apply, command.rollback, command.status)]
    if not all(apart) and not shared_data:
        raise Unproven(
            f"the drill would change what is live: {PROJECT} is not in each of apply, rollback and status; "
            "put it there, or say --shared-data where the environment is for drills alone"
        )
    shutil.rmtree(plan.runtime, ignore_errors=True)
    first = deploy(plan, clock=clock)
    reports.append(first)
    if first.ending is not Ending.DEPLOYED:
        return "not_done", ["nothing could be deployed to go back to", *first.document["reasons"]]
    try:
        second = deploy(replace(plan, forced_failure=lambda: "the drill calls it bad"), clock=clock)
        reports.append(second)
    finally:
        CommandTarget(command).remove(Run(plan, clock, plan.runtime, (), place=plan.root.resolve()))
    if second.ending is not Ending.ROLLED_BACK:
        return "failed", [f"it ended with {str(second.ending)!r}", *second.document["reasons"]]
    exercised["images"] = True  # a rollback ends so where `status` prints what it did before
    return "passed", []


def _images(engine: Engine) -> dict[str, str]:
    return {one.service: one.image for one in engine.containers() if one.running}


def _clear(plan: Plan, engine: Engine) -> None:
    """Removes what this drill, or one that was killed, has made: the project is its own, with volumes and copies."""
    engine.remove()
    engine.remove_leftovers()
    for tag in engine.kept_tags():
        engine.untag(tag)
    shutil.rmtree(plan.runtime, ignore_errors=True)


def _spoil(copies: list[Path]) -> str:
    for copy in copies:
        with contextlib.closing(sqlite3.connect(copy)) as found, found:
            found.execute(f"CREATE TABLE {_MARK} (row)")
    return "the drill calls it bad"


def _spoilt(copy: Path) -> bool:
    with contextlib.closing(sqlite3.connect(copy)) as found:
        return bool(found.execute("SELECT count(*) FROM sqlite_schema WHERE name = ?", (_MARK,)).fetchone()[0])


def _older(folder: Path, env: str, retain: int) -> list[Path]:
    """All but the newest *retain* reports of *env*, by the time in their names: a checkout changes that of the file."""
    form = re.compile(rf"rollback_drill_{re.escape(env)}_(\d{{8}}T\d{{6}}Z)(?:_(\d+))?\.json")
    found = [
        (match[1], int(match[2] or 0), path) for path in folder.glob("*.json") if (match := form.fullmatch(path.name))
    ]
    return [path for *_, path in sorted(found, reverse=True)[max(retain, 0) :]]
