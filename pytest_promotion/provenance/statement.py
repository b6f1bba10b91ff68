"""
The statement beside an output: which command wrote it, when, and from which inputs.

It is an in-toto Statement v1 with SLSA provenance v1, whose predicate has times, tool versions and by-products; that of
in-toto `link` has none of them.

- https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
- https://slsa.dev/spec/v1.1/provenance
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.provenance.inputs import Entry, Input, digest_of
from pytest_promotion.version import VERSION

SUFFIX: Final = ".intoto.json"
LISTING: Final = ".inputs.json"
LISTED: Final = 2000  # files that a statement lists itself; more are listed in a file beside it
_STATEMENT: Final = "https://in-toto.io/Statement/v1"
_PROVENANCE: Final = "https://slsa.dev/provenance/v1"
_BUILD_TYPE: Final = "https://pytest-promotion.readthedocs.io/run/v1"
_BUILDER: Final = "https://pytest-promotion.readthedocs.io/run"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a run of a command amounted to."""

    name: str
    command: tuple[str, ...]
    accepted: tuple[int, ...]  # exit codes
    exit_code: int
    started: datetime
    finished: datetime
    outputs: tuple[tuple[str, str], ...]  # path and SHA-256
    inputs: tuple[Input, ...]
    changed: tuple[str, ...] = ()  # what changed in the inputs while the command ran, or why that cannot be told
    elapsed_s: float = 0.0  # by a clock that cannot be set
    invocation: str = ""
    environment: tuple[tuple[str, str | None], ...] = ()
    tools: tuple[tuple[str, str], ...] = ()
    commit: str = ""
    listing: tuple[str, str] | None = None  # path and SHA-256 of the file that lists the files of its folders
    unlisted: frozenset[str] = field(default_factory=frozenset)  # inputs whose files are listed there


def names_of(outputs: Iterable[str]) -> list[str]:
    """The outputs and all that is written beside them."""
    return [name for path in outputs for name in (path, f"{path}{SUFFIX}", f"{path}{LISTING}")]


# --- writing ---


def listing_of(inputs: Sequence[Input]) -> bytes | None:
    """The files of all folders among *inputs* as a document of its own; None where they are few."""
    folders = [one for one in inputs if one.kind == "folder"]
    if sum(len(one.entries) for one in folders) <= LISTED:
        return None
    return msgspec.json.encode({one.name: one.entries for one in folders})


def written(statement: Statement) -> bytes:
    """The statement as JSON."""
    version = {"pytest-promotion": VERSION, "python": ".".join(map(str, sys.version_info[:3])), **dict(statement.tools)}
    byproducts: list[dict[str, Any]] = [
        {"name": "run", "annotations": {"exitCode": statement.exit_code, "elapsedSeconds": statement.elapsed_s}}
    ]
    if statement.changed:
        byproducts.append({"name": "inputs after the run", "annotations": {"changed": statement.changed}})
    if statement.listing is not None:
        name, sha256 = statement.listing
        byproducts.append({"name": name, "digest": {"sha256": sha256}, "annotations": {"lists": "files of the inputs"}})
    dependencies = [_descriptor(one, listed=statement.listing is None) for one in statement.inputs]
    if statement.commit:
        dependencies.append({"uri": "git+file:.", "digest": {"gitCommit": statement.commit}})
    return msgspec.json.encode(
        {
            "_type": _STATEMENT,
            "subject": [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in statement.outputs],
            "predicateType": _PROVENANCE,
            "predicate": {
                "buildDefinition": {
                    "buildType": _BUILD_TYPE,
                    "externalParameters": {
                        "name": statement.name,
                        "command": statement.command,
                        "environment": dict(statement.environment),
                        "acceptedExitCodes": statement.accepted,
                    },
                    "resolvedDependencies": dependencies,
                },
                "runDetails": {
                    "builder": {"id": _BUILDER, "version": version},
                    "metadata": {
                        "invocationId": statement.invocation,
                        "startedOn": iso(statement.started),
                        "finishedOn": iso(statement.finished),
                    },
                    "byproducts": byproducts,
                },
            },
        }
    )


def _descriptor(one: Input, *, listed: bool) -> dict[str, Any]:
    notes: dict[str, Any] = {"kind": one.kind}
    if one.kind == "folder":
        notes |= {"files": len(one.entries), "sizeBytes": one.size_bytes}
        notes |= {"leftOut": one.left_out} if one.left_out else {}
        notes |= {"entries": one.entries} if listed else {}
    elif one.kind == "file":
        notes["sizeBytes"] = one.size_bytes
    return {"name": one.name, "digest": {"sha256": one.sha256}, "annotations": notes}


# --- reading ---


class _Annotations(msgspec.Struct, frozen=True):
    kind: str = ""
    entries: tuple[Entry, ...] | None = None
    left_out: tuple[str, ...] = msgspec.field(default=(), name="leftOut")
    exit_code: int | None = msgspec.field(default=None, name="exitCode")
    elapsed_s: float = msgspec.field(default=0.0, name="elapsedSeconds")
    changed: tuple[str, ...] = ()
    size_bytes: int = msgspec.field(default=0, name="sizeBytes")


class _Descriptor(msgspec.Struct, frozen=True):
    name: str = ""
    digest: dict[str, str] = {}
    annotations: _Annotations = _Annotations()


class _External(msgspec.Struct, frozen=True):
    name: str
    command: tuple[str, ...]
    accepted: tuple[int, ...] = msgspec.field(name="acceptedExitCodes")
    environment: dict[str, str | None] = {}


