"""
Where the paths of a resolved configuration come from: the commit that was decided, or the working folder.

What the commit has comes from the commit: build contexts, files, and folders that containers only read. What it does
not have comes from the working folder, because that is the state of the service: databases, uploads, certificates. A
folder that a container writes to can be both. It is state where the commit has nothing in it but a placeholder or
where a database is in it, and then the files that the commit has there must be unchanged. Otherwise it comes from the
commit, unless the working folder has more files in it: those may be state or unreviewed code.
"""

from __future__ import annotations

import copy
import filecmp
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeGuard

from pytest_promotion.suites.release.rollout.checkout import Checkout
from pytest_promotion.suites.release.rollout.permission import Refused
from pytest_promotion.text import listed

_PLACEHOLDERS: Final = frozenset({".gitkeep", ".keep", ".gitignore", ".placeholder", ".empty", "README.md", "README"})
_READ_ONLY: Final = "ro"


class Placing:
    """Gives each path of a configuration its place; `notes` says what an operator should know of it."""

    def __init__(self, checkout: Checkout, databases: Sequence[Path]) -> None:
        self._checkout = checkout
        self._databases = [path.resolve() for path in databases]
        self.notes: list[str] = []

    def configuration(self, data: dict[str, Any]) -> dict[str, Any]:
        """
        *data*, a resolved configuration, with each of its paths in its place.

        Raises:
            Refused: for a build context or a Dockerfile that the commit does not have, a link of the commit that leads
                out of it, and a folder that is both state and code.
        """
        found = copy.deepcopy(data)
        for name, body in found["services"].items():
            if body.get("volumes"):
                body["volumes"] = [self._volume(name, one) for one in body["volumes"]]
            if build := body.get("build"):
                body["build"] = self._build(name, build)
        for kind in ("secrets", "configs"):
            for name, body in (found.get(kind) or {}).items():
                if isinstance(body, dict) and isinstance(body.get("file"), str):
                    body["file"] = self._placed(f"{kind}.{name}", body["file"], writable=False)
        for name, body in (found.get("volumes") or {}).items():
            options = (body or {}).get("driver_opts") or {}
            if isinstance(options.get("device"), str) and options["device"].startswith("/"):
                options["device"] = self._placed(f"volumes.{name}", options["device"], writable=True)
        return found

    def _volume(self, service: str, volume: Any) -> Any:
        if isinstance(volume, dict):
            if volume.get("type") != "bind" or not isinstance(volume.get("source"), str):
                return volume
            return volume | {"source": self._placed(service, volume["source"], writable=not volume.get("read_only"))}
        source, *rest = str(volume).split(":")
        if not rest or not source.startswith("/"):
            return volume
        writable = _READ_ONLY not in rest[1].split(",") if len(rest) > 1 else True
        return ":".join((self._placed(service, source, writable=writable), *rest))

    def _build(self, service: str, build: Any) -> Any:
        if not isinstance(build, dict):
            return self._context(service, build)
        found = dict(build)
        if "context" in found:
            found["context"] = self._context(service, found["context"])
        context, file = found.get("context"), found.get("dockerfile")
        if _is_local(file):
            found["dockerfile"] = self._context(service, file)
        elif isinstance(file, str) and _is_local(context):
            self._context(service, os.path.join(os.path.realpath(context), file))
        more = found.get("additional_contexts")
        if isinstance(more, dict):
            found["additional_contexts"] = {name: self._context(service, one) for name, one in more.items()}
        return found

    def _context(self, service: str, place: Any) -> Any:
        if not _is_local(place):
            return place  # a URL, another image or another service
        shown = self._checkout.relative(Path(place))
        if shown is None:
            where = os.path.normpath(place)
            raise Refused(f"{service} is built from {where}, which is outside of the repository: no commit has it")
        self._refuse_link_out(f"{service} is built from", shown)
        if not self._checkout.has(Path(place)):
            raise Refused(f"{service} is built from {shown}, which the commit {self._checkout.commit[:12]} has not")
        return str(self._checkout.inside(Path(place)))

    def _refuse_link_out(self, what: str, shown: Path) -> None:
        if outside := self._checkout.leads_out(self._checkout.folder / shown):
            raise Refused(
                f"{what} {shown}, which the commit has as a link to {outside}: what is there is not of the commit; "
                "commit it, or name that place itself where it is state"
            )

    def _placed(self, service: str, source: str, *, writable: bool) -> str:
        shown = self._checkout.relative(Path(source))
        if shown is None:
            return source
        self._refuse_link_out(f"{service} mounts", shown)
        inside, original = self._checkout.inside(Path(source)), self._checkout.original(Path(source))
        if not self._checkout.has(Path(source)):
            self.notes.append(f"{service} mounts {shown} from the working folder: the commit does not have it")
            return str(original)
        if not inside.is_dir() or not writable:
            return str(inside)
        return str(self._writable(service, shown, inside, original))

    def _writable(self, service: str, shown: Path, inside: Path, original: Path) -> Path:
        tracked = list(_files(inside))
        if any(one.is_relative_to(original.resolve()) for one in self._databases):
            if changed := [str(one) for one in tracked if not _same(inside / one, original / one)]:
                raise Refused(
                    f"{service} writes to {shown}, which has a database and files of the commit, and "
                    f"{listed(changed)} differ from it: mount the database apart, or check the commit out"
                )
            return original
        if all(one.name in _PLACEHOLDERS for one in tracked):
            return original
        known = set(tracked)
        if more := [str(one) for one in _files(original) if one not in known]:
            raise Refused(
                f"{service} writes to {shown}, which has files of the commit and others ({listed(more)}): "
                "mount what it writes apart from what the commit has, or mount it read-only"
            )
        self.notes.append(
            f"{service} may write to {shown}, which is a copy of the commit's: that is lost with the next one"
        )
        return inside


def _is_local(place: Any) -> TypeGuard[str]:
    """Whether the build context *place* is a folder of this machine: Compose resolves those to absolute paths."""
    return isinstance(place, str) and place.startswith("/")


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            yield (Path(place) / name).relative_to(folder)


def _same(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    return other.is_file() and filecmp.cmp(one, other, shallow=False)
