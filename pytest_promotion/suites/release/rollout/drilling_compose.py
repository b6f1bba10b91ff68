"""
A drill with Compose, on copies of the databases, with two images of each service.

The second version is the first one with a label more: what is built is built with it, and what is an image already is
copied from its container. A table is made in the databases that must not survive.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import stamp
from pytest_promotion.errors import Unproven
from pytest_promotion.json_files import write
from pytest_promotion.suites.release.rollout import database
from pytest_promotion.suites.release.rollout.containers import Engine
from pytest_promotion.suites.release.rollout.decided import Decided
from pytest_promotion.suites.release.rollout.deploy import deploy
from pytest_promotion.suites.release.rollout.drilling import CALLED_BAD, Exercise
from pytest_promotion.suites.release.rollout.plan import Ending, Plan
from pytest_promotion.suites.release.rollout.services import parse

_MARK: Final = "promotion_drill_must_not_survive"
_REPOSITORY: Final = "promotion-drill"  # of the images that are made for the second version: <project>.<service>
_LABEL: Final = "promotion.drill"


def drill(
    plan: Plan,
    inherited: tuple[int, ...],
    shared_data: bool,
    versions: tuple[Decided | None, Decided | None],
    exercise: Exercise,
) -> tuple[str, list[str]]:
    """
    Deploys the first version and then the second, and rolls that back.

    Returns:
        the status of the drill, and why. Raises `Unproven` where it cannot be done.
    """
    engine = Engine(plan.project, plan.root, dict(plan.environment), inherited)
    engine.answers()
    _clear(plan, engine)
    copies = []
    for number, path in enumerate(plan.databases):
        copy = plan.runtime / "databases" / f"{number}-{path.name}"
        database.back_up(path, copy, plan.limits.busy_s)
        copies.append(copy)
    plan = replace(plan, databases=tuple(copies), drilled=versions[0])
    looked = deploy(replace(plan, dry_run=True), clock=exercise.clock)
    if looked.ending is not Ending.DRY_RUN:
        exercise.reports.append(looked)
        return "not_done", ["there is nothing to drill", *looked.document["reasons"]]
    if (shared := looked.document["shared"]) and not shared_data:
        raise Unproven(
            f"a drill would write where others do: {'; '.join(shared)}; lay a compose file over it, or say so"
        )
    try:
        first = deploy(plan, clock=exercise.clock)
        exercise.reports.append(first)
        if first.ending is not Ending.DEPLOYED:
            return "not_done", ["nothing could be deployed to go back to", *first.document["reasons"]]
        exercise.before = _images(engine)
        second = deploy(
            replace(
                plan,
                drilled=versions[1],
                files=(*map(Path, first.document["compose_files"]), _relabelled(plan, engine, exercise)),
                forced_failure=_bad(engine, copies, exercise),
            ),
            clock=exercise.clock,
        )
        exercise.reports.append(second)
        if second.ending is not Ending.ROLLED_BACK:
            return "failed", [f"it ended with {str(second.ending)!r}", *second.document["reasons"]]
        exercise.after = _images(engine)
        exercise.data_ok = bool(copies) and not any(map(_spoilt, copies))
        wrong = exercise.wrong()
        wrong += ["a row survived that was written after the backup"] if copies and not exercise.data_ok else []
        return ("failed", wrong) if wrong else ("passed", [])
    finally:
        _clear(plan, engine)


def _relabelled(plan: Plan, engine: Engine, exercise: Exercise) -> Path:
    """A compose file that gives each service that runs another image."""
    label = stamp(exercise.clock.now())
    configuration = parse(plan.runtime / "deployed" / f"{plan.project}.yml")
    services: dict[str, Any] = {}
    for one in engine.containers():
        if one.service in services:
            continue
        if "build" in configuration.services.get(one.service, {}):
            services[one.service] = {"build": {"labels": {_LABEL: label}}}
        else:
            name = f"{_REPOSITORY}:{plan.project}.{one.service}"
            engine.copy_image(one, name, f"{_LABEL}={label}")
            services[one.service] = {"image": name, "pull_policy": "never"}
    path = plan.runtime / "second_version.yaml"
    document: dict[str, Any] = {"services": services}
    if isinstance(version := configuration.data.get("version"), str):
        document = {"version": version, **document}  # which the older Compose wants to be the same in all files
    write(path, json.dumps(document, indent=2))  # JSON is YAML, and Compose reads it
    return path


def _bad(engine: Engine, copies: list[Path], exercise: Exercise) -> Callable[[], str]:
    def look_and_spoil() -> str:
        exercise.during = {one.service: one.image for one in engine.containers()}
        for copy in copies:
            with contextlib.closing(sqlite3.connect(copy)) as found, found:
                found.execute(f"CREATE TABLE {_MARK} (row)")
        return CALLED_BAD

    return look_and_spoil


def _images(engine: Engine) -> dict[str, str]:
    return {one.service: one.image for one in engine.containers() if one.running}


def _clear(plan: Plan, engine: Engine) -> None:
    """Removes what this drill, or one that was killed, has made: the project is its own, with volumes and copies."""
    engine.remove()
    engine.remove_leftovers()
    for tag in (*engine.kept_tags(), *engine.tags(_REPOSITORY)):
        engine.untag(tag)
    shutil.rmtree(plan.runtime, ignore_errors=True)


def _spoilt(copy: Path) -> bool:
    with contextlib.closing(sqlite3.connect(copy)) as found:
        return bool(found.execute("SELECT count(*) FROM sqlite_schema WHERE name = ?", (_MARK,)).fetchone()[0])
