"""
A target that programs deploy to: `kubectl`, `helm`, `argocd`, or a script of one's own.

Each program is a list of words, run without a shell in the folder of the files that were decided. `{commit}`,
`{image}` and `{subject}` in a word are those of the decision, `{project}` is that of the plan, and `{before}` what
`status` printed before the change. Braces around anything else stay as they are.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.rollout import candidate, health
from pytest_promotion.suites.release.rollout.environments import CommandEnvironment
from pytest_promotion.suites.release.rollout.health import Probe, Unhealthy
from pytest_promotion.suites.release.rollout.permission import Refused
from pytest_promotion.suites.release.rollout.programs import Ended
from pytest_promotion.suites.release.rollout.programs import run as run_program
from pytest_promotion.suites.release.rollout.run import Failed, Run

PROJECT: Final = "{project}"
_STATUS_S: Final = 60.0
_LONGEST: Final = 10_000  # characters of a status that the journal keeps


class CommandTarget:
    """What is known of the place is what its `status` prints."""

    kind = "command"

    def __init__(self, settings: CommandEnvironment) -> None:
        self._settings = settings

    def check(self, run: Run) -> None:
        if run.plan.databases:
            raise Refused(
                "a database is backed up with Compose alone: the programs of a target have to do it themselves"
            )
        candidate.find_folder(run)
        self._find_programs(run)
        for words in (self._settings.prepare, self._settings.apply):
            _filled(words or (), run)  # a placeholder that has no value, before anything is changed

    def check_rollback(self, run: Run) -> None:
        run.place = Path(run.journal.place or run.plan.root)
        self._find_programs(run)

    def snapshot(self, run: Run) -> None:
        with run.step("snapshot") as step:
            done = self._run(run, self._settings.status, _STATUS_S)
            step.ran(done)
            runs = done.exit_code == 0
            status = _printed(done) if runs else ""
            step.details = f"runs: {status}" if runs else "nothing runs, or its status cannot be read"
        answered = [probe.url for probe in run.plan.probes if health.answers(probe.url)]
        if not runs:
            run.notes.append(f"nothing to go back to: {done.why}")
        run.reach("preparing", status=status, ran=runs, answered=answered, place=str(run.place))

    def prepare(self, run: Run) -> None:
        if self._settings.prepare:
            with run.step("prepare") as step:
                done = self._run(run, self._settings.prepare, self._settings.timeout_s)
                step.ran(done)
                if done.exit_code != 0:
                    raise Unproven(f"it cannot be prepared: {done.why}")

    def protect(self, run: Run) -> None:
        run.notes.append("data is not backed up: the programs of the target have to do it themselves")

    def apply(self, run: Run) -> None:
        with run.step("apply") as step:
            done = self._run(run, self._settings.apply, self._settings.timeout_s)
            step.ran(done)
            if done.exit_code != 0:
                raise Failed(f"the new version does not start: {done.why}")

    def health(self, run: Run) -> None:
        with run.step("health-check") as step:
            if run.plan.forced_failure is not None:
                raise Unhealthy(run.plan.forced_failure())
            limits = run.plan.limits
            health.until_healthy(lambda: self._look(run, run.plan.probes), limits.health_s, limits.interval_s)
            step.details = f"{len(run.plan.probes)} URLs, and its status"

    def rollback(self, run: Run) -> None:
        run.reach("rolling back")
        with run.step("rollback") as step:
            done = self._run(run, self._settings.rollback, self._settings.timeout_s)
            step.ran(done)
            if done.exit_code != 0:
                raise Failed(f"it does not go back: {done.why}")
        with run.step("rollback-health") as step:
            if run.journal.ran:
                limits = run.plan.limits
                timeout_s = max(limits.health_s, limits.rollback_health_s)
                health.until_healthy(lambda: self._look_back(run), timeout_s, limits.interval_s)
                step.details = f"as before: {run.journal.status}"
            else:
                step.details = "nothing ran before"
        run.reach("closed")

    def finish(self, run: Run) -> None:
        """There is nothing to keep but the journal."""

    def status(self, run: Run) -> str:
        """What runs, as its `status` prints it. Raises `Unproven` where that cannot be read."""
        done = self._run(run, self._settings.status, _STATUS_S)
        if done.exit_code != 0:
            raise Unproven(f"its status cannot be read: {done.why}")
        return _printed(done)

    def remove(self, run: Run) -> None:
        """Removes what a drill has deployed. Raises `Unproven` where that does not work."""
        if self._settings.remove:
            done = self._run(run, self._settings.remove, self._settings.timeout_s)
            if done.exit_code != 0:
                raise Unproven(f"what the drill deployed cannot be removed: {done.why}")

    def _look(self, run: Run, probes: Sequence[Probe]) -> str:
        done = self._run(run, self._settings.status, _STATUS_S)
        if done.exit_code != 0:
            raise Unhealthy(f"its status cannot be read: {done.why}")
        for probe in probes:
            health.ask(probe)
        return _printed(done)

    def _look_back(self, run: Run) -> str:
        status = self._look(run, [Probe(url) for url in run.journal.answered])
        if status != run.journal.status:
            raise Unhealthy(f"its status is {status!r}, and was {run.journal.status!r} before")
        return status

    def _find_programs(self, run: Run) -> None:
        settings = self._settings
        with run.step("tools") as step:
            for words in (settings.prepare, settings.apply, settings.rollback, settings.status):
                if words and _program(words[0], run) is None:
                    raise Unproven(f"{words[0]} is not installed, and is no program in {run.place}")
                for word in words or ():
                    _refuse_link_out(word, run)
            step.details = f"programs in {run.place}"

    def _run(self, run: Run, words: Sequence[str], timeout_s: float) -> Ended:
        program, *rest = _filled(words, run)
        found = _program(program, run) or program
        return run_program((found, *rest), run.place, run.plan.environment, timeout_s, run.inherited)


def _refuse_link_out(word: str, run: Run) -> None:
    if run.checkout is not None and not os.path.isabs(word):
        place = run.place / word
        if outside := run.checkout.leads_out(place) if run.checkout.has(place) else "":
            raise Refused(f"{word} is in the commit as a link to {outside}: what is there is not of the commit")


def _program(name: str, run: Run) -> str | None:
    if "/" in name:
        path = run.place / name
        return str(path) if path.is_file() else None
    return shutil.which(name, path=run.plan.environment.get("PATH"))


def _filled(words: Sequence[str], run: Run) -> list[str]:
    """*words* with what is known in the place of its name in braces. Raises `Refused` for what has no value."""
    decided = run.decided
    journal = getattr(run, "journal", None)
    values = {
        "{project}": run.plan.project,
        "{commit}": run.checkout.commit if run.checkout else decided.commit if decided else run.head,
        "{image}": f"{decided.name}@sha256:{decided.sha256}" if decided and decided.sha256 else "",
        "{subject}": decided.name if decided else "",
        "{before}": journal.status if journal else "",
    }
    found = list(words)
    for name, value in values.items():
        if any(name in word for word in found):
            if not value and name != "{before}":
                raise Refused(f"{name} has no value: the decision is about {decided or 'nothing'}")
            found = [word.replace(name, value) for word in found]
    return found


def _printed(done: Ended) -> str:
    return done.printed.strip()[:_LONGEST]
