"""What evidence looks like: its keys and types, and not its values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from pytest_promotion.prove.forms import form_of
from pytest_promotion.prove.observers import READ_AS_IS, Look

_ITEMS: Final = 1000  # of a list that are looked at
_STAMP: Final = re.compile(r"\d{4,}(?:[-T:.]?\d+)*")  # dates and numbers in the names of files and fields


def shapes_of(looks: Mapping[str, Look]) -> dict[str, str]:
    """
    A digest of the shape of each artifact that was looked at, and of how the gate asked for it.

    Files whose names differ in dates and long numbers only count as one: `integrity_20261130.json` and that of the
    next day.
    """
    found: dict[str, set[str]] = {}
    for path, look in looks.items():
        found.setdefault(_undated(path), set()).add(_digest([sorted(look.how), _shape_of(look)]))
    return {path: _digest(sorted(shapes)) for path, shapes in sorted(found.items())}


def _shape_of(look: Look) -> Any:
    if look.first_rows:
        return shape([look.first_rows[number] for number in sorted(look.first_rows)])
    if look.document is not None:
        return shape(look.document)
    form = form_of("", look.reading.content) if look.how & READ_AS_IS else None
    if form is not None and form.typed:
        return shape(form.document)
    return "nothing" if not look.reading.size_bytes else "bytes"


def shape(value: Any) -> Any:
    """
    Keys and types of *value*. All numbers are alike, and so are all lists whose items have the same shapes.

    >>> shape({"ok": True, "scores": [0.5, 1]})
    {'ok': 'boolean', 'scores': ['number']}
    """
    if isinstance(value, dict):
        fields: dict[str, list[Any]] = {}
        for key in dict.keys(value):
            fields.setdefault(_undated(str(key)), []).append(shape(dict.__getitem__(value, key)))
        return {key: shapes[0] if len(shapes) == 1 else _distinct(shapes) for key, shapes in sorted(fields.items())}
    if isinstance(value, list):
        return _distinct([shape(item) for item in value[:_ITEMS]])
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    return "number" if isinstance(value, (int, float)) else "text"


def _undated(name: str) -> str:
    return _STAMP.sub("#", name)


def _distinct(shapes: list[Any]) -> list[Any]:
    found = {one if isinstance(one, str) else json.dumps(one, sort_keys=True): one for one in shapes}
    return [found[key] for key in sorted(found)]


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
