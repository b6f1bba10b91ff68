"""
End-to-end parity: a running service is asked to simulate, run and replay one plan, and what it answers is compared.

Nothing that it says about itself is believed. Both traces are hashed here, and pass is said in one place, where it was
shown that they are the same; whatever was not answered, or shows nothing, is inconclusive.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from pytest_promotion.canonical import canonical, digest
from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import an_object
from pytest_promotion.http_client import Peer
from pytest_promotion.judgement import Judgement
from pytest_promotion.suites.deployment.determinism.comparison import Comparison, compare
from pytest_promotion.suites.deployment.determinism.documents import read
from pytest_promotion.suites.deployment.determinism.traces import rooted

_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")  # it becomes part of a path
RUN_ID: Final = "{run_id}"
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)+/?")
_UNDERWAY: Final = ("queued", "running")


class Paths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the service is asked what, below its base URL; `{run_id}` stands for the run."""

    simulate: str = "/simulate"
    runs: str = "/runs"
    run: str = "/runs/{run_id}"
    replay: str = "/runs/{run_id}/replay"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the service is asked to do. `timestamp` is the moment that the run is to take for the present."""

    plan: list[Any]
    budget_cents: int
    seed: int
    timestamp: str
    paths: Paths = Paths()

    @property
    def body(self) -> dict[str, Any]:
        """What is sent to the service."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        del found["paths"]
        return found


@dataclass(slots=True)
class Exchange:
    """One simulation, run and replay. `run` and `replay` are the traces as bytes, None where they were not had."""

    run_id: str | None = None
    run: bytes | None = None
    replay: bytes | None = None
    comparison: Comparison | None = None
    against: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def judgement(self) -> Judgement:
        """Whether it was shown that they are the same, or that they are not."""
        shown = self.comparison is not None and self.comparison.same
        nothing = () if shown or self.unknown else ("nothing was compared",)
        return Judgement(against=tuple(self.against), open_questions=(*self.unknown, *nothing))


class _Refuted(Exception):
    """The service did something else than what it was asked for."""


def request_of(content: bytes, origin: str) -> Request:
    """The request in *content*. Raises `PolicyError` for what no service could run."""
    try:
        found = msgspec.convert(read(content, origin), Request, strict=True)
        parse_moment(found.timestamp)
    except (msgspec.ValidationError, BadTimestamp, Unproven) as problem:
        raise PolicyError(f"{origin}: {problem}") from None
    if not found.plan:
        raise PolicyError(f"{origin}: a plan without steps shows nothing")
    for name in found.paths.__struct_fields__:
        path, placeholders = getattr(found.paths, name), int(name in ("run", "replay"))
        if not _PATH.fullmatch(path.replace(RUN_ID, "run")) or ".." in path or path.count(RUN_ID) != placeholders:
            wanted = f"with one {RUN_ID}" if placeholders else f"without {RUN_ID}"
            raise PolicyError(f"{origin}: paths.{name} is {path!r}, expected a path from / on {wanted}")
    return found


def exchange(
    peer: Peer,
    request: Request,
    patience_s: float,
    interval_s: float,
    sleep: Callable[[float], object] = time.sleep,
) -> Exchange:
    """Asks *peer*, for *patience_s* seconds whether its run has ended, each *interval_s* seconds."""
    found = Exchange()
    body, paths = request.body, request.paths
    try:
        _simulated(peer, paths.simulate, body)
        found.run_id = _run_id(_said(peer, "POST", paths.runs, body))
        place = paths.run.replace(RUN_ID, found.run_id)
        found.run = _ended(peer, place, found.run_id, patience_s, interval_s, sleep)
        _as_asked("the run", found.run, body)
        answer = _said(peer, "POST", paths.replay.replace(RUN_ID, found.run_id))
        found.replay = _trace(answer, "the replay")
    except _Refuted as problem:
        found.against.append(str(problem))
    except Unproven as problem:
        found.unknown.append(str(problem))
    else:
        found.comparison = compare(found.run, found.replay, found.run_id)
        found.against += found.comparison.against
        found.unknown += found.comparison.unknown
    return found


def _simulated(peer: Peer, place: str, body: dict[str, Any]) -> None:
    answer = _said(peer, "POST", place, body)
    if answer.get("feasible") is not True:
        raise _Refuted(f"the simulation says feasible: {answer.get('feasible')!r}")
    _as_asked("the simulation", _trace(answer, "the simulation"), body)


def _run_id(answer: dict[str, Any]) -> str:
    found = answer.get("run_id")
    if not isinstance(found, str) or not _RUN_ID.fullmatch(found):
        raise Unproven(f"the run is called {found!r:.80}, which no path can be made of")
    return found


def _ended(
    peer: Peer, place: str, run_id: str, patience_s: float, interval_s: float, sleep: Callable[[float], object]
) -> bytes:
    until = time.monotonic() + patience_s
    while True:
        answer = _said(peer, "GET", place)
        if answer.get("run_id") != run_id:
            raise _Refuted(f"asked for {run_id!r}, the service answers with {answer.get('run_id')!r:.80}")
        status = answer.get("status")
        if status == "completed":
            return _trace(answer, "the run")
        if status == "failed":
            raise _Refuted(f"the run {run_id} failed")
        if status not in _UNDERWAY:
            raise Unproven(f"the run {run_id} is {status!r:.80}, which is no status that is known")
        if time.monotonic() + interval_s > until:
            raise Unproven(f"the run {run_id} is still {status} after {patience_s:g} s")
        sleep(interval_s)


def _as_asked(name: str, content: bytes, body: dict[str, Any]) -> None:
    """Raises `_Refuted` where a trace is of another plan, seed or moment, and `Unproven` where it is none."""
    rooted(content, name)
    document = read(content, name)
    for theirs, ours in (("plan", "plan"), ("seed", "seed"), ("clock", "timestamp")):
        if theirs not in document or canonical(document[theirs]) != canonical(body[ours]):
            raise _Refuted(f"{name} has another {theirs} than what was asked for")


def _trace(answer: dict[str, Any], name: str) -> bytes:
    if not isinstance(answer.get("trace"), dict):
        raise Unproven(f"{name} comes without a trace")
    return (json.dumps(answer["trace"], indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _said(peer: Peer, verb: str, path: str, body: Any = None) -> dict[str, Any]:
    place = f"{verb} {path}"
    answer = peer.ask(verb, path, body)
    if not answer.good:
        raise Unproven(f"{place} is answered with {answer.status}")
    return an_object(read(answer.content, f"the answer to {place}"), f"the answer to {place}")


def request_digest(request: Request) -> str:
    """Which request it was: SHA-256 of its RFC 8785 form."""
    return digest(request.body)
