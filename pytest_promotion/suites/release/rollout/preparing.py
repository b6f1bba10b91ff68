"""Before anything is changed: may it be done, can it be done, and what is kept to lead back."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_file
from pytest_promotion.json_files import read_object, write, write_json
from pytest_promotion.readers.compose.engine import Compose, find
from pytest_promotion.readers.compose.variables import variables
from pytest_promotion.suites.release.rollout import database, health, images, judged, set_aside
from pytest_promotion.suites.release.rollout import decided as decision
from pytest_promotion.suites.release.rollout.candidate import find_files, places
from pytest_promotion.suites.release.rollout.containers import INSTALL, REPOSITORY, Container, Engine
from pytest_promotion.suites.release.rollout.journal import Before
from pytest_promotion.suites.release.rollout.mounts import Placing
from pytest_promotion.suites.release.rollout.permission import Refused
from pytest_promotion.suites.release.rollout.resolving import resolve
from pytest_promotion.suites.release.rollout.run import Run
from pytest_promotion.suites.release.rollout.services import Composing, parse

_PROFILES: Final = "COMPOSE_PROFILES"


def ask_decision(run: Run) -> None:
    """Asks the decision as of now. Raises `Refused`, `Unproven`, `PolicyError`."""
    if run.plan.permission is None:
        return
    with run.step("decision") as step:
        run.decision = run.plan.permission.ask(run.clock.now())
        decided = decision.read(run.plan.permission.path, run.decision["sha256"])
        if run.decided is not None and decided != run.decided:
            raise Refused("the decision was replaced by one about something else while the deployment was prepared")
        run.decided = decided
        step.details = f"may be acted on ({run.decision['run_id']})"
        if run.decision["overridden"]:
            step.details = f"overridden {run.decision['overridden']}"


def find_tools(run: Run) -> None:
    """Finds engine and Compose, and resolves the compose files. Raises `Unproven`, and `Refused` for invalid files."""
    compose = _find(run)
    environment = dict(run.plan.environment)
    if environment.pop(_PROFILES, ""):
        raise Refused(
            f"{_PROFILES} is set in the environment, and would start other services than were judged: put it into the "
            "env file, whose digest is in the report, or unset it"
        )
    run.plan = replace(run.plan, environment=environment)  # an empty one goes before that of the env file
    find_files(run, compose)
    with run.step("compose-config") as step:
        found = resolve(run.composing, run.plan.limits.config_s, places(run))
        step.ran(found.done)
        step.output_tail = ""  # it is the whole file, with its secrets filled in
        run.configuration_sha256 = found.sha256
        run.notes += [f"Compose warns: {one}" for one in found.warnings]
        judged.compare(run, found)
        data = found.data
        if run.checkout is not None:
            placing = Placing(run.checkout, run.plan.databases)
            data = placing.configuration(data)
            run.notes += placing.notes
        _write_private(run.configuration, json.dumps(data, indent=2))  # JSON is YAML, and Compose reads it
        run.resolved = parse(run.configuration, _active_profiles(run.composing))
        run.notes += images.by_tag(run)
        step.details = f"services: {', '.join(run.resolved.services)}"
        run.shared = run.resolved.shared()
        home = run.composing.home or run.composing.folder
        mounted = run.resolved.checkout(home, run.plan.databases, apart=run.folder)
        run.notes += [f"{one}, which a rollback does not bring back" for one in mounted]


def _active_profiles(composing: Composing) -> frozenset[str] | None:
    """None where Compose has left out the services of other profiles; the older one resolves them all."""
    if not composing.compose.is_first:
        return None
    return frozenset(variables(composing.env_file, composing.environment).get(_PROFILES, "").split(","))


def find_tools_to_go_back(run: Run) -> None:
    """The same for a rollback, which does not ask what the compose files say by now. Raises `Unproven`."""
    files = tuple(map(Path, run.journal.files))
    # What is rolled back to is resolved: it asks for no variables, and their file may be gone.
    run.composing = Composing(_find(run), run.plan.project, files, None, dict(run.plan.environment), run.inherited)
    if run.journal.before:
        run.resolved = parse(Path(run.journal.configuration))


def look_at_databases(run: Run) -> list[Path]:
    """Those that are there. Raises `Unproven` where one is not, and may not be new."""
    there = []
    with run.step("databases") as step:
        for path in run.plan.databases:
            if run.plan.may_be_new and not path.exists():
                continue
            database.look(path)
            there.append(path)
        step.details = f"{len(there)} of {len(run.plan.databases)} to back up"
    if not run.plan.databases:
        run.notes.append("no database was named: a rollback brings back images alone")
    return there


def snapshot(run: Run) -> None:
    """Tags the images of what runs now, and notes which URLs answer. Raises `Unproven`."""
    with run.step("snapshot") as step:
        by_service: dict[str, list[Container]] = defaultdict(list)
        for one in run.engine.containers():
            if one.running:
                by_service[one.service].append(one)
        before = {}
        for service, containers in by_service.items():
            if len({one.image for one in containers}) > 1:
                raise Unproven(f"{service} runs more than one image: nobody can tell which one to go back to")
            tag = f"{REPOSITORY}:{run.plan.project}.{run.folder.name}.{service}"
            run.engine.tag(containers[0].image, tag)
            before[service] = Before(containers[0].image, tag, len(containers), all(one.well for one in containers))
        step.details = f"running: {', '.join(before) or 'nothing'}"
        answered = [probe.url for probe in run.plan.probes if health.answers(probe.url)]
    run.notes += [f"{name} was not healthy before" for name, one in before.items() if not one.well]
    run.reach("preparing", before=before, answered=answered, **_configuration_of(run, before))


def build(run: Run) -> None:
    """Builds what is built, before anything is stopped for it. Raises `Unproven`."""
    if not any("build" in body for body in run.resolved.services.values()):
        return
    with run.step("build") as step:
        done = run.composing.run("build", timeout_s=run.plan.limits.up_s, files=[run.configuration])
        step.ran(done)
        if done.exit_code != 0:
            raise Unproven(f"the images cannot be built: {done.why}")


def keep_configuration(run: Run, path: Path) -> None:
    """Notes what runs now, and that it is from *path*, for the next deployment's way back. Raises `OSError`."""
    content = path.read_text(encoding="utf-8")
    place = _deployed(run)
    _write_private(place, content)
    images = {one.service: one.image for one in run.engine.containers() if one.running}
    digest = sha256(content.encode()).hexdigest()
    write_json(place.with_suffix(".json"), {"run_id": run.journal.run_id, "sha256": digest, "images": images})


