"""
The rollback drill: a deployment that is made to fail, and has to be rolled back by the code that does it in earnest.

It runs in a project of its own. One version is deployed, so that there is something to go back to; then another one,
whose health is called bad. What runs has to be the one, the other, and the one again: a rollback between two versions
that are the same shows nothing. A drill that did not really run is `not_exercised`, which is no pass.
"""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import Clock, iso, stamp
from pytest_promotion.errors import Unproven
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.secrets.masking import Mask, secret_values
from pytest_promotion.suites.release.rollout import drill_record, drill_versions
from pytest_promotion.suites.release.rollout.decided import Decided
from pytest_promotion.suites.release.rollout.deploy import deploy
from pytest_promotion.suites.release.rollout.drilling import Exercise
from pytest_promotion.suites.release.rollout.lock import owned
from pytest_promotion.suites.release.rollout.plan import Ending, Plan
from pytest_promotion.text import clean, legible, listed

CODES: Final = {"passed": 0, "failed": 2, "not_done": 3, "not_exercised": Ending.DRY_RUN.code}
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


def drill(
    plan: Plan,
    *,
    retain: int,
    shared_data: bool = False,
    first: str = "",
    second: str = "",
    clock: Clock | None = None,
) -> Drill:
    """
    Drills *plan*, or looks whether it could where that is a dry run; keeps *retain* reports of its environment.

    Args:
        first, second: what is deployed, and what in its place: a commit or `NAME@sha256:HEX`. Empty for what lies in
            the folder; on a target of programs the first is then the commit before that.

    Raises:
        PolicyError: for a plan that cannot be meant.
        OSError: where the report cannot be written.
    """
    clock = clock or Clock()
    started = clock.now()
    folder = plan.runtime / "rollback_drills"
    name = plan.project + _SUFFIX
    drilled = replace(plan, project=name, permission=None, runtime=folder / "runs" / name, roll_back=True, keep=1)
    exercise = Exercise(clock)
    try:
        with owned(folder / f"{name}.lock", f"a drill of {name}") as inherited:
            versions = drill_versions.of(plan, first, second)
            if plan.dry_run:
                exercise.reports.append(deploy(replace(drilled, drilled=versions[1]), clock=clock))
                status = "not_exercised"
                reasons = [*exercise.reports[0].document["reasons"], "nothing was rolled back"]
            else:
                status, reasons = _live(drilled, inherited, shared_data, versions, exercise)
    except (Unproven, sqlite3.Error) as problem:
        status, reasons = "not_done", [str(problem)]
    last = exercise.reports[-1].document if exercise.reports else {}
    document = {
        "schema_version": 1,
        "kind": "rollback_drill",
        "generated_at_utc": iso(started),
        "env": plan.env,
        "project_name": name,
        "target": "command" if plan.command else "compose",
        "live_mode": not plan.dry_run,
        "status": status,
        "passed": status == "passed",
        "exercised": {"images": exercise.images_ok, "data": exercise.data_ok},
        "versions": exercise.versions,
        "rollback_attempted": bool(last.get("rollback_attempted")),
        "rollback_success": last.get("rollback_success"),
        "reasons": reasons,
        "deploy_reports": [report.document for report in exercise.reports],
        "retention_deleted": [path.name for path in _older(folder, plan.env, retain - 1)],
    }
    document = Mask(secret_values(plan.environment)).document(document)
    contents = {
        ".md": drill_record.markdown(document).encode(),
        ".json": (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode(),
    }
    path = ReportFolder(folder).place(f"rollback_drill_{plan.env}_{stamp(started)}", contents)
    for old in _older(folder, plan.env, retain):
        for one in (old, old.with_suffix(".md")):
            one.unlink(missing_ok=True)
    return Drill(status, document, path)


def _live(
    plan: Plan,
    inherited: tuple[int, ...],
    shared_data: bool,
    versions: tuple[Decided | None, Decided | None],
    exercise: Exercise,
) -> tuple[str, list[str]]:
    if plan.command is not None:
        from pytest_promotion.suites.release.rollout import drilling_command

        return drilling_command.drill(plan, plan.command, shared_data, versions, exercise)
    from pytest_promotion.suites.release.rollout import drilling_compose

    return drilling_compose.drill(plan, inherited, shared_data, versions, exercise)


def _older(folder: Path, env: str, retain: int) -> list[Path]:
    """All but the newest *retain* reports of *env*, by the time in their names: a checkout changes that of the file."""
    form = re.compile(rf"rollback_drill_{re.escape(env)}_(\d{{8}}T\d{{6}}Z)(?:_(\d+))?\.json")
    found = [
        (match[1], int(match[2] or 0), path) for path in folder.glob("*.json") if (match := form.fullmatch(path.name))
    ]
    return [path for *_, path in sorted(found, reverse=True)[max(retain, 0) :]]
