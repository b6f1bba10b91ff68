"""
One resolved Compose configuration as a digest, and what differs between two of them without showing a value.

The digest must be the same wherever the same files, variables and Compose come together: on the machine of the gate
and on the one that is deployed to. So the project's name and the folder of the files are taken out of it: they say
where it runs, not what. Everything else is in it, also the values of secret variables.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.readers.compose.interpolation import BadTemplate, interpolate

_KEY_DIGITS: Final = 4  # hexadecimal; enough to name what differs, too few to look a value up
_DEEPEST: Final = 4  # services.<name>.<key>.<key below it>
Place = tuple[Path, Path]  # what is copied from machine to machine, and the folder in it that has the files
_NAMED: Final = ("networks", "volumes", "secrets", "configs")


def canonical_form(data: Mapping[str, Any], project: str, places: Sequence[Place]) -> dict[str, Any]:
    """
    *data*, as `config` resolves it, without the name of *project*, and with paths in one of *places* relative.

    What is null or empty is left out: whether Compose prints it differs between its versions.
    """
    found = {key: value for key, value in data.items() if key not in ("name", "version")}
    for kind in _NAMED:
        if isinstance(found.get(kind), dict):
            found[kind] = {name: _unnamed(name, body, project) for name, body in found[kind].items()}
    relative: dict[str, Any] = _relative(found, (), places)
    services = relative.get("services")
    if not isinstance(services, dict):
        raise Unproven("the resolved configuration has no services")
    return {**_filled(relative), "services": {name: _service(body) for name, body in services.items()}}


def digest(form: Mapping[str, Any]) -> str:
    """The SHA-256 of a canonical form, in hexadecimal digits."""
    return sha256(_bytes(form)).hexdigest()


def key_digests(form: Mapping[str, Any]) -> dict[str, str]:
    """A few digits of the digest of each value, by its key such as `services.web.environment.COLOUR`."""
    return {
        ".".join(path): sha256(b"\0".join((".".join(path).encode(), _bytes(value)))).hexdigest()[:_KEY_DIGITS]
        for path, value in _leaves(form, ())
    }


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The keys whose values are other ones, or that only one of two configurations has, sorted."""
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def without_value(templates: Any, variables: Mapping[str, str]) -> list[str]:
    """
    The variables in *templates*, a configuration before they were filled in, that have no value and no default.

    `${NAME:-}` has a default, which is empty. A variable that Compose refuses is not listed: `config` fails for it.
    """
    found: set[str] = set()
    for text in _texts(templates):
        try:
            interpolate(text, variables, found.add)
        except BadTemplate:
            continue
    return sorted(found)


def _unnamed(name: str, body: Any, project: str) -> Any:
    if isinstance(body, dict) and body.get("name") == f"{project}_{name}":
        return {key: value for key, value in body.items() if key != "name"}
    return body


def _service(body: Any) -> Any:
    return _filled(body) if isinstance(body, dict) else body


def _filled(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value not in (None, {}, [])}


def _relative(value: Any, path: tuple[str, ...], places: Sequence[Place]) -> Any:
    if isinstance(value, dict):
        return {str(key): _relative(item, (*path, str(key)), places) for key, item in value.items()}
    if isinstance(value, list):
        return [_relative(item, path, places) for item in value]
    return _shortened(value, places) if isinstance(value, str) and _is_path(path) else value


def _is_path(path: tuple[str, ...]) -> bool:
    """Whether a text at *path* is a place on the machine that Compose runs on."""
    kind, rest = path[0], path[2:]
    if kind == "services":
        return rest[:1] in (("volumes",), ("build",), ("develop",)) and rest[-1] != "target" and "args" not in rest
    return (kind in ("secrets", "configs") and rest == ("file",)) or (kind == "volumes" and rest[-1:] == ("device",))


def _shortened(text: str, places: Sequence[Place]) -> str:
    source, colon, rest = text.partition(":")
    for root, folder in places:
        if Path(source).is_relative_to(root):
            return f"{os.path.relpath(source, folder)}{colon}{rest}"
    return text


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value and len(path) < _DEEPEST:
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    else:
        yield path, value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and "$" in value:
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _bytes(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
