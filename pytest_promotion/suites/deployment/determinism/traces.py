"""
A trace of a run, and the one hash that stands for all of it.

Version 2 hashes everything that matters, by full SHA-256 over RFC 8785 arrays, each of which begins with what it is:

    head = H([DOMAIN, "head", the trace without steps, root_hash and audit])
    link = H([DOMAIN, "step", the link before, the step without audit])       for each step
    root = H([DOMAIN, "root", the last link, how many steps])

What may differ between two runs of the same thing, durations and wall-clock times, stands under `audit`, nowhere else.
Version 1.1.0, as the earlier system wrote it, is read and verified by its own rules: see `legacy`.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from pytest_promotion.canonical import digest
from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.deployment.determinism import legacy
from pytest_promotion.suites.deployment.determinism.documents import read

VERSION: Final = 2
DOMAIN: Final = "promotion.trace.v2"


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a step failed."""

    code: str
    message: str


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step as it ran."""

    index: int
    skill: str
    inputs: Any
    output: Any
    error: Failure | None
    outcome: Literal["success", "failure", "skipped"]
    rng_state: str | None
    idempotency_key: str | None
    replay: Literal["execute", "skip", "check"]
    audit: dict[str, Any] = {}


class Trace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole run."""

    version: Literal[2]
    run: str
    seed: int
    clock: str  # the moment that the run believed it was
    subject: str
    status: Literal["completed", "failed"]
    plan: Any
    steps: list[Step]
    metadata: dict[str, Any]
    root_hash: str | None
    audit: dict[str, Any] = {}


class Rooted(msgspec.Struct, frozen=True):
    """A trace with its root hash, recomputed from its data. `declared` is what the file says, None for nothing."""

    version: str
    root: str
    declared: str | None
    status: str
    steps: list[dict[str, Any]]
    uncovered: tuple[str, ...] = ()  # what this version's hash says nothing about

    @property
    def holds(self) -> bool:
        """Whether the file declares the hash that its data has."""
        return self.declared == self.root


def rooted(content: bytes, origin: str) -> Rooted:
    """
    The trace in *content* and its recomputed root hash.

    Raises:
        Unproven: for what is no trace of a version that is known here.
    """
    document = read(content, origin)
    version = document.get("version") if isinstance(document, dict) else None
    if version == VERSION:
        trace = _checked(document, origin)
        return Rooted("2", root_hash(document), trace.root_hash, trace.status, document["steps"])
    if version == legacy.VERSION:
        root, declared = legacy.root_hash(document, origin)
        status = "completed" if document.get("finalized") is True else "not finalized"
        return Rooted(legacy.VERSION, root, declared, status, document["steps"], legacy.UNCOVERED)
    raise Unproven(f"{origin}: version {version!r} is not one of {VERSION}, {legacy.VERSION!r}")


def root_hash(document: dict[str, Any]) -> str:
    """The root hash of a version 2 trace as plain values: 64 hex digits."""
    return digest([DOMAIN, "root", links(document)[-1], len(document["steps"])])


def links(document: dict[str, Any]) -> list[str]:
    """The chain that the root hash of a version 2 trace closes: of its head, then of each step with the link before."""
    head = {key: value for key, value in document.items() if key not in ("steps", "root_hash", "audit")}
    found = [digest([DOMAIN, "head", head])]
    for step in document["steps"]:
        kept = {key: value for key, value in step.items() if key != "audit"}
        found.append(digest([DOMAIN, "step", found[-1], kept]))
    return found


def sealed(document: dict[str, Any], origin: str = "the trace") -> dict[str, Any]:
    """
    *document* with its root hash.

    Raises:
        Unproven: where it is no version 2 trace.
    """
    whole = {**document, "root_hash": None}
    _checked(whole, origin)
    return whole | {"root_hash": root_hash(whole)}


def _checked(document: dict[str, Any], origin: str) -> Trace:
    try:
        trace = msgspec.convert(document, Trace, strict=True)
        parse_moment(trace.clock)
    except msgspec.ValidationError as problem:
        raise Unproven(f"{origin} is no version {VERSION} trace: {problem}") from None
    except BadTimestamp as problem:
        raise Unproven(f"{origin}: clock: {problem}") from None
    for number, step in enumerate(trace.steps):
        if step.index != number:
            raise Unproven(f"{origin}: steps[{number}] calls itself {step.index}: a step is missing or out of order")
        if (step.error is not None) != (step.outcome == "failure"):
            raise Unproven(
                f"{origin}: steps[{number}] says {step.outcome} and has {'an' if step.error else 'no'} error"
            )
    return trace
