"""The change itself: the new services are started, and looked at until they are well or their time is over."""

from __future__ import annotations

from collections import defaultdict

from pytest_promotion.errors import Unproven
from pytest_promotion.rollout import health
from pytest_promotion.rollout.containers import Container
from pytest_promotion.rollout.health import Unhealthy
from pytest_promotion.rollout.run import Failed, Run


def up(run: Run) -> None:
    """`up -d --build --remove-orphans`. Raises `Failed`, `Unproven`."""
    with run.step("deploy-up") as step:
        done = run.composing.run("up", "-d", "--build", "--remove-orphans", timeout_s=run.plan.limits.up_s)
        step.ran(done)
        if done.exit_code != 0:
            raise Failed(f"the services do not start: {done.why}")


def look_until_well(run: Run) -> None:
    """Raises `Unhealthy`, with the last look's reason, where the new services are not well in time; `Unproven`."""
    with run.step("health-check") as step:
        if run.plan.forced_failure is not None:
            raise Unhealthy(run.plan.forced_failure())
        limits = run.plan.limits
        health.until_healthy(_Look(run).once, limits.health_s, limits.interval_s)
        step.details = f"{len(run.plan.probes)} URLs and all containers of {', '.join(run.resolved.services)}"
    if not run.plan.probes:
        run.notes.append("no URL was named: the containers alone were looked at")


class _Look:
    """Looks again and again; well is what was well twice and is the same: a container between two crashes runs, too."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._seen: set[tuple[str, str]] = set()
        separator = "_" if run.composing.compose.version.startswith("1.") else "-"
        self._images = {
            name: str(body.get("image") or f"{run.plan.project}{separator}{name}")
            for name, body in run.resolved.services.items()
        }

    def once(self) -> None:
        """Raises `Unhealthy` with all that is not well."""
        try:
            wrong, seen = self._containers()
        except Unproven as problem:
            raise Unhealthy(str(problem)) from None  # a container that goes while it is asked about
        for probe in () if wrong else self._run.plan.probes:
            try:
                health.ask(probe)
            except Unhealthy as problem:
                wrong.append(str(problem))
        again, self._seen = self._seen == seen, seen
        if wrong:
            raise Unhealthy("; ".join(wrong))
        if not again:
            raise Unhealthy("the containers were seen well only once, or were started again in between")

    def _containers(self) -> tuple[list[str], set[tuple[str, str]]]:
        there: dict[str, list[Container]] = defaultdict(list)
        for one in self._run.engine.containers():
            there[one.service].append(one)
        wrong = [f"{name} has no container" for name in self._images if name not in there]
        one_shot = self._run.resolved.one_shot
        for name, containers in there.items():
            if name not in self._images:
                continue  # of a profile that is not active
            wanted = self._run.engine.image(self._images[name])
            for one in containers:
                ended_well = name in one_shot and one.status == "exited" and one.exit_code == 0
                if not one.well and not ended_well:
                    wrong.append(f"{name} is {one.status}{f', {one.health}' if one.health else ''} ({one.exit_code})")
                elif one.image != wanted:
                    wrong.append(f"{name} runs another image than {self._images[name]}: the old version?")
        return wrong, {(one.id, one.started_at) for containers in there.values() for one in containers}
