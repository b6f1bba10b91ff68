"""
Several compose files as one project: variables filled in, `extends` resolved, files laid on each other.

Files are merged as the Compose specification says it: mappings by key, lists end to end, except where
a list stands for one thing (`command`) or for a mapping (`environment`, or volumes by where they are mounted).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.readers.compose import specification
from pytest_promotion.readers.compose.document import Document, Place, read
from pytest_promotion.readers.compose.findings import Finding
from pytest_promotion.readers.compose.interpolation import filled, names

_REPLACED: Final = {"command", "entrypoint", "test"}
_PAIRS: Final = {"environment", "labels", "annotations", "sysctls", "extra_hosts", "args", "driver_opts", "options"}


@dataclass(frozen=True, slots=True)
class Project:
    """
    What the files say together, and what is wrong with their shapes.

    `templates` are the images as they were written, by service, and `asked` the variables that the files ask for.
    """

    document: Document
    folder: Path
    templates: Mapping[str, str]
    asked: frozenset[str]
    findings: tuple[Finding, ...]

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        """The services that are mappings; what else stands there is a finding."""
        found = self.document.data.get("services")
        return {
            name: body for name, body in (found if isinstance(found, dict) else {}).items() if isinstance(body, dict)
        }


def load(files: Sequence[Path], variables: Mapping[str, str], more: Sequence[Document] = ()) -> Project:
    """
    The project of *files*, with the documents *more* laid on them.

    Raises:
        Unproven: where a file cannot be read, or something of Compose is used that is not read here.
        Refused: where a file is no YAML mapping.
    """
    folder = files[0].resolve().parent
    findings: list[Finding] = []
    merged: Document | None = None
    templates: dict[str, str] = {}
    asked: set[str] = set()
    for raw in [*map(read, files), *more]:
        if raw.data.get("include"):
            raise Unproven(f"{raw.where(('include',))}: `include` is not read here; name the files with --compose")
        templates |= _templates(raw)
        asked |= _asked(raw.data)
        document, wrong = filled(raw, variables)
        findings += [*wrong, *specification.check(document)]
        document.data = _Extending(document, folder, variables, findings).services()
        merged = document if merged is None else laid(merged, document)
    assert merged is not None  # noqa: S101 - a project has a file, or `files[0]` has failed
    if not merged.data.get("services"):
        findings.append(merged.finding("references", ("services",), "there is no service"))
    return Project(merged, folder, templates, frozenset(asked), tuple(findings))


def _templates(raw: Document) -> dict[str, str]:
    services = raw.data.get("services")
    bodies = services.items() if isinstance(services, dict) else ()
    return {
        name: body["image"] for name, body in bodies if isinstance(body, dict) and isinstance(body.get("image"), str)
    }


def _asked(value: Any) -> set[str]:
    if isinstance(value, str):
        return names(value) if "$" in value else set()
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(_asked, parts))


class _Extending:
    """Resolves `extends` within one file, and into the files that it names."""

    def __init__(self, document: Document, folder: Path, variables: Mapping[str, str], findings: list[Finding]) -> None:
        self._document = document
        self._folder = folder
        self._variables = variables
        self._findings = findings
        self._files: dict[str, Document] = {}

    def services(self) -> dict[str, Any]:
        data = dict(self._document.data)
        found = data.get("services")
        if isinstance(found, dict):
            data["services"] = {name: self._resolved(self._document, name, ()) for name in found}
        return data

    def _resolved(self, document: Document, name: str, below: tuple[tuple[str, str], ...]) -> Any:
        services = document.data.get("services")
        body = services.get(name) if isinstance(services, dict) else None
        if not isinstance(body, dict) or "extends" not in body:
            return body
        place: Place = ("services", name, "extends")
        said = body["extends"]
        wanted = said.get("service") if isinstance(said, dict) else said
        file = said.get("file") if isinstance(said, dict) else None
        rest = {key: value for key, value in body.items() if key != "extends"}
        if not isinstance(wanted, str) or not (file is None or isinstance(file, str)):
            return rest  # its shape is a finding already
        source = document if file is None else self._file(file)
        among = source.data.get("services")
        here = (document.name, name)
        if here in below:
            self._findings.append(document.finding("references", place, f"{name!r} extends itself"))
        elif not isinstance(among, dict) or not isinstance(among.get(wanted), dict):
            self._findings.append(document.finding("references", place, f"there is no service {wanted!r} to extend"))
        else:
            base = self._resolved(source, wanted, (*below, here))
            return merge(copy.deepcopy(base), rest, ("services", name), document)
        return rest

    def _file(self, name: str) -> Document:
        if name not in self._files:
            document, wrong = filled(read(self._folder / name, name), self._variables)
            self._findings += [*wrong, *specification.check(document)]
            self._files[name] = document
        return self._files[name]


def laid(under: Document, over: Document) -> Document:
    """*over* laid on *under*."""
    return Document(
        under.name, merge(under.data, over.data, (), over), under.lines | over.lines, under.reset, under.override
    )


def merge(under: Any, over: Any, path: Place, document: Document) -> Any:
    """The value at *path* where an earlier file says *under*, and *document* says *over*."""
    if path in document.override:
        return over
    key = path[-1] if path else ""
    if isinstance(under, dict) and isinstance(over, dict):
        merged = dict(under)
        for name, value in over.items():
            inner = (*path, name)
            if inner in document.reset:
                merged.pop(name, None)
            else:
                merged[name] = merge(merged[name], value, inner, document) if name in merged else value
        return merged
    if key in _REPLACED:
        return over
    if key in _PAIRS:
        return {**pairs(under), **pairs(over)}
    if key in ("networks", "depends_on") and path[:1] == ("services",):
        blank = {"condition": "service_started"} if key == "depends_on" else None
        return merge(_named(under, blank), _named(over, blank), path, document)
    if isinstance(under, list) and isinstance(over, list):
        return _joined(under, over, _KEYED.get(key))
    return over


def _joined(under: list[Any], over: list[Any], keyed: Callable[[Any], str] | None) -> list[Any]:
    if keyed is None:
        return [*under, *(item for item in over if item not in under)]
    return list({keyed(item): item for item in [*under, *over]}.values())


def pairs(value: Any) -> dict[str, Any]:
    """`environment` and its like as a mapping, in whichever of its two forms it stands."""
    if isinstance(value, dict):
        return value
    items = value if isinstance(value, list) else []
    return {str(item).partition("=")[0]: str(item).partition("=")[2] if "=" in str(item) else None for item in items}


def _named(value: Any, blank: Any) -> Any:
    return {str(item): blank for item in value} if isinstance(value, list) else value


def _mounted(item: Any) -> str:
    if isinstance(item, dict):
        return str(item.get("target", item))
    parts = str(item).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _field(item: Any, name: str) -> str:
    return str(item.get(name)) if isinstance(item, dict) else str(item)


# What tells the items of a list apart, where an item of a later file replaces one of an earlier file.
_KEYED: Final[dict[str, Callable[[Any], str]]] = {
    "volumes": _mounted,
    "devices": _mounted,
    "secrets": partial(_field, name="source"),
    "configs": partial(_field, name="source"),
    "env_file": partial(_field, name="path"),
}
