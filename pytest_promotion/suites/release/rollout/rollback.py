"""
The way back: services are stopped, data and images put back, and what ran before is looked at.

Each part can be done again, so that a rollback that was killed is simply rolled back once more. Old services are not
started on data that could not be put back.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

from pytest_promotion.errors import Unproven
from pytest_promotion.json_files import write
from pytest_promotion.suites.release.rollout import database, health, set_aside
from pytest_promotion.suites.release.rollout.database import Backup
from pytest_promotion.suites.release.rollout.health import Probe, Unhealthy
from pytest_promotion.suites.release.rollout.run import Failed, Run
from pytest_promotion.suites.release.rollout.services import parse


def roll_back(run: Run) -> None:
    """
    Puts back what the journal of *run* says was there before.

    Raises:
        Failed, Unhealthy, Unproven, OSError: where it is not as it was; the journal then still says so. For a database
            that a program outside of Compose holds, what ran before runs again, on the data as it is.
    """
    unchanged = run.journal.phase == "quiescing"  # the new version was not started: no data was changed by it
    run.reach("quiescing" if unchanged else "rolling back")
    with run.step("rollback-stop") as step:
        run.engine.stop()
        step.details = "no container of the project runs"
    held = _restore_all(run, unchanged=unchanged)
    if run.journal.absent:
        run.notes.append(f"not there before, and left: {', '.join(run.journal.absent)}")
    if run.journal.before:
        _start(run)
    else:
        with run.step("rollback-remove") as step:
            run.engine.remove()
            step.details = "nothing ran before, so nothing runs now"
    with run.step("rollback-health") as step:
        limits = run.plan.limits
        timeout_s = max(limits.health_s, limits.rollback_health_s)
        health.until_healthy(lambda: _look(run), timeout_s, limits.interval_s)
        step.details = f"as before: {', '.join(run.journal.before) or 'nothing runs'}"
    if held is not None:
        raise Failed(
            f"{held}; what ran before runs again, on the data as it is: end what holds it, and roll back again"
        )
    run.reach("closed")


def _restore_all(run: Run, *, unchanged: bool) -> database.InUse | None:
    """Puts back every database or none. What it returns is why none was, where another program holds one."""
    if unchanged or not run.journal.backups:
        return None
    if run.plan.rollback_scope == "images":
        run.notes += [f"{one.source} is left as it is: a rollback of images" for one in run.journal.backups]
        return None
    with run.step("free-db") as step:
        try:
            for backup in run.journal.backups:
                _wait_until_free(Path(backup.source), run.plan.limits.busy_s)
        except database.InUse as problem:
            step.details = str(problem)
            return problem
        step.details = "no other program holds a database"
    for backup in run.journal.backups:
        _restore(run, backup)
    return None


def _wait_until_free(place: Path, busy_s: float) -> None:
    until = time.monotonic() + busy_s
    while True:
        try:
            return database.refuse_if_open(place)
        except database.InUse:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _restore(run: Run, backup: Backup) -> None:
    with run.step("restore-db") as step:
        database.whole(backup)
        newer = set_aside.keep(run, backup)
        database.restore(backup)
        step.details = f"{backup.source}: {sum(backup.rows.values())} rows; {newer}"


def _start(run: Run) -> None:
    before = run.journal.before
    with run.step("rollback-up") as step:
        configuration = parse(Path(run.journal.configuration))
        if unknown := sorted(before.keys() - configuration.data["services"].keys()):
            raise Failed(f"the new compose files do not say how to start {', '.join(unknown)}, which ran before")
        for name, one in before.items():
            if run.engine.image(one.tag) != one.image:
                raise Failed(f"the image that {name} ran before is gone: {one.tag}")
        # JSON is YAML, and Compose reads it.
        path = Path(run.journal.folder) / "rollback.yml"
        write(path, json.dumps(configuration.with_images({name: one.tag for name, one in before.items()}), indent=2))
        path.chmod(0o600)
        scale = [f"--scale={name}={one.containers}" for name, one in before.items() if one.containers > 1]
        words = ("up", "-d", "--no-build", "--force-recreate", "--remove-orphans", *scale)
        done = run.composing.run(*words, timeout_s=run.plan.limits.up_s, files=[path])
        step.ran(done)
        if done.exit_code != 0:
            raise Failed(f"what ran before does not start: {done.why}")


def _look(run: Run) -> set[tuple[str, str]]:
    """Which containers run, and since when. Raises `Unhealthy` with all that is not as it was."""
    try:
        running = [one for one in run.engine.containers() if one.running]
    except Unproven as problem:
        raise Unhealthy(str(problem)) from None
    before = run.journal.before
    wrong = [f"{one.service} runs and did not before" for one in running if one.service not in before]
    count = Counter(one.service for one in running)
    for name, one in before.items():
        mine = [container for container in running if container.service == name]
        if count[name] < one.containers:
            wrong.append(f"{name} has {count[name]} containers, it had {one.containers}")
        if any(container.image != one.image for container in mine):
            wrong.append(f"{name} does not run the image that it ran before")
        if one.well and not all(container.well for container in mine):
            wrong.append(f"{name} is not well, and was before")
    for url in () if wrong else run.journal.answered:
        try:
            health.ask(Probe(url))
        except Unhealthy as problem:
            wrong.append(str(problem))
    if wrong:
        raise Unhealthy("; ".join(wrong))
    return {(one.id, one.started_at) for one in running}
