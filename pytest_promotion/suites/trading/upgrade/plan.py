"""What an upgrade would change: which services run the image, and what another one means for each."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_promotion.readers.compose import images, tags
from pytest_promotion.readers.compose.images import BadReference, Image
from pytest_promotion.readers.compose.interpolation import names
from pytest_promotion.readers.compose.project import Project
from pytest_promotion.text import listed


@dataclass(frozen=True, slots=True)
class Change:
    """One service that would be made anew, from one image to another, and where that is said."""

    service: str
    before: str
    after: str
    means: tuple[str, ...]
    set_by: str

    def document(self) -> dict[str, Any]:
        """As the report lists it."""
        return {
            "service": self.service,
            "before": self.before,
            "after": self.after,
            "means": list(self.means),
            "set_by": self.set_by,
        }


@dataclass(slots=True)
class Plan:
    """What would change and what stays. It cannot be carried out where something blocks it."""

    target: Image
    changes: list[Change] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    stays: dict[str, str] = field(default_factory=dict)
    restarted: list[str] = field(default_factory=list)
    matched: bool = False
    downgraded: list[str] = field(default_factory=list)
    unordered: list[str] = field(default_factory=list)  # services of whose image the tags do not tell which is older
    unproven: list[str] = field(default_factory=list)
    blockers: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def override(self, version: object = None) -> dict[str, Any]:
        """A compose file that, laid on the others, makes the change; an old Compose wants the same *version* in it."""
        services = {change.service: {"image": change.after} for change in self.changes}
        return ({"version": version} if version else {}) | {"services": services}

    def diff(self) -> list[str]:
        """The change as lines of a unified diff."""
        return [
            line
            for one in self.changes
            for line in (f" services.{one.service}:", f"-  image: {one.before}", f"+  image: {one.after}")
        ]


def plan(project: Project, target: Image, services: Sequence[str] = (), *, allow_downgrade: bool = False) -> Plan:
    """
    What running *target* would change in *project*: in *services*, or in all that run its repository.

    A downgrade blocks unless it is allowed; so does a change that changes nothing.
    """
    found = Plan(target)
    unknown = [name for name in services if name not in project.services]
    for name in unknown:
        near = difflib.get_close_matches(name, project.services, n=1)
        found.blockers.append(f"there is no service {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    for name, body in project.services.items():
        _place(found, project, name, body, services)
    changed = {change.service for change in found.changes}
    found.restarted = [
        name for name, body in project.services.items() if name not in changed and _restarts_with(body, changed)
    ]
    _judge(found, unknown, allow_downgrade=allow_downgrade)
    return found


def _place(found: Plan, project: Project, name: str, body: dict[str, Any], services: Sequence[str]) -> None:
    said = body.get("image")
    if not isinstance(said, str):
        if name in services:
            found.blockers.append(f"{name} is built from its sources and names no image")
        found.stays[name] = "built from its sources"
        return
    try:
        current = images.parse(said)
    except BadReference as problem:
        found.blockers.append(f"the image of {name} is no reference: {problem}")
        found.stays[name] = said
        return
    if not (name in services if services else current.name == found.target.name):
        found.stays[name] = said
        return
    found.matched = True
    if current.same(found.target):
        found.already.append(name)
        return
    if "build" in body:
        found.warnings.append(f"{name} has a build section: `up --build` would build over {found.target}")
    means = tuple(_means(current, found.target))
    if current.name == found.target.name:
        direction = tags.moved(current.tag, found.target.tag)
        if direction == -1:
            found.downgraded.append(name)
        elif direction is None and not tags.is_built_here(current.tag):
            found.unordered.append(f"{name} runs {current.tag or current.digest or 'no tag'}")
    found.changes.append(Change(name, said, str(found.target), means, _set_by(project, name)))


def _means(current: Image, target: Image) -> Iterator[str]:
    """What the move from *current* to *target* is, in words."""
    if current.name != target.name:
        yield f"the repository moves from {current.name} to {target.name}"
    if current.tag != target.tag:
        yield f"the tag moves from {current.tag or 'none'} to {target.tag or 'none'}"
    direction = tags.moved(current.tag, target.tag)
    if direction is not None and direction != 0:
        yield "a newer version" if direction > 0 else "an older version"
    if current.pinned and not target.pinned:
        yield "it was pinned by a digest and no longer is"
    elif target.pinned:
        yield "the digest changes" if current.pinned else "it becomes pinned by a digest"


def _set_by(project: Project, name: str) -> str:
    """What to change so that the service runs another image: the variable that gives all of it, or the line."""
    template = project.templates.get(name, "")
    asked = names(template) if template.startswith("${") and template.endswith("}") else set()
    where = project.document.where(("services", name, "image"))
    return f"the variable {asked.pop()} ({where})" if len(asked) == 1 else where


def _restarts_with(body: dict[str, Any], changed: set[str]) -> bool:
    said = body.get("depends_on")
    return isinstance(said, dict) and any(
        name in changed and isinstance(how, dict) and how.get("restart") in (True, "true") for name, how in said.items()
    )


def _judge(found: Plan, unknown: list[str], *, allow_downgrade: bool) -> None:
    target = found.target
    if not found.matched and not unknown and not found.blockers:
        running = listed(sorted(set(found.stays.values()))) or "nothing"
        found.blockers.append(f"no service runs {target.name}: there is {running}; name one with --service")
    elif found.already and not found.changes:
        found.blockers.append(f"nothing would change: {', '.join(found.already)} run {target} already")
    if found.downgraded:
        older = f"{target} is an older version than what {', '.join(found.downgraded)} run"
        (found.warnings if allow_downgrade else found.blockers).append(older)
    if found.unordered:
        unknown_order = (
            f"whether {target} is older cannot be told from the tags: {listed(found.unordered)}; "
            "--allow-downgrade does without"
        )
        (found.warnings if allow_downgrade else found.unproven).append(unknown_order)
    if target.floating:
        found.warnings.append(f"{target} is unpinned: {target.tag or 'no tag'} means whatever was pushed last")
    elif not target.pinned:
        found.warnings.append(f"{target} is not pinned by a digest: its tag can be moved to other bytes")
