"""
Backups right before the change, with the services that write to a database stopped.

A backup that is made before images are built is older by the time of a build, and what was written meanwhile is lost by
a rollback. Where a backup cannot be made, because a program outside of Compose holds the database, what was
stopped is started again and nothing was changed.
"""

from __future__ import annotations

from pathlib import Path

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.rollout import database, health
from pytest_promotion.suites.release.rollout.containers import Container
from pytest_promotion.suites.release.rollout.health import Unhealthy
from pytest_promotion.suites.release.rollout.run import Failed, Run


def back_up(run: Run) -> None:
    """
    Stops the services that write to a database, and backs each database up.

    Raises:
        Unproven, OSError: where a backup cannot be made; what was stopped runs again.
        Failed: where it does not.
    """
    databases = [path for path in run.plan.databases if str(path.absolute()) not in run.journal.absent]
    if not databases:
        return
    run.reach("quiescing", backups=[])
    writers = _writers(run, databases)
    try:
        with run.step("quiesce") as step:
            run.engine.stop_these(writers)
            step.details = (
                f"stopped: {', '.join(one.service for one in writers) or 'no service that runs writes to one'}"
            )
        for number, path in enumerate(databases):
            with run.step("backup-db") as step:
                target = _fresh(run.folder, f"{number}-{path.name}")
                made = database.back_up(path.absolute(), target, run.plan.limits.busy_s)
                rows = sum(made.rows.values())
                step.details = f"{path}: {rows} rows in {len(made.rows)} tables, {made.size_bytes} bytes in {target}"
            run.reach("quiescing", backups=[*run.journal.backups, made])
    except BaseException:
        _start_again(run, writers)
        run.reach("closed")
        raise


def _writers(run: Run, databases: list[Path]) -> list[Container]:
    """The containers that run and have a place mounted, to write to, which a database is in."""
    places = [path.resolve() for path in databases]
    return [
        one
        for one in run.engine.containers()
        if one.status in ("running", "restarting", "paused")
        and any(place.is_relative_to(Path(source).resolve()) for source in one.writes for place in places)
    ]


def _start_again(run: Run, writers: list[Container]) -> None:
    """Raises `Failed` where what was stopped does not run again."""
    with run.step("start-again") as step:
        try:
            run.engine.start_these(writers)
            limits = run.plan.limits
            timeout_s = max(limits.health_s, limits.rollback_health_s)
            health.until_healthy(lambda: _look(run, writers), timeout_s, limits.interval_s)
        except (Unproven, Unhealthy) as problem:
            names = ", ".join(one.service for one in writers)
            raise Failed(
                f"no backup could be made, and what was stopped for it does not run: {names}: {problem}"
            ) from None
        step.details = f"as before: {', '.join(one.service for one in writers) or 'nothing was stopped'}"


def _look(run: Run, writers: list[Container]) -> set[tuple[str, str]]:
    now = {one.id: one for one in run.engine.containers()}
    wrong = [
        one.service
        for one in writers
        if one.id not in now or not now[one.id].running or (one.well and not now[one.id].well)
    ]
    if wrong:
        raise Unhealthy(f"{', '.join(wrong)} does not run yet")
    return {(one.id, now[one.id].started_at) for one in writers}


def _fresh(folder: Path, name: str) -> Path:
    """A file that is not there yet: an attempt that was killed may have left one."""
    place, number = folder / name, 1
    while place.exists():
        number += 1
        place = folder / f"{number}-{name}"
    return place
