"""
The state of one service: healthy only where everything that shows it alive does.

Healthy, unhealthy, or unknown: what could not be asked is neither, and nothing may act as if
it were the first.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from pytest_promotion.clock import FUTURE_SKEW, iso
from pytest_promotion.durations import format_duration
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.reading import Root, read
from pytest_promotion.suites.trading.health.bus import NoAnswer, ping, redis_url
from pytest_promotion.suites.trading.health.content import dated
from pytest_promotion.suites.trading.health.services import Service


@dataclass(frozen=True, slots=True)
class Finding:
    """What one question came to: `ok` is None where it could not be asked."""

    asked: str
    ok: bool | None
    said: str
    age_s: float | None = None
    max_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of one service at one moment."""

    service: str
    at: datetime
    findings: tuple[Finding, ...]

    @property
    def state(self) -> str:
        """`healthy`, `unhealthy` or `unknown`."""
        answers = {finding.ok for finding in self.findings}
        if False in answers:
            return "unhealthy"
        return "healthy" if answers == {True} else "unknown"

    def document(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "service": self.service,
            "ts_utc": iso(self.at),
            "state": self.state,
            "findings": [asdict(finding) for finding in self.findings],
        }


Ping = Callable[[str], str]


def once() -> Ping:
    """`ping` that asks each URL once: three services on one Redis that hangs wait for it once."""
    answers: dict[str, str | NoAnswer | Unproven] = {}

    def ask(url: str) -> str:
        if url not in answers:
            try:
                answers[url] = ping(url)
            except (NoAnswer, Unproven) as problem:
                answers[url] = problem
        answer = answers[url]
        if isinstance(answer, str):
            return answer
        raise answer

    return ask


def judge(name: str, service: Service, root: Path, environ: Mapping[str, str], now: datetime, ask: Ping) -> Health:
    """
    Asks everything that shows the service alive, below *root* and as of *now*.

    Raises:
        PolicyError: for a variable in *environ* that cannot be used.
    """
    questions = []
    if service.limit is not None:
        questions.append(functools.partial(_file, service, root, environ, now))
    if service.redis:
        questions.append(functools.partial(_bus, environ, ask))
    return Health(name, now, tuple(question() for question in questions))


def _file(service: Service, root: Path, environ: Mapping[str, str], now: datetime) -> Finding:
    assert service.limit is not None  # noqa: S101 - for the type checker; `judge` has looked
    limit = service.limit.given(environ)
    named = environ.get(service.path_variable) if service.path_variable else None
    if named == "":
        raise PolicyError(f"{service.path_variable} is empty, expected the path of a file")
    asked = named or service.writes
    try:
        name, moment, source = _newest(root, asked, service.field, now, literal=named is not None)
    except Unproven as refusal:
        return Finding(asked, ok=False, said=str(refusal), max_age_s=limit)
    age = (now - moment).total_seconds()
    shown, allowed = format_duration(age), format_duration(limit)
    if shown == allowed:
        shown, allowed = f"{age:.1f} s", f"{limit:g} s"  # whichever side of the limit it is on has to be seen
    said = f"{name} is {shown} old by its {source}, {service.limit.variable} allows {allowed}"
    return Finding(asked, ok=age <= limit, said=said, age_s=age, max_age_s=limit)


def _newest(root: Path, asked: str, field: str, now: datetime, *, literal: bool) -> tuple[str, datetime, str]:
    """
    The newest match by the time inside it. Raises `Unproven`.

    A match that cannot be dated refuses all: it might be the newest, and nobody could tell.
    """
    matches = [root / asked] if literal else [path for path in root.glob(asked) if path.is_file()]
    found = []
    for path in matches:
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
        with _opened(root, path, name) as (file, size):
            moment, source = dated(name, file, size, field)
        if moment - now > FUTURE_SKEW:
            ahead = format_duration((moment - now).total_seconds())
            raise Unproven(f"{name} is dated {ahead} in the future ({source} {iso(moment)})")
        found.append((moment, name, source))
    if not found:
        raise Unproven(f"{asked} is missing")
    moment, name, source = max(found)
    return name, moment, source


@contextmanager
def _opened(root: Path, path: Path, name: str) -> Iterator[tuple[IO[bytes], int]]:
    if path.suffix == ".jsonl":  # may be gigabytes, and only its end is read
        from pytest_promotion.evidence.event_store.pages import opened

        with opened(path) as store:
            yield store.file, store.size
        return
    base = root if path.is_relative_to(root) else path.parent
    try:
        reading = read(Root(base), path.relative_to(base).as_posix())
    except FileNotFoundError:
        raise Unproven(f"{name} is missing") from None
    if reading.content is None:
        raise Unproven(f"{name} is {reading.size_bytes >> 20} MB, which no report is")
    yield io.BytesIO(reading.content), reading.size_bytes


def _bus(environ: Mapping[str, str], ask: Ping) -> Finding:
    url = redis_url(environ)
    if not url:
        why = "neither REDIS_URL nor REDIS_HOST is set, so it is not known which Redis to ask"
        return Finding("redis", ok=None, said=why)
    try:
        return Finding("redis", ok=True, said=f"Redis answered {ask(url)}")
    except NoAnswer as problem:
        return Finding("redis", ok=False, said=str(problem))
    except Unproven as problem:
        return Finding("redis", ok=None, said=str(problem))
