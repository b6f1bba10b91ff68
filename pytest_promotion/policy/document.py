"""
Reading `promotion.yaml` strictly, with the line of every key.

An unknown key, a key that stands twice, a wrong type or a number that is none is refused
with the place and the nearest known key.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import os
import posixpath
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from pytest_promotion import suites
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.files import read_file
from pytest_promotion.evidence.nesting import refuse_bombs
from pytest_promotion.policy.shape import GateRules, PolicyFile, Producer, Profile, Stage

Reader = Callable[[Path], bytes]  # raises OSError where there is no such file
SUITE: Final = "suite:"  # a policy that is not below the root but belongs to an installed suite: suite:NAME


def from_disk(path: Path) -> bytes:
    """The file at *path*, or the policy of an installed suite. Raises `OSError`, `PolicyError`."""
    if path.as_posix().startswith(SUITE):
        return suites.find(path.as_posix().removeprefix(SUITE)).policy.read_bytes()
    return read_file(path)


@dataclass(frozen=True, slots=True)
class PolicySource:
    """One file the policy was read from, as it was read."""

    path: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def relative_to(self, root: Path) -> str:
        """Its path as reports name it; the policy of a suite is at no place below *root*, and is named by the suite."""
        return self.path if self.path.startswith(SUITE) else Path(os.path.relpath(self.path, root)).as_posix()


@dataclass(frozen=True, slots=True)
class Document:
    """A policy file with its includes merged in, and the line of every key."""

    path: str
    data: dict[str, Any]
    lines: dict[tuple[str, ...], str]  # where a key stands: "promotion.yaml line 7"

    @classmethod
    def read(
        cls, path: Path, reader: Reader = from_disk, including: tuple[str, ...] = ()
    ) -> tuple[Document, list[PolicySource]]:
        """The policy at *path*, which *reader* gets: from the disk, or from the evidence of a past decision."""
        place = os.path.normpath(path)
        if place in including:
            raise PolicyError(f"{path} includes itself")
        try:
            content = reader(path)
        except OSError as problem:
            raise PolicyError(f"{path} cannot be read: {(problem.strerror or 'failed').lower()}") from None
        sources = [PolicySource(path.as_posix(), content)]
        own = cls.parse(path, content)
        _validate(own)
        merged: dict[str, Any] = {}
        lines: dict[tuple[str, ...], str] = {}
        for name in own.data.get("include", []):
            part, more = cls.read(path.parent / name, reader, (*including, place))
            sources += more
            _move(part.data, os.path.dirname(name))
            _refuse_conflicts(merged, part)
            merged = merge(merged, part.data, join=True)
            lines |= part.lines
        data = merge(merged, own.data, join=True)
        return cls(path.name, data, lines | own.lines), sources

    @classmethod
    def parse(cls, path: Path, content: bytes, what: str = "a policy") -> Document:
        """
        The YAML mapping in *content* with the line of every key; a moment in it stays the text that it is.

        Raises:
            PolicyError: with the line; *what* it should have been stands in the message.
        """
        import yaml  # twice what the rest of this room takes to import, and a session without a file needs none

        from pytest_promotion.evidence.yaml_values import plain_loader, what_is_wrong

        base: Any = plain_loader()

        class Plain(base):  # type: ignore[misc]  # the base is chosen at run time
            # YAML's own dates lose what was written: 2026-05-01 has no offset, and an hour becomes the machine's.
            yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
                first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:timestamp"]
                for first, resolvers in base.yaml_implicit_resolvers.items()
            }

        try:
            text = content.decode("utf-8")
            refuse_bombs(text, path.name)
            loader = Plain(text)
            node = loader.get_single_node()
            lines: dict[tuple[str, ...], str] = {}
            _index(node, (), path.name, lines)
            data = loader.construct_document(node) if node is not None else None
        except UnicodeDecodeError:
            raise PolicyError(f"{path} is not UTF-8") from None
        except yaml.YAMLError as problem:
            line, text = what_is_wrong(problem)
            where = f" line {line}" if line else ""
            raise PolicyError(f"{path}{where}: {text}") from None
        except (ValueError, RecursionError) as problem:
            raise PolicyError(f"{path}: {problem}") from None
        except Unproven as problem:
            raise PolicyError(str(problem)) from None
        if not isinstance(data, dict):
            raise PolicyError(f"{path} is not {what}: expected a mapping that starts with `version: 1`")
        return cls(path.name, _in_full(data), lines)

    def over(self, suites: Iterable[Document], producers: Mapping[str, Any]) -> Document:
        """
        This document with the producers and exemptions of *suites* beneath its own, and all of their lines.

        Args:
            producers: those of suites that are in no file.
        """
        data: dict[str, Any] = {"producers": dict(producers)} if producers else {}
        lines: dict[tuple[str, ...], str] = {}
        for suite in suites:
            data = merge(data, {key: suite.data[key] for key in ("producers", "prove") if key in suite.data}, join=True)
            lines |= suite.lines
        return Document(self.path, merge(data, self.data, join=True), lines | self.lines)

    def where(self, path: Sequence[str]) -> str:
        """The nearest place known for a path into the data."""
        for length in range(len(path), 0, -1):
            place = self.lines.get(tuple(path[:length]))
            if place:
                return place
        return self.path or "the policy"


def _in_full(data: dict[str, Any]) -> dict[str, Any]:
    """*data*, in which `prove: required` is what it stands for, in profiles too."""
    profiles = data.get("profiles")
    for rules in (data, *(profiles.values() if isinstance(profiles, dict) else ())):
        if not isinstance(rules, dict) or "prove" not in rules:
            continue
        prove = rules["prove"]
        if isinstance(prove, (str, bool)):
            prove = rules["prove"] = {"mode": prove}
        if isinstance(prove, dict) and prove.get("mode") is False:
            prove["mode"] = "off"  # which YAML takes for a boolean
    return data


def _index(node: Any, path: tuple[str, ...], name: str, lines: dict[tuple[str, ...], str]) -> None:
    kind = getattr(node, "id", "")  # by its name, so that this needs no import; None for an empty file
    if kind == "sequence":
        for number, item in enumerate(node.value):
            lines[(*path, str(number))] = f"{name} line {item.start_mark.line + 1}"
            _index(item, (*path, str(number)), name, lines)
    elif kind == "mapping":
        seen = set()
        for key, value in node.value:
            place = f"{name} line {key.start_mark.line + 1}"
            text = str(key.value)
            if text in seen:
                raise PolicyError(f"{place}: the key {text!r} stands twice")
            if text == "<<":
                raise PolicyError(f"{place}: merge keys are not read in a policy; let a profile `extends` another")
            if key.tag != "tag:yaml.org,2002:str":
                raise PolicyError(f"{place}: the key {text} is not a text; put it in quotes")
            seen.add(text)
            lines[(*path, text)] = place
            _index(value, (*path, text), name, lines)
    elif node is not None and node.tag == "tag:yaml.org,2002:float" and not _finite(node.value):
        raise PolicyError(f"{name} line {node.start_mark.line + 1}: {node.value} is not a finite number")


def _finite(text: str) -> bool:
    try:
        plain = text.replace("_", "").lstrip("+-").lower()  # YAML spells them .inf, .Inf, .INF, .nan, .NaN and .NAN
        return math.isfinite(float(plain.replace(".inf", "inf").replace(".nan", "nan")))
    except ValueError:
        return True  # something YAML reads in its own way, such as 1:30; its type is checked later


def _validate(document: Document) -> None:
    """Checks the file piece by piece, so that an error can name the gate or the profile it is in."""
    pieces: dict[str, Any] = {"gates": GateRules, "profiles": Profile, "producers": Producer, "stages": Stage}
    _piecewise(document.data, PolicyFile, pieces, (), document)


def _piecewise(data: Any, wanted: Any, named: dict[str, Any], path: tuple[str, ...], document: Document) -> None:
    mapping = data if isinstance(data, dict) else {}
    shallow = {key: {} if key in named and isinstance(value, dict) else value for key, value in mapping.items()}
    convert(shallow if isinstance(data, dict) else data, wanted, path, document)
    for key, kind in named.items():
        for name, body in (mapping.get(key) or {}).items():
            inner = {"gates": GateRules} if kind is Profile else {}
            _piecewise(body, kind, inner, (*path, key, name), document)


def convert(data: Any, wanted: Any, prefix: tuple[str, ...], document: Document) -> Any:
    try:
        return msgspec.convert(data, wanted)
    except msgspec.ValidationError as problem:
        message, _, tail = str(problem).partition(" - at `$")
        steps = [*prefix, *(step for step in tail.rstrip("`").replace("[", ".").replace("]", "").split(".") if step)]
        if "unknown field" in message:
            name = message.split("`")[1]
            steps.append(name)
            known = _known(wanted, steps[len(prefix) : -1])
            raise PolicyError(f"{document.where(steps)}: unknown key {name!r}{_nearest(name, known)}") from None
        where = ".".join(steps) or "the policy"
        message = message.replace("`str | object`", "a gate id, or a mapping of `gate` and `parameters`")
        raise PolicyError(f"{document.where(steps)}: {where}: {message[:1].lower()}{message[1:]}") from None


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(sorted(known))}"


def _known(wanted: Any, steps: Sequence[str]) -> tuple[str, ...]:
    """The keys that may stand at a path into *wanted*."""
    for step in steps:
        if step.isdecimal():
            continue  # an item of a list; which keys it has, the list has told
        # Of `This | None` or `list[str | This]` the one that has keys.
        wanted = next(
            kind for kind in _kinds(typing.get_type_hints(wanted)[step]) if hasattr(kind, "__struct_fields__")
        )
    return tuple(wanted.__struct_fields__)


def _kinds(hint: Any) -> Iterator[Any]:
    """A type and the types that it is made of."""
    yield hint
    for part in typing.get_args(hint):
        yield from _kinds(part)


def merge(under: Mapping[str, Any], over: Mapping[str, Any], *, join: bool = False) -> dict[str, Any]:
    """
    *over* laid on *under*, mappings key by key; `not_applicable` as a whole, since a condition is one sentence.

    With *join*, `required`, what proving excuses, what may be of any age and what is not kept grow instead of being
    replaced.
    """
    merged = dict(under)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict) and key != "not_applicable":
            merged[key] = merge(merged[key], value, join=join and key in ("prove", "timestamps"))
        elif join and key in ("required", "equivalent", "ageless", "by_digest") and merged.get(key):
            merged[key] = [*merged[key], *(item for item in value or [] if item not in merged[key])]
        else:
            merged[key] = value
    return merged


def _move(data: dict[str, Any], folder: str) -> None:
    """Makes the files that an included policy names relative to the policy that includes it, in place."""
    for rules in (data, *data.get("profiles", {}).values()):
        for key in ("waivers", "signers"):
            if rules.get(key) is not None:
                rules[key] = posixpath.normpath(posixpath.join(folder, rules[key]))
    for stage in data.get("stages", {}).values():
        if stage.get("keys"):
            stage["keys"] = [posixpath.normpath(posixpath.join(folder, key)) for key in stage["keys"]]


def _refuse_conflicts(merged: Mapping[str, Any], part: Document, path: tuple[str, ...] = ()) -> None:
    """Two included policies may not disagree: nobody could tell which one holds."""
    data: Any = part.data
    for step in path:
        data = data[step]
    for key, value in data.items():
        if (
            key not in merged
            or (not path and key in ("required", "include", "version", "by_digest"))
            or (*path, key) in (("prove", "equivalent"), ("timestamps", "ageless"))
        ):
            continue
        if isinstance(value, dict) and isinstance(merged[key], dict):
            _refuse_conflicts(merged[key], part, (*path, key))
        elif merged[key] != value:
            where = part.where((*path, key))
            raise PolicyError(f"{where}: {'.'.join((*path, key))} is set differently by another included policy")
