"""What the engine runs of one project, by the labels that every Compose puts on its containers."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.rollout.programs import Ended, run

REPOSITORY: Final = "promotion-rollback"  # of the tags that keep images: <project>.<time>.<service>
_ID: Final = re.compile(r"^[0-9a-f]{12,64}$", re.MULTILINE)
_MISSING: Final = re.compile(r"no such (image|object)", re.IGNORECASE)
_QUICK_S: Final = 120.0
_STOP_S: Final = 900.0  # a database may ask for minutes to write what it holds
INSTALL: Final = "https://docs.docker.com/engine/install/ (Debian: apt-get install docker.io docker-compose)"


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a project. `health` is empty where it has no healthcheck."""

    id: str
    service: str
    image: str
    status: str
    health: str
    exit_code: int
    started_at: str
    restarts: bool
    writes: tuple[str, ...] = ()  # places on the host that it may write to

    @property
    def running(self) -> bool:
        """Whether it runs, and is not between two crashes."""
        return self.status == "running"

    @property
    def over(self) -> bool:
        """Whether it ended and nobody starts it again."""
        return self.status in ("exited", "dead") and not self.restarts

    @property
    def well(self) -> bool:
        """Whether it runs, and its healthcheck, if it has one, says healthy."""
        return self.running and self.health in ("", "healthy")


class Engine:
    """The containers and images of one project. Each method raises `Unproven` where the engine does not answer."""

    def __init__(self, project: str, cwd: Path, environment: dict[str, str], inherited: Sequence[int]) -> None:
        self.project = project
        self._cwd = cwd
        self._environment = environment
        self._inherited = inherited
        self._program = shutil.which("docker", path=environment.get("PATH")) or ""
        if not self._program:
            raise Unproven(f"docker is not installed: see {INSTALL}")

    def answers(self) -> str:
        """The engine's version."""
        return self._ask("version", "--format", "{{.Server.Version}}").printed.strip()

    def containers(self) -> list[Container]:
        """Those of the project's services, running or not."""
        label = f"label=com.docker.compose.project={self.project}"
        ids = _ID.findall(self._ask("ps", "-aq", "--no-trunc", "--filter", label).printed)
        found = [_container(one) for one in self._inspect("inspect", *ids)] if ids else []
        return sorted((one for one in found if one), key=lambda one: (one.service, one.id))

    def stop(self) -> None:
        """Stops all of them, each within the time it asks for, and looks whether they stopped."""
        if running := [one.id for one in self.containers() if one.status not in ("exited", "created", "dead")]:
            self._ask("stop", *running, timeout_s=_STOP_S)
        if still := [one.service for one in self.containers() if one.status not in ("exited", "created", "dead")]:
            raise Unproven(f"still running: {', '.join(still)}")

    def stop_these(self, containers: Sequence[Container]) -> None:
        """Stops *containers*, each within the time it asks for."""
        if containers:
            self._ask("stop", *(one.id for one in containers), timeout_s=_STOP_S)

    def start_these(self, containers: Sequence[Container]) -> None:
        """Starts *containers*, which were stopped."""
        if containers:
            self._ask("start", *(one.id for one in containers))

    def remove(self) -> None:
        """Removes all of them; volumes stay."""
        if ids := [one.id for one in self.containers()]:
            self._ask("rm", "-f", *ids)

    def remove_leftovers(self) -> None:
        """Removes the networks and volumes that Compose made for this project alone."""
        for kind in ("network", "volume"):
            label = f"label=com.docker.compose.project={self.project}"
            if names := self._ask(kind, "ls", "-q", "--filter", label).printed.split():
                self._ask(kind, "rm", *names)

    def image(self, name: str) -> str | None:
        """The id of the image *name*, None where it is not here."""
        done = self._run("image", "inspect", name)
        if done.exit_code == 1 and _MISSING.search(done.complained):
            return None
        if done.exit_code != 0:
            raise Unproven(done.why)
        return str(_parsed(done)[0]["Id"])

    def digests(self, name: str) -> frozenset[str]:
        """The SHA-256 of the image *name*, and those under which registries have it; none where it is not here."""
        done = self._run("image", "inspect", name)
        if done.exit_code == 1 and _MISSING.search(done.complained):
            return frozenset()
        if done.exit_code != 0:
            raise Unproven(done.why)
        found = _parsed(done)[0]
        return frozenset(
            one.rpartition("sha256:")[2] for one in (str(found["Id"]), *map(str, found.get("RepoDigests") or ()))
        )

    def tag(self, image: str, name: str) -> None:
        """Calls *image*, an id, *name*, and looks whether it is called so."""
        self._ask("tag", image, name)
        if self.image(name) != image:
            raise Unproven(f"{name} does not name the image {image[:19]}")

    def copy_image(self, container: Container, name: str, label: str) -> None:
        """Makes an image called *name* of what *container* is, which differs from its own by *label* alone."""
        self._ask("commit", "--change", f"LABEL {label}", container.id, name, timeout_s=_STOP_S)

    def tags(self, repository: str) -> list[str]:
        """The tags of this project in *repository*."""
        done = self._ask("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository)
        return sorted(line for line in done.printed.split() if line.startswith(f"{repository}:{self.project}."))

    def kept_tags(self) -> list[str]:
        """The tags of this project that `keep_tag` made, oldest first."""
        return self.tags(REPOSITORY)

    def untag(self, name: str) -> bool:
        """Whether *name* is gone; an image that is in use keeps it."""
        return self._run("image", "rm", name).exit_code == 0

    def _inspect(self, *words: str) -> list[dict[str, Any]]:
        return _parsed(self._ask(*words))

    def _ask(self, *words: str, timeout_s: float = _QUICK_S) -> Ended:
        done = self._run(*words, timeout_s=timeout_s)
        if done.exit_code != 0:
            raise Unproven(done.why)
        return done

    def _run(self, *words: str, timeout_s: float = _QUICK_S) -> Ended:
        return run((self._program, *words), self._cwd, self._environment, timeout_s, self._inherited)


def _container(found: dict[str, Any]) -> Container | None:
    labels, state = found["Config"].get("Labels") or {}, found["State"]
    if labels.get("com.docker.compose.oneoff", "False") == "True":
        return None  # somebody's `run`: no part of the services
    return Container(
        found["Id"],
        str(labels.get("com.docker.compose.service", "?")),
        found["Image"],
        state["Status"],
        (state.get("Health") or {}).get("Status", "") if (state.get("Health") or {}).get("Status") != "none" else "",
        int(state["ExitCode"]),
        state["StartedAt"],
        (found.get("HostConfig") or {}).get("RestartPolicy", {}).get("Name", "") not in ("", "no"),
        tuple(str(one.get("Source", "")) for one in found.get("Mounts") or () if one.get("RW") and one.get("Source")),
    )


def _parsed(done: Ended) -> list[dict[str, Any]]:
    try:
        found = json.loads(done.printed)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unproven(f"docker {' '.join(done.argv[1:3])} prints something else than what was asked for")
    return found
