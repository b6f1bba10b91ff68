"""The compose files of a deployment as Compose itself resolves them, and the file that leads back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.readers.compose.document import read
from pytest_promotion.readers.compose.engine import Compose
from pytest_promotion.readers.compose.findings import Refused as Invalid
from pytest_promotion.suites.release.rollout.programs import Ended, run

_INSTEAD_OF_OPTIONS: Final = ("COMPOSE_FILE", "COMPOSE_ENV_FILES", "COMPOSE_DISABLE_ENV_FILE")


@dataclass(frozen=True, slots=True)
class Composing:
    """
    Compose, for one project. `files` in their order; `folder` is what their relative paths mean.

    `home` is the folder that people work in, where `files` are those of a commit and lie elsewhere.
    """

    compose: Compose
    project: str
    files: tuple[Path, ...]
    env_file: Path | None
    environment: Mapping[str, str]
    inherited: Sequence[int] = ()
    home: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder of the first file."""
        return self.files[0].resolve().parent

    def words(self, *verb: str, files: Sequence[Path] = ()) -> tuple[str, ...]:
        """The command, on *files* instead of its own where some are given: those are resolved."""
        folder = (self.home or self.folder) if files else self.folder
        found = [*self.compose.words, "-p", self.project, "--project-directory", str(folder)]
        if self.env_file is not None:
            found += ["--env-file", str(self.env_file.resolve())]
        for file in files or self.files:
            found += ["-f", str(file.resolve())]
        return (*found, *verb)

    def run(self, *verb: str, timeout_s: float, files: Sequence[Path] = ()) -> Ended:
        """Runs it. Raises `Unproven` where it cannot be started."""
        environment = {key: value for key, value in self.environment.items() if key not in _INSTEAD_OF_OPTIONS}
        environment["COMPOSE_PROJECT_NAME"] = self.project
        return run(self.words(*verb, files=files), self.folder, environment, timeout_s, self.inherited)


@dataclass(frozen=True, slots=True)
class Configuration:
    """
    A resolved compose file: no variable, no relative path and no `extends` is left in it.

    `profiles` are those that are active, None for all that a service in it has.
    """

    data: dict[str, Any] = field(default_factory=dict)
    profiles: frozenset[str] | None = None

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        """Each service that would be started."""
        return {
            name: body for name, body in self.data["services"].items() if self._is_active(body) and _wanted(body) > 0
        }

    def _is_active(self, body: Mapping[str, Any]) -> bool:
        wanted = body.get("profiles")
        return not wanted or self.profiles is None or not self.profiles.isdisjoint(("*", *wanted))

    @property
    def one_shot(self) -> set[str]:
        """Services that another one waits for to end well."""
        return {
            name
            for body in self.data["services"].values()
            for name, how in _conditions(body).items()
            if how == "service_completed_successfully"
        }

    def shared(self) -> list[str]:
        """What its containers write to, that is not theirs alone: folders of the host, volumes of others."""
        external = {name for name, body in (self.data.get("volumes") or {}).items() if (body or {}).get("external")}
        found = []
        for name, body in self.services.items():
            for source, read_only in map(_mount, body.get("volumes") or ()):
                if not read_only and (source.startswith(("/", "~", ".")) or source in external):
                    found.append(f"{name} writes to {source}")
        return found

    def checkout(self, folder: Path, databases: Sequence[Path], apart: Path) -> list[str]:
        """
        What its containers read from *folder* on the host, which no image brings back.

        But for *databases*, and for what is in *apart*, which keeps the files of a commit.
        """
        return [
            f"{name} mounts {source}"
            for name, body in self.services.items()
            for source, _ in map(_mount, body.get("volumes") or ())
            if source.startswith("/")
            and Path(source).is_relative_to(folder)
            and not Path(source).is_relative_to(apart.resolve())
            and not any(one.is_relative_to(source) for one in databases)
        ]

    def with_images(self, images: Mapping[str, str]) -> dict[str, Any]:
        """The same with nothing but the services of *images*, each run from its image and never built or pulled."""
        kept = {}
        for name, image in images.items():
            body = {
                key: value for key, value in self.data["services"][name].items() if key not in ("build", "profiles")
            }
            body |= {"image": image, "pull_policy": "never"}
            if depends := body.pop("depends_on", None):
                there = {one: how for one, how in _depends(depends).items() if one in images}
                body |= {"depends_on": there} if there else {}
            kept[name] = body
        return {**self.data, "services": kept}


def parse(path: Path, profiles: frozenset[str] | None = None) -> Configuration:
    """
    The resolved configuration in the file at *path*, of which *profiles* are active; all for None.

    Raises:
        Unproven: where it is no compose file with services.
    """
    try:
        data = read(path).data
    except Invalid as problem:
        raise Unproven(f"what Compose resolved cannot be read: {problem}") from None
    services = data.get("services")
    if not isinstance(services, dict) or not services or not all(isinstance(one, dict) for one in services.values()):
        raise Unproven("the compose file has no service")
    return Configuration(data, profiles)


def _wanted(body: Mapping[str, Any]) -> int:
    count = body.get("scale", (body.get("deploy") or {}).get("replicas", 1))
    return count if isinstance(count, int) else 1


def _conditions(body: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(how.get("condition", "")) for name, how in _depends(body.get("depends_on") or {}).items()}


def _depends(found: Any) -> dict[str, dict[str, Any]]:
    if isinstance(found, dict):
        return {name: how if isinstance(how, dict) else {} for name, how in found.items()}
    return {str(name): {"condition": "service_started"} for name in found}


def _mount(found: Any) -> tuple[str, bool]:
    """Where a volume is from, and whether it is read only."""
    if isinstance(found, dict):
        return str(found.get("source", "")), bool(found.get("read_only")) or found.get("type") == "tmpfs"
    parts = str(found).split(":")
    return (parts[0], len(parts) > 2 and "ro" in parts[2].split(",")) if len(parts) > 1 else ("", True)
