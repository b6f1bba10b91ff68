"""The change itself: the new services are started, and looked at until they are well or their time is over."""

from __future__ import annotations

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.rollout import health, images
from pytest_promotion.suites.release.rollout.containers import Container
from pytest_promotion.suites.release.rollout.health import Unhealthy
from pytest_promotion.suites.release.rollout.run import Failed, Run


def up(run: Run) -> None:
    """`up -d --build --remove-orphans`. Raises `Failed`, `Unproven`."""
    with run.step("deploy-up") as step:
        done = run.composing.run(
            "up", "-d", "--build", "--remove-orphans", timeout_s=run.plan.limits.up_s, files=[run.configuration]
        )
        step.ran(done)
        if done.exit_code != 0:
            raise Failed(f"the services do not start: {done.why}")


def look_until_well(run: Run) -> None:
    """Raises `Unhealthy`, with the last look's reason, where the new services are not well in time, or `Failed`."""
    with run.step("health-check") as step:
        if run.plan.forced_failure is not None:
            raise Unhealthy(run.plan.forced_failure())
        limits = run.plan.limits
        health.until_healthy(lambda: _look(run), limits.health_s, limits.interval_s)
        images.compare_running(run)
        step.details = f"{len(run.plan.probes)} URLs and all containers of {', '.join(run.resolved.services)}"
    if not run.plan.probes:
        run.notes.append("no URL was named: the containers alone were looked at")


def _look(run: Run) -> set[tuple[str, str]]:
    """Which containers there are, and since when. Raises `Unhealthy` with all that is not well."""
    try:
        containers = run.engine.containers()
        wrong = _wrong(run, containers)
    except Unproven as problem:
        raise Unhealthy(str(problem)) from None  # a container that goes while it is asked about
    for probe in () if wrong else run.plan.probes:
        try:
            health.ask(probe)
        except Unhealthy as problem:
            wrong.append(str(problem))
    if wrong:
        raise Unhealthy("; ".join(wrong))
    return {(one.id, one.started_at) for one in containers}


def _wrong(run: Run, containers: list[Container]) -> list[str]:
    there = {one.service for one in containers}
    wrong = [f"{name} has no container" for name in run.resolved.services if name not in there]
    wanted = {name: images.name_of(run, name) for name in run.resolved.services}
    for one in containers:
        if one.service not in wanted:
            continue  # of a profile that is not active
        ended_well = one.service in run.resolved.one_shot and one.status == "exited" and one.exit_code == 0
        if one.over and not ended_well:
            # Waiting would be a longer outage.
            raise Failed(f"{one.service} ended with exit code {one.exit_code}, and nobody starts it again")
        if not one.well and not ended_well:
            wrong.append(f"{one.service} is {one.status}{f', {one.health}' if one.health else ''} ({one.exit_code})")
        elif one.image != run.engine.image(wanted[one.service]):
            wrong.append(f"{one.service} runs another image than {wanted[one.service]}: the old version?")
    return wrong
