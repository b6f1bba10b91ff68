"""
What a deployment has done so far, on disk before it does the next thing.

Whoever finds a journal that is not closed knows that a deployment was killed, or failed and was left as it was; which
databases were backed up and which images ran before it; and so the way back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.evidence.files import read_file
from pytest_promotion.json_files import write_json
from pytest_promotion.suites.release.rollout.database import Backup
from pytest_promotion.suites.release.rollout.health import Probe

Phase = Literal["preparing", "quiescing", "changing", "rolling back", "closed"]


class Before(msgspec.Struct, frozen=True):
    """A service as it was: the image it ran, the tag that keeps it, how many containers, whether all were well."""

    image: str
    tag: str
    containers: int
    well: bool


class Basis(msgspec.Struct, frozen=True):
    """
    The decision that a deployment rests on, `sha256` being that of its file, and the folder of the deployments.

    Each of `allowances` is a flag because of which something was not demanded.
    """

    stage: str
    history: str
    subject: dict[str, str]
    run_id: str
    sha256: str
    allowances: list[str] = []


class Journal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    One deployment. From `quiescing` on there is something to roll back: the services that write to a database are
    stopped, and it is backed up. From `changing` on the new version may have written to it.

    `configuration` is the compose file that is rolled back to, resolved; `known` says that what ran before was
    started from it. Of a target of programs, `status` is what its status was before, `ran` whether something ran, and
    `place` the folder of its files. `answered` are the URLs that answered before anything was changed. `ending` and
    `ended_utc` are of one that was done, or reverted since. `basis` is None where there was no decision.
    """

    schema_version: Literal[1]
    run_id: str
    ts_utc: str
    env: str
    project: str
    phase: Phase
    folder: str
    files: list[str]
    env_file: str | None
    databases: list[str]
    probes: list[Probe]
    absent: list[str] = []
    answered: list[str] = []
    backups: list[Backup] = []
    before: dict[str, Before] = {}
    configuration: str = ""
    target: Literal["compose", "command"] = "compose"
    status: str = ""
    ran: bool = False
    place: str = ""
    known: bool = False
    ending: Literal["", "deployed", "rolled back"] = ""
    ended_utc: str = ""
    basis: Basis | None = None

    def at(self, phase: Phase, **facts: Any) -> Journal:
        """The same, further on."""
        return msgspec.structs.replace(self, phase=phase, **facts)

    @property
    def open(self) -> bool:
        """Whether it stopped after the first change and before its end."""
        return self.phase in ("quiescing", "changing", "rolling back")


def path_of(runtime: Path, project: str) -> Path:
    """Where the journal of *project* is."""
    return runtime / f"deploy_journal_{project}.json"


def write(journal: Journal, runtime: Path) -> None:
    """Puts it on disk, whole. Raises `OSError`."""
    write_json(path_of(runtime, journal.project), msgspec.to_builtins(journal))


def read(runtime: Path, project: str) -> Journal | None:
    """
    The newest deployment of *project*, None where there was none.

    Raises:
        Unproven: for a journal that cannot be read: nobody can tell what was done.
    """
    return _read(path_of(runtime, project), project)


def write_done(journal: Journal, runtime: Path) -> None:
    """Notes the deployment that runs, apart from attempts that come after it and change nothing. Raises `OSError`."""
    write_json(_done(runtime, journal.project), msgspec.to_builtins(journal))


def read_done(runtime: Path, project: str) -> Journal | None:
    """The newest deployment of *project* that was done, None where there was none. Raises `Unproven`."""
    return _read(_done(runtime, project), project)


def _done(runtime: Path, project: str) -> Path:
    return runtime / "deployed" / f"{project}.journal.json"


def _read(path: Path, project: str) -> Journal | None:
    try:
        content = read_file(path)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise Unproven(f"the journal {path} cannot be read: {(problem.strerror or 'failed').lower()}") from None
    try:
        found = msgspec.convert(parse_json(content, str(path)), Journal)
        if found.ended_utc:
            parse_moment(found.ended_utc)
    except (msgspec.ValidationError, BadTimestamp, PolicyError, Unproven) as problem:
        raise Unproven(
            f"the journal {path} is damaged ({problem}): nobody can tell what was deployed; look, then remove it"
        ) from None
    if found.project != project:
        raise Unproven(f"the journal {path} is of the project {found.project}")
    return found
