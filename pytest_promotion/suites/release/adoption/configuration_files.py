"""Compose files, env files and the files that a release cannot do without."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

from pytest_promotion.suites.release import of_project
from pytest_promotion.suites.release.adoption.part import Part
from pytest_promotion.suites.release.adoption.repository import Repository, joined, parent_of

COMPOSE: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
SIMULATION: Final = "ALLOW_SIM_BACKTEST"
_EXAMPLES: Final = (".env.example", ".env.sample", ".env.template", ".env.dist", "env.example")
_REQUIRED: Final = (
    "pyproject.toml",
    "setup.py",
    "requirements.txt",
    "package.json",
    "package-lock.json",
    "yarn.lock",
    "Dockerfile",
    *COMPOSE,
)
_WORKFLOW: Final = re.compile(r"^\.github/workflows/(?:ci|tests?|build|main)[^/]*\.ya?ml$")
_MOST: Final = 12


def compose(repository: Repository, env_file: str | None) -> Part:
    """The settings of `compose_config` and `image_build`."""
    part = Part()
    found = repository.files_called(*COMPOSE)
    if not found:
        for gate in ("compose_config", "image_build"):
            part.leave_out(gate, "this repository is not deployed by Compose", no_files=list(of_project.COMPOSE))
        part.notes.append("Compose: none, there is no compose.yaml or docker-compose.yml")
        return part
    files, values = layered(repository, found[0]), env_file or joined(parent_of(found[0]), ".env")
    for gate in ("compose_config", "image_build"):
        part.set(gate, compose=files[0] if len(files) == 1 else files, env_file=values)
    others = f"; not looked at: {', '.join(found[1:])}" if found[1:] else ""
    part.notes.append(f"Compose: {' and '.join(files)} with values from {values}{others}")
    return part


def layered(repository: Repository, file: str) -> list[str]:
    """The compose *file*, with the one that Compose lays over it where no files are named, if there is one."""
    stem, _, suffix = file.rpartition(".")
    over = [f"{stem}.override.{one}" for one in dict.fromkeys((suffix, "yaml", "yml"))]
    return [file, *[one for one in over if one in repository.files][:1]]


def env_file(repository: Repository) -> str | None:
    """The env file of the release: one that is there, or that an example beside it stands for."""
    there = [path for path in (".env", "backend/.env") if (repository.root / path).is_file()]
    there += [file for file in repository.files_called(".env") if file not in there]
    there += [joined(parent_of(file), ".env") for file in repository.files_called(*_EXAMPLES)]
    # The one of the backend before that of a frontend, which holds what is sent to browsers.
    return next((one for one in there if "frontend" not in one and "web" not in one.split("/")), None)


def environment(repository: Repository, found: str | None) -> Part:
    """The settings of `env_policy`."""
    part = Part()
    part.set("env_policy", env_file=found)
    part.notes.append(f"env file: {found or 'none, the environment of the session counts'}")
    if not repository.mentions(SIMULATION):
        part.set("env_policy", unmentioned="leave_out")
        part.leave_out("env_policy", f"no file of this repository mentions {SIMULATION}", profiles=["default", "dev"])
        part.notes.append(f"{SIMULATION}: mentioned nowhere, so that env_policy does not ask for it")
    part.notes.append("staging and prod need SECRET_KEY, prod needs APP_ENV: in the env file or in the environment")
    return part


def required_files(repository: Repository) -> Part:
    """The settings of `required_files`: files that can be read as strictly as the gate reads them."""
    part = Part()
    files = [file for file in repository.files_called(*_REQUIRED) if file.count("/") <= 1]
    files += [file for file in repository.files if _WORKFLOW.match(file)]
    tracked = [file for file in files if _is_readable(repository, file)][:_MOST]
    if not tracked:
        readme = next(
            (file for file in repository.files if PurePosixPath(file).name.lower().startswith("readme")), None
        )
        tracked = [readme] if readme else []
    part.set("required_files", files=tracked)
    part.notes.append(f"required files: {', '.join(tracked) or 'none were found; name some'}")
    return part


def _is_readable(repository: Repository, file: str) -> bool:
    if file.endswith((".json", ".yml", ".yaml")):
        return bool(repository.document(file))
    return bool(repository.text(file).strip())
