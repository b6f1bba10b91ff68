"""How much of the evidence is looked at: the fields of each artifact, and those of them that no gate reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pytest_promotion.prove.observations import Place
from pytest_promotion.prove.observers import Look

_PARSED: Final = 2**20  # bytes: a larger document that no gate has parsed is not parsed for its fields

Fields = dict[str, tuple[str, ...]]  # of each artifact, the positions of lists written as `[]`


def fields_of(looks: Mapping[str, Look]) -> Fields:
    """Every field of each artifact that was looked at and has fields."""
    found = {path: _all_fields(path, look) for path, look in looks.items()}
    return {path: tuple(sorted(names)) for path, names in sorted(found.items()) if names}


def read_of(looks: Mapping[str, Look]) -> Fields:
    """Those of them that were read."""
    found: Fields = {}
    for path, look in sorted(looks.items()):
        prefix = "[]." if look.rows else ""
        seen = [look.touches.seen, *(touches.seen for touches in look.rows.values())]
        names = {prefix + collapsed(place) for each in seen for place, value in each.items() if _is_leaf(value)}
        # A gate that asks for the text has read all of it.
        found[path] = tuple(sorted(names | (set(_all_fields(path, look)) if look.how & {"text", "facts"} else set())))
    return found


def unread(fields: Iterable[Fields], read: Iterable[Fields]) -> list[dict[str, Any]]:
    """Of each artifact how many fields it has, and those that none of the gates reads."""
    there, known = _together(fields), _together(read)
    return [
        {"artifact": path, "fields": len(names), "unread": sorted(names - known.get(path, set()))}
        for path, names in sorted(there.items())
    ]


def _together(parts: Iterable[Fields]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in parts:
        for path, names in one.items():
            found.setdefault(path, set()).update(names)
    return found


def collapsed(place: Place) -> str:
    """A place with all positions of lists alike: `bots[].mode`."""
    text = ""
    for step in place:
        text += "[]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _all_fields(path: str, look: Look) -> set[str]:
    if look.first_rows:
        return {f"[].{name}" for row in look.first_rows.values() for name in leaves(row)}
    return set(leaves(_document(path, look)))


def _document(path: str, look: Look) -> Any:
    """What the gate parsed; of a JSON file that it looked at without parsing it, what it would have been."""
    content = look.reading.content
    if look.document is not None or not path.endswith(".json") or content is None or len(content) > _PARSED:
        return look.document
    try:
        return json.loads(content)
    except ValueError:
        return None


def leaves(value: Any, name: str = "") -> Iterator[str]:
    """The fields in *value* that hold no others."""
    if isinstance(value, dict):
        for key in dict.keys(value):
            yield from leaves(dict.__getitem__(value, key), f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for item in list.__iter__(value):
            yield from leaves(item, f"{name}[]")
    elif name:
        yield name


def _is_leaf(value: Any) -> bool:
    return not isinstance(value, (dict, list))