class _Definition(msgspec.Struct, frozen=True):
    build_type: str = msgspec.field(name="buildType")
    external: _External = msgspec.field(name="externalParameters")
    dependencies: tuple[_Descriptor, ...] = msgspec.field(name="resolvedDependencies")


class _Metadata(msgspec.Struct, frozen=True):
    started: str = msgspec.field(name="startedOn")
    finished: str = msgspec.field(name="finishedOn")
    invocation: str = msgspec.field(default="", name="invocationId")


class _Details(msgspec.Struct, frozen=True):
    metadata: _Metadata
    byproducts: tuple[_Descriptor, ...] = ()


class _Predicate(msgspec.Struct, frozen=True):
    definition: _Definition = msgspec.field(name="buildDefinition")
    details: _Details = msgspec.field(name="runDetails")


class _Document(msgspec.Struct, frozen=True):
    type: str = msgspec.field(name="_type")
    predicate_type: str = msgspec.field(name="predicateType")
    subject: tuple[_Descriptor, ...]
    predicate: _Predicate


class _Envelope(msgspec.Struct, frozen=True):
    payload: str
    payload_type: str = msgspec.field(name="payloadType")


def payload_of(content: bytes, name: str) -> bytes:
    """
    The statement in *content*: itself, or what an envelope around it holds; whose signatures it has is not looked at.

    Raises:
        Unproven: for what cannot be read.
    """
    if b'"payloadType"' not in content[:200] and b'"payloadType"' not in content[-2000:]:
        return content
    try:
        envelope = msgspec.json.decode(content, type=_Envelope)
        return base64.b64decode(envelope.payload, validate=True)
    except (msgspec.DecodeError, ValueError) as problem:
        raise Unproven(f"{name} is no statement: {problem}") from None


def parse(content: bytes, name: str) -> Statement:
    """
    The statement in *content*, the payload; *name* is what messages call it.

    Raises:
        Unproven: for what is not a statement that `promotion run` writes.
    """
    try:
        found = msgspec.json.decode(content, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Unproven(f"{name} is no statement: {problem}") from None
    definition, details = found.predicate.definition, found.predicate.details
    kinds = found.type, found.predicate_type, definition.build_type
    if kinds != (_STATEMENT, _PROVENANCE, _BUILD_TYPE):
        raise Unproven(f"{name} is no statement of `promotion run`: it says {', '.join(kinds)}")
    try:
        started, finished = parse_moment(details.metadata.started), parse_moment(details.metadata.finished)
    except BadTimestamp as problem:
        raise Unproven(f"{name} has no time: {problem}") from None
    notes = {one.name: one for one in details.byproducts}
    run = notes["run"].annotations if "run" in notes else _Annotations()
    if run.exit_code is None:
        raise Unproven(f"{name} does not say how its command ended")
    lists = next((one for one in details.byproducts if one.name.endswith(LISTING)), None)
    dependencies = [one for one in definition.dependencies if one.annotations.kind]
    after = notes.get("inputs after the run")
    return Statement(
        name=definition.external.name,
        command=definition.external.command,
        accepted=definition.external.accepted,
        exit_code=run.exit_code,
        started=started,
        finished=finished,
        outputs=tuple((one.name, _sha256(one, name)) for one in found.subject),
        inputs=tuple(_input(one, name) for one in dependencies),
        changed=after.annotations.changed if after is not None else (),
        elapsed_s=run.elapsed_s,
        invocation=details.metadata.invocation,
        environment=tuple(definition.external.environment.items()),
        listing=(lists.name, _sha256(lists, name)) if lists is not None else None,
        unlisted=frozenset(one.name for one in dependencies if _is_unlisted(one)),
    )


def with_listing(statement: Statement, content: bytes, name: str) -> Statement:
    """*statement* with the files that *content*, the file called *name*, lists. Raises `Unproven`."""
    try:
        listed = msgspec.json.decode(content, type=dict[str, tuple[Entry, ...]])
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise Unproven(f"{name} lists no files: {problem}") from None
    found = (
        _checked(replace(one, entries=listed.get(one.name, ())), name) if one.name in statement.unlisted else one
        for one in statement.inputs
    )
    return replace(statement, inputs=tuple(found))


def _sha256(one: _Descriptor, name: str) -> str:
    found = one.digest.get("sha256", "")
    if len(found) != 64:
        raise Unproven(f"{name} gives no SHA-256 of {one.name or 'one of its files'}")
    return found


def _is_unlisted(one: _Descriptor) -> bool:
    return one.annotations.kind == "folder" and one.annotations.entries is None


def _input(one: _Descriptor, name: str) -> Input:
    notes = one.annotations
    made = Input(one.name, notes.kind, _sha256(one, name), notes.entries or (), notes.size_bytes, notes.left_out)
    return made if notes.kind != "folder" or notes.entries is None else _checked(made, name)


def _checked(one: Input, name: str) -> Input:
    """*one*, whose files give the digest that it has. Raises `Unproven`."""
    if digest_of(one.entries) != one.sha256:
        raise Unproven(f"{name}: the files of {one.name} that it lists do not give the digest that it has of them")
    return one


def environment_of(names: Iterable[str], environment: Mapping[str, str]) -> tuple[tuple[str, str | None], ...]:
    """The variables that were named, with secrets masked; None for one that is not set."""
    from pytest_promotion.text import measured

    return tuple((name, measured(name, environment[name]) if name in environment else None) for name in names)
