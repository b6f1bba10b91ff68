"""What `promotion deploy`, `promotion drill` and `promotion monitor` are told: where to, which files, what is well."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_promotion.errors import PolicyError

if TYPE_CHECKING:
    from pytest_promotion.suites.release.rollout.environments import ComposeEnvironment, Environment
    from pytest_promotion.suites.release.rollout.plan import Plan

_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_SECONDS: Final = click.FloatRange(min=0, min_open=True)
_COMPOSE_ALONE: Final = {"files": "--compose", "env_file": "--env-file", "databases": "--database"}
_PLACE: Final = (
    click.option("--env", required=True, metavar="NAME", help="The environment: staging, prod, …"),
    click.option(
        "--environments",
        "environments",
        type=_FILE,
        help="The file of environments that --env picks one of; promotion.environments.yaml where that is there.",
    ),
    click.option("--project-name", metavar="NAME", help="Compose's project; the folder's name and the environment."),
    click.option(
        "--health-timeout-seconds",
        type=_SECONDS,
        default=150,
        show_default=True,
        help="Health-check timeout: how long a service may take to become healthy, in seconds.",
    ),
    click.option(
        "--health-interval-seconds",
        type=_SECONDS,
        default=5,
        show_default=True,
        help="Polling interval of the health checks, in seconds.",
    ),
    click.option(
        "--up-timeout-seconds",
        type=_SECONDS,
        default=1800,
        show_default=True,
        help="Timeout for building and starting the containers, in seconds.",
    ),
    click.option(
        "--runtime-dir",
        "runtime",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(".runtime"),
        show_default=True,
        help="Reports, backups and the journal.",
    ),
)
_WHAT: Final = (
    click.option(
        "--compose", "files", multiple=True, type=_FILE, help="A compose file; may be repeated, later ones win."
    ),
    click.option("--env-file", type=_FILE, help="The values of its variables; .env beside the first file unless said."),
    click.option("--database", "databases", multiple=True, type=_FILE, help="A SQLite database; may be repeated."),
    click.option("--new-database", "may_be_new", is_flag=True, help="A database may be missing before."),
    click.option("--health-url", "urls", multiple=True, metavar="URL", help="Has to answer 2xx; may be repeated."),
    click.option(
        "--health-says",
        "says",
        multiple=True,
        nargs=2,
        metavar="URL TEXT",
        help="Has to answer 2xx with TEXT, such as the new version; may be repeated.",
    ),
)


def planned(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of a plan to a command."""
    for option in reversed(_WHAT):
        command = option(command)
    return placed(command)


def placed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds those that say where it is deployed to, and how long that may take."""
    for option in reversed(_PLACE):
        command = option(command)
    return command


def plan_of(given: dict[str, Any], **more: Any) -> Plan:
    """
    The plan that these options mean, with the environment of that name in the file of environments, if there is one.

    What an option says goes before what the file says; the project of the environment cannot be another one, because
    what is recorded, soaks and is promoted is the environment. Raises `PolicyError`.
    """
    from pytest_promotion.suites.release.rollout.environments import CommandEnvironment
    from pytest_promotion.suites.release.rollout.health import Probe
    from pytest_promotion.suites.release.rollout.plan import Limits, Plan

    env, root = given["env"], Path.cwd()
    found = _environment(given, root)
    fallback = re.sub(r"[^a-z0-9_-]+", "-", f"{root.name}-{env}".lower()).strip("-_")
    probes = (
        *(Probe(url) for url in given.get("urls", ())),
        *(Probe(url, text) for url, text in given.get("says", ())),
    )
    values = found.values(root, os.environ) if found else {}
    common = {
        "env": env,
        "project": given["project_name"] or (found.project if found else None) or fallback,
        "root": root,
        "runtime": given["runtime"].absolute(),
        "environment": {**os.environ, **values},
        "secrets": tuple(values.values()),
        "probes": probes or (found.probes() if found else ()),
        "environments": _environments(given, root),
        "may_be_new": given.get("may_be_new", False),
        "limits": Limits(
            given["health_timeout_seconds"], given["health_interval_seconds"], given["up_timeout_seconds"]
        ),
    }
    if isinstance(found, CommandEnvironment):
        if unused := [option for name, option in _COMPOSE_ALONE.items() if given.get(name)]:
            raise PolicyError(f"the environment {env} is deployed to by programs, which know no {', '.join(unused)}")
        return Plan(**(common | {"command": found} | more))
    return Plan(**(common | _compose(given, found, common["environment"]) | more))


def recorded_stage(given: dict[str, Any]) -> str:
    """
    The stage that a deployment is recorded for: that of `--stage`, else the environment.

    Where the file of environments has one with the name of the stage, only a deployment to that one is a deployment
    of the stage. Raises `PolicyError` where the file cannot be used.
    """
    from pytest_promotion.suites.release.rollout.environments import read_all

    env: str = given["env"]
    stage: str = given["stage"] or env
    path = _environments(given, Path.cwd())
    return env if stage != env and path is not None and stage in read_all(path) else stage


def _environment(given: dict[str, Any], root: Path) -> Environment | None:
    from pytest_promotion.suites.release.rollout.environments import read_environment

    path = _environments(given, root)
    return read_environment(path, given["env"], given["project_name"] or "") if path else None


def _environments(given: dict[str, Any], root: Path) -> Path | None:
    """The file of environments, if there is one."""
    from pytest_promotion.suites.release.rollout.environments import FILE

    named: Path | None = given.get("environments")
    return named or (root / FILE if (root / FILE).exists() else None)


def _compose(given: dict[str, Any], found: ComposeEnvironment | None, environment: dict[str, str]) -> dict[str, Any]:
    """What a plan says of Compose, by options and by the file."""
    env_file = given.get("env_file") or (Path(found.env_file) if found and found.env_file else None)
    databases = given.get("databases") or (map(Path, found.databases) if found else ())
    chosen = {"DOCKER_HOST": found.host, "DOCKER_CONTEXT": found.context} if found else {}
    if any(chosen.values()):
        for name in chosen:
            environment.pop(name, None)
    environment |= {name: value for name, value in chosen.items() if value}
    return {
        "files": given.get("files") or (tuple(map(Path, found.files)) if found else ()),
        "env_file": env_file,
        "databases": tuple(path.absolute() for path in databases),
        "host": next((value for value in chosen.values() if value), ""),
        "environment": environment,
    }
