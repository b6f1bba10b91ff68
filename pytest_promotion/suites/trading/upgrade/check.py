"""
Judging an upgrade: the files as they are, the files with the new image, and what lies between.

YES needs all of it: both are valid by our own checks and by Compose's, the image is one that services here run,
and it is not older. What nobody could tell is no YES.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.readers.compose import engine, project, references
from pytest_promotion.readers.compose.document import parse
from pytest_promotion.readers.compose.engine import Answer, Compose
from pytest_promotion.readers.compose.findings import Finding, Refused, errors
from pytest_promotion.readers.compose.images import Image
from pytest_promotion.readers.compose.project import Project, pairs
from pytest_promotion.readers.compose.sources import Sources, sources
from pytest_promotion.readers.compose.variables import variables
from pytest_promotion.secrets import dotenv
from pytest_promotion.secrets.masking import Mask, is_word, secret_values
from pytest_promotion.suites.trading.upgrade.plan import Plan, plan

POSSIBLE: Final = 0
NOT_POSSIBLE: Final = 2
NOT_JUDGED: Final = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    root: Path
    target: Image
    compose: tuple[Path, ...] = ()
    env_file: Path | None = None
    services: tuple[str, ...] = ()
    without_engine: bool = False
    allow_downgrade: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(slots=True)
class Judgement:
    """What was found, as far as one came. `unproven` says what nobody could tell."""

    sources: Sources | None = None
    before: list[Finding] | None = None
    after: list[Finding] | None = None
    plan: Plan | None = None
    compose: str = ""
    said_before: Answer | None = None
    said_after: Answer | None = None
    image: dict[str, Any] | None = None
    image_told: str = ""
    unproven: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    @property
    def reasons(self) -> list[str]:
        """Why not: what says no."""
        found = [str(one) for one in errors(list(dict.fromkeys([*(self.before or ()), *(self.after or ())])))]
        for answer, when in ((self.said_before, "the file as it is"), (self.said_after, "the file with the new image")):
            if answer is not None and not answer.valid:
                found.append(f"{self.compose} refuses {when}: {answer.words}")
        return [*found, *(self.plan.blockers if self.plan else ())]

    @property
    def code(self) -> int:
        """0 possible, 2 not, 3 not judged. A no stands, whatever else could not be told."""
        if self.reasons:
            return NOT_POSSIBLE
        if self.unproven or self.before is None or self.after is None or self.plan is None or not self.plan.changes:
            return NOT_JUDGED
        return POSSIBLE

    @property
    def mask(self) -> Mask:
        """Takes out what must not be shown of it."""
        return Mask(self.secrets)


def judge(wanted: Wanted) -> Judgement:
    """Judges the upgrade. What cannot be judged is in `unproven`; nothing is raised for it."""
    found = Judgement()
    try:
        found.sources = sources(wanted.root, wanted.compose, wanted.env_file)
        with found.sources.unchanged():
            _judge(wanted, found.sources, found)
    except Unproven as problem:
        found.unproven.append(str(problem))
    except Refused as refusal:
        found.before = [refusal.finding]
    return found


def _judge(wanted: Wanted, files: Sources, found: Judgement) -> None:
    values = variables(files.env, wanted.environment)
    if files.env:
        found.secrets |= {text for text, _ in dotenv.read(files.env).texts}
    now = project.load(files.compose, values)
    found.secrets |= secret_values({name: values[name] for name in now.asked & values.keys()})
    found.secrets |= {text for body in now.services.values() for text in secret_values(pairs(body.get("environment")))}
    found.secrets = {value for value in found.secrets if not (is_word(value) and value in _names(now))}
    found.before = [*now.findings, *references.check(now)]
    found.plan = plan(now, wanted.target, wanted.services, allow_downgrade=wanted.allow_downgrade)
    found.unproven += found.plan.unproven
    override = json.dumps(found.plan.override(now.document.data.get("version"))).encode()
    if found.plan.changes:
        then = project.load(files.compose, values, [parse(override, "the new image")])
        found.after = [*then.findings, *references.check(then)]
    _ask(wanted, files, now, override, found)


def _ask(wanted: Wanted, files: Sources, now: Project, override: bytes, found: Judgement) -> None:
    """Asks Compose about both, and the engine whether it has the image: the latter only to be told."""
    if wanted.without_engine:
        return
    with tempfile.TemporaryDirectory(prefix="promotion-upgrade-") as scratch:
        over, env = Path(scratch) / "override.yml", files.env or Path(scratch) / "none.env"
        over.write_bytes(override)
        if files.env is None:
            env.write_bytes(b"")
        profiles = sorted({name for body in now.services.values() for name in _texts(body.get("profiles"))})
        try:
            compose = engine.find(wanted.root, wanted.environment)
            found.compose = str(compose)
            found.said_before = _answer(compose, found.before, files.compose, env, profiles, wanted)
            if found.plan and found.plan.changes:
                found.said_after = _answer(compose, found.after, (*files.compose, over), env, profiles, wanted)
        except Unproven as problem:
            found.unproven.append(str(problem))
    try:
        found.image = engine.local_image(str(wanted.target), wanted.root, wanted.environment)
        found.image_told = "the engine has it" if found.image else "the engine has to pull it"
    except Unproven as problem:
        found.image_told = f"not known: {problem}"


def _answer(
    compose: Compose,
    own: Sequence[Finding] | None,
    files: Sequence[Path],
    env: Path,
    profiles: Sequence[str],
    wanted: Wanted,
) -> Answer:
    """What Compose says of *files*. Raises `Unproven` where it is too old for what it refuses."""
    answer = engine.ask(compose, files, env, profiles, wanted.environment)
    if not answer.valid and compose.is_first and not errors(list(own or ())):
        raise Unproven(
            f"{compose} refuses what the published specification allows, which it is older than; "
            f"install Compose v2 or newer: {answer.words}"
        )
    return answer


def _names(found: Project) -> str:
    """What the services of a project and their images are called; the password of `postgres` is often `postgres`."""
    return "\n".join(f"{name}\n{body.get('image', '')}" for name, body in found.services.items())


def _texts(value: Any) -> Sequence[str]:
    return [str(item) for item in value] if isinstance(value, list) else ()
