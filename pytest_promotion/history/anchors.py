"""
Heads of the log that are kept outside of it, so that a log whose end was cut off is noticed.

A chain alone is whole without its newest entries. An anchor says, in a place that writers of the log cannot change,
that entry N had a digest: a log that is shorter, or has another entry there, is not the one that was anchored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final, Literal, Protocol

import msgspec

from pytest_promotion.canonical import canonical
from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.evidence.typed import converted
from pytest_promotion.history.index import Index
from pytest_promotion.history.log import Entry

LARGEST: Final = 64 * 2**20  # bytes of all anchors of one target
_Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Anchored(msgspec.Struct, frozen=True, kw_only=True):
    """
    One head of a log.

    Attributes:
        log: the digest of its first entry, by which two logs differ.
        sequence: of the last entry that there was.
        sha256: the digest of that entry.
        ts_utc: when it was anchored.
    """

    schema_version: Literal[1] = 1
    kind: Literal["promotion-history-head"] = "promotion-history-head"
    log: _Hex
    sequence: Annotated[int, msgspec.Meta(ge=1)]
    sha256: _Hex
    ts_utc: str

    def document(self) -> dict[str, object]:
        """It as plain values."""
        found: dict[str, object] = msgspec.to_builtins(self)
        return found

    @property
    def same(self) -> tuple[str, int, str]:
        """What two anchors of one head agree in."""
        return self.log, self.sequence, self.sha256


class Target(Protocol):
    """A place outside of the log that heads are added to."""

    name: str  # as it may be shown

    def add(self, head: Anchored) -> None:
        """Adds *head*. Raises `Unproven` where another one is in its place, and `OSError`."""

    def heads(self) -> list[Anchored]:
        """All that were added, in any order. Raises `Unproven` where one cannot be read, and `OSError`."""


def line_of(head: Anchored) -> bytes:
    """*head* as one line of JSON, with its end."""
    return canonical(msgspec.to_builtins(head)) + b"\n"


def parse(content: bytes, name: str) -> Iterator[Anchored]:
    """The heads in *content*, one a line. Raises `Unproven`."""
    if len(content) > LARGEST:
        raise Unproven(f"{name} is larger than {LARGEST >> 20} MB, which no list of anchors is")
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            place = f"{name} line {number}"
            found = converted(parse_json(line, place), Anchored, f"{place} is no anchor of a history")
            try:
                parse_moment(found.ts_utc)
            except BadTimestamp as problem:
                raise Unproven(f"{place} is no anchor of a history: {problem}") from None
            yield found


def newest(heads: Iterable[Anchored], name: str) -> Anchored:
    """The one that names the last entry. Raises `Unproven` where there is none."""
    found = max(heads, key=lambda one: one.sequence, default=None)
    if found is None:
        raise Unproven(f"{name} has no anchor of a history")
    return found


def difference(head: Anchored, name: str, last: int, entry_at: Callable[[int], str | None]) -> str:
    """
    Why the log is not the one of which *head* is anchored in *name*, as a sentence; "" where it is.

    Args:
        last: the number of the log's last entry.
        entry_at: gives the digest of an entry by its number.
    """
    when = f"{name}, anchored at {head.ts_utc[:19]}Z"
    if entry_at(1) != head.log:
        return f"the history is not the one of {when}: it begins with another entry"
    if head.sequence > last:
        count = head.sequence - last
        removed = f"{count} newer entries were removed" if count > 1 else "it was removed"
        return f"the history ends with entry {last}, and {when}, names entry {head.sequence}: {removed}"
    if entry_at(head.sequence) != head.sha256:
        return f"entry {head.sequence} of the history is not the one of {when}"
    return ""


def compare(folder: Path, target: Target) -> str:
    """
    Why the log in *folder* is not the one that is anchored in *target*, "" where it is.

    Only the newest anchor is compared: those before it are anchored by it.

    Raises:
        Unproven: where there is no anchor, or one of the two cannot be read.
        OSError: likewise.
    """
    head = newest(target.heads(), target.name)
    with Index(folder) as index:
        return difference(head, target.name, index.last(), lambda number: _digest(index.at(number)))


def head_of(folder: Path, ts_utc: str) -> Anchored:
    """The head of the log in *folder*. Raises `Unproven` where it has no entry, and `OSError`."""
    with Index(folder) as index:
        first, last = index.at(1), index.at(index.last())
        if first is None or last is None:
            raise Unproven("the history has no entry that could be anchored")
        return Anchored(log=first.sha256, sequence=last.sequence, sha256=last.sha256, ts_utc=ts_utc)


def _digest(entry: Entry | None) -> str | None:
    return None if entry is None else entry.sha256