def forget(run: Run) -> None:
    """
    Removes the backups and tags of this project that are older than the newest `keep`.

    Never what is in use: files of a commit that a container has mounted, or would have after going back. And never
    what a rollback of data has set aside.
    """
    folders = sorted((path for path in run.folder.parent.iterdir() if path.is_dir()), reverse=True)
    used = _mounted(run)
    for path in folders[run.plan.keep :]:
        if path == run.folder or str(path.resolve()) in used:
            continue
        if not any(path.glob(f"{set_aside.PREFIX}*")):
            shutil.rmtree(path, ignore_errors=True)
            continue
        for one in path.iterdir():
            if one.is_dir():
                shutil.rmtree(one, ignore_errors=True)
            elif not one.name.startswith(set_aside.PREFIX):
                one.unlink(missing_ok=True)
    kept = {path.name for path in folders[: run.plan.keep]} | {run.folder.name}
    for tag in run.engine.kept_tags():
        if tag.rpartition(":")[2].split(".")[1] not in kept:
            run.engine.untag(tag)


def _mounted(run: Run) -> str:
    """The configurations that run, and that can be gone back to: they name the folders that are in use."""
    paths = (run.configuration, Path(run.journal.configuration or run.configuration))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())


def _find(run: Run) -> Compose:
    environment = dict(run.plan.environment)
    with run.step("tools") as step:
        if find_spec("stamina") is None:
            raise Unproven("deploying needs stamina: pip install 'pytest-promotion[deploy]'")
        run.engine = Engine(run.plan.project, run.plan.root, environment, run.inherited)
        engine = run.engine.answers()
        try:
            compose = find(run.plan.root, environment)
        except Unproven as problem:
            raise Unproven(f"{problem}; see {INSTALL}") from None
        step.details = f"engine {engine}, {compose}"
    return compose


def _configuration_of(run: Run, before: dict[str, Before]) -> dict[str, Any]:
    """The configuration to go back to: the one that what runs was started from, where that is known."""
    place = _deployed(run)
    try:
        noted = read_object(place.with_suffix(".json"))
        content = read_file(place)
    except (Unproven, OSError):
        noted, content = {}, b""
    images = {name: one.image for name, one in before.items()}
    if noted.get("sha256") == sha256(content).hexdigest() and noted.get("images") == images:
        kept = run.folder / "previous.yml"
        _write_private(kept, content.decode())
        return {"configuration": str(kept), "known": True}
    if before:
        run.notes.append(
            "what runs was not deployed from here: a rollback starts its images with the new configuration"
        )
    return {"configuration": str(run.configuration), "known": False}


def _deployed(run: Run) -> Path:
    return run.plan.runtime / "deployed" / f"{run.plan.project}.yml"


def _write_private(path: Path, content: str) -> None:
    """Variables are filled in by now, secret ones as well."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write(path, content)
    path.chmod(0o600)
