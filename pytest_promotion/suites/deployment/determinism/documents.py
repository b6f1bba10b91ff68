"""JSON of which every runtime reads the same: what has no RFC 8785 form, or two meanings, is refused with its place."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any, Final

from pytest_promotion.canonical import canonical
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import decode, parse_json

LARGEST: Final = 2**53 - 1  # beyond it a double, and so JavaScript, cannot tell neighbours apart (RFC 7493 2.2)
_LARGE: Final = re.compile(r"(?<![.0-9])[0-9]{16}")  # an integer beyond `LARGEST`, perhaps
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")
_DOWN: Final = {"[": 1, "{": 1, "]": -1, "}": -1}
DEEPEST: Final = 200  # nesting that each runtime reads without running out of stack


def read(content: bytes, origin: str) -> Any:
    """
    The JSON value in *content*.

    Raises:
        Unproven: with the path of what is refused: a key that stands twice, NaN, infinities (also as `1e999`), an
            integer beyond 2**53 - 1, half of a surrogate pair, nesting beyond `DEEPEST`; and for what is not JSON.
    """
    text = decode(content, origin)
    bare = _STRING.sub("", text)  # texts are most of it, and hold neither brackets nor numbers that count
    if _depth(bare) > DEEPEST:
        raise Unproven(f"{origin} is nested deeper than {DEEPEST} levels")
    try:
        value = parse_json(content, origin)
    except Unproven:
        _name_duplicate(text, origin)
        raise
    if _LARGE.search(bare):
        _check(value, "$", origin)
    return value


def canonical_bytes(content: bytes, origin: str) -> bytes:
    """The RFC 8785 form of the JSON in *content*. Raises `Unproven`, as `read` does."""
    return canonical(read(content, origin))


def _check(value: Any, place: str, origin: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _check(item, f"{place}.{key}", origin)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _check(item, f"{place}[{number}]", origin)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        raise Unproven(f"{origin}: {place} is {value}, an integer beyond 2**53 - 1")


def _depth(bare: str) -> int:
    """How deep the brackets of a text without strings go, whatever else is wrong with it."""
    return max(accumulate(map(_DOWN.__getitem__, _BRACKET.findall(bare)), initial=0))


class _Pairs(list[tuple[str, Any]]):
    pass


def _name_duplicate(text: str, origin: str) -> None:
    """Where a key stands twice, the reader knows the key and not the path: read it again, only then."""
    try:
        value = json.loads(text, object_pairs_hook=_Pairs)
    except ValueError:
        return
    found = _duplicate(value, "$")
    if found:
        raise Unproven(f"{origin}: {found} stands twice")


def _duplicate(value: Any, place: str) -> str:
    if isinstance(value, _Pairs):
        names = [name for name, _ in value]
        for name, item in value:
            if names.count(name) > 1:
                return f"{place}.{name}"
            found = _duplicate(item, f"{place}.{name}")
            if found:
                return found
    elif isinstance(value, list):
        for number, item in enumerate(value):
            found = _duplicate(item, f"{place}[{number}]")
            if found:
                return found
    return ""
