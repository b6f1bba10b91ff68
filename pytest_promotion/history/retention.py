"""
Clearing a vault of what no kept decision names.

What is named is found in the files of the kept decisions, replays and shards themselves: every 64 hex
digits that stand in one. That takes too much for a name now and then, and never too little. What cannot
be understood is kept, and what a session may be relying on right now is too young to go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import documents
from pytest_promotion.evidence.vault import Kept, Vault
from pytest_promotion.history.index import Index, Question
from pytest_promotion.history.log import NAME
from pytest_promotion.trust.stored import read_content

GRACE: Final = timedelta(hours=24)  # longer than any session lasts
_NAME: Final = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_ALWAYS: Final = datetime.max.replace(tzinfo=UTC)
_ALL: Final = 2**62


@dataclass(frozen=True, slots=True)
class Keeping:
    """Which decisions keep their evidence: those of the last `days`, and the last `last` of them."""

    days: int = 0
    last: int = 0
    grace: timedelta = GRACE


@dataclass(slots=True)
class Cleared:
    """What was removed, or would be."""

    removed: list[Kept] = field(default_factory=list)
    named: int = 0
    young: int = 0

    @property
    def size_bytes(self) -> int:
        """How much room that makes."""
        return sum(one.size_bytes for one in self.removed)

    def document(self) -> dict[str, Any]:
        """The same as plain values."""
        names = [one.digest for one in self.removed]
        return {"removed": names, "size_bytes": self.size_bytes, "named": self.named, "young": self.young}


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    sha256: str
    names: frozenset[str]  # every digest that stands in it
    moment: datetime  # _ALWAYS for what has to be kept whatever its date
    decides: bool


def clear(folders: Sequence[Path], vault: Vault, keeping: Keeping, now: datetime, *, dry_run: bool = False) -> Cleared:
    """
    Removes from *vault* what no kept decision in any of *folders* names and no session may be about to name.

    Raises:
        Unproven: where a session runs, or where it cannot be told what a kept decision names. Then nothing was removed.
        OSError: where the vault cannot be read or written.
    """
    names: set[str] = set()
    for folder in folders:
        names |= _named(folder, keeping, now)
    found, before = Cleared(), now - keeping.grace
    # Listed whole before any of it goes: a list that breaks off half-way is no list.
    for one in list(vault.kept()):
        if _HEX.fullmatch(one.digest) and one.digest in names:
            found.named += 1
        elif one.modified is None or one.modified >= before:
            found.young += 1
        elif dry_run or vault.discard(one, before):
            found.removed.append(one)
        else:
            found.young += 1
    return found


def _named(folder: Path, keeping: Keeping, now: datetime) -> set[str]:
    files = list(_files(folder, now - keeping.grace))
    if not files:
        raise Unproven(f"there is no decision in {folder}: that its vault is of no use is not known from that")
    since = now - timedelta(days=keeping.days)
    youngest = sorted((one.moment for one in files if one.decides), reverse=True)[: keeping.last]
    since = min([since, *youngest])
    kept = [one for one in files if one.moment >= since]
    _demand_logged(folder, kept, since)
    return {name for one in kept for name in one.names}


def _files(folder: Path, running_since: datetime) -> Iterator[_File]:
    for path in sorted(folder.glob("*.json")):
        content = read_content(path)
        names = frozenset(name.decode() for name in _NAME.findall(content))
        about = path.name, sha256(content).hexdigest(), names
        try:
            found = documents.parse_json(content, path.name)
            moment = parse_moment(found["ts_utc"])
        except (Unproven, BadTimestamp, TypeError, KeyError):
            yield _File(*about, _ALWAYS, decides=False)
            continue
        if found.get("finished") is False and moment >= running_since:
            raise Unproven(f"a session that began at {iso(moment)} has not finished: {path} says so")
        newest = path.name == "latest.json"
        decides = not newest and found.get("kind") == "decision" and found.get("finished") is True
        yield _File(*about, _ALWAYS if newest else moment, decides)


def _demand_logged(folder: Path, kept: Sequence[_File], since: datetime) -> None:
    """Refuses to go on where the history knows of a kept decision that is not there, or not as it was."""
    if not (folder / NAME).exists():
        return
    there = {one.name: one.sha256 for one in kept}
    with Index(folder) as index:
        for entry in index.entries(Question(since=since, limit=_ALL)):
            decision = entry.decision
            if there.get(decision.file) != decision.sha256:
                how = "was changed" if decision.file in there else "is not there"
                raise Unproven(f"{decision.file} {how}: what it names cannot be told, and it is to be kept")
