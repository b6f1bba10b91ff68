"""
Does a document have the shape that the Compose specification publishes?

The schema is theirs, unchanged (`compose-spec.md` says where it is from). jsonschema-rs judges; jsonschema
does where there is no wheel of it. fastjsonschema may not: it ignores `unevaluatedProperties` and so
accepts services with keys that do not exist.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from pytest_promotion.errors import Unproven
from pytest_promotion.readers.compose.document import Document, Place
from pytest_promotion.readers.compose.findings import Finding

Engine = Literal["auto", "jsonschema-rs", "jsonschema"]
SCHEMA: Final = Path(__file__).with_name("compose-spec.json")
_UNEXPECTED: Final = ("additionalProperties", "unevaluatedProperties")
_MOST: Final = 50  # findings of one document; a file of another kind would have one a line


class Violation(NamedTuple):
    """One keyword of the schema that does not hold at one place, whichever library said so."""

    keyword: str
    path: Place
    instance: Any
    wanted: Any  # what the keyword demands, or the keys that nobody expected
    parts: tuple[tuple[Violation, ...], ...] = ()  # of each alternative


def check(document: Document, engine: Engine = "auto") -> list[Finding]:
    """
    What in *document* does not have the published shape.

    Raises:
        Unproven: where neither library is installed.
    """
    _, violations = validator(engine)
    clear = _plain(list(violations(_without(document.data, document.reset))))
    found = [part for one in clear for part in _apart(_clearest(one))]
    said = dict.fromkeys((one.path, _said(one)) for one in found)
    return [document.finding("schema", path, message) for path, message in [*said][:_MOST]]


def _plain(found: list[Violation]) -> Iterator[Violation]:
    """Without keys that are called unexpected only because something is wrong below them, which is found too."""
    for one in found:
        if one.keyword != "unevaluatedProperties" or not one.wanted:
            yield one
            continue
        # A part that does not hold says nothing of its keys: then all of them are called unexpected.
        broken = any(other.path[: len(one.path)] == one.path and other is not one for other in found)
        if names := [name for name in one.wanted if not broken or name not in _keys()]:
            yield one._replace(wanted=names)


@functools.cache
def validator(engine: Engine = "auto") -> tuple[str, Callable[[Any], Iterator[Violation]]]:
    """The name of the library, and what finds violations with it. Raises `Unproven` where there is none."""
    schema = json.loads(SCHEMA.read_bytes())
    if engine != "jsonschema":
        try:
            import jsonschema_rs
        except ImportError:
            if engine == "jsonschema-rs":
                raise Unproven("jsonschema-rs is not installed: pip install 'pytest-promotion[compose]'") from None
        else:
            ours = jsonschema_rs.Draft202012Validator(schema)
            # To be told no is a tenth of the work of being told why.
            return "jsonschema-rs", lambda data: map(_of_rs, () if ours.is_valid(data) else ours.iter_errors(data))
    try:
        jsonschema = importlib.import_module("jsonschema")
    except ImportError:
        raise Unproven(
            "checking a compose file needs jsonschema-rs, or jsonschema: pip install 'pytest-promotion[compose]'"
        ) from None
    theirs = jsonschema.Draft202012Validator(schema)
    return "jsonschema", lambda data: map(_of_jsonschema, theirs.iter_errors(data))


def _of_rs(error: Any) -> Violation:
    kind = error.kind
    keyword = error.schema_path[-1] if error.schema_path else ""
    wanted = getattr(kind, "unexpected", None) or getattr(kind, "types", None) or getattr(kind, "options", None)
    if keyword == "required" or wanted is None:
        wanted = getattr(kind, "property", None) or getattr(kind, "pattern", None)
    parts = tuple(tuple(_of_rs(one) for one in branch) for branch in getattr(kind, "context", ()) or ())
    return Violation(str(keyword), tuple(map(str, error.instance_path)), error.instance, wanted, parts)


def _of_jsonschema(error: Any) -> Violation:
    keyword, wanted = error.validator, error.validator_value
    if keyword in _UNEXPECTED:
        wanted = _unexpected(error)
    elif keyword == "required":
        wanted = next((name for name in wanted if name not in error.instance), None)
    branches: dict[Any, list[Violation]] = {}
    for one in error.context or ():
        branches.setdefault(one.schema_path[0], []).append(_of_jsonschema(one))
    place = tuple(map(str, error.absolute_path))
    return Violation(str(keyword), place, error.instance, wanted, tuple(map(tuple, branches.values())))


def _unexpected(error: Any) -> list[str]:
    listed = re.findall(r"'([^']*)'", error.message.rpartition("(")[2])
    return [name for name in listed if name in error.instance]


def _clearest(violation: Violation) -> Violation:
    """Of the alternatives of a `oneOf`, what is wrong with the one that was meant: the one whose type fits."""
    while violation.parts:
        fitting = [
            part
            for part in violation.parts
            if part and not any(one.keyword == "type" and one.path == violation.path for one in part)
        ]
        if len(fitting) != 1:
            return violation
        violation = max(fitting[0], key=lambda one: len(one.path))
    return violation


def _apart(violation: Violation) -> Iterator[Violation]:
    """One violation for each key that nobody expected, at that key."""
    if violation.keyword not in _UNEXPECTED or not violation.wanted:
        yield violation
        return
    for name in violation.wanted:
        yield violation._replace(path=(*violation.path, str(name)), wanted=name)


def _said(violation: Violation) -> str:
    """A sentence that names keys and types, and no value."""
    keyword, wanted = violation.keyword, violation.wanted
    if keyword in _UNEXPECTED and wanted:
        return _unknown(str(wanted))
    if keyword == "type":
        return f"{_kind(violation.instance)} where {_list(wanted)} belongs"
    if keyword == "enum" and wanted:
        return f"expected one of {', '.join(map(str, wanted))}"
    if keyword == "required" and wanted:
        return f"the key {wanted!r} is missing"
    if keyword == "uniqueItems":
        return "an item stands twice"
    if violation.parts:
        return f"{_kind(violation.instance)} that has none of the forms that are allowed here"
    return f"not as the specification has it ({keyword})"


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _keys(), n=1, cutoff=0.7)
    return f"unknown key {name!r}" + (f"; did you mean {near[0]!r}?" if near and near[0] != name else "")


@functools.cache
def _keys() -> tuple[str, ...]:
    """Every key that the specification knows anywhere."""
    found: set[str] = set()

    def into(node: Any) -> None:
        if isinstance(node, dict):
            found.update(node["properties"] if isinstance(node.get("properties"), dict) else ())
            for part in node.values():
                into(part)
        elif isinstance(node, list):
            for part in node:
                into(part)

    into(json.loads(SCHEMA.read_bytes()))
    return tuple(sorted(found))


def _list(wanted: Any) -> str:
    names = [wanted] if isinstance(wanted, str) else list(wanted or ["something else"])
    return " or ".join(f"{'an' if str(name)[0] in 'aio' else 'a'} {name}" for name in map(str, names))


def _kind(value: Any) -> str:
    from pytest_promotion.evidence.documents import named

    return named(value)


def _without(data: Any, paths: Iterable[Place]) -> Any:
    """*data* without what carries `!reset`: it takes away, and need not have the shape of what is taken."""
    if not paths:
        return data
    import copy

    data = copy.deepcopy(data)
    for path in paths:
        part = data
        for step in path[:-1]:
            part = part[int(step)] if isinstance(part, list) else part[step]
        if isinstance(part, dict):
            part.pop(path[-1], None)
    return data
