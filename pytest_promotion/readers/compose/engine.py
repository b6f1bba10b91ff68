"""
Asking Compose itself: `docker compose config`, or the older `docker-compose`.

"Compose is not here" and "Compose says no" are different answers. A docker without the plugin ends
`docker compose config -q` with 125 and its usage text, or with 1: neither is a word about the file. So Compose is
first asked for its version, and only who has told one is asked about files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.commands import Completed, run
from pytest_promotion.evidence.evidence_log import Notebook

TIMEOUT_S: Final = 60.0
_CANDIDATES: Final = (("docker", "compose"), ("docker-compose",))
_VERSION: Final = re.compile(r"^v?(\d+\.\d+\.\d+\S*)$", re.MULTILINE)
_NOT_ASKED: Final = re.compile(
    r"unknown shorthand flag|unknown flag|unknown command|is not a docker command|Traceback \(most recent call last\)"
)
_FIRST_NOT_ITS_OWN: Final = 125  # docker itself, a shell or a signal ended it


@dataclass(frozen=True, slots=True)
class Compose:
    """A Compose that has told its version."""

    words: tuple[str, ...]
    version: str

    @property
    def is_first(self) -> bool:
        """Whether it is Compose v1, which ended in 2021 and knows less than the published specification."""
        return self.version.lstrip("v").startswith("1.")

    def __str__(self) -> str:
        return f"{' '.join((Path(self.words[0]).name, *self.words[1:]))} {self.version}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What Compose says of files: whether they are valid, and in which words."""

    valid: bool
    exit_code: int
    words: str


def find(cwd: Path, environment: Mapping[str, str] = os.environ) -> Compose:
    """
    The Compose on this machine, the plugin before the older program.

    Raises:
        Unproven: where there is none, with what was found instead.
    """
    looked = []
    for words in _CANDIDATES:
        program = shutil.which(words[0], path=environment.get("PATH"))
        if program is None:
            looked.append(f"{words[0]} is not installed")
            continue
        try:
            done = _run((program, *words[1:], "version", "--short"), cwd, environment)
        except Unproven as problem:
            looked.append(str(problem))
            continue
        told = _VERSION.search(done.output)
        if done.exit_code == 0 and told:
            return Compose((program, *words[1:]), told[1])
        lacks = "has no compose plugin" if _NOT_ASKED.search(done.output) else "tells no version"
        looked.append(f"{' '.join(words)} {lacks} (exit code {done.exit_code})")
    raise Unproven(f"Docker Compose is missing: {'; '.join(looked)}")


def ask(
    compose: Compose,
    files: Sequence[Path],
    env_file: Path,
    profiles: Sequence[str],
    environment: Mapping[str, str] = os.environ,
) -> Answer:
    """
    What *compose* says of *files* together, under all *profiles*.

    Raises:
        Unproven: where it did not judge them: it was killed, crashed, or did not understand the question.
    """
    folder = files[0].resolve().parent
    words = [*compose.words, "--project-directory", str(folder), "--env-file", str(env_file)]
    for file in files:
        words += ["-f", str(file.resolve())]
    active = dict(environment) | {"COMPOSE_PROFILES": ",".join(profiles)}
    for name in ("COMPOSE_FILE", "COMPOSE_ENV_FILES"):
        active.pop(name, None)
    done = _run((*words, "config", "-q"), folder, active)
    if done.exit_code == 0:
        return Answer(True, 0, "")
    if done.exit_code < 0 or done.exit_code >= _FIRST_NOT_ITS_OWN or _NOT_ASKED.search(done.output):
        raise Unproven(f"{compose} did not judge the file: it ended with exit code {done.exit_code}")
    return Answer(False, done.exit_code, done.output.strip())


def local_image(name: str, cwd: Path, environment: Mapping[str, str] = os.environ) -> dict[str, Any] | None:
    """
    The id and the digests of the image *name* in the engine's own store; None where it has to be pulled.

    Raises:
        Unproven: where no engine answers.
    """
    program = shutil.which("docker", path=environment.get("PATH"))
    if program is None:
        raise Unproven("docker is not installed")
    done = _run((program, "image", "inspect", name), cwd, environment)
    if done.exit_code == 1 and re.search(r"no such image", done.output, re.IGNORECASE):
        return None
    if done.exit_code != 0:
        raise Unproven("no Docker engine answers")
    try:
        found = json.loads(done.output)[0]
        return {"id": str(found["Id"]), "digests": [str(one) for one in found["RepoDigests"] or ()]}
    except (ValueError, LookupError, TypeError):
        raise Unproven("docker image inspect answers with something else than an image") from None


def _run(words: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> Completed:
    return run(words, TIMEOUT_S, cwd, Notebook(), None, environment)
