"""The series that the events of a candidate name as unseen data, read again. No database is needed for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.research.evidence_now import read_named
from pytest_promotion.suites.research.series import Series
from pytest_promotion.suites.research.unseen import Observation

EVENT: Final = "observed"


class _Named(msgspec.Struct, frozen=True):
    """The series as an event has it."""

    kind: str
    base: str
    path: str
    sha256: str


def current(events: Sequence[Mapping[str, Any]], base: Path | None = None, looks: int = 0) -> Observation | None:
    """
    The last series that was named, read again; None where none was. *looks* counts those of other candidates, too.

    Raises:
        Unproven: where the file is gone, changed, or no series.
    """
    named = [_named(event) for event in events if event["event_type"] == EVENT]
    if not named:
        return None
    last = named[-1]
    content = read_named(base or Path(last.base), last.path, last.sha256)
    series = Series.read(content, last.path)
    return Observation(last.kind, series, last.sha256, max(looks, len({one.sha256 for one in named})))


def digest_of(events: Sequence[Mapping[str, Any]]) -> str | None:
    """The digest of the last series that was named."""
    named = [_named(event) for event in events if event["event_type"] == EVENT]
    return named[-1].sha256 if named else None


def _named(event: Mapping[str, Any]) -> _Named:
    try:
        return msgspec.convert(event["payload"], _Named)
    except msgspec.ValidationError as problem:
        raise Unproven(f"event {event['event_id']} names no unseen data: {problem}") from None
