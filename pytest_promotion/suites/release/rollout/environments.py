"""
`promotion.environments.yaml`: where each environment is, and how one deploys to it.

    version: 1
    environments:
      staging:
        target: compose
        project: shop-staging
        host: ssh://deploy@staging.example.org
        health: ["https://staging.example.org/health"]
        variables: {SECRET_KEY: file:/run/secrets/staging}
      prod:
        target: command
        apply: [kubectl, set, image, deployment/shop, "shop={image}"]
        rollback: [kubectl, rollout, undo, deployment/shop]
        status: [kubectl, get, deployment/shop, -o, "jsonpath={.spec.template.spec.containers[0].image}"]
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence import documents
from pytest_promotion.evidence.files import read_given
from pytest_promotion.suites.release.rollout.health import Probe

FILE: Final = "promotion.environments.yaml"
_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Words = Annotated[list[_Text], msgspec.Meta(min_length=1)]


class _Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: _Text
    says: str = ""


class _Common(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="target"):
    project: _Text | None = None
    health: list[_Text | _Check] = []
    variables: dict[str, _Text] = {}

    def probes(self) -> tuple[Probe, ...]:
        """The URLs that have to answer. Raises `PolicyError` for one that cannot be requested."""
        return tuple(Probe(one) if isinstance(one, str) else Probe(one.url, one.says) for one in self.health)

    def values(self, root: Path, environment: Mapping[str, str]) -> dict[str, str]:
        """
        The values of `variables`, each a reference: `env:NAME`, or `file:PATH` without the line end.

        Raises:
            PolicyError: for a reference of another form, or to what is not there.
        """
        return {name: _value(name, reference, root, environment) for name, reference in self.variables.items()}


class ComposeEnvironment(_Common, frozen=True, kw_only=True, tag="compose"):
    """A project of Compose, on the engine at `host` (`unix://…`, `ssh://…`, `tcp://…`) or of Docker's `context`."""

    files: list[_Text] = []
    env_file: _Text | None = None
    databases: list[_Text] = []
    host: _Text | None = None
    context: _Text | None = None


class CommandEnvironment(_Common, frozen=True, kw_only=True, tag="command"):
    """
    What is deployed by programs, each a list of words that no shell sees.

    `status` prints what runs, always the same for the same; it ends with 0 where something runs. `remove` takes
    away what a drill has deployed.
    """

    apply: _Words
    rollback: _Words
    status: _Words
    prepare: _Words | None = None
    remove: _Words | None = None
    timeout: str = "30m"

    @property
    def timeout_s(self) -> float:
        """How long each program may take, in seconds. Raises `PolicyError`."""
        return parse_duration(self.timeout).total_seconds()


Environment = ComposeEnvironment | CommandEnvironment


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[int, msgspec.Meta(ge=1, le=1)]
    environments: dict[str, Environment]


def read_all(path: Path) -> dict[str, Environment]:
    """The environments in the file at *path*, by their names. Raises `PolicyError` where it cannot be used."""
    try:
        plain: Any = documents.parse_yaml(read_given(path, refusal=PolicyError), path.name)
        return msgspec.convert(plain, _File).environments
    except (Unproven, msgspec.ValidationError) as problem:
        raise PolicyError(f"{path.name} cannot be used: {problem}") from None


def read_environment(path: Path, name: str, project: str = "") -> Environment:
    """
    The environment *name* in the file at *path*, for a deployment to *project* unless that is empty.

    Raises:
        PolicyError: where the file cannot be used, has no such environment, or says that it has another project or
            that *project* is that of another environment.
    """
    environments = read_all(path)
    if name not in environments:
        near = difflib.get_close_matches(name, environments, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(environments)) or 'none'}"
        raise PolicyError(f"{path.name} has no environment {name!r}; {hint}")
    found = environments[name]
    if isinstance(found, ComposeEnvironment) and found.host and found.context:
        raise PolicyError(f"{path.name}: {name} has both host and context, which exclude each other")
    if isinstance(found, CommandEnvironment):
        _ = found.timeout_s
    found.probes()
    if project:
        _check_project(path.name, name, project, environments)
    return found


def _check_project(file: str, name: str, project: str, environments: Mapping[str, Environment]) -> None:
    own = environments[name].project
    if own and own != project:
        raise PolicyError(f"{file}: the project of {name} is {own}, and --project-name says {project}")
    others = sorted(other for other, one in environments.items() if one.project == project)
    if not own and others:
        raise PolicyError(f"{file}: {project} is the project of {others[0]}, and --env says {name}")


def _value(name: str, reference: str, root: Path, environment: Mapping[str, str]) -> str:
    kind, _, place = reference.partition(":")
    if kind == "env" and place:
        if place not in environment:
            raise PolicyError(f"the variable {name} is that of the environment variable {place}, which is not set")
        return environment[place]
    if kind == "file" and place:
        content = read_given(root / place, f"the value of {name} in {place}", refusal=PolicyError)
        try:
            return content.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise PolicyError(f"the value of {name} in {place} is not UTF-8") from None
    raise PolicyError(f"the variable {name} is no reference: env:NAME or file:PATH")
