"""
One compose file as data, with the line of every key.

Compose reads YAML 1.2: `yes` is a text, `22:22` is no number in base sixty and `2026-01-01` no date, as
they are to PyYAML. A key that stands twice is refused, though readers of YAML commonly take the last.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pytest_promotion.evidence.documents import decode
from pytest_promotion.evidence.files import read_given
from pytest_promotion.evidence.nesting import DEEPEST, TooDeep, events
from pytest_promotion.readers.compose.findings import Finding, Refused, dotted

Place = tuple[str, ...]
_MOST_NODES: Final = 200_000  # ten levels of ten aliases each are ten billion; a hundred services are ten thousand
_KINDS: Final = {"str", "int", "float", "bool", "null", "seq", "map", "merge"}
_TAGS: Final = {*(f"tag:yaml.org,2002:{kind}" for kind in _KINDS), "!reset", "!override"}
_MERGE: Final = "tag:yaml.org,2002:merge"
_FLOAT: Final = (
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.[0-9]+(?:[eE][-+]?[0-9]+)?"
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
# How YAML 1.2 tells what a plain scalar is, as Compose's reader does it.
_SCALARS: Final = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)", "-+0123456789"),
    "float": (_FLOAT, "-+0123456789."),
    "null": (r"~|null|Null|NULL|", "~nN\0"),
    "merge": (r"<<", "<"),
}


@dataclass(slots=True)
class Document:
    """
    A compose file, or several laid one on the other.

    `lines` says of a path where it stands. `reset` and `override` are the paths that carry those tags:
    what an earlier file says there goes, or is replaced instead of merged.
    """

    name: str
    data: dict[str, Any]
    lines: dict[Place, str] = field(default_factory=dict)
    reset: set[Place] = field(default_factory=set)
    override: set[Place] = field(default_factory=set)

    def where(self, path: Place) -> str:
        """The nearest place known for a path."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return self.name

    def finding(self, check: str, path: Place, message: str) -> Finding:
        """An error at *path*."""
        return Finding(check, dotted(path), self.where(path), message)


def read(path: Path, shown: str = "") -> Document:
    """
    The compose file at *path*, called *shown* in what is said of it.

    Raises:
        Unproven: where it cannot be read, is empty or no UTF-8.
        Refused: where it is not YAML, or not a mapping, or says a key twice.
    """
    name = shown or path.name
    return parse(read_given(path, name), name)


def parse(content: bytes, name: str) -> Document:
    """The compose file in *content*. Raises as `read` does."""
    import yaml

    text = decode(content, name)
    loader = _loader()(text)
    found = Document(name, {})
    try:
        _refuse_depth(text, name)
        node = loader.get_single_node()
        _Walk(found).into(node, ())
        data = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"{name} line {mark.line + 1}" if mark else name
        raise Refused(
            Finding("yaml", "", where, f"not YAML: {getattr(problem, 'problem', None) or 'refused'}")
        ) from None
    except (ValueError, TypeError, RecursionError) as problem:
        # Such a message may quote the value, which may be a secret.
        raise Refused(Finding("yaml", "", name, f"a value cannot be read ({type(problem).__name__})")) from None
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        raise Refused(Finding("yaml", "", name, "expected a mapping with `services`"))
    found.data = data
    return found


def _refuse_depth(text: str, name: str) -> None:
    """Raises `Refused` before the nodes are composed: they nest on the C stack, and overflowing it ends the process."""
    try:
        for _ in events(text):
            pass
    except TooDeep as problem:
        raise Refused(
            Finding("yaml", "", f"{name} line {problem.line}", "nested deeper than any compose file")
        ) from None


class _Walk:
    """Goes through the nodes before they become data, since only they know lines, tags and keys said twice."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._seen = 0

    def into(self, node: Any, path: Place) -> None:
        self._seen += 1
        if node is None:
            return  # an empty file
        if self._seen > _MOST_NODES or len(path) > DEEPEST:
            raise self._refusal(node, path, "the aliases unfold into more than any compose file has")
        if node.tag not in _TAGS:
            raise self._refusal(node, path, "a tag that is none of Compose's")
        if node.tag.endswith(":float") and not _finite(node.value):
            raise self._refusal(node, path, "not a finite number")
        kind = node.id
        if path and node.tag in ("!reset", "!override"):
            (self._document.reset if node.tag == "!reset" else self._document.override).add(path)
        if kind == "sequence":
            for number, item in enumerate(node.value):
                self._note(item, (*path, str(number)))
                self.into(item, (*path, str(number)))
        elif kind == "mapping":
            self._mapping(node, path)

    def _mapping(self, node: Any, path: Place) -> None:
        own: list[tuple[Any, Any]] = []
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                raise self._refusal(key, path, f"the key {key.value!r} stands twice")
            seen.add(key.value if isinstance(key.value, str) else id(key))
            if key.tag == _MERGE:
                # What is merged in comes first, so that what stands here overrules its lines, too.
                for part in value.value if value.id == "sequence" else [value]:
                    self.into(part, path)
            elif key.tag != "tag:yaml.org,2002:str":
                raise self._refusal(key, path, "a key is not a text; put it in quotes")
            else:
                own.append((key, value))
        for key, value in own:
            self._note(key, (*path, key.value))
            self.into(value, (*path, key.value))

    def _note(self, node: Any, path: Place) -> None:
        self._document.lines[path] = f"{self._document.name} line {node.start_mark.line + 1}"

    def _refusal(self, node: Any, path: Place, message: str) -> Refused:
        where = f"{self._document.name} line {node.start_mark.line + 1}"
        return Refused(Finding("yaml", dotted(path), where, message))


def _finite(text: str) -> bool:
    return text.lower().lstrip("+-") not in (".inf", ".nan") and math.isfinite(float(text.replace("_", "")))


@functools.cache
def _loader() -> Any:
    from pytest_promotion.evidence.yaml_values import plain_loader

    class Loader(plain_loader()):  # type: ignore[misc]  # the base is chosen at run time
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's way to say it

    for name, (form, first) in _SCALARS.items():
        letters = [letter.replace("\0", "") for letter in first]
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(rf"(?:{form})\Z"), letters)
    Loader.add_constructor("tag:yaml.org,2002:int", _integer)
    for tag in ("!reset", "!override"):
        Loader.add_constructor(tag, _untagged)
    return Loader


def _integer(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        digits = f"0o{digits}"
    return int(sign + digits, 0)


def _untagged(loader: Any, node: Any) -> Any:
    if node.id == "mapping":
        return loader.construct_mapping(node, deep=True)
    if node.id == "sequence":
        return loader.construct_sequence(node, deep=True)
    tag = loader.resolve(type(node), node.value, (node.style is None, False))
    return loader.construct_object(type(node)(tag, node.value, node.start_mark, node.end_mark))
